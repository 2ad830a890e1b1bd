// Listener: the sidecar of a program that knows nothing of it.
//
//   constructor of the library
//        | Begin()
//        v
//   +---------+  port in use: again each second   +---------+
//   | waiting | --------------------------------> | serving |
//   +---------+                                   +---------+
//        ^                                             |
//        | once its parent has ended                   | fork()
//        |                                             v
//   +-------------------------------------------------------+
//   | child; with POOLSCOPE_FORK=listen it serves meanwhile |
//   | on a port of its own                                  |
//   +-------------------------------------------------------+
//
// All is done by a thread that Begin() starts, and in a child by one that
// fork() starts: it has every signal blocked and a table of descriptors of its
// own, and so have the threads of the sidecar, which it starts. The program
// waits for it in one place: fork(), while a sidecar is being started, which
// takes milliseconds; for a second at most. So a child finds nothing half made.
//
// A sidecar is not stopped when the program ends, nor freed: its threads run
// until the process is gone, and exit() waits for none of them.
//
// Thread safety: Begin() is called once; the rest is its own.
#ifndef POOLSCOPE_EXPORTER_PRELOAD_LISTENER_H_
#define POOLSCOPE_EXPORTER_PRELOAD_LISTENER_H_

#include <semaphore.h>
#include <sys/types.h>

#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "poolscope/exporter/listen_address.h"
#include "poolscope/exporter/preload/preload_options.h"
#include "poolscope/exporter/preload/process_table.h"
#include "poolscope/exporter/sidecar.h"

namespace poolscope {

// One line on standard error, in one write.
void SayOnStderr(absl::string_view line);

class Listener {
 public:
  // Once a process; returns before anybody listens.
  static void Begin(PreloadOptions options);

  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

 private:
  explicit Listener(PreloadOptions options);

  // Of pthread_atfork().
  void BeforeFork();
  void AfterForkInParent();
  void AfterForkInChild();

  void StartThread();
  static void* Run(void* listener);

  void Serve();
  absl::StatusOr<std::unique_ptr<Sidecar>> Start(const ListenAddress& address);
  // Tries until nobody else listens on the port asked for.
  absl::StatusOr<std::unique_ptr<Sidecar>> StartWhenFree();
  // To whoever was promised it; `own` is a child's that its parent survives.
  void ShowPort(const Sidecar& sidecar, bool own) const;

  const PreloadOptions options_;
  const std::shared_ptr<ProcessTable> processes_;
  // Whose child this process is; 0 in the one that the library was loaded into.
  pid_t parent_ = 0;

  // 1 while nothing is being started. The thread has it from its beginning
  // until it waits or ends, and fork() meanwhile waits.
  sem_t still_;
  // Where to listen: with the port that was got, once there is one, so that a
  // child takes over that. Guarded by still_.
  ListenAddress address_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_PRELOAD_LISTENER_H_
