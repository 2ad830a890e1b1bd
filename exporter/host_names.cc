#include "poolscope/exporter/host_names.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace poolscope {
namespace {

bool IsAddress(const std::string& host) {
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    in6_addr binary;
    return inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(),
                     &binary) == 1;
  }
  in_addr binary;
  return inet_pton(AF_INET, host.c_str(), &binary) == 1;
}

// `host` without ":9464".
absl::string_view WithoutPort(absl::string_view host) {
  const size_t colon = host.rfind(':');
  if (colon == absl::string_view::npos) return host;
  const absl::string_view port = host.substr(colon + 1);
  const bool digits =
      std::all_of(port.begin(), port.end(), absl::ascii_isdigit);
  return digits ? host.substr(0, colon) : host;
}

}  // namespace

HostNames::HostNames(std::vector<std::string> names)
    : names_(std::move(names)) {
  for (std::string& name : names_) absl::AsciiStrToLower(&name);
}

bool HostNames::Includes(absl::string_view host) const {
  if (host.empty()) return true;
  std::string name = absl::AsciiStrToLower(WithoutPort(host));
  // A name with a dot at its end is the same name.
  if (absl::EndsWith(name, ".")) name.pop_back();
  return name == "localhost" || IsAddress(name) ||
         std::find(names_.begin(), names_.end(), name) != names_.end();
}

absl::Status ValidateHostNames(const std::vector<std::string>& names) {
  constexpr size_t kMaxBytes = 253;
  for (const std::string& name : names) {
    const bool good =
        !name.empty() && name.size() <= kMaxBytes && name.back() != '.' &&
        std::all_of(name.begin(), name.end(), [](char c) {
          return absl::ascii_isalnum(c) || c == '-' || c == '.' || c == '_';
        });
    if (good) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("host \"", absl::CHexEscape(name),
                     "\" is no name: give one such as metrics.example, "
                     "without scheme and port"));
  }
  return absl::OkStatus();
}

}  // namespace poolscope
