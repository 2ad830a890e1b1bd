// TaggedMalloc(), TaggedFree(): malloc() that counts in the category of the
// NativeMemoryScope it is called in.
//
//   NativeMemoryScope scope(kRoutes);
//   void* table = TaggedMalloc(bytes);
//   ...
//   TaggedFree(table);    // on any thread, in any scope or none
//
// A block may be freed where another category holds, so it remembers its own in
// 16 bytes before it: it cannot be given to free(), nor one of malloc() to
// TaggedFree(). Aligned to 16 bytes. Counted are the bytes that malloc handed
// out, those 16 among them.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_METRICS_NATIVE_MEMORY_TAGGED_MALLOC_H_
#define POOLSCOPE_METRICS_NATIVE_MEMORY_TAGGED_MALLOC_H_

#include <cstddef>

namespace poolscope {

// Null where malloc has no memory. Zero bytes give a unique pointer.
[[nodiscard]] void* TaggedMalloc(size_t bytes);

// Of TaggedMalloc(), or null.
void TaggedFree(void* block);

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_NATIVE_MEMORY_TAGGED_MALLOC_H_
