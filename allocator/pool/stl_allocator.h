// StlAllocator<T>: a PooledAllocator as the allocator of a standard container.
//
// clang-format off
//   std::vector<char, StlAllocator<char>> payload(
//       StlAllocator<char>(pool.get()));
//   using Pairs = StlAllocator<std::pair<const int, int>>;
//   std::map<int, int, std::less<int>, Pairs> sessions(Pairs(pool.get()));
// clang-format on
//
// Where the type of the container is nobody's business, PoolMemoryResource does
// the same for std::pmr.
//
// It owns nothing: the allocator must outlive the containers. It goes with a
// container's contents when they are moved or swapped, and stays behind when
// they are copied into a container that has one.
//
// allocate() throws std::bad_alloc where Allocate() gives null
// (PooledAllocator::LastRefusal() has the reason), and
// std::bad_array_new_length for a count whose bytes overflow.
//
// Thread safety: that of the allocator.
#ifndef POOLSCOPE_ALLOCATOR_POOL_STL_ALLOCATOR_H_
#define POOLSCOPE_ALLOCATOR_POOL_STL_ALLOCATOR_H_

#include <cstddef>
#include <limits>
#include <new>
#include <type_traits>

#include "poolscope/allocator/pool/pooled_allocator.h"

namespace poolscope {

namespace pool_internal {

// The smallest alignment that a block has anyway goes the fast way.
inline void* AllocateOrThrow(PooledAllocator* allocator, size_t bytes,
                             size_t alignment) {
  void* const block = alignment <= 16 ? allocator->Allocate(bytes)
                                      : allocator->Allocate(bytes, alignment);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

}  // namespace pool_internal

template <typename T>
class StlAllocator {
 public:
  using value_type = T;
  using propagate_on_container_move_assignment = std::true_type;
  using propagate_on_container_swap = std::true_type;

  explicit StlAllocator(PooledAllocator* allocator) : allocator_(allocator) {}
  // For the nodes of a container, whose type is another. Not explicit, as the
  // standard asks.
  template <typename U>
  StlAllocator(const StlAllocator<U>& other) : allocator_(other.allocator()) {}

  [[nodiscard]] T* allocate(size_t count) {
    if (count > std::numeric_limits<size_t>::max() / sizeof(T)) {
      throw std::bad_array_new_length();
    }
    return static_cast<T*>(pool_internal::AllocateOrThrow(
        allocator_, count * sizeof(T), alignof(T)));
  }
  void deallocate(T* block, size_t count) {
    allocator_->Free(block, count * sizeof(T));
  }

  PooledAllocator* allocator() const { return allocator_; }

  template <typename U>
  friend bool operator==(const StlAllocator& a, const StlAllocator<U>& b) {
    return a.allocator() == b.allocator();
  }
  template <typename U>
  friend bool operator!=(const StlAllocator& a, const StlAllocator<U>& b) {
    return a.allocator() != b.allocator();
  }

 private:
  PooledAllocator* allocator_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_POOL_STL_ALLOCATOR_H_
