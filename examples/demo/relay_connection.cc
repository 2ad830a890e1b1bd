#include "poolscope/examples/demo/relay_connection.h"

#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace poolscope::demo {

absl::Status RelayConnection::Read(absl::Span<char> buffer,
                                   std::vector<ReceivedFrame>* received) {
  received_ = received;
  const absl::Status status = ReadFrames(fd_, buffer, parser_, *this);
  received_ = nullptr;
  return status;
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
    absl::StatusOr<Buffer> payload = allocator_->Allocate(header.length);
    if (payload.ok()) {
      current_.payload = *std::move(payload);
    } else {
      current_.refusal = payload.status();
    }
  }
  return absl::OkStatus();
}

void RelayConnection::OnPayload(size_t, absl::string_view part) {
  if (current_.payload.is_open()) current_.payload.WriteBytes(part);
}

void RelayConnection::OnEnd() { received_->push_back(std::move(current_)); }

}  // namespace poolscope::demo
