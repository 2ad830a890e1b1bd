#include "poolscope/metrics/process/cgroup_memory.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "poolscope/allocator/base/memory_cgroups.h"
#include "poolscope/allocator/base/read_file.h"

namespace poolscope {
namespace {

// Version 1 writes 2^63 rounded down to a page for no limit, and pages differ.
constexpr uint64_t kAsGoodAsNone = uint64_t{1} << 62;

struct FileNames {
  const char* limit;
  const char* usage;
  const char* inactive_file;  // a line of memory.stat
};

constexpr FileNames kVersion1 = {
    "/memory.limit_in_bytes", "/memory.usage_in_bytes", "total_inactive_file"};
constexpr FileNames kVersion2 = {"/memory.max", "/memory.current",
                                 "inactive_file"};

std::string ReadOrNothing(const std::string& path) {
  return ReadFile(path).value_or("");
}

std::optional<uint64_t> ReadNumber(const std::string& path) {
  uint64_t number = 0;
  if (!absl::SimpleAtoi(absl::StripAsciiWhitespace(ReadOrNothing(path)),
                        &number)) {
    return std::nullopt;
  }
  return number;
}

// The number behind `key` in lines of "key number".
std::optional<uint64_t> FindNumber(absl::string_view text,
                                   absl::string_view key) {
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::pair<absl::string_view, absl::string_view> words =
        absl::StrSplit(line, absl::MaxSplits(' ', 1));
    uint64_t number = 0;
    if (words.first == key && absl::SimpleAtoi(words.second, &number)) {
      return number;
    }
  }
  return std::nullopt;
}

std::optional<CgroupLevel> ReadLevel(const std::string& directory,
                                     const FileNames& names) {
  const std::optional<uint64_t> usage =
      ReadNumber(absl::StrCat(directory, names.usage));
  if (!usage.has_value()) return std::nullopt;
  CgroupLevel level;
  level.directory = directory;
  level.usage_bytes = *usage;
  level.limit_bytes = ReadNumber(absl::StrCat(directory, names.limit));
  if (level.limit_bytes >= kAsGoodAsNone) level.limit_bytes.reset();
  const std::string stat =
      ReadOrNothing(absl::StrCat(directory, "/memory.stat"));
  level.inactive_file_bytes = FindNumber(stat, names.inactive_file).value_or(0);
  return level;
}

std::vector<CgroupEvent> ReadEvents(const std::string& directory, int version) {
  std::vector<CgroupEvent> events;
  const auto add = [&](absl::string_view name, std::optional<uint64_t> count) {
    if (count.has_value()) events.push_back({name, *count});
  };
  if (version == 1) {
    add("max", ReadNumber(absl::StrCat(directory, "/memory.failcnt")));
    add("oom_kill", FindNumber(ReadOrNothing(absl::StrCat(
                                   directory, "/memory.oom_control")),
                               "oom_kill"));
    return events;
  }
  const std::string text =
      ReadOrNothing(absl::StrCat(directory, "/memory.events"));
  for (absl::string_view name : {"low", "high", "max", "oom", "oom_kill"}) {
    add(name, FindNumber(text, name));
  }
  return events;
}

}  // namespace

uint64_t CgroupLevel::held_bytes() const {
  return usage_bytes - std::min(usage_bytes, inactive_file_bytes);
}

std::optional<uint64_t> CgroupLevel::headroom_bytes() const {
  if (!limit_bytes.has_value()) return std::nullopt;
  return *limit_bytes - std::min(*limit_bytes, held_bytes());
}

const CgroupLevel& CgroupMemory::Nearest() const {
  const CgroupLevel* nearest = &levels[0];
  for (const CgroupLevel& level : levels) {
    const std::optional<uint64_t> headroom = level.headroom_bytes();
    if (headroom.has_value() && (!nearest->limit_bytes.has_value() ||
                                 headroom < nearest->headroom_bytes())) {
      nearest = &level;
    }
  }
  return *nearest;
}

absl::StatusOr<CgroupMemory> ReadCgroupMemory(const std::string& root) {
  for (const MemoryCgroup& cgroup : MemoryCgroups(root)) {
    CgroupMemory memory;
    for (const std::string& directory : cgroup.directories) {
      const std::optional<CgroupLevel> level =
          ReadLevel(directory, cgroup.version == 1 ? kVersion1 : kVersion2);
      if (!level.has_value()) continue;
      if (memory.levels.empty()) {
        memory.events = ReadEvents(directory, cgroup.version);
      }
      memory.levels.push_back(*level);
    }
    // The memory controller is in one hierarchy.
    if (!memory.levels.empty()) return memory;
  }
  return absl::NotFoundError(absl::StrCat(
      "no cgroup's memory is to be seen through ", root, "/proc/self/cgroup"));
}

}  // namespace poolscope
