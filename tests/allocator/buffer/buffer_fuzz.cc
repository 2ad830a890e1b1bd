// The operations of buffer_trace.h as a target of libFuzzer: `./dev fuzz
// buffer`. A difference from the model ends it, as do the sanitizers.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/tests/allocator/buffer/buffer_trace.h"

namespace poolscope {
namespace {

struct Allocators {
  std::unique_ptr<PooledAllocator> pool;
  std::unique_ptr<BufferAllocator> pooled;
  std::unique_ptr<BufferAllocator> unpooled;
};

template <typename T>
T Must(absl::StatusOr<T> result) {
  if (result.ok()) return *std::move(result);
  std::fprintf(stderr, "%s\n", result.status().ToString().c_str());
  std::abort();
}

Allocators MakeAllocators() {
  PoolOptions options;
  options.max_direct_memory_bytes = 64 << 20;
  options.arenas = 1;
  Allocators made;
  made.pool = Must(PooledAllocator::Create(options));
  made.pooled = BufferAllocator::Pooled(made.pool.get());
  made.unpooled = Must(BufferAllocator::Unpooled(UnpooledOptions{}));
  return made;
}

}  // namespace
}  // namespace poolscope

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const poolscope::Allocators& allocators =
      *new poolscope::Allocators(poolscope::MakeAllocators());
  const std::string problem =
      poolscope::RunBufferTrace(absl::MakeConstSpan(data, size),
                                *allocators.pooled, *allocators.unpooled);
  if (!problem.empty()) {
    std::fprintf(stderr, "%s\n", problem.c_str());
    std::abort();
  }
  return 0;
}
