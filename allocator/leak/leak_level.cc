#include "poolscope/allocator/leak/leak_level.h"

#include <cstdlib>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace poolscope {

const char* LeakLevelName(LeakLevel level) {
  switch (level) {
    case LeakLevel::kDisabled:
      return "disabled";
    case LeakLevel::kSimple:
      return "simple";
    case LeakLevel::kAdvanced:
      return "advanced";
    case LeakLevel::kParanoid:
      return "paranoid";
  }
  return "unknown";
}

absl::StatusOr<LeakLevel> ParseLeakLevel(absl::string_view text) {
  for (LeakLevel level : kLeakLevels) {
    if (text == LeakLevelName(level)) return level;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("leak detection level is \"", text,
                   "\": give disabled, simple, advanced or paranoid"));
}

absl::StatusOr<LeakLevel> LeakLevelFromEnvironment() {
  const char* text = std::getenv(kLeakLevelVariable);
  if (text == nullptr) return LeakLevel::kSimple;
  absl::StatusOr<LeakLevel> level = ParseLeakLevel(text);
  if (level.ok()) return level;
  return absl::InvalidArgumentError(
      absl::StrCat(kLeakLevelVariable, ": ", level.status().message()));
}

}  // namespace poolscope
