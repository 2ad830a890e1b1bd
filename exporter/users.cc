#include "poolscope/exporter/users.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "poolscope/allocator/base/read_file.h"
#include "poolscope/exporter/bcrypt.h"

namespace poolscope {
namespace {

constexpr size_t kMaxNameBytes = 64;

absl::Status BadLine(int number, absl::string_view problem) {
  return absl::InvalidArgumentError(
      absl::StrCat("line ", number, ": ", problem));
}

// `text` without its quotes, or as it is where it has none.
absl::string_view Unquote(absl::string_view text) {
  if (text.size() >= 2 && (text.front() == '"' || text.front() == '\'') &&
      text.back() == text.front()) {
    return text.substr(1, text.size() - 2);
  }
  return text;
}

// Neither a name nor a hash may have a '#'.
absl::string_view WithoutComment(absl::string_view line) {
  return absl::StripTrailingAsciiWhitespace(line.substr(0, line.find('#')));
}

using UserIterator = std::vector<User>::const_iterator;

// That `user` can be one beside those from `first` to it.
absl::Status ValidateUser(UserIterator first, UserIterator user) {
  const std::string named =
      absl::StrCat("user \"", absl::CHexEscape(user->name), "\"");
  if (user->name.empty() || user->name.size() > kMaxNameBytes ||
      !std::all_of(user->name.begin(), user->name.end(), absl::ascii_isgraph) ||
      absl::StrContains(user->name, ':')) {
    return absl::InvalidArgumentError(
        absl::StrCat(named, ": a name has 1 to ", kMaxNameBytes,
                     " printable ASCII characters, and no ':'"));
  }
  if (BcryptCost(user->password_hash) == 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        named,
        ": its password must be given as a bcrypt hash of a cost from 4 to ",
        kMaxBcryptCost, ", as \"htpasswd -nBC 10 ", user->name,
        "\" prints it"));
  }
  if (std::any_of(first, user, [&](const User& other) {
        return other.name == user->name;
      })) {
    return absl::InvalidArgumentError(
        absl::StrCat(named, " is there twice: give it its highest role"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ValidateUsers(const std::vector<User>& users) {
  for (auto user = users.begin(); user != users.end(); ++user) {
    const absl::Status valid = ValidateUser(users.begin(), user);
    if (!valid.ok()) return valid;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<User>> ParseUsers(absl::string_view text) {
  std::vector<User> users;
  std::optional<Role> role;
  int number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    line = WithoutComment(line);
    if (line.empty()) continue;
    const bool indented = line.front() == ' ';
    const absl::string_view entry = absl::StripLeadingAsciiWhitespace(line);
    const size_t colon = entry.find(':');
    if (colon == absl::string_view::npos) {
      return BadLine(number,
                     "a ':' is missing, as in \"scrape:\" or \"  name: "
                     "$2y$10$...\"");
    }
    const absl::string_view key = Unquote(entry.substr(0, colon));
    const absl::string_view value =
        Unquote(absl::StripAsciiWhitespace(entry.substr(colon + 1)));
    if (!indented) {
      role = FindRole(key);
      if (!role.has_value() || !value.empty()) {
        return BadLine(number,
                       "what is not indented is a role, \"scrape:\", "
                       "\"debug:\" or \"act:\", with its users below it");
      }
      continue;
    }
    if (!role.has_value()) {
      return BadLine(number,
                     "a user without a role: put \"scrape:\", \"debug:\" or "
                     "\"act:\" above it");
    }
    users.push_back({std::string(key), std::string(value), *role});
    const absl::Status valid = ValidateUser(users.begin(), users.end() - 1);
    if (!valid.ok()) return BadLine(number, valid.message());
  }
  if (users.empty()) {
    return absl::InvalidArgumentError(
        "it has no user: nobody could ask for anything");
  }
  return users;
}

absl::StatusOr<std::vector<User>> ReadUsersFile(const std::string& path) {
  const std::string named =
      absl::StrCat("users file \"", absl::CHexEscape(path), "\": ");
  const std::optional<std::string> text = ReadFile(path);
  if (!text.has_value()) {
    return absl::NotFoundError(absl::StrCat(
        named, std::strerror(errno), "; docs/security.md says what is in it"));
  }
  if (text->size() == kMaxReadFileBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(named, "it has a MiB or more; users are to be few"));
  }
  absl::StatusOr<std::vector<User>> users = ParseUsers(*text);
  if (users.ok()) return users;
  return absl::InvalidArgumentError(
      absl::StrCat(named, users.status().message()));
}

}  // namespace poolscope
