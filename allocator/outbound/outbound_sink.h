// OutboundSink: where an OutboundBuffer writes to. The seam for transports.
//
//   FdSink       a socket or pipe, by gather writes
//   MemorySink   keeps what it is given, as far as a script lets it
//   yours        such as a TLS layer in front of a socket
//
// Thread-compatible; belongs to the thread of its channel.
#ifndef POOLSCOPE_ALLOCATOR_OUTBOUND_OUTBOUND_SINK_H_
#define POOLSCOPE_ALLOCATOR_OUTBOUND_OUTBOUND_SINK_H_

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace poolscope {

class OutboundSink {
 public:
  virtual ~OutboundSink() = default;

  // Takes as many bytes as it can at once, in order, and returns how many: 0
  // when it is full and will say later that it has room. An error means that
  // nothing can be written any more. Does not block. The pieces are valid
  // during the call alone.
  virtual absl::StatusOr<size_t> Write(absl::Span<const iovec> pieces) = 0;

  // Bytes that it took and still holds above the kernel, as a TLS layer does:
  // the backlog's next stage. They count as written, and are shown beside what
  // is pending.
  virtual uint64_t HeldBytes() const { return 0; }
};

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_OUTBOUND_OUTBOUND_SINK_H_
