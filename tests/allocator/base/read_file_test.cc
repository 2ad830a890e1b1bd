#include "poolscope/allocator/base/read_file.h"

#include <fstream>
#include <optional>
#include <string>

#include "gtest/gtest.h"

namespace poolscope {
namespace {

TEST(ReadFileTest, ReadsAllUpToItsBound) {
  const std::string path = testing::TempDir() + "/read_file";
  for (const size_t size : {0, 1, 4095, 4096, 4097, 1 << 20}) {
    std::ofstream(path) << std::string(size, 'x');
    EXPECT_EQ(ReadFile(path), std::string(size, 'x')) << size;
  }
  std::ofstream(path) << std::string((1 << 20) + 1, 'x');
  EXPECT_EQ(ReadFile(path), std::string(1 << 20, 'x'));
}

TEST(ReadFileTest, KeepsZeroBytes) {
  const std::string path = testing::TempDir() + "/read_file_zero";
  std::ofstream(path) << std::string("a\0b", 3);
  EXPECT_EQ(ReadFile(path), std::string("a\0b", 3));
}

TEST(ReadFileTest, SaysWhenItCannot) {
  EXPECT_EQ(ReadFile("/nonexistent/file"), std::nullopt);
  EXPECT_EQ(ReadFile("/proc"), std::nullopt) << "opens, but does not read";
}

}  // namespace
}  // namespace poolscope
