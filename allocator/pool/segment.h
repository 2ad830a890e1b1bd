// Segment: what is known about one 4 MiB slot of the address space.
//
//   address  | 46 ................ 22 | 21 ... 12 | 11 .... 0 |
//            |  slot                  |  granule  |
//
//   AddressTable::Find(p) --> Segment
//                               words[granule]  PageWord: who owns the block
//                               states[p / 64]  is the block in use
//                               runs[granule]   RunInfo at a run's first page
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
// Thread safety: as above. Words are read by any thread that frees a block. One
// of a block in use changes only when its slab changes hands (the owner's
// thread exits, another adopts it): whoever acts on a word checks it again
// under the arena's lock, or leaves that to the owner it names.
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

// One granule's entry:
//   63 ........ 48 | 47 ........ 32 | 31 ..... 1 | 0
//   byte offset of | granules from  |  owner id  | sampled
//   the class' bin | the run's head |            |
// Zero where no block may start. The offset is topmost since the fast path
// waits for it: one shift, no mask.
class PageWord {
 public:
  PageWord() = default;
  explicit PageWord(uint64_t bits) : bits_(bits) {}
  static PageWord Make(OwnerId owner, bool sampled, uint32_t bin_offset,
                       uint32_t from_head) {
    return PageWord(uint64_t{bin_offset} << 48 | uint64_t{from_head} << 32 |
                    owner | (sampled ? kSampledBit : 0));
  }

  uint64_t bits() const { return bits_; }
  // Owner and sampled bit, as compared on the fast path.
  uint32_t tag() const { return static_cast<uint32_t>(bits_); }
  OwnerId owner() const { return tag() & ~kSampledBit; }
  bool sampled() const { return (tag() & kSampledBit) != 0; }
  uint64_t bin_offset() const { return bits_ >> 48; }
  uint32_t from_head() const { return (bits_ >> 32) & 0xffff; }

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
  uint32_t block_bytes;  // of its class
  // Written by the owner only; a snapshot may read it at any time.
  std::atomic<uint16_t> free_count;
  uint16_t elements;
  uint8_t size_class;
};

// Whether a block is in use: a byte of its own, zero when it is not, else the
// low byte of its address plus one. It is written without being read, so that
// one allocation need not wait for the free before it, and another address that
// shares the byte does not match.
//
//   class >= 64 B  states[address / 64]
//   class < 64 B   small_states[address / 16], of which only slabs of such
//                  classes ever touch a page
struct BlockState {
  // The smallest class whose byte is in `states`.
  static constexpr size_t kCoarseSize = 64;

  static size_t Coarse(uintptr_t address) {
    return (address & (kSegmentBytes - 1)) >> 6;
  }
  static size_t Fine(uintptr_t address) {
    return (address & (kSegmentBytes - 1)) >> 4;
  }
  // 1 to 256. Of a real block, whose address is a multiple of 16, at most 241:
  // it fits the byte. That of an address ending in 0xff matches no byte.
  static uint32_t InUse(uintptr_t address) { return (address & 0xff) + 1; }
};

struct alignas(4096) Segment {
  // First, so that the fast path has no offset to add.
  std::atomic<uint64_t> words[kGranules];

  PoolCore* core;
  Chunk* chunk;       // null for a huge block
  uintptr_t base;     // of the chunk or the huge block
  size_t huge_bytes;  // mapped, 0 for a chunk
  size_t huge_requested;
  int huge_arena;  // whose counters the huge block is in
  Segment* next;   // in the core's list of huge blocks, or of spare segments
  Segment* prev;

  std::atomic<uint8_t> states[kSegmentBytes / 64];
  std::atomic<uint8_t> small_states[kSegmentBytes / 16];
  RunInfo runs[kGranules];

  // Relaxed: enough to compare the word with one's own id, and under the
  // arena's lock.
  PageWord WordAt(uintptr_t address) const {
    return PageWord(
        words[(address & (kSegmentBytes - 1)) >> kGranuleShift].load(
            std::memory_order_relaxed));
  }
  // Acquire: for a thread that goes on to the owner named, which may be younger
  // than the block.
  PageWord AcquireWordAt(uintptr_t address) const {
    return PageWord(
        words[(address & (kSegmentBytes - 1)) >> kGranuleShift].load(
            std::memory_order_acquire));
  }
  void SetWordAt(uintptr_t address, PageWord word) {
    words[(address & (kSegmentBytes - 1)) >> kGranuleShift].store(
        word.bits(), std::memory_order_release);
  }
  RunInfo* RunAt(uintptr_t address) {
    return &runs[(address & (kSegmentBytes - 1)) >> kGranuleShift];
  }

  // Relaxed, here and below: one writer (see above); a snapshot that counts
  // blocks in use at the same time is a statistic. `size` is the class's, or
  // anything on the same side of kCoarseSize.
  bool InUse(uintptr_t address, size_t size) const {
    const uint8_t state = size >= BlockState::kCoarseSize
                              ? Load(states[BlockState::Coarse(address)])
                              : Load(small_states[BlockState::Fine(address)]);
    return state == BlockState::InUse(address);
  }
  void SetInUse(uintptr_t address, size_t size) {
    // The low byte of InUse(), in one instruction.
    const uint8_t state = static_cast<uint8_t>(address + 1);
    if (size >= BlockState::kCoarseSize) {
      Store(&states[BlockState::Coarse(address)], state);
    } else {
      Store(&small_states[BlockState::Fine(address)], state);
    }
  }
  // False when the block was not in use.
  bool ClearInUse(uintptr_t address, size_t size) {
    if (!InUse(address, size)) return false;
    if (size >= BlockState::kCoarseSize) {
      Store(&states[BlockState::Coarse(address)], 0);
    } else {
      Store(&small_states[BlockState::Fine(address)], 0);
    }
    return true;
  }

 private:
  static uint8_t Load(const std::atomic<uint8_t>& state) {
    return state.load(std::memory_order_relaxed);
  }
  static void Store(std::atomic<uint8_t>* state, uint8_t value) {
    state->store(value, std::memory_order_relaxed);
  }
};

}  // namespace pool_internal
}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_POOL_SEGMENT_H_
