#include "poolscope/allocator/base/container_limit.h"

#include <sched.h>

#include <algorithm>
#include <limits>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "poolscope/allocator/base/memory_cgroups.h"
#include "poolscope/allocator/base/read_file.h"

namespace poolscope {
namespace {

constexpr uint64_t kNoLimit = std::numeric_limits<uint64_t>::max();
constexpr uint64_t kUnknownMachineBytes = uint64_t{1} << 30;

uint64_t ReadLimit(const std::string& path) {
  uint64_t bytes = 0;
  // "max" is v2's word for none; a missing or unreadable file sets no limit.
  if (!absl::SimpleAtoi(absl::StripAsciiWhitespace(ReadFile(path).value_or("")),
                        &bytes)) {
    return kNoLimit;
  }
  return bytes;
}

uint64_t ContainerLimit(const std::string& root) {
  uint64_t least = kNoLimit;
  for (const MemoryCgroup& cgroup : MemoryCgroups(root)) {
    const char* const file =
        cgroup.version == 1 ? "/memory.limit_in_bytes" : "/memory.max";
    for (const std::string& directory : cgroup.directories) {
      least = std::min(least, ReadLimit(absl::StrCat(directory, file)));
    }
  }
  return least;
}

uint64_t MachineMemory(const std::string& root) {
  const std::string text =
      ReadFile(absl::StrCat(root, "/proc/meminfo")).value_or("");
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
