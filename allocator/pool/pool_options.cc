#include "poolscope/allocator/pool/pool_options.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "poolscope/allocator/base/clock.h"
#include "poolscope/allocator/base/container_limit.h"
#include "poolscope/allocator/pool/memory_source.h"

namespace poolscope {
namespace {

constexpr size_t kMinPageBytes = 4096;
constexpr size_t kMaxPageBytes = 1 << 20;
constexpr int kMaxOrder = 14;
constexpr size_t kMaxChunkBytes = size_t{1} << 30;
constexpr int kMaxArenas = 1024;
constexpr size_t kMaxCacheBytes = size_t{1} << 30;
constexpr size_t kMaxNameLength = 64;
constexpr uint64_t kMaxSampleOneIn = uint64_t{1} << 32;

bool IsPowerOfTwo(size_t n) { return n != 0 && (n & (n - 1)) == 0; }

bool IsNameCharacter(char c) {
  return absl::ascii_isalnum(c) || c == '_' || c == '.' || c == ':' || c == '-';
}

// Netty's formula: at most three chunks an arena fill half of the limit.
int DefaultArenas(size_t limit, size_t chunk) {
  const size_t by_memory = limit / chunk / 2 / 3;
  const size_t by_cores = 2 * static_cast<size_t>(AvailableCores());
  return std::clamp<size_t>(std::min(by_memory, by_cores), 1, kMaxArenas);
}

}  // namespace

const char* ChunkLayoutName(ChunkLayout layout) {
  return layout == ChunkLayout::kBuddy ? "buddy" : "runs";
}

absl::StatusOr<PoolOptions> ResolvePoolOptions(PoolOptions options) {
  if (options.name.empty() || options.name.size() > kMaxNameLength ||
      !std::all_of(options.name.begin(), options.name.end(), IsNameCharacter)) {
    return absl::InvalidArgumentError(
        absl::StrFormat("name is \"%s\": give 1 to %d of [A-Za-z0-9_.:-]",
                        options.name, kMaxNameLength));
  }
  if (!IsPowerOfTwo(options.page_size_bytes) ||
      options.page_size_bytes < kMinPageBytes ||
      options.page_size_bytes > kMaxPageBytes) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "page_size_bytes is %d: give a power of two from %d to %d",
        options.page_size_bytes, kMinPageBytes, kMaxPageBytes));
  }
  if (options.max_order < 0 || options.max_order > kMaxOrder) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "max_order is %d: give 0 to %d", options.max_order, kMaxOrder));
  }
  const size_t chunk = options.chunk_size_bytes();
  if (chunk > kMaxChunkBytes) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "page_size_bytes %d << max_order %d is a chunk of %d bytes: at most %d",
        options.page_size_bytes, options.max_order, chunk, kMaxChunkBytes));
  }
  if (options.max_direct_memory_bytes == 0) {
    options.max_direct_memory_bytes =
        std::max<size_t>(AvailableMemoryBytes() / 2, chunk);
  }
  if (options.max_direct_memory_bytes < chunk) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "max_direct_memory_bytes is %d, below one chunk of %d bytes: raise it, "
        "or lower max_order",
        options.max_direct_memory_bytes, chunk));
  }
  if (!options.arenas.has_value()) {
    options.arenas = DefaultArenas(options.max_direct_memory_bytes, chunk);
  }
  if (*options.arenas < 1 || *options.arenas > kMaxArenas) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "arenas is %d: give 1 to %d", *options.arenas, kMaxArenas));
  }
  if (options.thread_cache_max_bytes > kMaxCacheBytes) {
    return absl::InvalidArgumentError(
        absl::StrFormat("thread_cache_max_bytes is %d: at most %d",
                        options.thread_cache_max_bytes, kMaxCacheBytes));
  }
  if (options.thread_cache_initial_bytes > options.thread_cache_max_bytes) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "thread_cache_initial_bytes is %d, above thread_cache_max_bytes %d",
        options.thread_cache_initial_bytes, options.thread_cache_max_bytes));
  }
  if (options.thread_cache_idle_trim < absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        absl::StrFormat("thread_cache_idle_trim is %s: give zero or more",
                        absl::FormatDuration(options.thread_cache_idle_trim)));
  }
  if (options.empty_chunk_decay < absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        absl::StrFormat("empty_chunk_decay is %s: give zero or more",
                        absl::FormatDuration(options.empty_chunk_decay)));
  }
  if (options.sample_one_in != 0 && options.sample_interval_bytes != 0) {
    return absl::InvalidArgumentError(
        absl::StrFormat("sample_one_in is %d and sample_interval_bytes %d: "
                        "give one of them",
                        options.sample_one_in, options.sample_interval_bytes));
  }
  if (options.sample_one_in > kMaxSampleOneIn) {
    return absl::InvalidArgumentError(
        absl::StrFormat("sample_one_in is %d: give 0 to %d",
                        options.sample_one_in, kMaxSampleOneIn));
  }
  if (options.clock == nullptr) options.clock = Clock::Real();
  if (options.memory_source == nullptr) {
    options.memory_source = MemorySource::System();
  }
  return options;
}

}  // namespace poolscope
