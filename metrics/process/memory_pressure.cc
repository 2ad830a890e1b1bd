#include "poolscope/metrics/process/memory_pressure.h"

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "poolscope/allocator/base/memory_cgroups.h"
#include "poolscope/allocator/base/read_file.h"

namespace poolscope {
namespace {

// The total of a line like "some avg10=0.00 avg60=0.00 avg300=0.00 total=12",
// which is in microseconds.
std::optional<double> TotalSeconds(absl::string_view text,
                                   absl::string_view scope) {
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
    if (words[0] != scope) continue;
    for (absl::string_view word : words) {
      uint64_t micros = 0;
      if (absl::ConsumePrefix(&word, "total=") &&
          absl::SimpleAtoi(word, &micros)) {
        return static_cast<double>(micros) / 1e6;
      }
    }
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<MemoryPressure> ReadMemoryPressure(const std::string& root) {
  std::vector<std::string> paths;
  for (const MemoryCgroup& cgroup : MemoryCgroups(root)) {
    if (cgroup.version != 2) continue;
    for (const std::string& directory : cgroup.directories) {
      paths.push_back(absl::StrCat(directory, "/memory.pressure"));
    }
  }
  paths.push_back(absl::StrCat(root, "/proc/pressure/memory"));
  for (const std::string& path : paths) {
    const std::optional<std::string> text = ReadFile(path);
    if (!text.has_value()) continue;
    const std::optional<double> some = TotalSeconds(*text, "some");
    const std::optional<double> full = TotalSeconds(*text, "full");
    if (!some.has_value() || !full.has_value()) {
      return absl::DataLossError(
          absl::StrCat(path, " does not hold the totals of some and full"));
    }
    return MemoryPressure{*some, *full};
  }
  return absl::NotFoundError(absl::StrCat("there is no ", paths.back()));
}

}  // namespace poolscope
