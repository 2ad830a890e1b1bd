// IsUtf8(): whether text is well-formed UTF-8 by RFC 3629: no overlong form, no
// surrogate, nothing above U+10FFFF. Thread-safe.
#ifndef POOLSCOPE_METRICS_UTF8_H_
#define POOLSCOPE_METRICS_UTF8_H_

#include "absl/strings/string_view.h"

namespace poolscope {

bool IsUtf8(absl::string_view text);

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_UTF8_H_
