// User: who may ask a server for what; and the file that lists them.
//
//   # Hashes come from: htpasswd -nBC 10 NAME
//   scrape:
//     prometheus: $2y$10$LTXUqvKOwHoEPGTHHPFDNeT3q3VsBQ0HxBXSZ6L4LmXQ4SJXfB3Ui
//   act:
//     alice: $2y$10$...
//
// A role, and below it, indented, users and the bcrypt hashes of their
// passwords, in the form that `basic_auth_users` has in Prometheus's web
// configuration. Names and hashes may stand in quotes; the rest of YAML is not
// understood, and refused.
//
// Errors name the line, and the user or the role, never what stands in the
// place of a hash: it may be a password.
#ifndef POOLSCOPE_EXPORTER_USERS_H_
#define POOLSCOPE_EXPORTER_USERS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "poolscope/exporter/role.h"

namespace poolscope {

struct User {
  std::string name;           // printable ASCII without ':'
  std::string password_hash;  // of bcrypt; see bcrypt.h
  Role role = Role::kScrape;
};

// InvalidArgumentError names the first user whose name or hash cannot be taken,
// or that is there twice.
absl::Status ValidateUsers(const std::vector<User>& users);

// The users in the text of a file, valid; at least one.
absl::StatusOr<std::vector<User>> ParseUsers(absl::string_view text);

// InvalidArgumentError or NotFoundError name `path`.
absl::StatusOr<std::vector<User>> ReadUsersFile(const std::string& path);

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_USERS_H_
