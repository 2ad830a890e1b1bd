// NativeMemoryTag: what one registered category has counted, as plain values.
#ifndef POOLSCOPE_METRICS_NATIVE_MEMORY_NATIVE_MEMORY_TAG_H_
#define POOLSCOPE_METRICS_NATIVE_MEMORY_NATIVE_MEMORY_TAG_H_

#include <cstdint>
#include <string>

namespace poolscope {

struct NativeMemoryTag {
  std::string name;
  uint64_t malloc_bytes = 0;  // in use
  uint64_t malloc_count = 0;
  uint64_t reserved_bytes = 0;   // of mappings
  uint64_t committed_bytes = 0;  // of mappings; never above those reserved
  // Of malloc and mappings together; never below what both are now.
  uint64_t peak_committed_bytes = 0;
};

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_NATIVE_MEMORY_NATIVE_MEMORY_TAG_H_
