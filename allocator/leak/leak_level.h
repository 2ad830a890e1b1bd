// LeakLevel: how much a leak detector looks at.
//
//   level      blocks tracked            of each
//   disabled   none                      nothing
//   simple     those the pool samples    where it was created
//   advanced   the same                  and where it was touched since
//   paranoid   every one                 the same
//
// Netty's four. The pool samples as its options say, but for paranoid.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_ALLOCATOR_LEAK_LEAK_LEVEL_H_
#define POOLSCOPE_ALLOCATOR_LEAK_LEAK_LEVEL_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace poolscope {

enum class LeakLevel { kDisabled, kSimple, kAdvanced, kParanoid };
inline constexpr LeakLevel kLeakLevels[] = {
    LeakLevel::kDisabled, LeakLevel::kSimple, LeakLevel::kAdvanced,
    LeakLevel::kParanoid};

// The environment variable that says the level where no option does.
inline constexpr char kLeakLevelVariable[] = "POOLSCOPE_LEAK_DETECTION";

const char* LeakLevelName(LeakLevel level);  // "disabled", "simple", ...

// InvalidArgumentError names the text and the levels there are.
absl::StatusOr<LeakLevel> ParseLeakLevel(absl::string_view text);

// As kLeakLevelVariable says; simple where it is not set.
absl::StatusOr<LeakLevel> LeakLevelFromEnvironment();

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_LEAK_LEAK_LEVEL_H_
