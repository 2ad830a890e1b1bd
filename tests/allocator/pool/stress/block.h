// Block: a live block of a test, filled with a pattern that its id determines.
//
// Every word of a small block is written, of a larger one some in every page
// and the last bytes, so that two blocks that overlap spoil one another's
// pattern. Verify() before the free finds that.
//
// Thread safety: a plain value; FillBlock() and BlockIsIntact() touch the
// block's own bytes only.
#ifndef POOLSCOPE_TESTS_ALLOCATOR_POOL_STRESS_BLOCK_H_
#define POOLSCOPE_TESTS_ALLOCATOR_POOL_STRESS_BLOCK_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace poolscope {

struct Block {
  void* address = nullptr;
  size_t size = 0;
  uint64_t id = 0;
};

namespace block_internal {

inline size_t Stride(size_t size) {
  if (size <= 2048) return 8;
  return size <= (1 << 20) ? 1024 : 64 << 10;
}

inline uint64_t WordAt(uint64_t id, size_t offset) {
  return (id + 1) * 0x9e3779b97f4a7c15u ^ offset * 0xc2b2ae3d27d4eb4fu;
}

// Calls f(address, bytes, word) for each piece of the pattern; false as soon as
// one call is.
template <typename F>
bool ForEachPiece(const Block& block, F&& f) {
  char* base = static_cast<char*>(block.address);
  const size_t stride = Stride(block.size);
  // What is left for the end: below a word where every word is written, else
  // the last one.
  const size_t tail =
      stride == 8 || block.size < 8 ? block.size % 8 : size_t{8};
  for (size_t at = 0; at + 8 <= block.size - tail; at += stride) {
    if (!f(base + at, 8, WordAt(block.id, at))) return false;
  }
  if (tail == 0) return true;
  return f(base + block.size - tail, tail, WordAt(block.id, block.size));
}

}  // namespace block_internal

inline void FillBlock(const Block& block) {
  block_internal::ForEachPiece(block, [](char* at, size_t n, uint64_t word) {
    std::memcpy(at, &word, n);
    return true;
  });
}

inline bool BlockIsIntact(const Block& block) {
  return block_internal::ForEachPiece(
      block, [](const char* at, size_t n, uint64_t word) {
        return std::memcmp(at, &word, n) == 0;
      });
}

}  // namespace poolscope

#endif  // POOLSCOPE_TESTS_ALLOCATOR_POOL_STRESS_BLOCK_H_
