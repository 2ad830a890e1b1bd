// RelayConnection: one socket of the relay, to a client or to the upstream.
//
//   socket --Read()--> frames ...          frames --Offer()--> admission
//     ^                                                            |
//     +---------------Flush()-- OutboundBuffer <-------------------+
//
// Each frame that comes in is read into one buffer of its size. Where the pool
// refuses, the payload is read and dropped, and the frame is reported as
// refused: the stream stays in step and the connection lives.
//
// Thread-compatible; belongs to one worker.
#ifndef POOLSCOPE_EXAMPLES_DEMO_RELAY_CONNECTION_H_
#define POOLSCOPE_EXAMPLES_DEMO_RELAY_CONNECTION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "poolscope/allocator/buffer/buffer.h"
#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/allocator/outbound/admission.h"
#include "poolscope/allocator/outbound/fd_sink.h"
#include "poolscope/allocator/outbound/memory_governor.h"
#include "poolscope/allocator/outbound/outbound_buffer.h"
#include "poolscope/allocator/outbound/read_gate.h"
#include "poolscope/allocator/outbound/registered_channel.h"
#include "poolscope/examples/demo/frame.h"
#include "poolscope/examples/demo/frame_stream.h"
#include "poolscope/examples/demo/socket.h"

namespace poolscope::demo {

struct ReceivedFrame {
  FrameHeader header;
  absl::Status refusal;  // not OK: there was no memory for the payload
  // As frame_buffer.h has it. Open unless refused or the status is an error.
  Buffer frame;
};

class RelayConnection final : private FrameSink {
 public:
  // Frames of another kind than `expected` are an error. `allocator` is
  // borrowed.
  RelayConnection(UniqueFd fd, FrameKind expected, BufferAllocator* allocator,
                  OutboundOptions outbound, AdmissionOptions admission,
                  RegisteredChannel channel);

  const UniqueFd& fd() const { return fd_; }

  // Reads what is there and appends the frames that are complete. An error
  // means that the connection is over.
  absl::Status Read(absl::Span<char> buffer,
                    std::vector<ReceivedFrame>* received);

  OutboundBuffer& outbound() { return outbound_; }
  Admission& admission() { return admission_; }
  ReadGate& gate() { return gate_; }

  // Of a frame that has begun to come in: its memory, and what it lacks of its
  // payload. 0 between frames.
  size_t assembling_bytes() const { return current_.frame.capacity(); }
  size_t missing_bytes() const { return current_.frame.writable_bytes(); }

  // Writes what waits, as far as the socket takes it: true when all is out. An
  // error means that the connection is over; what waits has failed.
  absl::StatusOr<bool> Flush();

  // For the worker: what epoll was told last, requests that are forwarded and
  // not answered with the bytes of their payloads, and its place with the
  // memory governor, if there is one.
  uint32_t events = 0;
  uint64_t in_flight = 0;
  uint64_t in_flight_bytes = 0;
  std::unique_ptr<MemoryGovernor::Member> member;

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
  ReadGate gate_;
  FdSink sink_;
  OutboundBuffer outbound_;
  Admission admission_;  // before what it feeds
};

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_RELAY_CONNECTION_H_
