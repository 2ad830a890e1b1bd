#include "poolscope/tests/soak/soak_pool.h"

#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "poolscope/allocator/pool/allocator_stats.h"

namespace poolscope::soak {
namespace {

// Too little for 64 threads and what their caches would like to keep.
constexpr size_t kLimitBytes = 48 << 20;
constexpr int kSessionSteps = 4000;
// Steps between two looks at the stop flag and two additions to the account.
constexpr int kBurst = 128;

// Blocks that a session holds at most: a few, which caches serve alone, or at
// high tide up to more than there is room for.
size_t MostBlocks(Random* random, bool high_tide) {
  return size_t{1} << Below(random, high_tide ? 9 : 4);
}

}  // namespace

WorkCounts& WorkCounts::operator+=(const WorkCounts& more) {
  allocations += more.allocations;
  frees += more.frees;
  requested_bytes += more.requested_bytes;
  refusals += more.refusals;
  handed_over += more.handed_over;
  return *this;
}

absl::StatusOr<std::unique_ptr<SoakPool>> SoakPool::Create(ChunkLayout layout,
                                                           Problems* problems) {
  PoolOptions options;
  options.name = ChunkLayoutName(layout);
  options.layout = layout;
  options.max_direct_memory_bytes = kLimitBytes;
  options.max_order = 6;  // chunks of 512 KiB, so that many come and go
  options.arenas = 4;
  options.sample_interval_bytes = 256 << 10;
  options.thread_cache_trim_interval = 1024;
  options.thread_cache_idle_trim = absl::Milliseconds(100);
  options.empty_chunk_decay = absl::Milliseconds(20);
  absl::StatusOr<std::unique_ptr<SoakAllocator>> allocator =
      SoakAllocator::Create(std::move(options), problems);
  if (!allocator.ok()) return allocator.status();
  return std::unique_ptr<SoakPool>(
      new SoakPool(*std::move(allocator), problems));
}

WorkCounts SoakPool::Counts() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return counts_;
}

void SoakPool::Account(WorkCounts* counts) {
  std::lock_guard<std::mutex> lock(mutex_);
  counts_ += *counts;
  *counts = WorkCounts();
}

void SoakPool::Allocate(Random* random, std::vector<Block>* blocks,
                        WorkCounts* counts) {
  Block block;
  block.size = RandomSize(random, pool()->options().chunk_size_bytes());
  block.id = (*random)();
  const size_t alignment =
      Below(random, 20) == 0 ? size_t{16} << Below(random, 10) : 16;
  block.address = pool()->Allocate(block.size, alignment);
  if (block.address == nullptr) {
    ++counts->refusals;
    for (size_t keep = blocks->size() / 2; blocks->size() > keep;) {
      Free(random, blocks->back(), counts);
      blocks->pop_back();
    }
    return;
  }
  ++counts->allocations;
  counts->requested_bytes += block.size;
  if (reinterpret_cast<uintptr_t>(block.address) % alignment != 0 ||
      PooledAllocator::UsableSize(block.address) < block.size) {
    problems_->Add(absl::StrCat(
        name(), ": ", block.size, " bytes aligned to ", alignment,
        " came with ", PooledAllocator::UsableSize(block.address), " at ",
        absl::Hex(reinterpret_cast<uintptr_t>(block.address))));
  }
  FillBlock(block);
  blocks->push_back(block);
}

void SoakPool::Free(Random* random, const Block& block, WorkCounts* counts) {
  if (!BlockIsIntact(block)) {
    problems_->Add(absl::StrCat(name(), ": a block of ", block.size,
                                " bytes was written to by somebody else"));
  }
  ++counts->frees;
  switch (Below(random, 4)) {
    case 0:
      PooledAllocator::FreeBlock(block.address);
      break;
    case 1:
      pool()->Free(block.address, block.size);
      break;
    default:
      pool()->Free(block.address);
      break;
  }
}

void SoakPool::ChangeCache(Random* random) {
  switch (Below(random, 4)) {
    case 0:
      pool()->SetThreadCacheEnabled(false);
      break;
    case 1:
      PooledAllocator::MarkThreadIdle();
      break;
    default:
      pool()->SetThreadCacheEnabled(true);
      break;
  }
}

void SoakPool::Session(Random* random, bool high_tide, const StopFlag& stop) {
  const size_t most = MostBlocks(random, high_tide);
  std::vector<Block> blocks;
  WorkCounts counts;
  for (int step = 1; step <= kSessionSteps; ++step) {
    const uint64_t dice = Below(random, 100);
    if (dice < 8 && !blocks.empty()) {
      AnyHandover(random).Put(blocks.back());
      blocks.pop_back();
      ++counts.handed_over;
    } else if (dice < 20) {
      // More is taken than given, so that little waits.
      std::optional<Block> block = AnyHandover(random).TryTake();
      if (block.has_value()) Free(random, *block, &counts);
    } else if (blocks.size() < Below(random, most + 1)) {
      Allocate(random, &blocks, &counts);
    } else if (!blocks.empty()) {
      std::swap(blocks[Below(random, blocks.size())], blocks.back());
      Free(random, blocks.back(), &counts);
      blocks.pop_back();
    }
    if (Below(random, 2000) == 0) ChangeCache(random);
    if (step % kBurst == 0) {
      Account(&counts);
      if (stop.IsSet()) break;
    }
  }
  const bool leave = Below(random, 4) == 0;
  for (const Block& block : blocks) {
    if (leave) {
      AnyHandover(random).Put(block);
      ++counts.handed_over;
    } else {
      Free(random, block, &counts);
    }
  }
  Account(&counts);
}

void SoakPool::Drain() {
  Random random;
  WorkCounts counts;
  for (Handover& handover : handovers_) {
    while (std::optional<Block> block = handover.TryTake()) {
      Free(&random, *block, &counts);
    }
  }
  Account(&counts);
  // Sends the last ones on their way to where they belong.
  PooledAllocator::MarkThreadIdle();
}

void SoakPool::CheckAtRest() {
  const AllocatorStats stats = pool()->Stats();
  uint64_t allocations = 0;
  uint64_t frees = 0;
  for (const ArenaStats& arena : stats.arenas) {
    for (const KindCounts& kind : arena.by_kind) {
      allocations += kind.allocations;
      frees += kind.deallocations;
    }
  }
  const WorkCounts done = Counts();
  allocator_->MustBe("count of allocations", allocations, done.allocations);
  allocator_->MustBe("count of frees", frees, done.frees);
  allocator_->MustBe("requested_bytes", stats.requested_bytes,
                     done.requested_bytes);
  allocator_->CheckAtRest(done.refusals, /*unseen=*/0);
}

}  // namespace poolscope::soak
