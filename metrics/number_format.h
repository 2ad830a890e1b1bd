// How numbers are spelled in the exposition formats and in label values.
//
// Each function writes at `to`, which has kMaxNumberLength bytes of room, and
// returns the end of what it wrote. No terminating zero. Thread-safe.
#ifndef POOLSCOPE_METRICS_NUMBER_FORMAT_H_
#define POOLSCOPE_METRICS_NUMBER_FORMAT_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace poolscope {

// Enough for any of the below: -1.7976931348623157e+308 has 24 bytes.
inline constexpr size_t kMaxNumberLength = 32;

char* FormatInteger(uint64_t value, char* to);

// Shortest decimal that reads back as `value`; "+Inf", "-Inf", "NaN".
char* FormatReal(double value, char* to);

// For bucket bounds and quantiles, which are label values and so have one
// spelling for good: as FormatReal, but with a point, "64.0", and without an
// exponent from 1e-4 up to 1e15.
char* FormatBound(double value, char* to);

// A number as a label's value, without an allocation:
//   NumberText arena(3);  ... {"arena", arena.view()}
class NumberText {
 public:
  explicit NumberText(uint64_t value)
      : size_(FormatInteger(value, text_) - text_) {}

  absl::string_view view() const { return absl::string_view(text_, size_); }

 private:
  char text_[kMaxNumberLength];
  size_t size_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_NUMBER_FORMAT_H_
