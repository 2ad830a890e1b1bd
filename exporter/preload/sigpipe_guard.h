// What keeps the program's SIGPIPE as the program has it.
//
// civetweb ignores that signal in the whole process when it starts, and again
// in each of its threads. HttpServer puts it back; but the program runs
// meanwhile, and what it sets between the two would be lost. So this library
// has a sigaction() of its own before glibc's, the one symbol that it shows:
// it ignores what our threads say about SIGPIPE, and hands everything else on.
//
// Thread safety: thread-safe and, as sigaction() must be, async-signal-safe.
#ifndef POOLSCOPE_EXPORTER_PRELOAD_SIGPIPE_GUARD_H_
#define POOLSCOPE_EXPORTER_PRELOAD_SIGPIPE_GUARD_H_

namespace poolscope {

// Finds where the code of civetweb lies; before the first server is started,
// with no other thread of ours about.
void GuardSigpipe();

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_PRELOAD_SIGPIPE_GUARD_H_
