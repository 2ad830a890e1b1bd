// The readers of the cgroups' files as a target of libFuzzer: `./dev fuzz
// cgroup`.
//
// The input is the files' texts, with a byte 0 between them, in the order of
// kFiles; one that is empty is not there. They are written below a root of the
// program's own, in which the groups /a and /a/a have the topmost one's. These
// end it, besides the sanitizers: figures that contradict each other, that are
// not what was written, or that differ when they are read twice.
#include <fcntl.h>
#include <unistd.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "poolscope/allocator/base/container_limit.h"
#include "poolscope/metrics/process/cgroup_memory.h"
#include "poolscope/metrics/process/memory_pressure.h"
#include "poolscope/tests/fuzz/fuzz_input.h"

namespace poolscope {
namespace {

constexpr const char* kFiles[] = {
    "/proc/self/cgroup",
    "/proc/self/mountinfo",
    "/proc/meminfo",
    "/proc/pressure/memory",
    "/sys/fs/cgroup/memory.max",
    "/sys/fs/cgroup/memory.current",
    "/sys/fs/cgroup/memory.stat",
    "/sys/fs/cgroup/memory.events",
    "/sys/fs/cgroup/memory.pressure",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    "/sys/fs/cgroup/memory/memory.usage_in_bytes",
    "/sys/fs/cgroup/memory/memory.stat",
    "/sys/fs/cgroup/memory/memory.failcnt",
    "/sys/fs/cgroup/memory/memory.oom_control",
};

// In memory: thousands of files a second.
class Root {
 public:
  Root() {
    char path[] = "/dev/shm/poolscope_cgroup_fuzz_XXXXXX";
    FuzzCheck(mkdtemp(path) != nullptr, "a folder in /dev/shm");
    path_ = path;
    for (const char* folder :
         {"/proc/self", "/proc/pressure", "/sys/fs/cgroup/a/a",
          "/sys/fs/cgroup/memory/a/a"}) {
      std::filesystem::create_directories(path_ + folder);
    }
    for (const std::filesystem::path file : kFiles) {
      if (!absl::StartsWith(file.c_str(), "/sys")) continue;
      const std::string text = absl::StrCat(path_, file.c_str());
      const std::string group = absl::StrCat(path_, file.parent_path().c_str());
      for (const char* below : {"/a/", "/a/a/"}) {
        std::filesystem::create_symlink(
            text, absl::StrCat(group, below, file.filename().c_str()));
      }
    }
    std::atexit([] { std::filesystem::remove_all(Instance().path_); });
  }

  static Root& Instance() {
    static Root& root = *new Root;
    return root;
  }

  const std::string& path() const { return path_; }

  void Write(const char* file, absl::string_view text) {
    const std::string path = absl::StrCat(path_, file);
    if (text.empty()) {
      unlink(path.c_str());
      return;
    }
    const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    FuzzCheck(fd >= 0, "a file in /dev/shm");
    const ssize_t written = write(fd, text.data(), text.size());
    FuzzCheck(written == static_cast<ssize_t>(text.size()), "room in /dev/shm");
    close(fd);
  }

 private:
  std::string path_;
};

void CheckLevel(const CgroupLevel& level, const std::string& root) {
  FuzzCheck(level.held_bytes() <= level.usage_bytes, "held is of the usage");
  if (level.limit_bytes.has_value()) {
    FuzzCheck(*level.limit_bytes < uint64_t{1} << 62, "a limit that is one");
    FuzzCheck(level.headroom_bytes().value() <= *level.limit_bytes,
              "headroom is below the limit");
    FuzzCheck(AvailableMemoryBytes(root) <= *level.limit_bytes,
              "no more is available than a limit");
  } else {
    FuzzCheck(!level.headroom_bytes().has_value(), "headroom needs a limit");
  }
}

std::string Text(const CgroupMemory& memory) {
  std::string text;
  for (const CgroupLevel& level : memory.levels) {
    absl::StrAppend(&text, level.directory, " ", level.limit_bytes.value_or(0),
                    " ", level.usage_bytes, " ", level.inactive_file_bytes,
                    "\n");
  }
  for (const CgroupEvent& event : memory.events) {
    absl::StrAppend(&text, event.name, " ", event.count, "\n");
  }
  return text;
}

void Check(const std::string& root, const std::string& usage_v1,
           const std::string& usage_v2) {
  const absl::StatusOr<CgroupMemory> memory = ReadCgroupMemory(root);
  if (memory.ok()) {
    FuzzCheck(!memory->levels.empty(), "at least the own level");
    for (const CgroupLevel& level : memory->levels) {
      CheckLevel(level, root);
      const uint64_t v1 = std::strtoull(usage_v1.c_str(), nullptr, 10);
      const uint64_t v2 = std::strtoull(usage_v2.c_str(), nullptr, 10);
      FuzzCheck(level.usage_bytes == v1 || level.usage_bytes == v2,
                "the usage that was written");
    }
    const CgroupLevel& nearest = memory->Nearest();
    for (const CgroupLevel& level : memory->levels) {
      FuzzCheck(!level.limit_bytes.has_value() ||
                    (nearest.limit_bytes.has_value() &&
                     nearest.headroom_bytes() <= level.headroom_bytes()),
                "the nearest limit is the nearest");
    }
    std::set<std::string> names;
    for (const CgroupEvent& event : memory->events) {
      FuzzCheck(names.emplace(event.name).second, "an event comes once");
    }
    FuzzCheck(Text(ReadCgroupMemory(root).value()) == Text(*memory),
              "the same when it is read twice");
  }
  const absl::StatusOr<MemoryPressure> pressure = ReadMemoryPressure(root);
  if (pressure.ok()) {
    FuzzCheck(pressure->some_seconds >= 0 && pressure->full_seconds >= 0 &&
                  std::isfinite(pressure->some_seconds) &&
                  std::isfinite(pressure->full_seconds),
              "seconds are a number");
  }
}

}  // namespace
}  // namespace poolscope

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  poolscope::FuzzInput input(data, size);
  poolscope::Root& root = poolscope::Root::Instance();
  std::string usage_v1;
  std::string usage_v2;
  for (const char* file : poolscope::kFiles) {
    const absl::string_view text = input.Text();
    root.Write(file, text);
    if (absl::string_view(file).find("usage_in_bytes") != std::string::npos) {
      usage_v1 = std::string(text);
    }
    if (absl::string_view(file).find("memory.current") != std::string::npos) {
      usage_v2 = std::string(text);
    }
  }
  poolscope::Check(root.path(), usage_v1, usage_v2);
  return 0;
}
