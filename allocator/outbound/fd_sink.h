// FdSink: writes to a file descriptor, by one gather write a call.
//
//   FdSink sink(socket);
//   OutboundOptions options;
//   options.initial_write_bytes = sink.InitialWriteBytes();
//   OutboundBuffer out(std::move(options));
//   ...
//   absl::StatusOr<bool> all = out.WriteTo(sink);
//
// A socket is written by sendmsg() with MSG_NOSIGNAL and MSG_DONTWAIT: a broken
// connection is an error and no SIGPIPE, and a call never waits. Anything else
// is written by writev(): it must have O_NONBLOCK, and a process that writes to
// pipes must ignore SIGPIPE.
//
// The error is the errno's, as absl::ErrnoToStatus() has it: Unavailable for
// ECONNRESET, FailedPrecondition for EPIPE. Its message names the descriptor.
//
// Thread-compatible. The descriptor is borrowed, and outlives it.
#ifndef POOLSCOPE_ALLOCATOR_OUTBOUND_FD_SINK_H_
#define POOLSCOPE_ALLOCATOR_OUTBOUND_FD_SINK_H_

#include <sys/uio.h>

#include <cstddef>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "poolscope/allocator/outbound/outbound_sink.h"

namespace poolscope {

class FdSink final : public OutboundSink {
 public:
  explicit FdSink(int fd);

  // Pieces beyond the 1024th wait for the next call.
  absl::StatusOr<size_t> Write(absl::Span<const iovec> pieces) override;

  // What fits OutboundOptions::initial_write_bytes: twice the socket's
  // SO_SNDBUF, as in Netty; 128 KiB for what is no socket.
  size_t InitialWriteBytes() const;

  int fd() const { return fd_; }

 private:
  const int fd_;
  const bool is_socket_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_OUTBOUND_FD_SINK_H_
