// The floor: what a pair costs when an allocator does only what it must. It is
// a shared object of its own, so that it pays the call that every policy pays.
//
// One thread-local list of free blocks per size, powers of two from 64 B to
// 1 MiB, and the work that no allocator with statistics and checks gets around:
//
//   allocate: size -> list, take its head, mark it in use, two counters
//   free:     address table -> chunk, check and clear the mark, put it on the
//             list of the chunk's size, two counters
//
// It is no allocator: memory never goes back, a block freed on another thread
// stays there, and nothing bounds a list. Thread-safe all the same.
#include <sys/mman.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <mutex>

namespace {

constexpr int kChunkShift = 22;
constexpr size_t kChunkBytes = size_t{1} << kChunkShift;
constexpr int kGranuleShift = 6;
constexpr int kListCount = 15;
constexpr size_t kMaxBytes = size_t{1} << (kGranuleShift + kListCount - 1);

constexpr size_t ListBytes(unsigned list) {
  return size_t{1} << (kGranuleShift + list);
}

constexpr unsigned SmallestListFor(size_t size) {
  unsigned list = 0;
  while (ListBytes(list) < size) ++list;
  return list;
}

template <size_t kEntries>
constexpr std::array<uint8_t, kEntries> MakeListTable(size_t step) {
  std::array<uint8_t, kEntries> table{};
  for (size_t i = 0; i < kEntries; ++i) table[i] = SmallestListFor(i * step);
  return table;
}

// Tables rather than a count of leading zeros: on x86 that instruction depends
// on its destination's old value, which chains one pair to the next.
constexpr size_t kSmallBytes = 1024;
constexpr auto kSmallLists = MakeListTable<kSmallBytes / 16 + 1>(16);
constexpr auto kLargeLists = MakeListTable<kMaxBytes / 1024 + 1>(1024);

inline unsigned ListFor(size_t size) {
  return size <= kSmallBytes ? kSmallLists[(size + 15) / 16]
                             : kLargeLists[(size + 1023) / 1024];
}

struct Chunk {
  uint8_t in_use[kChunkBytes >> kGranuleShift];
};

struct Block {
  Block* next;
};

struct Cache {
  Block* heads[kListCount];
  // Written by the owner alone; relaxed, as statistics are.
  std::atomic<uint64_t> allocations;
  std::atomic<uint64_t> allocated_bytes;
  std::atomic<uint64_t> frees;
  std::atomic<uint64_t> freed_bytes;
};

// One entry for each 4 MiB of the 47-bit address space; the system gives pages
// to those entries that are used. An entry is the chunk's record, which starts
// on a page, and in the low bits its list: on the way from a freed block to its
// list lies one load. It is stored (release) before the chunk's first block is
// handed out; whoever holds a block has seen it.
constexpr uintptr_t kListMask = 4095;
std::atomic<uintptr_t> g_chunks[size_t{1} << (47 - kChunkShift)];

thread_local Cache t_cache __attribute__((tls_model("initial-exec")));

inline uintptr_t ChunkEntryOf(const void* block) {
  return g_chunks[reinterpret_cast<uintptr_t>(block) >> kChunkShift].load(
      std::memory_order_relaxed);
}

inline uint8_t& InUse(uintptr_t entry, const void* block) {
  return reinterpret_cast<Chunk*>(entry & ~kListMask)
      ->in_use[(reinterpret_cast<uintptr_t>(block) & (kChunkBytes - 1)) >>
               kGranuleShift];
}

inline void Add(std::atomic<uint64_t>& counter, uint64_t amount) {
  counter.store(counter.load(std::memory_order_relaxed) + amount,
                std::memory_order_relaxed);
}

void* Map(size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return memory == MAP_FAILED ? nullptr : memory;
}

// Carves the next block of a list's current chunk, or of a new one.
Block* Carve(unsigned list) {
  struct Rest {
    uintptr_t next = 0;
    uintptr_t end = 0;
  };
  static std::mutex mutex;
  static Rest rests[kListCount];

  const std::lock_guard<std::mutex> lock(mutex);
  Rest& rest = rests[list];
  if (rest.next == rest.end) {
    void* memory = Map(2 * kChunkBytes);  // twice, to find an aligned half
    void* chunk = Map(sizeof(Chunk));
    if (memory == nullptr || chunk == nullptr) return nullptr;
    rest.next = (reinterpret_cast<uintptr_t>(memory) + kChunkBytes - 1) &
                ~(kChunkBytes - 1);
    rest.end = rest.next + kChunkBytes;
    g_chunks[rest.next >> kChunkShift].store(
        reinterpret_cast<uintptr_t>(chunk) | list, std::memory_order_release);
  }
  Block* block = reinterpret_cast<Block*>(rest.next);
  rest.next += ListBytes(list);
  block->next = nullptr;
  return block;
}

inline void FreeToList(uintptr_t entry, unsigned list, void* block) {
  uint8_t& in_use = InUse(entry, block);
  if (in_use == 0) std::abort();
  in_use = 0;
  Block* head = static_cast<Block*>(block);
  head->next = t_cache.heads[list];
  t_cache.heads[list] = head;
  Add(t_cache.frees, 1);
  Add(t_cache.freed_bytes, ListBytes(list));
}

}  // namespace

extern "C" {

__attribute__((visibility("default"))) void* bench_floor_malloc(size_t size);

static __attribute__((noinline)) void* AllocateFromEmptyList(size_t size,
                                                             unsigned list) {
  Block* block = Carve(list);
  if (block == nullptr) return nullptr;
  t_cache.heads[list] = block;
  return bench_floor_malloc(size);
}

// Null above 1 MiB, and when the system refuses memory.
void* bench_floor_malloc(size_t size) {
  if (size > kMaxBytes) return nullptr;
  const unsigned list = ListFor(size);
  Block* block = t_cache.heads[list];
  // A call in tail position: the fast path then saves no registers.
  if (block == nullptr) return AllocateFromEmptyList(size, list);
  t_cache.heads[list] = block->next;
  InUse(ChunkEntryOf(block), block) = 1;
  Add(t_cache.allocations, 1);
  Add(t_cache.allocated_bytes, ListBytes(list));
  return block;
}

__attribute__((visibility("default"))) void bench_floor_free(void* block) {
  const uintptr_t entry = ChunkEntryOf(block);
  FreeToList(entry, entry & kListMask, block);
}

__attribute__((visibility("default"))) void bench_floor_sized_free(
    void* block, size_t size) {
  FreeToList(ChunkEntryOf(block), ListFor(size), block);
}

}  // extern "C"
