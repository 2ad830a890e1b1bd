// ScrapePools: real allocators with enough arenas for a large scrape, used and
// then at rest.
//
// One thread an arena allocates, frees and leaves blocks behind in each of the
// allocators; the last kLiveThreads of them stay, with their caches, and wait.
// So a snapshot walks what it walks in a service, and nothing moves meanwhile.
//
// Thread safety: thread-compatible.
#ifndef POOLSCOPE_BENCH_SCRAPE_POOLS_H_
#define POOLSCOPE_BENCH_SCRAPE_POOLS_H_

#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "poolscope/allocator/pool/pooled_allocator.h"

namespace poolscope::bench {

class ScrapePools {
 public:
  static constexpr int kAllocators = 4;
  static constexpr int kArenas = 68;  // each
  static constexpr int kLiveThreads = 16;

  static absl::StatusOr<std::unique_ptr<ScrapePools>> Create();

  ~ScrapePools();
  ScrapePools(const ScrapePools&) = delete;
  ScrapePools& operator=(const ScrapePools&) = delete;

  const std::vector<std::unique_ptr<PooledAllocator>>& allocators() const {
    return allocators_;
  }

 private:
  ScrapePools() = default;

  std::vector<std::unique_ptr<PooledAllocator>> allocators_;
  std::promise<void> done_;
  std::vector<std::thread> live_;
};

}  // namespace poolscope::bench

#endif  // POOLSCOPE_BENCH_SCRAPE_POOLS_H_
