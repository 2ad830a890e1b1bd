#include "poolscope/allocator/pool/pool_memory_resource.h"

#include <new>

#include "poolscope/allocator/pool/stl_allocator.h"

namespace poolscope {

void* PoolMemoryResource::do_allocate(size_t bytes, size_t alignment) {
  return pool_internal::AllocateOrThrow(allocator_, bytes, alignment);
}

void PoolMemoryResource::do_deallocate(void* block, size_t bytes,
                                       size_t /*alignment*/) {
  allocator_->Free(block, bytes);
}

bool PoolMemoryResource::do_is_equal(
    const std::pmr::memory_resource& other) const noexcept {
  const auto* resource = dynamic_cast<const PoolMemoryResource*>(&other);
  return resource != nullptr && resource->allocator_ == allocator_;
}

}  // namespace poolscope
