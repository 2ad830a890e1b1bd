// Size classes: which sizes of block there are, and what a request gets.
//
// With page runs, jemalloc 4's geometry, four classes a doubling:
//
//   group 0:   16   32   48   64           steps of 16
//   group 1:   80   96  112  128           steps of 16
//   group 2:  160  192  224  256           steps of 32
//   ...
//   a group starts at 2^k and adds a quarter of it four times
//
// so that a request wastes at most a fifth of its block above 64 bytes. With
// the buddy tree, those of Netty before 4.1.52: tiny ones in steps of 16 below
// 512, then powers of two.
//
// Neither series depends on the other options: a chunk of 4 MiB uses the first
// 68 classes of the first, one of 1 GiB all 100. A class index is an index into
// the bins of a thread cache.
//
// What an arena carves for a class:
//   class < page   a slab: the fewest pages that its elements fill exactly,
//                  at most 512 elements, handed out by a bitmap;
//   class >= page  a run of pages of its own for each block (and for a class
//                  of which a chunk of few pages holds just one).
//
// Thread safety: immutable.
#ifndef POOLSCOPE_ALLOCATOR_POOL_SIZE_CLASSES_H_
#define POOLSCOPE_ALLOCATOR_POOL_SIZE_CLASSES_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "poolscope/allocator/pool/pool_options.h"

namespace poolscope {
namespace pool_internal {

inline constexpr int kMaxSizeClasses = 100;  // 16 B .. 1 GiB
inline constexpr int kMaxSlabElements = 512;

inline constexpr size_t kMinAlignment = 16;
// The class of 64 bytes, in either series.
inline constexpr int kClassOf64 = 3;

// Sizes up to here are classified by one table look-up.
inline constexpr size_t kMaxSmallLookup = 32768;
// And these by another, in steps of 4 KiB.
inline constexpr size_t kMaxLookup = 4 << 20;

// Where a class's bin lies in a thread cache: after the cache's first line, one
// line a class. The tables give this offset rather than the class, since the
// fast path needs nothing else.
inline constexpr size_t kBinsOffset = 64;
inline constexpr size_t kBinBytes = 64;
constexpr uint32_t BinOffset(int size_class) {
  return kBinsOffset + kBinBytes * size_class;
}
constexpr int ClassOfBin(uint32_t offset) {
  return (offset - kBinsOffset) / kBinBytes;
}

// One series of classes, with its look-up tables.
struct SizeClassTables {
  int count = 0;
  std::array<size_t, kMaxSizeClasses> size{};
  // Bin offsets by (size + 15) / 16, and by (size - 1) / 4096.
  std::array<uint16_t, kMaxSmallLookup / 16 + 1> small{};
  std::array<uint16_t, kMaxLookup / 4096> large{};

  // The smallest class of at least `bytes` bytes; 0 counts as 1. `bytes` at
  // most 1 GiB.
  int ClassFor(size_t bytes) const {
    if (bytes <= kMaxSmallLookup) return ClassOfBin(small[(bytes + 15) >> 4]);
    if (bytes <= kMaxLookup) return ClassOfBin(large[(bytes - 1) >> 12]);
    int index = ClassOfBin(large[kMaxLookup / 4096 - 1]);
    while (size[index] < bytes) ++index;
    return index;
  }

  // The same for a block aligned to `alignment`, a power of two of at most a
  // page: a class whose size is a multiple of it.
  int AlignedClassFor(size_t bytes, size_t alignment) const;
};

// jemalloc 4's classes, for page runs; Netty's old ones, for the buddy tree.
extern const SizeClassTables kRunClasses;
extern const SizeClassTables kBuddyClasses;

// One allocator's view of the classes: which series, and how pages cut them.
class ClassLayout {
 public:
  ClassLayout(size_t page_bytes, size_t chunk_bytes,
              ChunkLayout layout = ChunkLayout::kRuns);

  const SizeClassTables& tables() const { return tables_; }
  // Bytes of a block of the class.
  size_t size(int index) const { return tables_.size[index]; }

  // Classes up to the chunk.
  int count() const { return count_; }
  size_t page_bytes() const { return page_bytes_; }
  // Netty's "small": below four pages, in the buddy's series below one.
  bool is_small(int index) const { return index < small_count_; }
  int small_count() const { return small_count_; }
  bool is_slab(int index) const { return run_elements_[index] > 1; }
  uint32_t run_pages(int index) const { return run_pages_[index]; }
  uint32_t run_elements(int index) const { return run_elements_[index]; }

 private:
  const SizeClassTables& tables_;
  const size_t page_bytes_;
  int count_ = 0;
  int small_count_ = 0;
  std::array<uint32_t, kMaxSizeClasses> run_pages_{};
  std::array<uint16_t, kMaxSizeClasses> run_elements_{};
};

}  // namespace pool_internal
}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_POOL_SIZE_CLASSES_H_
