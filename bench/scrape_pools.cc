#include "poolscope/bench/scrape_pools.h"

#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"

namespace poolscope::bench {
namespace {

// Every size class up to 64 KiB is asked for, and half of the blocks stay.
void Use(PooledAllocator& allocator) {
  std::vector<void*> passing;
  for (size_t size = 16; size <= 65536; size += size / 8 + 16) {
    (void)allocator.Allocate(size);
    passing.push_back(allocator.Allocate(size));
  }
  for (void* block : passing) allocator.Free(block);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ScrapePools>> ScrapePools::Create() {
  std::unique_ptr<ScrapePools> pools(new ScrapePools);
  for (int i = 0; i < kAllocators; ++i) {
    PoolOptions options;
    options.name = absl::StrCat("service-", i);
    options.arenas = kArenas;
    options.max_direct_memory_bytes = size_t{4} << 30;  // mapped, hardly used
    absl::StatusOr<std::unique_ptr<PooledAllocator>> allocator =
        PooledAllocator::Create(options);
    if (!allocator.ok()) return allocator.status();
    pools->allocators_.push_back(*std::move(allocator));
  }
  const std::shared_future<void> done = pools->done_.get_future().share();
  for (int i = 0; i < kArenas; ++i) {
    std::promise<void> used;
    std::thread thread([&, done] {
      for (const auto& allocator : pools->allocators_) Use(*allocator);
      const bool stays = i >= kArenas - kLiveThreads;
      used.set_value();
      if (stays) done.wait();
    });
    used.get_future().wait();
    if (i < kArenas - kLiveThreads) {
      thread.join();
    } else {
      pools->live_.push_back(std::move(thread));
    }
  }
  return pools;
}

ScrapePools::~ScrapePools() {
  done_.set_value();
  for (std::thread& thread : live_) thread.join();
}

}  // namespace poolscope::bench
