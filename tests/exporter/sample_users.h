// Users for tests, with the passwords that their hashes stand for. The hashes
// have bcrypt's least cost.
#ifndef POOLSCOPE_TESTS_EXPORTER_SAMPLE_USERS_H_
#define POOLSCOPE_TESTS_EXPORTER_SAMPLE_USERS_H_

#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "poolscope/exporter/users.h"

namespace poolscope {

// prometheus, scrape-me; grace, debug-me; alice, act-me.
inline std::vector<User> SampleUsers() {
  return {
      {"prometheus",
       "$2y$04$abcdefghijklmnopqrstuuY9IzzDs2KOfMw3usTjoBXx1ZNABU.fW",
       Role::kScrape},
      {"grace", "$2y$04$abcdefghijklmnopqrstuuJ0uvavGIMYgGsBRsyYpEzQ.SqcIAk3q",
       Role::kDebug},
      {"alice", "$2y$04$abcdefghijklmnopqrstuuA51kP3l7HVSfDb0kzsZVM2PgvRw2CXa",
       Role::kAct},
  };
}

// "Basic cHJv...".
inline std::string BasicAuth(absl::string_view name,
                             absl::string_view password) {
  return absl::StrCat("Basic ",
                      absl::Base64Escape(absl::StrCat(name, ":", password)));
}

// A header of a request, with its line end.
inline std::string AuthHeader(absl::string_view name,
                              absl::string_view password) {
  return absl::StrCat("Authorization: ", BasicAuth(name, password), "\r\n");
}

}  // namespace poolscope

#endif  // POOLSCOPE_TESTS_EXPORTER_SAMPLE_USERS_H_
