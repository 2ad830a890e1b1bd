#include "poolscope/allocator/base/container_limit.h"

#include <sched.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace poolscope {
namespace {

constexpr uint64_t kKiB = uint64_t{1} << 10;
constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kGiB = uint64_t{1} << 30;
constexpr uint64_t kMachine = 8 * kGiB;
// What cgroup v1 writes for "no limit": 2^63 rounded down to a page.
constexpr char kUnlimitedV1[] = "9223372036854771712\n";

// A directory that stands for "/", with a machine of 8 GiB.
class ContainerLimitTest : public testing::Test {
 protected:
  ContainerLimitTest()
      : root_(absl::StrCat(
            testing::TempDir(), "/container_limit_",
            testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::remove_all(root_);
    std::filesystem::create_directories(root_);
    Write("/proc/meminfo", absl::StrCat("MemTotal:       ", kMachine / kKiB,
                                        " kB\nMemFree:          123456 kB\n"));
  }
  ~ContainerLimitTest() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) {
    const std::filesystem::path full(root_ + path);
    std::filesystem::create_directories(full.parent_path());
    std::ofstream(full) << text;
  }
  void WriteV1(const std::string& group, const std::string& text) {
    Write(
        absl::StrCat("/sys/fs/cgroup/memory", group, "/memory.limit_in_bytes"),
        text);
  }
  void WriteV2(const std::string& group, const std::string& text) {
    Write(absl::StrCat("/sys/fs/cgroup", group, "/memory.max"), text);
  }

