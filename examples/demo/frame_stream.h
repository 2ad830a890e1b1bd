// The two ends of a connection's byte stream that every party of the demo
// shares: reading frames from a socket, and sending frames whose payload is
// rendered from its seed.
//
// Thread-compatible; each connection belongs to one thread.
#ifndef POOLSCOPE_EXAMPLES_DEMO_FRAME_STREAM_H_
#define POOLSCOPE_EXAMPLES_DEMO_FRAME_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <deque>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "poolscope/examples/demo/frame.h"
#include "poolscope/examples/demo/socket.h"

namespace poolscope::demo {

// Bytes of one read or write of a socket.
inline constexpr size_t kIoBufferBytes = 64 << 10;

// Reads what the socket holds, up to a few buffers so that one busy connection
// does not starve the others, and feeds it to `parser`. An error means that the
// connection is over: OutOfRangeError when the peer closed it between frames.
absl::Status ReadFrames(const UniqueFd& fd, absl::Span<char> buffer,
                        FrameParser& parser, FrameSink& sink);

// Frames waiting to be sent, whose payloads follow from their seeds, so that a
// frame costs a few words here whatever its size. Used by the clients and the
// upstream; the relay sends buffers (frame_buffer.h).
class SeededFrameQueue {
 public:
  void Push(const FrameHeader& header, uint64_t payload_seed) {
    frames_.push_back(Frame{header, payload_seed});
  }
  bool empty() const { return frames_.empty(); }

  // Writes until the queue is empty (true) or the socket is full (false).
  absl::StatusOr<bool> Flush(const UniqueFd& fd, absl::Span<char> buffer);

 private:
  struct Frame {
    FrameHeader header;
    uint64_t payload_seed = 0;
  };

  size_t Render(absl::Span<char> buffer) const;
  void Sent(size_t bytes);

  std::deque<Frame> frames_;
  size_t front_sent_ = 0;  // bytes of the first frame that are out
};

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_FRAME_STREAM_H_
