// A library that maps memory for itself and tells nobody: once preloaded, 320
// MiB of the process have no known owner. For the alert about such memory.
#include <sys/mman.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace {

constexpr size_t kBytes = size_t{320} << 20;

// Between two pages without access, so that the kernel merges it with nothing
// that has an owner.
__attribute__((constructor)) void MapMemory() {
  constexpr size_t kPage = 4096;
  void* const range = mmap(nullptr, kBytes + 2 * kPage, PROT_NONE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (range == MAP_FAILED) std::abort();
  char* const memory = static_cast<char*>(range) + kPage;
  if (mprotect(memory, kBytes, PROT_READ | PROT_WRITE) != 0) std::abort();
  std::memset(memory, 1, kBytes);
}

}  // namespace
