// Smaps: the process's mappings and what of each is resident, from procfs.
//
//   55f0c8a4e000-55f0c8a6f000 rw-p 00000000 00:00 0      [heap]
//   Size:                132 kB
//   Rss:                  96 kB     ...
//
// The kernel walks every page for it, some milliseconds a GiB that is resident,
// and lets others change the mappings meanwhile: on demand, not in a scrape.
//
// Thread safety: thread-safe; a plain value.
#ifndef POOLSCOPE_EXAMPLES_DEMO_SMAPS_H_
#define POOLSCOPE_EXAMPLES_DEMO_SMAPS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace poolscope::demo {

struct SmapsMapping {
  uint64_t begin = 0;  // addresses in [begin, end)
  uint64_t end = 0;
  bool writable = false;
  bool accessible = false;  // any of read, write, execute
  bool shared = false;
  std::string name;  // a path, or as "[heap]"; empty where anonymous
  uint64_t resident_bytes = 0;
};

// In order of address. `proc_root` is where procfs is mounted ("/proc").
// NotFoundError when the file cannot be read, DataLossError when it does not
// hold what it should.
absl::StatusOr<std::vector<SmapsMapping>> ReadSmaps(
    absl::string_view proc_root);

// The same of the text. Fields that it does not know are left out.
absl::StatusOr<std::vector<SmapsMapping>> ParseSmaps(absl::string_view text);

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_SMAPS_H_
