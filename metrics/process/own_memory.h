// What the process can tell of its own memory beyond procfs, of addresses that
// may be unmapped at any moment.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_METRICS_PROCESS_OWN_MEMORY_H_
#define POOLSCOPE_METRICS_PROCESS_OWN_MEMORY_H_

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "poolscope/metrics/process/own_proc_file.h"

namespace poolscope {

// Which pages hold something, by /proc/self/pagemap. Reading another would make
// the kernel fill it: with a page table, of which a few GiB come together over
// some TiB of untouched memory, or where userfaultfd watches it, by a thread of
// the program that may never answer.
class OwnPages {
 public:
  explicit OwnPages(absl::string_view proc_root);

  // Whether the page of `address` is in memory or in swap. Where pagemap is not
  // to be had, whether it is in memory; true where that is not known either.
  bool Filled(uint64_t address) const;

 private:
  const OwnProcFile pagemap_;
};

// Copies the words at `address` to `words`. False where not all of them are
// mapped and readable, or the system refuses the call (a seccomp filter may).
// By process_vm_readv: a load of one's own would end the process if another
// thread unmapped the page a moment ago.
[[nodiscard]] bool ReadOwnWords(uint64_t address, absl::Span<uint64_t> words);

// Resident bytes of whole pages, by mincore(); none where part of it is not
// mapped. Exact for private anonymous memory, but for pages that were read and
// never written: those count here, and not in smaps.
std::optional<uint64_t> OwnResidentBytes(uint64_t start, uint64_t end);

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_PROCESS_OWN_MEMORY_H_
