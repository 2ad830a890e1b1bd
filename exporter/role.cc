#include "poolscope/exporter/role.h"

namespace poolscope {

absl::string_view RoleName(Role role) {
  switch (role) {
    case Role::kScrape:
      return "scrape";
    case Role::kDebug:
      return "debug";
    case Role::kAct:
      return "act";
  }
  return "unknown";
}

std::optional<Role> FindRole(absl::string_view name) {
  for (const Role role : {Role::kScrape, Role::kDebug, Role::kAct}) {
    if (name == RoleName(role)) return role;
  }
  return std::nullopt;
}

}  // namespace poolscope
