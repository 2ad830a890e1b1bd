// UnpooledHeap: malloc, counted as the pool counts, for a service that runs
// under AddressSanitizer or valgrind: each block is one of malloc's, of exactly
// the bytes asked for, so that a byte too far or too late is seen.
//
// What of AllocatorStats it fills: one arena; allocations, frees and bytes by
// the pool's kinds (small up to 28 KiB, normal up to 4 MiB, huge above); direct
// memory with its limit and peak; refusals; two size classes, small and normal,
// named by their largest size. There are no chunks, no caches and no samples,
// and a block's bytes are those requested.
//
// Thread safety: thread-safe. Counters are shared by all threads: it is made
// to find faults, not to be fast.
#ifndef POOLSCOPE_ALLOCATOR_BUFFER_UNPOOLED_HEAP_H_
#define POOLSCOPE_ALLOCATOR_BUFFER_UNPOOLED_HEAP_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/allocator/pool/memory_limit.h"

namespace poolscope {

struct UnpooledOptions {
  // The value of the `allocator` label, as PoolOptions::name.
  std::string name = "unpooled";

  // Upper bound on the bytes of all blocks; at least 4096. 0: half of the
  // container's memory limit, or of the machine's RAM where there is none.
  size_t max_direct_memory_bytes = 0;
};

namespace buffer_internal {

class UnpooledHeap {
 public:
  // InvalidArgumentError names the bad option.
  static absl::StatusOr<std::unique_ptr<UnpooledHeap>> Create(
      const UnpooledOptions& options);

  UnpooledHeap(const UnpooledHeap&) = delete;
  UnpooledHeap& operator=(const UnpooledHeap&) = delete;

  // Zero bytes give a unique pointer. ResourceExhaustedError names requested,
  // used and limit, or says that malloc had none.
  absl::StatusOr<uint8_t*> Allocate(size_t size);
  void Free(uint8_t* block, size_t size);

  AllocatorStats Stats() const;
  const std::string& name() const { return name_; }

 private:
  struct KindCounters {
    // Allocations are relaxed, frees are counted with release after them and
    // read with acquire before them: a snapshot never has more frees.
    std::atomic<uint64_t> allocations{0};
    std::atomic<uint64_t> allocated_bytes{0};
    std::atomic<uint64_t> deallocations{0};
    std::atomic<uint64_t> freed_bytes{0};
  };

  UnpooledHeap(std::string name, size_t limit_bytes)
      : name_(std::move(name)), limit_(limit_bytes) {}

  const std::string name_;
  pool_internal::MemoryLimit limit_;
  std::array<KindCounters, kKindCount> by_kind_;
  std::atomic<uint64_t> failures_limit_{0};  // relaxed: statistics
  std::atomic<uint64_t> failures_malloc_{0};
};

}  // namespace buffer_internal
}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_BUFFER_UNPOOLED_HEAP_H_
