// SignalBlocker: blocks every signal on the calling thread while it lives.
//
// Threads inherit the mask of the thread that starts them: those started
// meanwhile never run the service's signal handlers.
#ifndef POOLSCOPE_EXPORTER_SIGNAL_BLOCKER_H_
#define POOLSCOPE_EXPORTER_SIGNAL_BLOCKER_H_

#include <signal.h>

namespace poolscope {

class SignalBlocker {
 public:
  SignalBlocker() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalBlocker() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalBlocker(const SignalBlocker&) = delete;
  SignalBlocker& operator=(const SignalBlocker&) = delete;

 private:
  sigset_t before_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_SIGNAL_BLOCKER_H_
