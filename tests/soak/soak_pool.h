// SoakPool: one pool of the soak, the blocks on their way between its threads,
// and the threads' own account of what they did with it.
//
// Thread safety: thread-safe, but for Drain() and CheckAtRest(), which need the
// threads that called Session() gone.
#ifndef POOLSCOPE_TESTS_SOAK_SOAK_POOL_H_
#define POOLSCOPE_TESTS_SOAK_SOAK_POOL_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/tests/allocator/pool/stress/block.h"
#include "poolscope/tests/allocator/pool/stress/threads.h"
#include "poolscope/tests/allocator/pool/stress/trace.h"
#include "poolscope/tests/soak/signals.h"
#include "poolscope/tests/soak/soak_allocator.h"

namespace poolscope::soak {

// What threads did, by their own account.
struct WorkCounts {
  uint64_t allocations = 0;
  uint64_t frees = 0;
  uint64_t requested_bytes = 0;
  uint64_t refusals = 0;
  uint64_t handed_over = 0;  // blocks that went to another thread

  WorkCounts& operator+=(const WorkCounts& more);
};

class SoakPool {
 public:
  // Named after the layout. `problems` must outlive it.
  static absl::StatusOr<std::unique_ptr<SoakPool>> Create(ChunkLayout layout,
                                                          Problems* problems);

  SoakAllocator* allocator() const { return allocator_.get(); }
  PooledAllocator* pool() const { return allocator_->pool(); }
  const char* name() const { return allocator_->name(); }
  WorkCounts Counts() const;

  // Some thousand allocations and frees by the calling thread, of every size
  // and in every way, fewer once `stop` is set. It holds more at high tide than
  // there is room for if others do. What it holds at the end it frees or leaves
  // to others.
  void Session(Random* random, bool high_tide, const StopFlag& stop);

  // Frees what nobody took.
  void Drain();
  // Nothing is in use, the figures are what was done, and all of the memory can
  // be given back.
  void CheckAtRest();

 private:
  SoakPool(std::unique_ptr<SoakAllocator> allocator, Problems* problems)
      : allocator_(std::move(allocator)), problems_(problems) {}

  // Refused, it frees half of `blocks`, as a service sheds load.
  void Allocate(Random* random, std::vector<Block>* blocks, WorkCounts* counts);
  void Free(Random* random, const Block& block, WorkCounts* counts);
  void ChangeCache(Random* random);
  void Account(WorkCounts* counts);
  Handover& AnyHandover(Random* random) {
    return handovers_[Below(random, handovers_.size())];
  }

  const std::unique_ptr<SoakAllocator> allocator_;
  Problems* const problems_;
  std::vector<Handover> handovers_{16};
  mutable std::mutex mutex_;
  WorkCounts counts_;
};

}  // namespace poolscope::soak

#endif  // POOLSCOPE_TESTS_SOAK_SOAK_POOL_H_
