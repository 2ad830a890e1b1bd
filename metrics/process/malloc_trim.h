// TrimMalloc: malloc gives back to the system what it keeps.
//
//   glibc      malloc_trim(0): free pages of every arena
//   jemalloc   the calling thread's cache, and the free pages of every arena
//   tcmalloc   MallocExtension_ReleaseFreeMemory(): the page heap's
//   mimalloc   mi_collect(true): the calling thread's heap, those that ended
//              threads left, and what is cached of segments
//
// What other threads' caches hold stays. Each takes the malloc's locks and may
// take seconds of a large heap, in which threads wait that allocate.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_METRICS_PROCESS_MALLOC_TRIM_H_
#define POOLSCOPE_METRICS_PROCESS_MALLOC_TRIM_H_

namespace poolscope {

// False where the malloc is not known, or cannot.
bool TrimMalloc();

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_PROCESS_MALLOC_TRIM_H_
