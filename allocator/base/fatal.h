// Fatal(): the end for corruption and broken rules.
//
// For what a caller can handle there is absl::Status. Fatal() is for the rest:
// a double free, a foreign pointer, a lock taken out of order. It writes one
// line to standard error and aborts; it allocates nothing, so it works when
// memory is gone or damaged.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_ALLOCATOR_BASE_FATAL_H_
#define POOLSCOPE_ALLOCATOR_BASE_FATAL_H_

namespace poolscope {

// `format` as for printf. The line is cut at 512 bytes.
[[noreturn]] void Fatal(const char* format, ...)
    __attribute__((format(printf, 1, 2), cold));

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_BASE_FATAL_H_
