#include "poolscope/metrics/process/own_proc_file.h"

#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "poolscope/metrics/process/process_memory.h"
#include "poolscope/metrics/process/smaps.h"

namespace poolscope {
namespace {

std::string RootWith(const std::string& name, absl::string_view folder) {
  const std::string root = testing::TempDir() + "/" + name;
  mkdir(root.c_str(), 0755);
  const std::string path = root + "/" + std::string(folder);
  mkdir(path.c_str(), 0755);
  std::ofstream(path + "/statm") << folder;
  return root;
}

TEST(OwnProcFileTest, IsOfTheThreadOrElseOfTheProcess) {
  for (const char* folder : {"self", "thread-self"}) {
    const std::string root = RootWith("own_proc_file", folder);
    const OwnProcFile file(root, "statm");
    ASSERT_GE(file.fd(), 0);
    EXPECT_EQ(file.path(), root + "/" + folder + "/statm");
    char text[32];
    const ssize_t length = read(file.fd(), text, sizeof(text));
    ASSERT_GT(length, 0);
    EXPECT_EQ(std::string(text, length), folder);
  }
}

TEST(OwnProcFileTest, NamesWhatIsMissing) {
  const OwnProcFile file("/nonexistent", "statm");
  EXPECT_EQ(errno, ENOENT);
  EXPECT_LT(file.fd(), 0);
  EXPECT_EQ(file.path(), "/nonexistent/self/statm");
}

bool MainThreadHasEnded() {
  std::ostringstream stat;
  stat << std::ifstream("/proc/self/stat").rdbuf();
  return absl::StrContains(stat.str(), ") Z ");
}

// Whether the address space is still to be seen.
bool SeesMemory() {
  uint64_t resident_bytes = 0;
  const bool read = ReadSmaps("/proc", [&](const Mapping& mapping) {
                      resident_bytes += mapping.resident_bytes;
                      return true;
                    }).ok();
  const absl::StatusOr<ProcessMemory> memory = ReadProcessMemory("/proc");
  return read && resident_bytes > 100000 && memory.ok() &&
         memory->resident_bytes > 100000;
}

TEST(OwnProcFileTest, TellsOfTheProcessOnceItsMainThreadHasEnded) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    std::thread([] {
      while (!MainThreadHasEnded()) sched_yield();
      _exit(SeesMemory() ? 0 : 1);
    }).detach();
    // This thread alone, as pthread_exit() in main() does.
    syscall(SYS_exit, 0);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status)) << status;
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace poolscope
