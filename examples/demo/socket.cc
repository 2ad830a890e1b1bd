#include "poolscope/examples/demo/socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace poolscope::demo {
namespace {

constexpr int kBacklog = 4096;  // the kernel lowers it to its own maximum

sockaddr_in LoopbackAddress(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

absl::Status SendAtOnce(const UniqueFd& fd) {
  const int on = 1;
  if (setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0) {
    return ErrnoStatus("setsockopt TCP_NODELAY");
  }
  return absl::OkStatus();
}

}  // namespace

void UniqueFd::Close() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

absl::Status ErrnoStatus(absl::string_view what) {
  // Not absl::ErrnoToStatus(): its table of texts lies in Debian's library,
  // where ThreadSanitizer cannot see that it is built once, and its codes would
  // mix with those that Accept() and ReadFrames() give a meaning to.
  char buffer[128];
  return absl::InternalError(
      absl::StrCat(what, ": ", strerror_r(errno, buffer, sizeof(buffer))));
}

absl::StatusOr<Listener> ListenOnLoopback() {
  Listener listener;
  listener.fd =
      UniqueFd(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!listener.fd.valid()) return ErrnoStatus("socket");
  sockaddr_in address = LoopbackAddress(0);
  if (bind(listener.fd.get(), reinterpret_cast<const sockaddr*>(&address),
           sizeof(address)) != 0) {
    return ErrnoStatus("bind to 127.0.0.1");
  }
  if (listen(listener.fd.get(), kBacklog) != 0) return ErrnoStatus("listen");
  socklen_t length = sizeof(address);
  if (getsockname(listener.fd.get(), reinterpret_cast<sockaddr*>(&address),
                  &length) != 0) {
    return ErrnoStatus("getsockname");
  }
  listener.port = ntohs(address.sin_port);
  return listener;
}

absl::StatusOr<UniqueFd> ConnectToLoopback(uint16_t port) {
  UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return ErrnoStatus("socket");
  const sockaddr_in address = LoopbackAddress(port);
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address),
              sizeof(address)) != 0) {
    return ErrnoStatus(absl::StrCat("connect to 127.0.0.1:", port));
  }
  if (fcntl(fd.get(), F_SETFL, O_NONBLOCK) != 0) {
    return ErrnoStatus("fcntl O_NONBLOCK");
  }
  const absl::Status status = SendAtOnce(fd);
  if (!status.ok()) return status;
  return fd;
}

absl::Status SetSocketBuffers(const UniqueFd& fd, uint64_t bytes) {
  if (bytes == 0) return absl::OkStatus();
  const int size = static_cast<int>(bytes);
  for (const int option : {SO_SNDBUF, SO_RCVBUF}) {
    if (setsockopt(fd.get(), SOL_SOCKET, option, &size, sizeof(size)) != 0) {
      return ErrnoStatus("setsockopt SO_SNDBUF, SO_RCVBUF");
    }
  }
  return absl::OkStatus();
}

std::string PeerName(const UniqueFd& fd) {
  sockaddr_in address{};
  socklen_t length = sizeof(address);
  char text[INET_ADDRSTRLEN];
  if (getpeername(fd.get(), reinterpret_cast<sockaddr*>(&address), &length) !=
          0 ||
      inet_ntop(AF_INET, &address.sin_addr, text, sizeof(text)) == nullptr) {
    return "";
  }
  return absl::StrCat(text, ":", ntohs(address.sin_port));
}

absl::StatusOr<UniqueFd> Accept(const UniqueFd& listener) {
  while (true) {
    UniqueFd fd(accept4(listener.get(), nullptr, nullptr,
                        SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd.valid()) {
      const absl::Status status = SendAtOnce(fd);
      if (!status.ok()) return status;
      return fd;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return absl::UnavailableError("no connection waits");
    }
    // A connection that was gone before it was taken is none.
    if (errno != EINTR && errno != ECONNABORTED) return ErrnoStatus("accept");
  }
}

void SpareDescriptor::Keep() {
  if (!fd_.valid()) fd_ = UniqueFd(open("/dev/null", O_RDONLY | O_CLOEXEC));
}

bool SpareDescriptor::Refuse(const UniqueFd& listener) {
  if (!fd_.valid()) return false;
  fd_.Close();
  const bool refused = [&] {
    const absl::StatusOr<UniqueFd> taken = Accept(listener);
    return taken.ok() || absl::IsUnavailable(taken.status());
  }();
  Keep();  // with the descriptor that the connection had
  return refused;
}

}  // namespace poolscope::demo
