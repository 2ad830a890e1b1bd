#include "poolscope/metrics/process/process_memory.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"

namespace poolscope {
namespace {

std::string FakeRoot(const std::string& name, const std::string& statm) {
  const std::string root = testing::TempDir() + "/" + name;
  mkdir(root.c_str(), 0755);
  mkdir((root + "/self").c_str(), 0755);
  std::ofstream(root + "/self/statm") << statm;
  return root;
}

TEST(ProcessMemoryTest, ReadsPagesAsBytes) {
  const absl::StatusOr<ProcessMemory> memory =
      ReadProcessMemory(FakeRoot("statm", "2000 300 200 50 0 700 0\n"));
  ASSERT_TRUE(memory.ok()) << memory.status();
  EXPECT_EQ(memory->virtual_bytes, 2000u * sysconf(_SC_PAGESIZE));
  EXPECT_EQ(memory->resident_bytes, 300u * sysconf(_SC_PAGESIZE));
}

TEST(ProcessMemoryTest, ThisProcessHasMemory) {
  const absl::StatusOr<ProcessMemory> memory = ReadProcessMemory("/proc");
  ASSERT_TRUE(memory.ok()) << memory.status();
  EXPECT_GT(memory->resident_bytes, 0u);
  EXPECT_GE(memory->virtual_bytes, memory->resident_bytes);
}

TEST(ProcessMemoryTest, NamesTheFileThatIsMissing) {
  const absl::StatusOr<ProcessMemory> memory =
      ReadProcessMemory("/nonexistent");
  EXPECT_EQ(memory.status().code(), absl::StatusCode::kNotFound);
  EXPECT_NE(memory.status().message().find("/nonexistent/self/statm"),
            absl::string_view::npos);
}

TEST(ProcessMemoryTest, RefusesWhatIsNoStatm) {
  int i = 0;
  for (const char* text :
       {"", "1", "a b c", "-1 2 3", "99999999999999999999 1 0",
        "1 18446744073709551615", "18446744073709551615 1"}) {
    const absl::StatusOr<ProcessMemory> memory =
        ReadProcessMemory(FakeRoot("bad" + std::to_string(i++), text));
    EXPECT_EQ(memory.status().code(), absl::StatusCode::kDataLoss) << text;
  }
}

}  // namespace
}  // namespace poolscope
