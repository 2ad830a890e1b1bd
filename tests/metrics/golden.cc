#include "poolscope/tests/metrics/golden.h"

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace poolscope {

std::string Golden(absl::string_view name, absl::string_view actual) {
  const char* update_dir = std::getenv("POOLSCOPE_GOLDEN_DIR");
  if (update_dir != nullptr) {
    std::ofstream(absl::StrCat(update_dir, "/", name)) << actual;
  }
  std::ifstream file(absl::StrCat("tests/metrics/testdata/", name));
  EXPECT_TRUE(file.good()) << "no tests/metrics/testdata/" << name;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

}  // namespace poolscope
