// StackTrace: where a thread is, as return addresses.
//
// Walks frame pointers (absl::GetStackTrace), so that a capture takes less than
// a microsecond. In a function that was compiled without them the walk goes
// astray: it ends at the first address that is in no module (_dl_find_object),
// lest one call site look like many. Build a service with
// -fno-omit-frame-pointer to see whole stacks. Names are looked up when a trace
// is read: symbols.h.
//
// A plain value, without memory of its own.
#ifndef POOLSCOPE_ALLOCATOR_LEAK_STACK_TRACE_H_
#define POOLSCOPE_ALLOCATOR_LEAK_STACK_TRACE_H_

#include <dlfcn.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/base/attributes.h"
#include "absl/debugging/stacktrace.h"
#include "absl/types/span.h"

namespace poolscope {

class StackTrace {
 public:
  // Frames that are kept, innermost first.
  static constexpr int kMaxFrames = 32;

  StackTrace() = default;
  // The caller's, which is the first frame.
  ABSL_ATTRIBUTE_NOINLINE static StackTrace Capture() {
    StackTrace trace;
    // Debian's abseil has no frame pointers, and the walk misses this function.
    // Where it does not, this is a frame more, of the library's own.
    trace.count_ = absl::GetStackTrace(trace.frames_, kMaxFrames,
                                       /*skip_count=*/0);
    for (int i = 0; i < trace.count_; ++i) {
      dl_find_object module;
      if (_dl_find_object(trace.frames_[i], &module) != 0) trace.count_ = i;
    }
    return trace;
  }

  absl::Span<void* const> frames() const {
    return absl::MakeConstSpan(frames_, count_);
  }
  std::vector<void*> ToVector() const {
    return std::vector<void*>(frames_, frames_ + count_);
  }

  friend bool operator==(const StackTrace& a, const StackTrace& b) {
    return a.count_ == b.count_ &&
           std::equal(a.frames_, a.frames_ + a.count_, b.frames_);
  }
  template <typename H>
  friend H AbslHashValue(H h, const StackTrace& trace) {
    return H::combine_contiguous(std::move(h), trace.frames_, trace.count_);
  }

 private:
  int count_ = 0;
  void* frames_[kMaxFrames];  // as many as count_ says
};

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_LEAK_STACK_TRACE_H_
