// Comparison with a file that holds the expected text.
#ifndef POOLSCOPE_TESTS_METRICS_GOLDEN_H_
#define POOLSCOPE_TESTS_METRICS_GOLDEN_H_

#include <string>

#include "absl/strings/string_view.h"

namespace poolscope {

// The contents of tests/metrics/testdata/`name`; fails the test where there is
// no such file. With the environment variable POOLSCOPE_GOLDEN_DIR set to a
// folder, `actual` is written there first, for a person to look at and copy.
std::string Golden(absl::string_view name, absl::string_view actual);

}  // namespace poolscope

#endif  // POOLSCOPE_TESTS_METRICS_GOLDEN_H_
