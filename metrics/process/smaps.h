// Smaps: the process's mappings and what of each is resident, from procfs.
//
//   7f4ff4000000-7f4ff4021000 rw-p 00000000 00:00 0      [name]     a mapping
//   Size:                132 kB                                     its fields
//   Rss:                  12 kB
//   ...
//   VmFlags: rd wr mr mw me nr sd
//
// Fields are found by name: those that are not known, in any order and from any
// kernel, are passed over, and one that is missing counts as 0. The file is not
// one snapshot: a mapping may come, go, grow or be merged while it is read, and
// the next line then says what holds by then.
//
//   absl::Status read = ReadSmaps("/proc", [&](const Mapping& mapping) {
//     resident_bytes += mapping.resident_bytes;
//     return true;
//   });
//
// Cost: the kernel walks the page tables of every mapping, so it grows with
// what is resident, and the more the smaller the pages; see
// docs/native-memory.md for figures. The lock of the process's address space is
// taken and released for each piece read: page faults and mmap() wait for a
// mapping's walk at most.
//
// Thread safety: ReadSmaps is thread-safe, SmapsParser thread-compatible.
#ifndef POOLSCOPE_METRICS_PROCESS_SMAPS_H_
#define POOLSCOPE_METRICS_PROCESS_SMAPS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace poolscope {

struct Mapping {
  uint64_t start = 0;  // addresses in [start, end)
  uint64_t end = 0;
  bool readable = false;
  bool writable = false;
  bool executable = false;
  bool shared = false;
  uint64_t file_offset = 0;  // in bytes, of `start`
  uint64_t inode = 0;        // 0: not a file
  uint64_t resident_bytes = 0;
  // As the kernel spells it: a path, in which it writes a line's end as \012
  // and adds " (deleted)" to what is gone, or "[heap]" and the like, or
  // nothing. Any byte but '\n' may be in it.
  std::string name;

  uint64_t bytes() const { return end - start; }
  // Not PROT_NONE.
  bool accessible() const { return readable || writable || executable; }
};

// False: no more.
using MappingVisitor = absl::FunctionRef<bool(const Mapping&)>;

// Calls `visit` for each mapping, in the order of the file, which is that of
// addresses, until it returns false. Takes no memory a mapping, once the
// longest name was seen. `proc_root` is where procfs is mounted ("/proc").
// NotFoundError when the file cannot be opened, UnavailableError when it cannot
// be read to its end, DataLossError when it does not hold what smaps holds;
// each names the file. Mappings that were visited before stay visited.
absl::Status ReadSmaps(absl::string_view proc_root, MappingVisitor visit);

// The same for text that comes in pieces, cut anywhere.
class SmapsParser {
 public:
  explicit SmapsParser(std::function<bool(const Mapping&)> visit)
      : visit_(std::move(visit)) {}

  // DataLossError says what is wrong with which line; nothing may be fed after.
  absl::Status Feed(absl::string_view text);
  // `visit` returned false: the rest is passed over.
  bool stopped() const { return stopped_; }
  // The text has ended: visits the last mapping.
  absl::Status Finish();

 private:
  // More than the longest line: a path of 4,095 bytes, each written as four.
  static constexpr size_t kMaxLineBytes = 17 << 10;

  absl::Status ParseLine(absl::string_view line);
  void Visit();

  const std::function<bool(const Mapping&)> visit_;
  std::string partial_;  // of a line, up to kMaxLineBytes of it
  uint64_t line_number_ = 0;
  bool in_mapping_ = false;
  bool stopped_ = false;
  Mapping mapping_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_PROCESS_SMAPS_H_
