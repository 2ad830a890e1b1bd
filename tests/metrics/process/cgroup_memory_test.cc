#include "poolscope/metrics/process/cgroup_memory.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace poolscope {
namespace {

constexpr uint64_t kMiB = 1 << 20;

// A directory that stands for "/".
class CgroupMemoryTest : public testing::Test {
 protected:
  CgroupMemoryTest()
      : root_(absl::StrCat(
            testing::TempDir(), "/cgroup_memory_",
            testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::remove_all(root_);
    std::filesystem::create_directories(root_);
  }
  ~CgroupMemoryTest() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) {
    const std::filesystem::path full(root_ + path);
    std::filesystem::create_directories(full.parent_path());
    std::ofstream(full) << text;
  }
  void WriteV2(const std::string& group, const std::string& limit,
               uint64_t usage, uint64_t inactive_file) {
    const std::string directory = "/sys/fs/cgroup" + group;
    Write(directory + "/memory.max", limit + "\n");
    Write(directory + "/memory.current", absl::StrCat(usage, "\n"));
    Write(directory + "/memory.stat",
          absl::StrCat("anon 1\nfile 2\nactive_file 3\ninactive_file ",
                       inactive_file, "\nworkingset_refault_file 4\n"));
  }
  void WriteV1(const std::string& group, const std::string& limit,
               uint64_t usage, uint64_t inactive_file) {
    const std::string directory = "/sys/fs/cgroup/memory" + group;
    Write(directory + "/memory.limit_in_bytes", limit + "\n");
    Write(directory + "/memory.usage_in_bytes", absl::StrCat(usage, "\n"));
    Write(directory + "/memory.stat",
          absl::StrCat("cache 1\ninactive_file 7\ntotal_inactive_file ",
                       inactive_file, "\n"));
  }
  CgroupMemory Read() {
    absl::StatusOr<CgroupMemory> memory = ReadCgroupMemory(root_);
    EXPECT_TRUE(memory.ok()) << memory.status();
    if (memory.ok()) return *std::move(memory);
    return CgroupMemory{{CgroupLevel{}}, {}};
  }
  std::map<std::string, uint64_t> Events() {
    std::map<std::string, uint64_t> events;
    for (const CgroupEvent& event : Read().events) {
      EXPECT_TRUE(events.emplace(std::string(event.name), event.count).second);
    }
    return events;
  }

