#include "poolscope/allocator/outbound/memory_sink.h"

#include <algorithm>
#include <utility>

namespace poolscope {

void MemorySink::ThenFail(absl::Status status) {
  script_.push_back({0, std::move(status)});
}

absl::StatusOr<size_t> MemorySink::Write(absl::Span<const iovec> pieces) {
  Call call;
  call.pieces = pieces.size();
  for (const iovec& piece : pieces) call.bytes += piece.iov_len;
  calls_.push_back(call);

  size_t most = call.bytes;
  if (!script_.empty()) {
    const Step step = std::move(script_.front());
    script_.pop_front();
    if (!step.status.ok()) return step.status;
    most = std::min(most, step.bytes);
  }
  const size_t before = received_.size();
  for (const iovec& piece : pieces) {
    const size_t size =
        std::min(piece.iov_len, most - (received_.size() - before));
    received_.append(static_cast<const char*>(piece.iov_base), size);
  }
  return most;
}

}  // namespace poolscope
