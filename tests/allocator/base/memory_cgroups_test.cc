#include "poolscope/allocator/base/memory_cgroups.h"

#include <limits.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace poolscope {
namespace {

using Paths = std::vector<std::string>;

// A directory that stands for "/".
class MemoryCgroupsTest : public testing::Test {
 protected:
  MemoryCgroupsTest()
      : root_(absl::StrCat(
            testing::TempDir(), "/memory_cgroups_",
            testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::remove_all(root_);
    std::filesystem::create_directories(root_ + "/proc/self");
  }
  ~MemoryCgroupsTest() override { std::filesystem::remove_all(root_); }

  void WriteCgroup(const std::string& text) {
    std::ofstream(root_ + "/proc/self/cgroup") << text;
  }
  void WriteMounts(const std::string& text) {
    std::ofstream(root_ + "/proc/self/mountinfo") << text;
  }
  // The directories of the cgroup of `version`, without the root before them.
  Paths Directories(int version) {
    Paths paths;
    for (const MemoryCgroup& cgroup : MemoryCgroups(root_)) {
      if (cgroup.version != version) continue;
      for (const std::string& directory : cgroup.directories) {
        EXPECT_EQ(directory.substr(0, root_.size()), root_);
        paths.push_back(directory.substr(root_.size()));
      }
    }
    return paths;
  }

  const std::string root_;
};

TEST_F(MemoryCgroupsTest, TheOwnCgroupComesFirstAndTheMountLast) {
  WriteCgroup("4:memory:/a/b\n0::/c\n");
  EXPECT_EQ(Directories(1),
            (Paths{"/sys/fs/cgroup/memory/a/b", "/sys/fs/cgroup/memory/a",
                   "/sys/fs/cgroup/memory"}));
  EXPECT_EQ(Directories(2), (Paths{"/sys/fs/cgroup/c", "/sys/fs/cgroup"}));
}

TEST_F(MemoryCgroupsTest, APathThatNoSystemCallTakesIsTheMountAlone) {
  const std::string longest = "/" + std::string(PATH_MAX - 2, 'a');
  WriteCgroup("0::" + longest + "\n");
  EXPECT_EQ(Directories(2),
            (Paths{"/sys/fs/cgroup" + longest, "/sys/fs/cgroup"}));
  WriteCgroup("0::" + longest + "a\n");
  EXPECT_EQ(Directories(2), Paths{"/sys/fs/cgroup"});
}

TEST_F(MemoryCgroupsTest, TheRootCgroupIsTheMountAlone) {
  WriteCgroup("0::/\n");
  EXPECT_EQ(Directories(2), Paths{"/sys/fs/cgroup"});
}

TEST_F(MemoryCgroupsTest, Version1ComesFirst) {
  WriteCgroup("0::/\n4:cpu,memory:/\n");
  const std::vector<MemoryCgroup> cgroups = MemoryCgroups(root_);
  ASSERT_EQ(cgroups.size(), 2u);
  EXPECT_EQ(cgroups[0].version, 1);
  EXPECT_EQ(cgroups[1].version, 2);
}

TEST_F(MemoryCgroupsTest, AHybridsVersion2IsWhereItIsMounted) {
  WriteCgroup("4:memory:/a\n0::/b\n");
  WriteMounts(
      "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"
      "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n"
      "35 31 0:32 / /cg/mem rw,relatime shared:9 - cgroup cgroup rw,memory\n"
      "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
  EXPECT_EQ(Directories(1), (Paths{"/cg/mem/a", "/cg/mem"}));
  EXPECT_EQ(Directories(2),
            (Paths{"/sys/fs/cgroup/unified/b", "/sys/fs/cgroup/unified"}));
}

// A container that sees its own cgroup at the mount, under its host's name.
TEST_F(MemoryCgroupsTest, WhatIsMountedIsTakenOffThePath) {
  WriteMounts("35 31 0:32 /docker/abc /m rw - cgroup2 cgroup2 rw\n");
  WriteCgroup("0::/docker/abc\n");
  EXPECT_EQ(Directories(2), Paths{"/m"});
  WriteCgroup("0::/docker/abc/x\n");
  EXPECT_EQ(Directories(2), (Paths{"/m/x", "/m"}));
  for (const char* elsewhere : {"/docker/abcd", "/docker", "/", "/other/abc"}) {
    WriteCgroup(absl::StrCat("0::", elsewhere, "\n"));
    EXPECT_EQ(Directories(2), Paths{"/m"}) << elsewhere;
  }
}

TEST_F(MemoryCgroupsTest, APathOutsideOfTheNamespaceIsNotFollowed) {
  WriteCgroup("0::/../../other\n");
  EXPECT_EQ(Directories(2), Paths{"/sys/fs/cgroup"});
}

TEST_F(MemoryCgroupsTest, BlanksInAMountAreUnescaped) {
  WriteMounts("35 31 0:32 / /my\\040cgroups rw - cgroup2 cgroup2 rw\n");
  WriteCgroup("0::/a\n");
  EXPECT_EQ(Directories(2), (Paths{"/my cgroups/a", "/my cgroups"}));
}

TEST_F(MemoryCgroupsTest, GarbledLinesArePassedOver) {
  WriteMounts(
      "\n - \n35\n35 31 0:32 / /m rw - cgroup2\n - cgroup2 cgroup2 rw\n\xff\n"
      "35 31 0:32 / /m - cgroup2 cgroup2 rw\n");
  WriteCgroup("\n::\n:::\n4:memory\n4:memoryless:/a\nx\n0::a\n");
  // A path without a slash is a guess like another, and ends.
  EXPECT_EQ(Directories(1), Paths{});
  EXPECT_EQ(Directories(2).back(), "/sys/fs/cgroup");
}

TEST_F(MemoryCgroupsTest, WithoutCgroupsThereAreNone) {
  EXPECT_TRUE(MemoryCgroups(root_).empty());
  WriteCgroup("");
  EXPECT_TRUE(MemoryCgroups(root_).empty());
}

}  // namespace
}  // namespace poolscope
