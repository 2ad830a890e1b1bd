// PoolMemoryResource: a PooledAllocator for std::pmr's containers.
//
//   PoolMemoryResource resource(pool.get());
//   std::pmr::vector<std::byte> payload(&resource);
//
// It owns nothing: the allocator must outlive it, and both must outlive the
// containers' last change. Two of them are equal when they are of the same
// allocator, so containers of equal ones swap and move without a copy.
//
// allocate() throws std::bad_alloc where Allocate() gives null, as the standard
// asks: at the limit, when the system refuses memory, and for an alignment
// above the chunk size. PooledAllocator::LastRefusal() has the reason.
//
// Thread safety: that of the allocator; a block may be given back by any
// thread.
#ifndef POOLSCOPE_ALLOCATOR_POOL_POOL_MEMORY_RESOURCE_H_
#define POOLSCOPE_ALLOCATOR_POOL_POOL_MEMORY_RESOURCE_H_

#include <cstddef>
#include <memory_resource>

#include "poolscope/allocator/pool/pooled_allocator.h"

namespace poolscope {

class PoolMemoryResource final : public std::pmr::memory_resource {
 public:
  explicit PoolMemoryResource(PooledAllocator* allocator)
      : allocator_(allocator) {}

  PooledAllocator* allocator() const { return allocator_; }

 private:
  void* do_allocate(size_t bytes, size_t alignment) override;
  void do_deallocate(void* block, size_t bytes, size_t alignment) override;
  bool do_is_equal(
      const std::pmr::memory_resource& other) const noexcept override;

  PooledAllocator* const allocator_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_POOL_POOL_MEMORY_RESOURCE_H_
