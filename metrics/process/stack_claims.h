// The stacks of threads, as claims on addresses.
//
// Thread safety: thread-safe; it works on the values given.
#ifndef POOLSCOPE_METRICS_PROCESS_STACK_CLAIMS_H_
#define POOLSCOPE_METRICS_PROCESS_STACK_CLAIMS_H_

#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "poolscope/metrics/process/memory_owner.h"
#include "poolscope/metrics/process/smaps.h"
#include "poolscope/metrics/process/thread_anchors.h"

namespace poolscope {

// Ascending and disjoint, each with its guard page, where there is one:
//   - of each thread that lives: the bounds in its anchor; where those are
//     missing, from the anchor's page down to the guard page, the next thread's
//     stack, or `default_stack_bytes`;
//   - what the loader took for the main thread's thread-local storage;
//   - of threads that ended, whose stacks glibc keeps for the next (up to
//     40 MiB of them): mappings above a guard page that end in a thread's
//     descriptor, which holds its own address twice, as those of threads that
//     live do (on x86; elsewhere they are not found).
// `mappings` in ascending order; `read_words` as ReadOwnWords().
std::vector<MemoryClaim> StackClaims(
    absl::Span<const Mapping> mappings, absl::Span<const ThreadAnchor> threads,
    uint64_t default_stack_bytes,
    absl::FunctionRef<bool(uint64_t address, absl::Span<uint64_t> words)>
        read_words);

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_PROCESS_STACK_CLAIMS_H_
