// AggregatorConnection: one client's socket, and the message that is being
// assembled from it.
//
//              header               last byte
//   between ----------> assembling ----------> between
//      ^                    | refused, given up   ^
//      |                    v                     |
//      +------------- dropping the rest ----------+
//
// A message that has failed is over at once: its memory goes back, and its
// answer may be sent, while what is left of it is read and dropped. So the
// stream stays in step and the connection lives.
//
// Thread-compatible; belongs to one worker.
#ifndef POOLSCOPE_EXAMPLES_DEMO_AGGREGATOR_CONNECTION_H_
#define POOLSCOPE_EXAMPLES_DEMO_AGGREGATOR_CONNECTION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "poolscope/allocator/buffer/buffer.h"
#include "poolscope/allocator/outbound/memory_governor.h"
#include "poolscope/allocator/outbound/read_gate.h"
#include "poolscope/examples/demo/aggregator_counters.h"
#include "poolscope/examples/demo/frame.h"
#include "poolscope/examples/demo/frame_stream.h"
#include "poolscope/examples/demo/message_assembly.h"
#include "poolscope/examples/demo/socket.h"

namespace poolscope::demo {

// A message that has come to its end here.
struct AggregatedMessage {
  FrameHeader header;
  std::optional<Refusal> refusal;  // else it is whole
  Buffer payload;                  // whole; not open when it has 0 bytes
};

class AggregatorConnection final : private FrameSink {
 public:
  // `options` and `counters` are borrowed.
  AggregatorConnection(UniqueFd fd, const AssemblyOptions* options,
                       AggregatorCounters* counters)
      : fd_(std::move(fd)), options_(options), counters_(counters) {}
  ~AggregatorConnection();

  const UniqueFd& fd() const { return fd_; }

  // Reads what is there, and appends the messages that came to an end. An error
  // means that the connection is over.
  absl::Status Read(absl::Span<char> buffer,
                    std::vector<AggregatedMessage>* ended);

  // Ends the message under way; nullopt when there is none.
  std::optional<FrameHeader> GiveUp();

  bool assembling() const { return assembly_.has_value(); }
  bool dropping() const { return dropping_; }
  size_t assembling_bytes() const {
    return assembling() ? assembly_->held_bytes() : 0;
  }
  size_t missing_bytes() const {
    return assembling() ? assembly_->missing_bytes() : 0;
  }

  // Answers have no payload.
  void PushAnswer(const FrameHeader& header) { outgoing_.Push(header, 0); }
  absl::StatusOr<bool> Flush(absl::Span<char> buffer) {
    return outgoing_.Flush(fd_, buffer);
  }

  // For the worker: what the client's messages hold on their way to the store,
  // its membership with the governor (null: there is none), whether it is read,
  // and whether it waits for room in the socket.
  uint64_t storing_bytes = 0;
  std::unique_ptr<MemoryGovernor::Member> member;
  ReadGate gate;
  bool waits_for_room = false;

 private:
  absl::Status OnHeader(const FrameHeader& header) override;
  void OnPayload(size_t offset, absl::string_view part) override;
  void OnEnd() override;

  // Takes the end of the assembly into the counters.
  void EndAssembly();

  const UniqueFd fd_;
  const AssemblyOptions* const options_;
  AggregatorCounters* const counters_;
  FrameParser parser_;
  SeededFrameQueue outgoing_;

  FrameHeader header_;
  std::optional<MessageAssembly> assembly_;
  bool dropping_ = false;
  std::vector<AggregatedMessage>* ended_ = nullptr;  // during Read()
};

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_AGGREGATOR_CONNECTION_H_
