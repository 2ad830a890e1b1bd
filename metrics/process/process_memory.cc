#include "poolscope/metrics/process/process_memory.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <limits>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "poolscope/metrics/process/own_proc_file.h"

namespace poolscope {

absl::StatusOr<ProcessMemory> ReadProcessMemory(absl::string_view proc_root) {
  const OwnProcFile file(proc_root, "statm");
  if (file.fd() < 0) {
    return absl::NotFoundError(
        absl::StrCat("cannot open ", file.path(), ": ", std::strerror(errno)));
  }
  char text[256];
  const ssize_t length = read(file.fd(), text, sizeof(text));

  // size resident shared text lib data dt, in pages.
  const std::vector<absl::string_view> fields =
      absl::StrSplit(absl::string_view(text, length < 0 ? 0 : length),
                     absl::ByAnyChar(" \n"), absl::SkipEmpty());
  const uint64_t page_bytes = sysconf(_SC_PAGESIZE);
  const uint64_t most = std::numeric_limits<uint64_t>::max() / page_bytes;
  uint64_t virtual_pages = 0;
  uint64_t resident_pages = 0;
  if (fields.size() < 2 || !absl::SimpleAtoi(fields[0], &virtual_pages) ||
      !absl::SimpleAtoi(fields[1], &resident_pages) || virtual_pages > most ||
      resident_pages > most) {
    return absl::DataLossError(
        absl::StrCat(file.path(), " does not begin with two numbers of pages"));
  }
  ProcessMemory memory;
  memory.virtual_bytes = virtual_pages * page_bytes;
  memory.resident_bytes = resident_pages * page_bytes;
  return memory;
}

}  // namespace poolscope