  const std::string root_;
};

TEST_F(ContainerLimitTest, V1UnlimitedMeansTheMachine) {
  Write("/proc/self/cgroup", "5:memory:/\n");
  WriteV1("", kUnlimitedV1);
  EXPECT_EQ(AvailableMemoryBytes(root_), kMachine);
}

TEST_F(ContainerLimitTest, V1LimitOfTheGroupCounts) {
  Write("/proc/self/cgroup", "4:cpu,cpuacct:/x\n5:memory:/docker/abc\n");
  WriteV1("", kUnlimitedV1);
  WriteV1("/docker", kUnlimitedV1);
  WriteV1("/docker/abc", "268435456\n");
  EXPECT_EQ(AvailableMemoryBytes(root_), 256 * kMiB);
}

TEST_F(ContainerLimitTest, V1LeastOfTheNestedLimitsCounts) {
  Write("/proc/self/cgroup", "5:memory:/a/b/c\n");
  WriteV1("", absl::StrCat(kGiB, "\n"));
  WriteV1("/a", absl::StrCat(128 * kMiB, "\n"));
  WriteV1("/a/b", absl::StrCat(512 * kMiB, "\n"));
  WriteV1("/a/b/c", kUnlimitedV1);
  EXPECT_EQ(AvailableMemoryBytes(root_), 128 * kMiB);
}

TEST_F(ContainerLimitTest, V1LimitOfTheMountCounts) {
  // Inside a container the group's path may not exist below the mount.
  Write("/proc/self/cgroup", "5:memory:/docker/not-visible-here\n");
  WriteV1("", "67108864\n");
  EXPECT_EQ(AvailableMemoryBytes(root_), 64 * kMiB);
}

TEST_F(ContainerLimitTest, V1MemoryMayShareItsHierarchy) {
  Write("/proc/self/cgroup", "5:cpu,memory,blkio:/a\n");
  WriteV1("/a", "67108864\n");
  EXPECT_EQ(AvailableMemoryBytes(root_), 64 * kMiB);
}

TEST_F(ContainerLimitTest, V1OtherControllersAreNotAsked) {
  Write("/proc/self/cgroup", "5:memoryless:/a\n6:cpu:/a\n");
  WriteV1("/a", "67108864\n");
  EXPECT_EQ(AvailableMemoryBytes(root_), kMachine);
}

TEST_F(ContainerLimitTest, V2MaxMeansTheMachine) {
  Write("/proc/self/cgroup", "0::/\n");
  WriteV2("", "max\n");
  EXPECT_EQ(AvailableMemoryBytes(root_), kMachine);
}

TEST_F(ContainerLimitTest, V2NumberCounts) {
  Write("/proc/self/cgroup", "0::/service\n");
  WriteV2("/service", "536870912\n");
  EXPECT_EQ(AvailableMemoryBytes(root_), 512 * kMiB);
}

TEST_F(ContainerLimitTest, V2LeastOfTheNestedLimitsCounts) {
  Write("/proc/self/cgroup", "0::/a/b/c\n");
  WriteV2("/a", "max\n");
  WriteV2("/a/b", "134217728\n");
  WriteV2("/a/b/c", "536870912\n");
  EXPECT_EQ(AvailableMemoryBytes(root_), 128 * kMiB);
}

TEST_F(ContainerLimitTest, V2PathMayHoldColons) {
  Write("/proc/self/cgroup", "0::/a:b:c\n");
  WriteV2("/a:b:c", "134217728\n");
  EXPECT_EQ(AvailableMemoryBytes(root_), 128 * kMiB);
}

TEST_F(ContainerLimitTest, BothVersionsAtOnceGiveTheLeast) {
  Write("/proc/self/cgroup", "5:memory:/one\n0::/two\n");
  WriteV1("/one", "536870912\n");
  WriteV2("/two", "268435456\n");
  EXPECT_EQ(AvailableMemoryBytes(root_), 256 * kMiB);
}

TEST_F(ContainerLimitTest, LimitAroundTheMachinesMemory) {
  Write("/proc/self/cgroup", "0::/\n");
  WriteV2("", absl::StrCat(kMachine - 1));
  EXPECT_EQ(AvailableMemoryBytes(root_), kMachine - 1);
  WriteV2("", absl::StrCat(kMachine));
  EXPECT_EQ(AvailableMemoryBytes(root_), kMachine);
  WriteV2("", absl::StrCat(kMachine + 1));
  EXPECT_EQ(AvailableMemoryBytes(root_), kMachine);
}

TEST_F(ContainerLimitTest, MissingLimitFilesMeanTheMachine) {
  Write("/proc/self/cgroup", "5:memory:/a\n0::/b\n");
  EXPECT_EQ(AvailableMemoryBytes(root_), kMachine);
}

TEST_F(ContainerLimitTest, MissingCgroupFileMeansTheMachine) {
  WriteV2("", "134217728\n");
  EXPECT_EQ(AvailableMemoryBytes(root_), kMachine);
}

TEST_F(ContainerLimitTest, GarbageSetsNoLimit) {
  Write("/proc/self/cgroup", "0::/a\n");
  for (const char* garbage : {"", "\n", "lots", "12 MiB", "-1", "0x1000",
                              "99999999999999999999999"}) {
    WriteV2("/a", garbage);
    EXPECT_EQ(AvailableMemoryBytes(root_), kMachine) << garbage;
  }
}

TEST_F(ContainerLimitTest, GarbledCgroupLinesArePassedOver) {
  Write("/proc/self/cgroup", "\n::\nmemory\n5:memory\n\xff\xfe\n0::/a\n");
  WriteV2("/a", "134217728\n");
  EXPECT_EQ(AvailableMemoryBytes(root_), 128 * kMiB);
}

TEST_F(ContainerLimitTest, NothingReadableMeansOneGigabyte) {
  EXPECT_EQ(AvailableMemoryBytes(root_ + "/nowhere"), kGiB);
  Write("/proc/meminfo", "MemTotal: plenty\n");
  EXPECT_EQ(AvailableMemoryBytes(root_), kGiB);
}

TEST_F(ContainerLimitTest, TheRealMachineHasMemoryAndCores) {
  EXPECT_GT(AvailableMemoryBytes(), 16 * kMiB);
  EXPECT_GE(AvailableCores(), 1);
}

TEST(AvailableCoresTest, FollowsTheThreadsAffinity) {
  int cores = 0;
  std::thread([&] {
    cpu_set_t all;
    ASSERT_EQ(sched_getaffinity(0, sizeof(all), &all), 0);
    int first = 0;
    while (!CPU_ISSET(first, &all)) ++first;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
    cores = AvailableCores();
  }).join();
  EXPECT_EQ(cores, 1);
}

}  // namespace
}  // namespace poolscope
