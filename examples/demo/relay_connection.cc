#include "poolscope/examples/demo/relay_connection.h"

#include <cstring>
#include <utility>

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
  current_ = ReceivedFrame{header};
  if (header.status == FrameStatus::kOk) {
    current_.payload = PoolBlock::Allocate(pool_, header.length);
    current_.refused = !current_.payload.valid();
  }
  return absl::OkStatus();
}

void RelayConnection::OnPayload(size_t offset, absl::string_view part) {
  if (!current_.payload.valid()) return;
  std::memcpy(current_.payload.data() + offset, part.data(), part.size());
}

void RelayConnection::OnEnd() { received_->push_back(std::move(current_)); }

}  // namespace poolscope::demo
