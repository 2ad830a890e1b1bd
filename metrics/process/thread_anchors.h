// ThreadAnchor: one address in the stack of each thread of the process.
//
//   low address                                               high address
//   | guard page |  stack, growing down  ...  | TLS | descriptor |
//                                                      ^ robust list head
//
// The kernel tells no thread where another's stack lies: kstkesp in
// /proc/self/task/*/stat reads 0 for a thread that lives, and
// /proc/self/task/*/syscall has a stack pointer for threads that wait only, and
// is switched off in many kernels. But every thread of glibc registers its list
// of robust mutexes, whose head is part of the thread's descriptor, at the very
// end of its stack's mapping; and get_robust_list() tells any thread of the
// process where it is, without privileges.
//
// Where in a descriptor the stack's bounds are, glibc tells nobody; but it
// tells a thread its own (pthread_getattr_np), so they are looked for in the
// caller's descriptor. Not in the main thread's, which has none: called there,
// bounds are missing.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_METRICS_PROCESS_THREAD_ANCHORS_H_
#define POOLSCOPE_METRICS_PROCESS_THREAD_ANCHORS_H_

#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"

namespace poolscope {

struct ThreadAnchor {
  int64_t thread_id = 0;
  uint64_t address = 0;     // in the thread's descriptor
  uint64_t descriptor = 0;  // where that begins: the thread's pthread_t
  // Its stack is "[stack]"; the address lies in what the loader took for it.
  bool main_thread = false;
  // Its whole stack with the guard, as its descriptor says; 0 where that could
  // not be told.
  uint64_t stack_start = 0;
  uint64_t stack_end = 0;
};

// Threads that ended meanwhile, and those that registered nothing or, where
// bounds are known, a list outside of a stack of glibc's, are missing;
// all are where `proc_root`/self/task cannot be read.
std::vector<ThreadAnchor> ReadThreadAnchors(absl::string_view proc_root);

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_PROCESS_THREAD_ANCHORS_H_
