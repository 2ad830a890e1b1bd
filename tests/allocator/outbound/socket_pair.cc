#include "poolscope/tests/allocator/outbound/socket_pair.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "gtest/gtest.h"

namespace poolscope {
namespace {

constexpr int kBufferBytes = 8192;
constexpr int kTimeoutMs = 30'000;

// The result of a system call that must succeed.
int Must(int result) {
  EXPECT_GE(result, 0) << "errno " << errno;
  return result;
}

void MakeSmall(int fd) {
  for (const int option : {SO_SNDBUF, SO_RCVBUF}) {
    Must(setsockopt(fd, SOL_SOCKET, option, &kBufferBytes,
                    sizeof(kBufferBytes)));
  }
}

void Await(int fd, short events) {
  pollfd waiting = {fd, events, 0};
  EXPECT_EQ(poll(&waiting, 1, kTimeoutMs), 1) << "nothing happens";
}

}  // namespace

SocketPair SocketPair::Tcp() {
  const int listener = Must(socket(AF_INET, SOCK_STREAM, 0));
  MakeSmall(listener);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof(address);
  Must(bind(listener, any, size));
  Must(listen(listener, 1));
  Must(getsockname(listener, any, &size));
  const int near = Must(socket(AF_INET, SOCK_STREAM, 0));
  MakeSmall(near);
  Must(connect(near, any, size));
  const int far = Must(accept4(listener, nullptr, nullptr, SOCK_NONBLOCK));
  Must(fcntl(near, F_SETFL, O_NONBLOCK));
  close(listener);
  return SocketPair(near, far);
}

SocketPair SocketPair::Unix() {
  int ends[2] = {-1, -1};
  Must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends));
  MakeSmall(ends[0]);
  MakeSmall(ends[1]);
  return SocketPair(ends[0], ends[1]);
}

SocketPair SocketPair::Pipe() {
  int ends[2] = {-1, -1};
  Must(pipe2(ends, O_NONBLOCK));
  Must(fcntl(ends[1], F_SETPIPE_SZ, kBufferBytes));
  return SocketPair(ends[1], ends[0]);
}

SocketPair::SocketPair(SocketPair&& other) noexcept
    : near_(std::exchange(other.near_, -1)),
      far_(std::exchange(other.far_, -1)) {}

SocketPair::~SocketPair() {
  CloseNear();
  CloseFar();
}

void SocketPair::AwaitNearWritable() const { Await(near_, POLLOUT); }
void SocketPair::AwaitFarReadable() const { Await(far_, POLLIN); }
void SocketPair::AwaitNearError() const { Await(near_, 0); }

std::string SocketPair::Read(size_t size) const {
  std::string bytes(size, '\0');
  const ssize_t count = read(far_, bytes.data(), size);
  EXPECT_TRUE(count >= 0 || errno == EAGAIN) << "errno " << errno;
  bytes.resize(count < 0 ? 0 : count);
  return bytes;
}

std::string SocketPair::ReadUntilEnd() const {
  std::string all;
  for (;;) {
    AwaitFarReadable();
    const std::string some = Read(1 << 16);
    if (some.empty()) return all;
    all += some;
  }
}

void SocketPair::CloseNear() {
  if (near_ >= 0) close(std::exchange(near_, -1));
}

void SocketPair::CloseFar() {
  if (far_ >= 0) close(std::exchange(far_, -1));
}

void SocketPair::ResetFar() {
  const linger at_once = {1, 0};
  Must(setsockopt(far_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)));
  CloseFar();
}

}  // namespace poolscope
