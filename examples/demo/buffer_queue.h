// BufferQueue: frames that the relay has to send on one connection, each
// payload in the pool block that it was received into.
//
// Headers and payloads leave together by gather writes. A buffer stays here
// until its last byte is written; then the queue gives it back through
// `on_sent`. What is left is freed with the queue.
//
// Thread-compatible; belongs to the thread of its connection.
#ifndef POOLSCOPE_EXAMPLES_DEMO_BUFFER_QUEUE_H_
#define POOLSCOPE_EXAMPLES_DEMO_BUFFER_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <deque>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "poolscope/allocator/buffer/buffer.h"
#include "poolscope/examples/demo/frame.h"
#include "poolscope/examples/demo/socket.h"

namespace poolscope::demo {

class BufferQueue {
 public:
  // Given the frame's id and its payload once it is out.
  using OnSent = absl::FunctionRef<void(uint64_t id, Buffer payload)>;

  // The readable bytes of `payload` are sent, `header.length` of them; it may
  // be empty when that is 0.
  void Push(const FrameHeader& header, Buffer payload);
  bool empty() const { return frames_.empty(); }

  // Writes until the queue is empty (true) or the socket is full (false).
  absl::StatusOr<bool> Flush(const UniqueFd& fd, OnSent on_sent);

 private:
  struct Frame {
    uint64_t id = 0;
    EncodedHeader header;
    uint32_t length = 0;
    Buffer payload;

    size_t size() const { return kFrameHeaderBytes + length; }
  };

  std::deque<Frame> frames_;
  size_t front_sent_ = 0;  // bytes of the first frame that are out
};

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_BUFFER_QUEUE_H_
