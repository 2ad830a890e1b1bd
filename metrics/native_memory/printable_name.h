// PrintableName(): a name that may have any byte, on one line and in UTF-8.
// Control characters, and all that is beyond ASCII where the whole is not
// UTF-8, become \x1b and the like. Backslashes stay, so that the kernel's own
// escapes do ("\012"), and twice is the same as once. Thread-safe.
#ifndef POOLSCOPE_METRICS_NATIVE_MEMORY_PRINTABLE_NAME_H_
#define POOLSCOPE_METRICS_NATIVE_MEMORY_PRINTABLE_NAME_H_

#include <string>

#include "absl/strings/string_view.h"

namespace poolscope {

std::string PrintableName(absl::string_view name);

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_NATIVE_MEMORY_PRINTABLE_NAME_H_
