// NativeMemoryCategory: a name under which a service counts native memory of
// its own, so that the report can take it out of "Glibc Heap" or "Unknown".
//
//   static NativeMemoryCategory* const kRoutes =
//       NativeMemoryCategory::Register("Route Table").value();
//   void* table = malloc(bytes);
//   kRoutes->RecordMalloc(malloc_usable_size(table));
//   ...
//   kRoutes->RecordFree(malloc_usable_size(table));
//   free(table);
//
// openssl_memory.h and zlib_memory.h do this for two libraries,
// tagged_malloc.h for code that calls malloc() itself.
//
//   any thread --Record...()--> its shard: 8 sums that only grow
//                                 |
//   Snapshot(): frees, then allocations, of all shards --> NativeMemoryTag
//
// Sums are kept apart by direction: what is in use is their difference, and it
// cannot be negative when the sum of what came back is read first. What came
// back without having been recorded counts as if nothing were in use.
//
// A call costs 20 instructions, one or two of them locked, on a cache line that
// the thread shares with one in 16 others.
//
// Thread safety: thread-safe. Nothing allocates but Register() and Snapshot(),
// so that a hook inside of an allocator may count.
//
// Ownership: a category is never destroyed, so a thread may count until the
// process ends. There is room for kMaxCategories in static storage, 1.1 KiB
// each, of which only the pages in use are resident.
#ifndef POOLSCOPE_METRICS_NATIVE_MEMORY_NATIVE_MEMORY_CATEGORY_H_
#define POOLSCOPE_METRICS_NATIVE_MEMORY_NATIVE_MEMORY_CATEGORY_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "poolscope/metrics/native_memory/native_memory_tag.h"

namespace poolscope {

class NativeMemoryCategory {
 public:
  static constexpr size_t kMaxCategories = 32;
  static constexpr size_t kMaxNameLength = 26;

  // The category called `name`: from 2 to 26 letters and single blanks, the
  // first letter in upper case, the last character no blank; tools that read
  // the JVM's report take no others. InvalidArgumentError for any other name;
  // AlreadyExistsError when, upper and lower case being the same, it is a
  // category of the report or was registered before; ResourceExhaustedError
  // when there are kMaxCategories.
  [[nodiscard]] static absl::StatusOr<NativeMemoryCategory*> Register(
      absl::string_view name);

  // The InvalidArgumentError above, or OK.
  static absl::Status CheckName(absl::string_view name);

  // One entry a registered category, in the order of registration.
  static std::vector<NativeMemoryTag> Snapshot();

  // Bytes of the records behind the categories that are registered.
  static size_t OverheadBytes();

  constexpr NativeMemoryCategory() = default;
  NativeMemoryCategory(const NativeMemoryCategory&) = delete;
  NativeMemoryCategory& operator=(const NativeMemoryCategory&) = delete;

  absl::string_view name() const;

  // A block from malloc, and its end. Count what malloc handed out for it,
  // malloc_usable_size(): those bytes are taken out of malloc's own category.
  void RecordMalloc(size_t bytes);
  void RecordFree(size_t bytes);

  // Anonymous mappings, in the order of their life: address space reserved,
  // memory in it committed, given back, and the address space released. What is
  // still committed when a mapping ends is uncommitted first.
  void RecordReserve(size_t bytes);
  void RecordCommit(size_t bytes);
  void RecordUncommit(size_t bytes);
  void RecordRelease(size_t bytes);

  // All of it at this moment. Not an instant: what is allocated while the
  // shards are read may count although what is freed meanwhile does not.
  NativeMemoryTag Read() const;

 private:
  static constexpr size_t kShards = 16;
  // Bytes that a shard counts between two looks for a new peak: the peak may
  // miss up to 16 KiB a shard in use, 256 KiB in all.
  static constexpr int kPeakStepBits = 14;

  // One cache line. Each sum only grows (or wraps, after 2^64).
  //
  // In the sums of allocations, which come first in a block's life, a relaxed
  // order suffices: nobody draws a conclusion from seeing one. Every later sum
  // is added to with release order and read with acquire order, and the sums
  // are read from the last in a block's life to the first. Whoever sees a free
  // therefore sees the allocation before it, as the block itself was passed
  // from one thread to the other with at least that order.
  struct alignas(64) Shard {
    std::atomic<uint64_t> malloced_bytes{0};
    std::atomic<uint64_t> malloc_count{0};
    std::atomic<uint64_t> freed_bytes{0};
    std::atomic<uint64_t> free_count{0};
    std::atomic<uint64_t> reserved_bytes{0};
    std::atomic<uint64_t> committed_bytes{0};
    std::atomic<uint64_t> uncommitted_bytes{0};
    std::atomic<uint64_t> released_bytes{0};
  };

  struct Sums {
    uint64_t malloc_bytes = 0;
    uint64_t malloc_count = 0;
    uint64_t reserved_bytes = 0;
    uint64_t committed_bytes = 0;
  };

  Shard& ThisThreadsShard();
  uint64_t Sum(std::atomic<uint64_t> Shard::*sum,
               std::memory_order order) const;
  Sums ReadSums() const;
  // Looks for a new peak when the sum that was `before` has passed a step.
  void NoteGrowth(uint64_t before, size_t bytes);
  // Returns the peak, which is at least `committed_bytes` then.
  uint64_t RaisePeak(uint64_t committed_bytes) const;

  std::array<Shard, kShards> shards_{};
  // Relaxed: statistics only, raised by compare-exchange.
  mutable std::atomic<uint64_t> peak_committed_bytes_{0};
  // Written once, before the category is published.
  std::array<char, kMaxNameLength + 1> name_{};
};

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_NATIVE_MEMORY_NATIVE_MEMORY_CATEGORY_H_
