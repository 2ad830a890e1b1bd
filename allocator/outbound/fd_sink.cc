#include "poolscope/allocator/outbound/fd_sink.h"

#include <errno.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace poolscope {
namespace {

constexpr size_t kDefaultWriteBytes = 128 << 10;
// The least that an OutboundBuffer accepts.
constexpr size_t kLeastWriteBytes = 2048;

bool IsSocket(int fd) {
  struct stat status;
  return fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode);
}

ssize_t WriteSocket(int fd, const iovec* pieces, size_t count) {
  msghdr message = {};
  message.msg_iov = const_cast<iovec*>(pieces);
  message.msg_iovlen = count;
  return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace

FdSink::FdSink(int fd) : fd_(fd), is_socket_(IsSocket(fd)) {}

absl::StatusOr<size_t> FdSink::Write(absl::Span<const iovec> pieces) {
  const size_t count = std::min<size_t>(pieces.size(), IOV_MAX);
  for (;;) {
    const ssize_t written = is_socket_ ? WriteSocket(fd_, pieces.data(), count)
                                       : writev(fd_, pieces.data(), count);
    if (written >= 0) return written;
    const int error = errno;
    if (error == EINTR) continue;
    if (error == EAGAIN || error == EWOULDBLOCK) return 0;
    return absl::ErrnoToStatus(error, absl::StrCat("write to fd ", fd_));
  }
}

size_t FdSink::InitialWriteBytes() const {
  if (!is_socket_) return kDefaultWriteBytes;
  int bytes = 0;
  socklen_t size = sizeof(bytes);
  if (getsockopt(fd_, SOL_SOCKET, SO_SNDBUF, &bytes, &size) != 0) {
    return kDefaultWriteBytes;
  }
  return std::max(2 * static_cast<size_t>(bytes), kLeastWriteBytes);
}

}  // namespace poolscope
