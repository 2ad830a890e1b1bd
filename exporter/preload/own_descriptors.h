// A table of file descriptors of the listener's own.
//
//   program's threads:  0 1 2 3 4 5 ...      close(3..), fork() and exec()
//   listener's threads: 0 1 2 | sockets      touch the upper line alone
//
// The two share nothing: no number is taken from the program, its limit on
// descriptors is not used up, children do not inherit the listener, and a
// program that closes all descriptors, and opens others under their numbers,
// closes none of ours. Threads started by one with a table of its own share
// that one's.
//
// Needs Linux 5.9.
#ifndef POOLSCOPE_EXPORTER_PRELOAD_OWN_DESCRIPTORS_H_
#define POOLSCOPE_EXPORTER_PRELOAD_OWN_DESCRIPTORS_H_

#include "absl/status/status.h"

namespace poolscope {

// Gives the calling thread a table in which standard input, output and standard
// error are /dev/null, and nothing else is open: no pipe or terminal is held
// open that the program closes. With `keep_stderr` standard error stays what it
// is, where it is open. UnavailableError, with the system's reason, where the
// system does not allow it.
[[nodiscard]] absl::Status TakeOwnDescriptors(bool keep_stderr);

// Standard error becomes /dev/null too. Nothing happens on a thread that could
// not take a table: that one is the program's.
void LeaveStderr();

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_PRELOAD_OWN_DESCRIPTORS_H_