  const std::string root_;
};

TEST_F(CgroupMemoryTest, Version2OfTheOwnCgroupAndItsAncestors) {
  Write("/proc/self/cgroup", "0::/a/b\n");
  WriteV2("/a/b", "max", 100, 10);
  WriteV2("/a", "5000", 1000, 200);
  // The root has neither a limit nor a usage.
  Write("/sys/fs/cgroup/memory.stat", "inactive_file 9\n");
  const CgroupMemory memory = Read();
  ASSERT_EQ(memory.levels.size(), 2u);
  EXPECT_EQ(memory.levels[0].directory, root_ + "/sys/fs/cgroup/a/b");
  EXPECT_EQ(memory.levels[0].limit_bytes, std::nullopt);
  EXPECT_EQ(memory.levels[0].usage_bytes, 100u);
  EXPECT_EQ(memory.levels[0].inactive_file_bytes, 10u);
  EXPECT_EQ(memory.levels[0].headroom_bytes(), std::nullopt);
  EXPECT_EQ(memory.levels[1].limit_bytes, 5000u);
  EXPECT_EQ(memory.levels[1].held_bytes(), 800u);
  EXPECT_EQ(memory.levels[1].headroom_bytes(), 4200u);
  EXPECT_EQ(memory.Nearest().directory, root_ + "/sys/fs/cgroup/a");
}

TEST_F(CgroupMemoryTest, Version2CountsItsEvents) {
  Write("/proc/self/cgroup", "0::/a\n");
  WriteV2("/a", "max", 100, 10);
  EXPECT_TRUE(Events().empty());
  Write("/sys/fs/cgroup/a/memory.events",
        "low 1\nhigh 2\nmax 3\noom 4\noom_kill 5\noom_group_kill 6\n");
  EXPECT_EQ(
      Events(),
      (std::map<std::string, uint64_t>{
          {"low", 1}, {"high", 2}, {"max", 3}, {"oom", 4}, {"oom_kill", 5}}));
}

TEST_F(CgroupMemoryTest, Version1CountsTheWholeSubtree) {
  Write("/proc/self/cgroup", "5:cpu,memory:/a\n0::/\n");
  WriteV1("/a", absl::StrCat(256 * kMiB), 200 * kMiB, 50 * kMiB);
  WriteV1("", "9223372036854771712", 900 * kMiB, 0);
  const CgroupMemory memory = Read();
  ASSERT_EQ(memory.levels.size(), 2u);
  EXPECT_EQ(memory.levels[0].inactive_file_bytes, 50 * kMiB);
  EXPECT_EQ(memory.levels[0].headroom_bytes(), 106 * kMiB);
  EXPECT_EQ(memory.levels[1].limit_bytes, std::nullopt);
}

TEST_F(CgroupMemoryTest, Version1CountsFailuresAndKills) {
  Write("/proc/self/cgroup", "5:memory:/a\n");
  WriteV1("/a", "1000", 100, 0);
  Write("/sys/fs/cgroup/memory/a/memory.failcnt", "12\n");
  Write("/sys/fs/cgroup/memory/a/memory.oom_control",
        "oom_kill_disable 0\nunder_oom 1\noom_kill 3\n");
  EXPECT_EQ(Events(),
            (std::map<std::string, uint64_t>{{"max", 12}, {"oom_kill", 3}}));
}

// A container on a host of version 1 has a version 2 without controllers too.
TEST_F(CgroupMemoryTest, OfAHybridTheOneThatHasTheController) {
  Write("/proc/self/cgroup", "5:memory:/a\n0::/b\n");
  Write("/proc/self/mountinfo",
        "1 0 0:1 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
        "2 0 0:2 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
  Write("/sys/fs/cgroup/unified/b/memory.pressure", "");
  WriteV1("/a", "1000", 100, 0);
  EXPECT_EQ(Read().Nearest().headroom_bytes(), 900u);
  // And the other way round.
  std::filesystem::remove_all(root_ + "/sys/fs/cgroup/memory");
  WriteV2("/unified/b", "2000", 100, 0);
  EXPECT_EQ(Read().Nearest().headroom_bytes(), 1900u);
}

TEST_F(CgroupMemoryTest, UnlimitedIsWhatIsNearTwoToThe63rd) {
  Write("/proc/self/cgroup", "5:memory:/\n");
  const struct {
    const char* limit;
    bool none;
  } kCases[] = {
      {"9223372036854771712", true},  // pages of 4 KiB
      {"9223372036854710272", true},  // of 64 KiB
      {"4611686018427387904", true},  // 2^62
      {"4611686018427387903", false}, {"0", false}, {"-1", true},  // no number
  };
  for (const auto& c : kCases) {
    WriteV1("", c.limit, 10, 0);
    EXPECT_EQ(!Read().levels[0].limit_bytes.has_value(), c.none) << c.limit;
  }
}

TEST_F(CgroupMemoryTest, HeadroomAroundTheLimit) {
  Write("/proc/self/cgroup", "0::/\n");
  for (const auto& [usage, headroom] :
       {std::pair(999, 1), {1000, 0}, {1001, 0}}) {
    WriteV2("", "1000", usage, 0);
    EXPECT_EQ(Read().Nearest().headroom_bytes(), headroom) << usage;
  }
  // More cache than usage, from two moments.
  WriteV2("", "1000", 100, 101);
  EXPECT_EQ(Read().Nearest().headroom_bytes(), 1000u);
  WriteV2("", "0", 100, 0);
  EXPECT_EQ(Read().Nearest().headroom_bytes(), 0u);
}

TEST_F(CgroupMemoryTest, TheNearestLimitIsNotAlwaysTheLeast) {
  Write("/proc/self/cgroup", "0::/a/b\n");
  WriteV2("/a/b", "1000", 100, 0);
  WriteV2("/a", "5000", 4500, 0);
  EXPECT_EQ(Read().Nearest().limit_bytes, 5000u);
  WriteV2("/a", "5000", 4500, 400);
  EXPECT_EQ(Read().Nearest().limit_bytes, 1000u) << "the own one where equal";
}

TEST_F(CgroupMemoryTest, AContainersLimitIsAtTheMount) {
  Write("/proc/self/cgroup", "5:memory:/docker/not-visible-here\n");
  WriteV1("", "1000", 100, 0);
  Write("/sys/fs/cgroup/memory/memory.failcnt", "1\n");
  EXPECT_EQ(Read().levels.size(), 1u);
  EXPECT_EQ(Events(), (std::map<std::string, uint64_t>{{"max", 1}}));
}

TEST_F(CgroupMemoryTest, HostileFilesGiveNoFigures) {
  Write("/proc/self/cgroup", "0::/\n");
  WriteV2("", "1000", 100, 10);
  const std::string directory = "/sys/fs/cgroup";
  for (const char* text :
       {"", "\n", "inactive_file", "inactive_file \n", "inactive_file -1\n",
        "inactive_file 1 2\n", "inactive_file 99999999999999999999\n",
        "xinactive_file 5\n", "\xff\xfe"}) {
    Write(directory + "/memory.stat", text);
    EXPECT_EQ(Read().levels[0].inactive_file_bytes, 0u) << text;
    Write(directory + "/memory.events", text);
    EXPECT_TRUE(Read().events.empty()) << text;
  }
  for (const char* text : {"", "max", "many", "1 2"}) {
    Write(directory + "/memory.max", text);
    EXPECT_EQ(Read().levels[0].limit_bytes, std::nullopt) << text;
  }
  for (const char* text : {"", "max", "-5", "0x10"}) {
    Write(directory + "/memory.current", text);
    EXPECT_EQ(ReadCgroupMemory(root_).status().code(),
              absl::StatusCode::kNotFound)
        << text;
  }
}

TEST_F(CgroupMemoryTest, SaysWhenThereIsNone) {
  const absl::Status status = ReadCgroupMemory(root_).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_NE(status.message().find(root_ + "/proc/self/cgroup"),
            absl::string_view::npos);
  Write("/proc/self/cgroup", "0::/a\n");
  EXPECT_EQ(ReadCgroupMemory(root_).status().code(),
            absl::StatusCode::kNotFound);
}

// Whatever this machine has: what is there makes sense.
TEST_F(CgroupMemoryTest, TheRealOnesFiguresAreSound) {
  const absl::StatusOr<CgroupMemory> memory = ReadCgroupMemory("");
  if (!memory.ok()) {
    EXPECT_EQ(memory.status().code(), absl::StatusCode::kNotFound);
    return;
  }
  ASSERT_FALSE(memory->levels.empty());
  EXPECT_LE(memory->levels[0].held_bytes(), memory->levels[0].usage_bytes);
}

}  // namespace
}  // namespace poolscope
