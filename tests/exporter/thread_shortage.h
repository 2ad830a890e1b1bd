// ThreadShortage: while it lives, no thread can be started by this process.
//
// New threads ask for a stack larger than the address space: the same refusal,
// EAGAIN, as under `ulimit -u` or `ulimit -v`, without a limit that binds
// anything else of the process, or that root is exempt from.
#ifndef POOLSCOPE_TESTS_EXPORTER_THREAD_SHORTAGE_H_
#define POOLSCOPE_TESTS_EXPORTER_THREAD_SHORTAGE_H_

#include <pthread.h>

#include <cstddef>

namespace poolscope {

class ThreadShortage {
 public:
  ThreadShortage() {
    pthread_attr_t attributes;
    pthread_getattr_default_np(&attributes);
    pthread_attr_getstacksize(&attributes, &before_);
    pthread_attr_destroy(&attributes);
    SetStackSize(size_t{1} << 47);
  }
  ~ThreadShortage() { SetStackSize(before_); }
  ThreadShortage(const ThreadShortage&) = delete;
  ThreadShortage& operator=(const ThreadShortage&) = delete;

 private:
  static void SetStackSize(size_t bytes) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, bytes);
    pthread_setattr_default_np(&attributes);
    pthread_attr_destroy(&attributes);
  }

  size_t before_ = 0;
};

}  // namespace poolscope

#endif  // POOLSCOPE_TESTS_EXPORTER_THREAD_SHORTAGE_H_
