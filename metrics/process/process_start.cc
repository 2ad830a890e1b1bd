#include "poolscope/metrics/process/process_start.h"

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "poolscope/allocator/base/read_file.h"

namespace poolscope {
namespace {

absl::Status CannotRead(absl::string_view path) {
  return absl::NotFoundError(absl::StrCat("cannot read ", path));
}

absl::StatusOr<uint64_t> ReadBootSeconds(absl::string_view proc_root) {
  const std::string path = absl::StrCat(proc_root, "/stat");
  const std::optional<std::string> text = ReadFile(path);
  if (!text.has_value()) return CannotRead(path);
  for (absl::string_view line : absl::StrSplit(*text, '\n')) {
    uint64_t seconds = 0;
    if (absl::ConsumePrefix(&line, "btime ") &&
        absl::SimpleAtoi(line, &seconds)) {
      return seconds;
    }
  }
  return absl::DataLossError(absl::StrCat(path, " has no btime"));
}

}  // namespace

absl::StatusOr<double> ReadProcessStartSeconds(absl::string_view proc_root) {
  const absl::StatusOr<uint64_t> boot_seconds = ReadBootSeconds(proc_root);
  if (!boot_seconds.ok()) return boot_seconds.status();

  const std::string path = absl::StrCat(proc_root, "/self/stat");
  const std::optional<std::string> text = ReadFile(path);
  if (!text.has_value()) return CannotRead(path);
  // pid (comm) state ...: the name may hold blanks and brackets itself, so the
  // fields are counted from the last one. proc(5): starttime is the 22nd.
  constexpr size_t kStartTime = 22 - 3;
  const size_t end_of_name = text->rfind(')');
  std::vector<absl::string_view> fields;
  if (end_of_name != std::string::npos) {
    fields = absl::StrSplit(absl::string_view(*text).substr(end_of_name + 1),
                            absl::ByAnyChar(" \n"), absl::SkipEmpty());
  }
  uint64_t ticks = 0;
  if (fields.size() <= kStartTime ||
      !absl::SimpleAtoi(fields[kStartTime], &ticks)) {
    return absl::DataLossError(absl::StrCat(path, " has no starttime"));
  }
  return static_cast<double>(*boot_seconds) +
         static_cast<double>(ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

}  // namespace poolscope
