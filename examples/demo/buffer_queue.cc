#include "poolscope/examples/demo/buffer_queue.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <utility>

#include "absl/types/span.h"

namespace poolscope::demo {
namespace {

constexpr size_t kMaxParts = 64;  // of one write

// Collects the parts of one gather write, without the bytes already sent.
class Gather {
 public:
  explicit Gather(size_t skip) : skip_(skip) {}

  bool full() const { return count_ + 2 > kMaxParts; }

  void Add(const void* data, size_t size) {
    if (skip_ >= size) {
      skip_ -= size;
      return;
    }
    // sendmsg() only reads them.
    char* const bytes = const_cast<char*>(static_cast<const char*>(data));
    parts_[count_++] = iovec{bytes + skip_, size - skip_};
    skip_ = 0;
  }

  ssize_t Send(const UniqueFd& fd) {
    msghdr message{};
    message.msg_iov = parts_.data();
    message.msg_iovlen = count_;
    return sendmsg(fd.get(), &message, MSG_NOSIGNAL);
  }

 private:
  size_t skip_;
  size_t count_ = 0;
  std::array<iovec, kMaxParts> parts_;
};

}  // namespace

void BufferQueue::Push(const FrameHeader& header, Buffer payload) {
  frames_.push_back(Frame{header.id, EncodeHeader(header), header.length,
                          std::move(payload)});
}

absl::StatusOr<bool> BufferQueue::Flush(const UniqueFd& fd, OnSent on_sent) {
  while (!frames_.empty()) {
    Gather gather(front_sent_);
    for (Frame& frame : frames_) {
      if (gather.full()) break;
      gather.Add(frame.header.data(), frame.header.size());
      if (!frame.payload.is_open()) continue;
      // One piece: the payload was read into a buffer of its size.
      iovec payload{};
      frame.payload.ReadableIovecs(absl::MakeSpan(&payload, 1));
      gather.Add(payload.iov_base, frame.length);
    }
    const ssize_t n = gather.Send(fd);
    if (n < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) return false;
      return ErrnoStatus("send");
    }
    front_sent_ += static_cast<size_t>(n);
    while (!frames_.empty() && front_sent_ >= frames_.front().size()) {
      Frame sent = std::move(frames_.front());
      frames_.pop_front();
      front_sent_ -= sent.size();
      on_sent(sent.id, std::move(sent.payload));
    }
  }
  return true;
}

}  // namespace poolscope::demo
