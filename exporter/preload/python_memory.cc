#include "poolscope/exporter/preload/python_memory.h"

#include <dlfcn.h>

#include <cstddef>

#include "absl/status/statusor.h"
#include "poolscope/metrics/native_memory/native_memory_category.h"

namespace poolscope {
namespace {

// PyObjectArenaAllocator, as Python.h has it.
struct ArenaAllocator {
  void* context;
  void* (*map)(void* context, size_t bytes);
  void (*unmap)(void* context, void* arena, size_t bytes);
};
using AccessArenaAllocator = void(ArenaAllocator*);

// Python's own, and what counts them: constant once set.
ArenaAllocator pythons;
NativeMemoryCategory* objects = nullptr;

void* Map(void* context, size_t bytes) {
  void* const arena = pythons.map(context, bytes);
  if (arena != nullptr) {
    objects->RecordReserve(bytes);
    objects->RecordCommit(bytes);
  }
  return arena;
}

void Unmap(void* context, void* arena, size_t bytes) {
  objects->RecordUncommit(bytes);
  objects->RecordRelease(bytes);
  pythons.unmap(context, arena, bytes);
}

AccessArenaAllocator* Find(const char* name) {
  return reinterpret_cast<AccessArenaAllocator*>(dlsym(RTLD_DEFAULT, name));
}

}  // namespace

void TrackPythonMemory() {
  AccessArenaAllocator* const get = Find("PyObject_GetArenaAllocator");
  AccessArenaAllocator* const set = Find("PyObject_SetArenaAllocator");
  if (get == nullptr || set == nullptr) return;
  const absl::StatusOr<NativeMemoryCategory*> category =
      NativeMemoryCategory::Register("Python Objects");
  if (!category.ok()) return;
  objects = *category;
  get(&pythons);
  ArenaAllocator counted = {pythons.context, &Map, &Unmap};
  set(&counted);
}

}  // namespace poolscope
