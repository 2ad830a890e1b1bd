#include "poolscope/examples/demo/frame_stream.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "poolscope/examples/demo/pattern.h"

namespace poolscope::demo {
namespace {

constexpr int kReadsPerTurn = 8;

}  // namespace

absl::Status ReadFrames(const UniqueFd& fd, absl::Span<char> buffer,
                        FrameParser& parser, FrameSink& sink) {
  for (int i = 0; i < kReadsPerTurn; ++i) {
    const ssize_t n = recv(fd.get(), buffer.data(), buffer.size(), 0);
    if (n < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) break;
      return ErrnoStatus("recv");
    }
    if (n == 0) {
      const absl::Status status = parser.Finish();
      return status.ok() ? absl::OutOfRangeError("closed by the peer") : status;
    }
    const size_t size = static_cast<size_t>(n);
    const absl::Status status =
        parser.Feed(absl::string_view(buffer.data(), size), sink);
    if (!status.ok()) return status;
    if (size < buffer.size()) break;  // the socket is empty
  }
  return absl::OkStatus();
}

// Fills `buffer` with the next bytes to send; returns how many.
size_t SeededFrameQueue::Render(absl::Span<char> buffer) const {
  size_t rendered = 0;
  size_t skip = front_sent_;
  for (const Frame& frame : frames_) {
    if (rendered == buffer.size()) break;
    if (skip < kFrameHeaderBytes) {
      const EncodedHeader header = EncodeHeader(frame.header);
      const size_t part =
          std::min(kFrameHeaderBytes - skip, buffer.size() - rendered);
      std::memcpy(buffer.data() + rendered, header.data() + skip, part);
      rendered += part;
      skip += part;
      if (skip < kFrameHeaderBytes) break;
    }
    const size_t offset = skip - kFrameHeaderBytes;
    const size_t part =
        std::min(frame.header.length - offset, buffer.size() - rendered);
    FillPattern(frame.payload_seed, offset, buffer.subspan(rendered, part));
    rendered += part;
    skip = 0;
  }
  return rendered;
}

void SeededFrameQueue::Sent(size_t bytes) {
  front_sent_ += bytes;
  while (!frames_.empty()) {
    const size_t size = kFrameHeaderBytes + frames_.front().header.length;
    if (front_sent_ < size) return;
    front_sent_ -= size;
    frames_.pop_front();
  }
}

absl::StatusOr<bool> SeededFrameQueue::Flush(const UniqueFd& fd,
                                             absl::Span<char> buffer) {
  while (!frames_.empty()) {
    const size_t size = Render(buffer);
    const ssize_t n = send(fd.get(), buffer.data(), size, MSG_NOSIGNAL);
    if (n < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) return false;
      return ErrnoStatus("send");
    }
    Sent(static_cast<size_t>(n));
  }
  return true;
}

}  // namespace poolscope::demo
