#include "poolscope/examples/demo/smaps.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"

namespace poolscope::demo {
namespace {

constexpr char kThree[] =
    "55f0c8a4e000-55f0c8a6f000 rw-p 00000000 00:00 0                 [heap]\n"
    "Size:                132 kB\n"
    "KernelPageSize:        4 kB\n"
    "Rss:                  96 kB\n"
    "Pss:                  96 kB\n"
    "VmFlags: rd wr mr mw me ac sd \n"
    "7f0000000000-7f0000021000 ---p 00000000 00:00 0 \n"
    "Size:                132 kB\n"
    "Rss:                   0 kB\n"
    "7f1100000000-7f1100001000 r-xs 00001000 fe:01 42    /tmp/a b: c "
    "(deleted)\n"
    "Rss:                   4 kB\n";

TEST(SmapsTest, ReadsRangesPermissionsNamesAndResidence) {
  const auto mappings = ParseSmaps(kThree);
  ASSERT_TRUE(mappings.ok()) << mappings.status();
  ASSERT_EQ(mappings->size(), 3u);
  const SmapsMapping& heap = (*mappings)[0];
  EXPECT_EQ(heap.begin, 0x55f0c8a4e000u);
  EXPECT_EQ(heap.end, 0x55f0c8a6f000u);
  EXPECT_TRUE(heap.writable);
  EXPECT_TRUE(heap.accessible);
  EXPECT_FALSE(heap.shared);
  EXPECT_EQ(heap.name, "[heap]");
  EXPECT_EQ(heap.resident_bytes, 96u << 10);
  const SmapsMapping& reserved = (*mappings)[1];
  EXPECT_FALSE(reserved.accessible);
  EXPECT_FALSE(reserved.writable);
  EXPECT_EQ(reserved.name, "");
  EXPECT_EQ(reserved.resident_bytes, 0u);
  const SmapsMapping& file = (*mappings)[2];
  EXPECT_TRUE(file.shared);
  EXPECT_TRUE(file.accessible);
  EXPECT_EQ(file.name, "/tmp/a b: c (deleted)");
  EXPECT_EQ(file.resident_bytes, 4u << 10);
}

TEST(SmapsTest, RefusesWhatIsNone) {
  for (const std::string text :
       {"Rss:   4 kB\n",  // of no mapping
        "1000-2000 rw-p 0 00:00 0\nRss: four kB\n",
        "1000-2000 rw-p 0 00:00 0\nRss: 4\n",
        "1000-2000 rw-p 0 00:00 0\nRss: 99999999999999999999 kB\n",
        "2000-1000 rw-p 0 00:00 0\n", "1000 rw-p 0 00:00 0\n",
        "x-y rw-p 0 00:00 0\n", "1000-2000 rw 0 00:00 0\n",
        "1000-2000 rw-p 0 00:00\n", "-\n", " \n"}) {
    EXPECT_TRUE(absl::IsDataLoss(ParseSmaps(text).status())) << text;
  }
}

TEST(SmapsTest, ATextWithoutMappingsHasNone) {
  const auto mappings = ParseSmaps("");
  ASSERT_TRUE(mappings.ok());
  EXPECT_TRUE(mappings->empty());
}

TEST(SmapsTest, EveryPrefixIsReadOrRefused) {
  const std::string whole = kThree;
  for (size_t size = 0; size < whole.size(); ++size) {
    const std::string prefix = whole.substr(0, size);
    ParseSmaps(prefix).status().IgnoreError();
  }
}

TEST(SmapsTest, ReadsTheFileOfTheProcess) {
  const std::string root = testing::TempDir() + "/smaps_root";
  mkdir(root.c_str(), 0755);
  mkdir((root + "/self").c_str(), 0755);
  std::ofstream(root + "/self/smaps") << kThree;
  const auto mappings = ReadSmaps(root);
  ASSERT_TRUE(mappings.ok()) << mappings.status();
  EXPECT_EQ(mappings->size(), 3u);
}

TEST(SmapsTest, NamesTheFileThatIsMissing) {
  const auto mappings = ReadSmaps("/nonexistent");
  EXPECT_TRUE(absl::IsNotFound(mappings.status()));
  EXPECT_NE(mappings.status().message().find("/nonexistent/self/smaps"),
            absl::string_view::npos);
}

TEST(SmapsTest, FindsAMappingOfThisProcessWithItsResidence) {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  // A gap on both sides keeps the kernel from merging it with a neighbour.
  void* const reserved =
      mmap(nullptr, 102 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(reserved, MAP_FAILED);
  char* const begin = static_cast<char*>(reserved) + page;
  ASSERT_EQ(mprotect(begin, 100 * page, PROT_READ | PROT_WRITE), 0);
  std::memset(begin, 1, 30 * page);
  const auto mappings = ReadSmaps("/proc");
  ASSERT_TRUE(mappings.ok()) << mappings.status();
  const auto found = std::find_if(
      mappings->begin(), mappings->end(), [begin](const SmapsMapping& m) {
        return m.begin == reinterpret_cast<uint64_t>(begin);
      });
  ASSERT_NE(found, mappings->end());
  EXPECT_EQ(found->end - found->begin, 100 * page);
  EXPECT_EQ(found->resident_bytes, 30 * page);
  EXPECT_TRUE(found->writable);
  munmap(reserved, 102 * page);
}

}  // namespace
}  // namespace poolscope::demo
