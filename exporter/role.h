// Role: what a user of the server may do.
//
//   kScrape   /metrics
//   kDebug    and every page: names, addresses and stacks of the process
//   kAct      and actions, which take POST
//
// Each includes those before it.
#ifndef POOLSCOPE_EXPORTER_ROLE_H_
#define POOLSCOPE_EXPORTER_ROLE_H_

#include <optional>

#include "absl/strings/string_view.h"

namespace poolscope {

enum class Role { kScrape, kDebug, kAct };

// "scrape", "debug", "act".
absl::string_view RoleName(Role role);

// Absent where `name` is no role's.
std::optional<Role> FindRole(absl::string_view name);

inline bool Includes(Role role, Role other) { return role >= other; }

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_ROLE_H_
