#include "poolscope/tests/exporter/memory_shortage.h"

#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

// Of this thread, until one throws; below 0: none does.
thread_local int allocations_left = -1;

}  // namespace

// Not inlined: gcc takes a block of new and free() for a mistake.
__attribute__((noinline)) void* operator new(size_t bytes) {
  if (allocations_left == 0) {
    allocations_left = -1;
    throw std::bad_alloc();
  }
  if (allocations_left > 0) --allocations_left;
  void* const block = std::malloc(bytes);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}
__attribute__((noinline)) void* operator new(size_t bytes,
                                             const std::nothrow_t&) noexcept {
  return std::malloc(bytes);
}
__attribute__((noinline)) void operator delete(void* block) noexcept {
  std::free(block);
}
__attribute__((noinline)) void operator delete(void* block, size_t) noexcept {
  std::free(block);
}

namespace poolscope {

MemoryShortage::MemoryShortage(int allocations) {
  allocations_left = allocations;
}

MemoryShortage::~MemoryShortage() { allocations_left = -1; }

}  // namespace poolscope
