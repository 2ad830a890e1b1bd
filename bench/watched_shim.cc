// Two more allocators for poolscope's shared object, each with a leak detector:
// one disabled, one at level simple. Made by poolscope_bench_watch(), which is
// to be called once and before the rest.
//
// Thread-safe, but for poolscope_bench_watch().
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "poolscope/allocator/leak/leak_detector.h"
#include "poolscope/allocator/leak/leak_level.h"
#include "poolscope/allocator/pool/fast_path.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/bench/shim_layout.h"

using poolscope::LeakDetector;
using poolscope::LeakDetectorOptions;
using poolscope::LeakLevel;
using poolscope::PooledAllocator;
using poolscope::pool_internal::AllocateFrom;
using poolscope::pool_internal::FreeTo;

namespace {

PooledAllocator* g_disabled = nullptr;
PooledAllocator* g_simple = nullptr;

template <typename T>
T ValueOrDie(absl::StatusOr<T> value) {
  if (!value.ok()) {
    std::fprintf(stderr, "bench: %s\n", value.status().ToString().c_str());
    std::exit(1);
  }
  return *std::move(value);
}

// Never destroyed, nor is its detector.
PooledAllocator* MakeWatched(LeakLevel level) {
  LeakDetectorOptions leak_options;
  leak_options.level = level;
  const std::shared_ptr<LeakDetector> detector =
      ValueOrDie(LeakDetector::Create(leak_options));
  poolscope::PoolOptions options;
  options.layout = poolscope::bench::kShimLayout;
  options.observer = detector;
  PooledAllocator* allocator =
      ValueOrDie(PooledAllocator::Create(options)).release();
  detector->ControlSampling([allocator](size_t interval_bytes) {
    allocator->SetSampleInterval(interval_bytes);
  });
  return allocator;
}

}  // namespace

extern "C" {

void poolscope_bench_watch() {
  g_disabled = MakeWatched(LeakLevel::kDisabled);
  g_simple = MakeWatched(LeakLevel::kSimple);
}

[[gnu::aligned(64)]] void* poolscope_bench_disabled_malloc(size_t size) {
  return AllocateFrom(g_disabled, size);
}

[[gnu::aligned(64)]] void poolscope_bench_disabled_free(void* block) {
  FreeTo(g_disabled, block);
}

[[gnu::aligned(64)]] void* poolscope_bench_simple_malloc(size_t size) {
  return AllocateFrom(g_simple, size);
}

[[gnu::aligned(64)]] void poolscope_bench_simple_free(void* block) {
  FreeTo(g_simple, block);
}

}  // extern "C"
