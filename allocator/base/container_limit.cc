#include "poolscope/allocator/base/container_limit.h"

#include <sched.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace poolscope {
namespace {

constexpr uint64_t kNoLimit = std::numeric_limits<uint64_t>::max();
constexpr uint64_t kUnknownMachineBytes = uint64_t{1} << 30;

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

uint64_t ReadLimit(const std::string& path) {
  const std::string text = ReadFile(path);
  uint64_t bytes = 0;
  // "max" is v2's word for none; a missing or unreadable file sets no limit.
  if (!absl::SimpleAtoi(absl::StripAsciiWhitespace(text), &bytes)) {
    return kNoLimit;
  }
  return bytes;
}

// The least limit from `group` (as /proc/self/cgroup names it) up to `mount`.
uint64_t LeastLimit(const std::string& mount, std::string group,
                    const char* file) {
  uint64_t least = ReadLimit(absl::StrCat(mount, "/", file));
  while (group.size() > 1) {
    least = std::min(least, ReadLimit(absl::StrCat(mount, group, "/", file)));
    group.resize(group.rfind('/') == std::string::npos ? 0 : group.rfind('/'));
  }
  return least;
}

uint64_t ContainerLimit(const std::string& root) {
  uint64_t least = kNoLimit;
  const std::string text = ReadFile(absl::StrCat(root, "/proc/self/cgroup"));
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    // hierarchy:controllers:path, with an empty controller list for v2.
    const std::vector<std::string> fields =
        absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (fields.size() != 3) continue;
    if (fields[1].empty()) {
      least = std::min(least, LeastLimit(absl::StrCat(root, "/sys/fs/cgroup"),
                                         fields[2], "memory.max"));
      continue;
    }
    for (absl::string_view controller : absl::StrSplit(fields[1], ',')) {
      if (controller != "memory") continue;
      least = std::min(least,
                       LeastLimit(absl::StrCat(root, "/sys/fs/cgroup/memory"),
                                  fields[2], "memory.limit_in_bytes"));
    }
  }
  return least;
}

uint64_t MachineMemory(const std::string& root) {
  const std::string text = ReadFile(absl::StrCat(root, "/proc/meminfo"));
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (!absl::ConsumePrefix(&line, "MemTotal:")) continue;
    absl::ConsumeSuffix(&line, "kB");
    uint64_t kib = 0;
    if (absl::SimpleAtoi(absl::StripAsciiWhitespace(line), &kib)) {
      return kib << 10;
    }
  }
  return kUnknownMachineBytes;
}

}  // namespace

uint64_t AvailableMemoryBytes(const std::string& root) {
  return std::min(ContainerLimit(root), MachineMemory(root));
}

int AvailableCores() {
  cpu_set_t cpus;
  if (sched_getaffinity(0, sizeof(cpus), &cpus) != 0) return 1;
  return std::max(1, CPU_COUNT(&cpus));
}

}  // namespace poolscope
