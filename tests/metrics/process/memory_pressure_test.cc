#include "poolscope/metrics/process/memory_pressure.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace poolscope {
namespace {

std::string Pressure(const std::string& some, const std::string& full) {
  return absl::StrCat("some avg10=0.00 avg60=1.50 avg300=0.00 total=", some,
                      "\nfull avg10=0.00 avg60=0.50 avg300=0.00 total=", full,
                      "\n");
}

// A directory that stands for "/".
class MemoryPressureTest : public testing::Test {
 protected:
  MemoryPressureTest()
      : root_(absl::StrCat(
            testing::TempDir(), "/memory_pressure_",
            testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::remove_all(root_);
    std::filesystem::create_directories(root_);
  }
  ~MemoryPressureTest() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) {
    const std::filesystem::path full(root_ + path);
    std::filesystem::create_directories(full.parent_path());
    std::ofstream(full) << text;
  }
  double SomeSeconds() {
    const absl::StatusOr<MemoryPressure> pressure = ReadMemoryPressure(root_);
    EXPECT_TRUE(pressure.ok()) << pressure.status();
    return pressure.ok() ? pressure->some_seconds : -1;
  }

  const std::string root_;
};

TEST_F(MemoryPressureTest, TotalsAreMicroseconds) {
  Write("/proc/pressure/memory", Pressure("1500000", "250000"));
  const absl::StatusOr<MemoryPressure> pressure = ReadMemoryPressure(root_);
  ASSERT_TRUE(pressure.ok()) << pressure.status();
  EXPECT_EQ(pressure->some_seconds, 1.5);
  EXPECT_EQ(pressure->full_seconds, 0.25);
}

TEST_F(MemoryPressureTest, TheOwnCgroupThenItsAncestorsThenTheMachine) {
  Write("/proc/self/cgroup", "4:memory:/x\n0::/a/b\n");
  Write("/proc/pressure/memory", Pressure("1000000", "0"));
  EXPECT_EQ(SomeSeconds(), 1);
  Write("/sys/fs/cgroup/a/memory.pressure", Pressure("2000000", "0"));
  EXPECT_EQ(SomeSeconds(), 2);
  Write("/sys/fs/cgroup/a/b/memory.pressure", Pressure("3000000", "0"));
  EXPECT_EQ(SomeSeconds(), 3);
  // Version 1 has a file of that name for something else.
  Write("/sys/fs/cgroup/memory/x/memory.pressure", Pressure("4000000", "0"));
  EXPECT_EQ(SomeSeconds(), 3);
}

TEST_F(MemoryPressureTest, RefusesWhatIsNotUnderstood) {
  for (const std::string& text :
       {std::string(), std::string("some"), std::string("some total=5\n"),
        std::string("full total=5\n"), Pressure("", "1"), Pressure("-1", "1"),
        Pressure("x", "1"), Pressure("1", "99999999999999999999")}) {
    Write("/proc/pressure/memory", text);
    const absl::Status status = ReadMemoryPressure(root_).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << text;
    EXPECT_NE(status.message().find("/proc/pressure/memory"),
              absl::string_view::npos);
  }
}

TEST_F(MemoryPressureTest, SaysWhenTheKernelDoesNotCount) {
  EXPECT_EQ(ReadMemoryPressure(root_).status().code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace poolscope
