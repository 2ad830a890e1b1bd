// Segment: what is known about one 4 MiB slot of the address space.
//
//   address  | 47 ........ 34 | 33 ...... 22 | 21 ... 12 | 11 .... 0 |
//            |  root index    |  leaf index  |  granule  |
//
//   AddressTable::Find(p) --> Segment
//                               words[granule]   PageWord: who owns the block
//                               states[16-byte unit]  is the block in use
//                               runs[granule]    RunInfo at a run's first page
//
// A chunk of 4 MiB or less has one segment, a larger one a segment for every
// 4 MiB; a huge block has one for its whole mapping. The segment lies outside
// the memory it describes: a stray write into a block cannot damage it, and
// most of it is never touched.
//
// Who writes what:
//   words   the arena, under its lock, when a run changes hands
//   states  the owner of the run: its thread cache, or the arena under its lock
//   runs    the same
//
// Thread safety: as above. Words are read by any thread that frees a block; a
// word cannot change under it, since its run holds a block in use.
#ifndef POOLSCOPE_ALLOCATOR_POOL_SEGMENT_H_
#define POOLSCOPE_ALLOCATOR_POOL_SEGMENT_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "poolscope/allocator/pool/size_classes.h"

namespace poolscope {
namespace pool_internal {

class Chunk;
class PoolCore;
struct Segment;
struct SampleRecord;

inline constexpr int kSegmentShift = 22;
inline constexpr size_t kSegmentBytes = size_t{1} << kSegmentShift;
// Pages are at least 4 KiB; the tables have one entry for each of these.
inline constexpr int kGranuleShift = 12;
inline constexpr size_t kGranuleBytes = size_t{1} << kGranuleShift;
inline constexpr size_t kGranules = kSegmentBytes / kGranuleBytes;

// An owner is a thread cache or an arena; see owner.h. The lowest bit is kept
// for "sampled", so that one 32-bit compare on the fast path answers both "is
// this block mine" and "is it ordinary".
using OwnerId = uint32_t;
inline constexpr OwnerId kNoOwner = 0;
inline constexpr OwnerId kSampledBit = 1;

// Where a class's bin lies in a thread cache: after the cache's first line, one
// line a class.
inline constexpr size_t kBinsOffset = 64;
inline constexpr size_t kBinBytes = 64;
constexpr uint32_t BinOffset(int size_class) {
  return kBinsOffset + kBinBytes * size_class;
}

// One granule's entry:
//   63 ........ 48 | 47 ........ 32 | 31 ..... 1 | 0
//   granules from  | byte offset of |  owner id  | sampled
//   the run's head | the class' bin |            |
// Zero where no block may start.
class PageWord {
 public:
  PageWord() = default;
  explicit PageWord(uint64_t bits) : bits_(bits) {}
  static PageWord Make(OwnerId owner, bool sampled, uint32_t bin_offset,
                       uint32_t from_head) {
    return PageWord(uint64_t{from_head} << 48 | uint64_t{bin_offset} << 32 |
                    owner | (sampled ? kSampledBit : 0));
  }

  uint64_t bits() const { return bits_; }
  // Owner and sampled bit, as compared on the fast path.
  uint32_t tag() const { return static_cast<uint32_t>(bits_); }
  OwnerId owner() const { return tag() & ~kSampledBit; }
  bool sampled() const { return (tag() & kSampledBit) != 0; }
  uint32_t bin_offset() const { return (bits_ >> 32) & 0xffff; }
  uint32_t from_head() const { return bits_ >> 48; }

 private:
  uint64_t bits_ = 0;
};

// A run of pages handed out of a chunk: a slab, or a block of its own. Kept at
// the run's first granule.
struct RunInfo {
  // Slab only: one bit an element, set while it is free.
  uint64_t free_bits[kMaxSlabElements / 64];
  // The owner's list of its slabs with free elements, or of its full ones.
  RunInfo* next;
  RunInfo* prev;
  char* base;
  SampleRecord* sample;  // null unless sampled
  uint32_t pages;
  // Written by the owner only; a snapshot may read it at any time.
  std::atomic<uint16_t> free_count;
  uint16_t elements;
  uint8_t size_class;
};

// Whether a block is in use: one bit for every 16 bytes of address, packed four
// to a byte, so that the blocks whose bits share a byte lie within 64 bytes and
// thus in one run, which has one writer. Only a block's first bit is ever set.
struct BlockState {
  static size_t ByteIndex(uintptr_t address) {
    return (address & (kSegmentBytes - 1)) >> 6;
  }
  static uint8_t Bit(uintptr_t address) { return 1u << (address >> 4 & 3); }
};

struct alignas(4096) Segment {
  PoolCore* core;
  Chunk* chunk;       // null for a huge block
  uintptr_t base;     // of the chunk or the huge block
  size_t huge_bytes;  // mapped, 0 for a chunk
  size_t huge_requested;
  int huge_arena;  // whose counters the huge block is in
  Segment* next;   // in the core's list of huge blocks, or of spare segments
  Segment* prev;
  std::atomic<uint64_t> words[kGranules];
  std::atomic<uint8_t> states[kSegmentBytes / 64];
  RunInfo runs[kGranules];

  // Relaxed: a word that its reader may rely on was written before the block
  // reached that reader, by whatever handed the block over.
  PageWord WordAt(uintptr_t address) const {
    return PageWord(
        words[(address & (kSegmentBytes - 1)) >> kGranuleShift].load(
            std::memory_order_relaxed));
  }
  void SetWordAt(uintptr_t address, PageWord word) {
    words[(address & (kSegmentBytes - 1)) >> kGranuleShift].store(
        word.bits(), std::memory_order_relaxed);
  }
  RunInfo* RunAt(uintptr_t address) {
    return &runs[(address & (kSegmentBytes - 1)) >> kGranuleShift];
  }

  // Relaxed: one writer (see above); a snapshot that counts bits at the same
  // time is a statistic.
  bool InUse(uintptr_t address) const {
    return (states[BlockState::ByteIndex(address)].load(
                std::memory_order_relaxed) &
            BlockState::Bit(address)) != 0;
  }
  void SetInUse(uintptr_t address) {
    std::atomic<uint8_t>& state = states[BlockState::ByteIndex(address)];
    state.store(
        state.load(std::memory_order_relaxed) | BlockState::Bit(address),
        std::memory_order_relaxed);
  }
  // False when the block was not in use.
  bool ClearInUse(uintptr_t address) {
    std::atomic<uint8_t>& state = states[BlockState::ByteIndex(address)];
    const uint8_t before = state.load(std::memory_order_relaxed);
    const uint8_t bit = BlockState::Bit(address);
    if ((before & bit) == 0) return false;
    state.store(before & ~bit, std::memory_order_relaxed);
    return true;
  }
};

}  // namespace pool_internal
}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_POOL_SEGMENT_H_
