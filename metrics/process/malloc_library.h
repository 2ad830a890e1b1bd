// MallocLibrary: whose malloc this process runs on, and how to ask it.
//
//   malloc() lies in the object that ...          it is
//   also has mallctl                              jemalloc
//   also has MallocExtension_GetNumericProperty   tcmalloc (gperftools)
//   also has mi_process_info                      mimalloc
//   also has gnu_get_libc_version                 glibc
//   else (a sanitizer's, a profiler's)            other
//
// Everything is found at run time, so that nothing need be linked: by dlsym()
// in libraries and in what a program exports, by weak symbols in a program that
// is linked with one statically. It is the malloc that counts: a library that
// is loaded without being the malloc is not asked, and glibc, which is always
// there, only where its own malloc serves.
//
// A malloc that comes with another prefix (je_malloc beside malloc) is not
// seen.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_METRICS_PROCESS_MALLOC_LIBRARY_H_
#define POOLSCOPE_METRICS_PROCESS_MALLOC_LIBRARY_H_

#include <cstddef>
#include <cstdio>

#include "absl/strings/string_view.h"

namespace poolscope {

enum class MallocKind { kGlibc, kJemalloc, kTcmalloc, kMimalloc, kOther };

// "glibc", "jemalloc", "tcmalloc", "mimalloc", "other".
absl::string_view MallocKindName(MallocKind kind);

// A part of mimalloc's mi_heap_area_t, by value as its version 2 lays it out.
struct MimallocArea {
  void* blocks;
  size_t reserved_bytes;
  size_t committed_bytes;
  size_t used_count;  // blocks
  size_t block_bytes;
};

// Functions of `kind`; those of the others are null, and any may be, in a
// version that lacks it.
struct MallocLibrary {
  MallocKind kind = MallocKind::kOther;

  // glibc.
  int (*malloc_info)(int options, std::FILE* stream) = nullptr;
  int (*malloc_trim)(size_t pad_bytes) = nullptr;

  // jemalloc.
  int (*mallctl)(const char* name, void* old_value, size_t* old_size,
                 void* new_value, size_t new_size) = nullptr;

  // gperftools' tcmalloc.
  int (*get_numeric_property)(const char* name, size_t* value) = nullptr;
  void (*release_free_memory)() = nullptr;

  // mimalloc.
  using MimallocVisitor = bool(const void* heap, const MimallocArea* area,
                               void* block, size_t block_bytes, void* argument);
  void (*mi_process_info)(size_t* elapsed_millis, size_t* user_millis,
                          size_t* system_millis, size_t* resident_bytes,
                          size_t* peak_resident_bytes, size_t* committed_bytes,
                          size_t* peak_committed_bytes,
                          size_t* page_faults) = nullptr;
  void* (*mi_heap_get_default)() = nullptr;
  bool (*mi_heap_visit_blocks)(const void* heap, bool visit_all_blocks,
                               MimallocVisitor* visitor,
                               void* argument) = nullptr;
  void (*mi_collect)(bool force) = nullptr;
};

// Looked up once; a malloc does not change while a process runs.
const MallocLibrary& TheMalloc();

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_PROCESS_MALLOC_LIBRARY_H_
