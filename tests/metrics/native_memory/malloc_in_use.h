// Bytes that malloc has handed out in this process, without the project's
// counters: by glibc's own count, or a sanitizer's where that is the malloc.
#ifndef POOLSCOPE_TESTS_METRICS_NATIVE_MEMORY_MALLOC_IN_USE_H_
#define POOLSCOPE_TESTS_METRICS_NATIVE_MEMORY_MALLOC_IN_USE_H_

#include <malloc.h>

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
extern "C" size_t __sanitizer_get_current_allocated_bytes();
#endif

namespace poolscope {

inline size_t MallocInUse() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return __sanitizer_get_current_allocated_bytes();
#else
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
#endif
}

}  // namespace poolscope

#endif  // POOLSCOPE_TESTS_METRICS_NATIVE_MEMORY_MALLOC_IN_USE_H_
