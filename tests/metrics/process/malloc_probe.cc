// A program that holds a known amount of memory, and says what the malloc it
// runs on makes of it:
//
//   malloc_probe BLOCK_BYTES THREADS
//
// allocates 256 MiB in blocks of that size from so many threads, prints the
// figures, frees every other block, and prints them again; then trims and
// prints the resident bytes before and after it.
#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "poolscope/metrics/process/malloc_figures.h"
#include "poolscope/metrics/process/malloc_trim.h"
#include "poolscope/metrics/process/process_memory.h"

namespace {

constexpr size_t kTotalBytes = size_t{256} << 20;

void PrintField(const char* name, const std::optional<uint64_t>& value) {
  std::printf(" %s=%s", name,
              value.has_value() ? std::to_string(*value).c_str() : "-");
}

void PrintFigures() {
  const absl::StatusOr<poolscope::MallocFigures> figures =
      poolscope::ReadMallocFigures();
  if (!figures.ok()) {
    std::printf("error %s\n", figures.status().ToString().c_str());
    std::exit(1);
  }
  std::printf("%s", poolscope::MallocKindName(figures->kind).data());
  PrintField("in_use", figures->in_use_bytes);
  PrintField("free", figures->free_bytes);
  PrintField("mapped", figures->mapped_bytes);
  PrintField("arenas", figures->arenas);
  PrintField("thread_in_use", figures->thread_in_use_bytes);
  std::printf("\n");
}

}  // namespace

int main(int argument_count, char** arguments) {
  if (argument_count != 3) return 2;
  const size_t block_bytes = std::strtoull(arguments[1], nullptr, 10);
  const size_t thread_count = std::strtoull(arguments[2], nullptr, 10);
  const size_t block_count = kTotalBytes / block_bytes;
  // The list of blocks is not the malloc's.
  void** const blocks = static_cast<void**>(
      mmap(nullptr, block_count * sizeof(void*), PROT_READ | PROT_WRITE,
           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  if (blocks == MAP_FAILED) return 1;
  const auto allocate = [&](size_t first) {
    for (size_t i = first; i < block_count; i += thread_count) {
      blocks[i] = std::malloc(block_bytes);
      std::memset(blocks[i], 1, block_bytes);
    }
  };
  if (thread_count == 1) {
    allocate(0);
  } else {
    std::vector<std::thread> threads;
    for (size_t t = 0; t < thread_count; ++t) threads.emplace_back(allocate, t);
    for (std::thread& thread : threads) thread.join();
  }
  PrintFigures();
  // From the same end of each pair, so that no thread's blocks all stay.
  for (size_t i = 0; i < block_count; ++i) {
    if (i / thread_count % 2 == 0) std::free(blocks[i]);
  }
  PrintFigures();
  // All but the last, which may keep a heap from shrinking.
  for (size_t i = 0; i + 1 < block_count; ++i) {
    if (i / thread_count % 2 == 1) std::free(blocks[i]);
  }
  const uint64_t before =
      poolscope::ReadProcessMemory("/proc").value().resident_bytes;
  const bool trimmed = poolscope::TrimMalloc();
  const uint64_t after =
      poolscope::ReadProcessMemory("/proc").value().resident_bytes;
  std::printf("trim trimmed=%d before=%llu after=%llu\n", trimmed,
              static_cast<unsigned long long>(before),
              static_cast<unsigned long long>(after));
  return 0;
}
