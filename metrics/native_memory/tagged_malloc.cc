#include "poolscope/metrics/native_memory/tagged_malloc.h"

#include <malloc.h>

#include <cstdint>
#include <cstdlib>
#include <new>

#include "poolscope/metrics/native_memory/native_memory_category.h"
#include "poolscope/metrics/native_memory/native_memory_scope.h"

namespace poolscope {
namespace {

struct alignas(16) Header {
  NativeMemoryCategory* category;  // null: counted nowhere
};

}  // namespace

void* TaggedMalloc(size_t bytes) {
  if (bytes > SIZE_MAX - sizeof(Header)) return nullptr;
  void* memory = std::malloc(sizeof(Header) + bytes);
  if (memory == nullptr) return nullptr;
  Header* header = new (memory) Header{NativeMemoryScope::Current()};
  if (header->category != nullptr) {
    header->category->RecordMalloc(malloc_usable_size(memory));
  }
  return header + 1;
}

void TaggedFree(void* block) {
  if (block == nullptr) return;
  Header* header = static_cast<Header*>(block) - 1;
  if (header->category != nullptr) {
    header->category->RecordFree(malloc_usable_size(header));
  }
  std::free(header);
}

}  // namespace poolscope
