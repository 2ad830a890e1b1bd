#include "poolscope/tests/metrics/native_memory/sample_native_memory.h"

#include <cstdint>
#include <utility>

namespace poolscope {
namespace {

constexpr uint64_t kKiB = 1024;
constexpr uint64_t kMiB = 1024 * kKiB;

NativeMemoryCategoryStats Category(const char* name, uint64_t mmap_reserved,
                                   uint64_t mmap_committed, uint64_t resident) {
  NativeMemoryCategoryStats category;
  category.name = name;
  category.mmap_reserved_bytes = mmap_reserved;
  category.mmap_committed_bytes = mmap_committed;
  category.resident_bytes = resident;
  category.peak_committed_bytes = mmap_committed;
  category.live_count = 1;
  return category;
}

}  // namespace

NativeMemoryStats SampleNativeMemory() {
  NativeMemoryStats stats;
  stats.walk_id = 7;
  stats.walked_at_unix_nanos = 1700000000000000000;
  stats.walk_seconds = 0.25;
  stats.mapping_count = 3;
  stats.tracking_overhead_bytes = 2 * kKiB;

  stats.categories.push_back(
      Category("Pool Arenas", 64 * kMiB, 16 * kMiB, 12 * kMiB));
  NativeMemoryCategoryStats heap =
      Category("Glibc Heap", 3 * kMiB, 2 * kMiB, 4 * kMiB);
  heap.malloc_bytes = 5 * kMiB;
  heap.resident_is_estimate = true;
  heap.peak_committed_bytes = 9 * kMiB;
  stats.categories.push_back(heap);
  NativeMemoryCategoryStats stacks =
      Category("Thread Stacks", 24 * kMiB, 200 * kKiB, 100 * kKiB);
  stacks.threads = 3;
  stacks.live_count = 3;
  stats.categories.push_back(stacks);
  NativeMemoryCategoryStats openssl;
  openssl.name = "OpenSSL";
  openssl.malloc_bytes = 1536;  // half of a KB above one
  openssl.malloc_count = 12;
  openssl.live_count = 12;
  openssl.resident_bytes = 1024;
  openssl.resident_is_estimate = true;
  openssl.peak_committed_bytes = 4096;
  stats.categories.push_back(openssl);
  stats.categories.push_back(Category("Pool Huge", 0, 0, 0));
  // Just below half of a KB.
  stats.categories.push_back(Category("Unknown", 511, 511, 300));
  for (const NativeMemoryCategoryStats& category : stats.categories) {
    stats.resident_bytes += category.resident_bytes;
  }

  stats.details = {{"Pool Arenas", "rpc: arena 0", 16 * kMiB},
                   {"Pool Arenas", "rpc: thread caches", 2 * kMiB}};
  stats.mappings = {{0x7f0000000000, 0x7f0004000000, "rw-p", "", 12 * kMiB,
                     "Pool Arenas", "rpc: arena 0"},
                    {0x550000000000, 0x550000800000, "rw-p", "[heap]", 4 * kMiB,
                     "Glibc Heap", ""},
                    {0x7f1000000000, 0x7f1001800000, "rw-p", "", 100 * kKiB,
                     "Thread Stacks", "thread 4711"}};
  stats.largest_unknown = {
      {0x7f3000000000, 0x7f3000001000, "r--s", "/a=b", 300, "Unknown", ""}};
  stats.call_sites = {
      {"Pool Arenas", {"relay::Read(int)", "main"}, 3 * kMiB, 40}};
  return stats;
}

NativeMemoryStats LaterNativeMemory() {
  NativeMemoryStats stats = SampleNativeMemory();
  stats.walk_id = 9;
  auto& categories = stats.categories;
  categories[0].mmap_committed_bytes = 8 * kMiB;
  categories[0].resident_bytes = 7 * kMiB;
  categories[1].malloc_bytes = 6 * kMiB;
  categories[1].malloc_count = 30;
  categories[1].resident_bytes = 5 * kMiB;
  categories[3] = Category("Shared Memory", 2 * kMiB, 2 * kMiB, 1 * kMiB);
  stats.resident_bytes = 0;
  for (const NativeMemoryCategoryStats& category : categories) {
    stats.resident_bytes += category.resident_bytes;
  }
  stats.details[1].bytes = 1 * kMiB;
  // The heap grew, the stack is gone, a shared mapping is new.
  stats.mappings[1].end += kMiB;
  stats.mappings[1].resident_bytes += kMiB;
  stats.mappings[2] = {0x7f2000000000, 0x7f2000200000,  "rw-s", "/dev/shm/ring",
                       1 * kMiB,       "Shared Memory", ""};
  stats.call_sites[0].malloc_bytes = 1 * kMiB;
  stats.call_sites[0].malloc_count = 10;
  return stats;
}

}  // namespace poolscope
