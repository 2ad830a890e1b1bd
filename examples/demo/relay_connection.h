// RelayConnection: one socket of the relay, to a client or to the upstream.
//
// Each payload that comes in is read into one buffer of its size. Where
// the pool refuses, the payload is read and dropped, and the frame is reported
// as refused: the stream stays in step and the connection lives.
//
// Thread-compatible; belongs to one worker.
#ifndef POOLSCOPE_EXAMPLES_DEMO_RELAY_CONNECTION_H_
#define POOLSCOPE_EXAMPLES_DEMO_RELAY_CONNECTION_H_

#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "poolscope/allocator/buffer/buffer.h"
#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/examples/demo/buffer_queue.h"
#include "poolscope/examples/demo/frame.h"
#include "poolscope/examples/demo/frame_stream.h"
#include "poolscope/examples/demo/socket.h"

namespace poolscope::demo {

struct ReceivedFrame {
  FrameHeader header;
  absl::Status refusal;  // not OK: there was no memory for the payload
  Buffer payload;  // open unless refused or the header's status is an error
};

class RelayConnection final : private FrameSink {
 public:
  // Frames of another kind than `expected` are an error. `allocator` is
  // borrowed.
  RelayConnection(UniqueFd fd, FrameKind expected, BufferAllocator* allocator)
      : fd_(std::move(fd)), expected_(expected), allocator_(allocator) {}

  const UniqueFd& fd() const { return fd_; }

  // Reads what is there and appends the frames that are complete. An error
  // means that the connection is over.
  absl::Status Read(absl::Span<char> buffer,
                    std::vector<ReceivedFrame>* received);

  BufferQueue& outgoing() { return outgoing_; }

  // For the worker: whether it waits for room in the socket, and whether the
  // connection stands in its list of those to flush.
  bool waits_for_room = false;
  bool to_flush = false;

 private:
  absl::Status OnHeader(const FrameHeader& header) override;
  void OnPayload(size_t offset, absl::string_view part) override;
  void OnEnd() override;

  const UniqueFd fd_;
  const FrameKind expected_;
  BufferAllocator* const allocator_;
  FrameParser parser_;
  ReceivedFrame current_;
  std::vector<ReceivedFrame>* received_ = nullptr;  // during Read()
  BufferQueue outgoing_;
};

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_RELAY_CONNECTION_H_
