#include "poolscope/examples/demo/relay_connection.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "poolscope/examples/demo/frame_buffer.h"

namespace poolscope::demo {

RelayConnection::RelayConnection(UniqueFd fd, FrameKind expected,
                                 BufferAllocator* allocator,
                                 OutboundOptions outbound,
                                 AdmissionOptions admission,
                                 RegisteredChannel channel)
    : fd_(std::move(fd)),
      expected_(expected),
      allocator_(allocator),
      sink_(fd_.get()),
      outbound_(std::move(outbound), std::move(channel)),
      admission_(admission, &outbound_) {}

absl::Status RelayConnection::Read(absl::Span<char> buffer,
                                   std::vector<ReceivedFrame>* received) {
  received_ = received;
  const absl::Status status = ReadFrames(fd_, buffer, parser_, *this);
  received_ = nullptr;
  return status;
}

absl::StatusOr<bool> RelayConnection::Flush() {
  outbound_.AddFlush();
  absl::StatusOr<bool> all_out = outbound_.WriteTo(sink_);
  if (!all_out.ok()) {
    outbound_.Close(OutboundFailure::kTransport, all_out.status());
  }
  return all_out;
}

absl::Status RelayConnection::OnHeader(const FrameHeader& header) {
  if (header.kind != expected_) {
    return absl::InvalidArgumentError(
        absl::StrCat("a frame of kind ", static_cast<int>(header.kind),
                     " where kind ", static_cast<int>(expected_), " was due"));
  }
  current_ = ReceivedFrame();
  current_.header = header;
  if (header.status == FrameStatus::kOk) {
    absl::StatusOr<Buffer> frame = AllocateFrame(*allocator_, header.length);
    if (frame.ok()) {
      current_.frame = *std::move(frame);
    } else {
      current_.refusal = frame.status();
    }
  }
  return absl::OkStatus();
}

void RelayConnection::OnPayload(size_t, absl::string_view part) {
  if (current_.frame.is_open()) current_.frame.WriteBytes(part);
}

void RelayConnection::OnEnd() { received_->push_back(std::move(current_)); }

}  // namespace poolscope::demo
