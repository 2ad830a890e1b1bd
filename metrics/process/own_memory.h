// What the process can tell of its own memory beyond procfs, of addresses that
// may be unmapped at any moment.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_METRICS_PROCESS_OWN_MEMORY_H_
#define POOLSCOPE_METRICS_PROCESS_OWN_MEMORY_H_

#include <cstdint>
#include <optional>

#include "absl/types/span.h"

namespace poolscope {

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
