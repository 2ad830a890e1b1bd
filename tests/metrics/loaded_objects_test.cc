#include "poolscope/metrics/process/loaded_objects.h"

#include <limits.h>
#include <link.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace poolscope {
namespace {

void SomeFunction() {}

std::string RealPath(const std::string& path) {
  char real[PATH_MAX];
  return realpath(path.c_str(), real) == nullptr ? "" : real;
}

TEST(LoadedObjectsTest, AreTheExecutableMappingsOfFiles) {
  const std::vector<LoadedObject> objects = ReadLoadedObjects("/proc");
  std::ifstream maps("/proc/self/maps");
  std::string line;
  int files = 0;
  while (std::getline(maps, line)) {
    std::istringstream fields(line);
    std::string range, rights, device, path;
    uint64_t offset = 0;
    uint64_t inode = 0;
    fields >> range >> rights >> std::hex >> offset >> std::dec >> device >>
        inode >> path;
    if (inode == 0 || rights != "r-xp") continue;
    ++files;
    int found = 0;
    for (const LoadedObject& object : objects) {
      std::ostringstream text;
      text << std::hex << object.begin << '-' << object.end;
      if (text.str() != range) continue;
      ++found;
      // The loader names some by a link.
      EXPECT_EQ(RealPath(object.path), path);
      EXPECT_EQ(object.file_offset, offset) << path;
    }
    EXPECT_EQ(found, 1) << line;
  }
  EXPECT_GE(files, 3);  // the program, the loader, libc
}

TEST(LoadedObjectsTest, TheProgramIsTheFirst) {
  const std::vector<LoadedObject> objects = ReadLoadedObjects("/proc");
  ASSERT_FALSE(objects.empty());
  EXPECT_TRUE(absl::EndsWith(objects[0].path, "/loaded_objects_test"))
      << objects[0].path;
  const auto here = reinterpret_cast<uint64_t>(&SomeFunction);
  EXPECT_LE(objects[0].begin, here);
  EXPECT_GT(objects[0].end, here);
}

TEST(LoadedObjectsTest, BuildIdsAreThoseThatReadelfFinds) {
  int compared = 0;
  for (const LoadedObject& object : ReadLoadedObjects("/proc")) {
    std::FILE* const readelf =
        popen(absl::StrCat("readelf -n '", object.path, "' 2>&1").c_str(), "r");
    std::string text;
    char part[4096];
    while (const size_t n = std::fread(part, 1, sizeof(part), readelf)) {
      text.append(part, n);
    }
    if (pclose(readelf) != 0) continue;  // the kernel's own is no file
    ++compared;
    const std::string expected =
        object.build_id.empty() ? "" : "Build ID: " + object.build_id + "\n";
    EXPECT_EQ(absl::StrContains(text, "Build ID: "), !object.build_id.empty())
        << object.path;
    EXPECT_TRUE(absl::StrContains(text, expected)) << object.path;
  }
  EXPECT_GE(compared, 3);
}

TEST(LoadedObjectsTest, WithoutProcfsTheProgramHasNoPath) {
  const std::vector<LoadedObject> objects = ReadLoadedObjects("/nonexistent");
  ASSERT_GE(objects.size(), 3u);
  EXPECT_EQ(objects[0].path, "");
  EXPECT_NE(objects[1].path, "");
}

// glibc leaves the loader locked in a child that is forked while another thread
// reads its list.
TEST(LoadedObjectsTest, ChildrenThatAreForkedMeanwhileMayAskTheLoader) {
  std::atomic<bool> stop{false};
  std::thread reader([&stop] {
    while (!stop) ReadLoadedSegments();
  });
  int hung = 0;
  for (int i = 0; i < 100 && hung == 0; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      alarm(5);  // rather than for ever
      dl_iterate_phdr([](dl_phdr_info*, size_t, void*) { return 0; }, nullptr);
      _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (status != 0) ++hung;
  }
  stop = true;
  reader.join();
  EXPECT_EQ(hung, 0);
}

}  // namespace
}  // namespace poolscope
