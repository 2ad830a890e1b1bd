// Sockets on loopback: the few calls that the demo needs, as Status.
//
// Every socket is non-blocking once it is returned, closed on exec, and sends
// at once (TCP_NODELAY).
#ifndef POOLSCOPE_EXAMPLES_DEMO_SOCKET_H_
#define POOLSCOPE_EXAMPLES_DEMO_SOCKET_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace poolscope::demo {

// Owns a file descriptor. Move-only; empty (-1) once moved from.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) {
      Close();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~UniqueFd() { Close(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  void Close();

 private:
  int fd_ = -1;
};

// The last system call's error: InternalError "what: Connection refused".
absl::Status ErrnoStatus(absl::string_view what);

struct Listener {
  UniqueFd fd;
  uint16_t port = 0;
};

// Listens on a free port of 127.0.0.1.
absl::StatusOr<Listener> ListenOnLoopback();

// Connects to 127.0.0.1, waiting until that is done.
absl::StatusOr<UniqueFd> ConnectToLoopback(uint16_t port);

// The kernel's buffers of a connected socket, in bytes, which it doubles; 0
// leaves them as they are.
absl::Status SetSocketBuffers(const UniqueFd& fd, uint64_t bytes);

// "127.0.0.1:4711", or "" where the peer is gone.
std::string PeerName(const UniqueFd& fd);

// The next connection that waits at a listener; UnavailableError when there is
// none now.
absl::StatusOr<UniqueFd> Accept(const UniqueFd& listener);

// A descriptor in reserve for a listener whose process has no other left: who
// waits is refused then, rather than left waiting, and the listener lives on.
class SpareDescriptor {
 public:
  // Where there is none yet.
  void Keep();

  // Takes the next connection that waits, if one does, and closes it. False
  // when that was not possible.
  bool Refuse(const UniqueFd& listener);

 private:
  UniqueFd fd_;
};

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_SOCKET_H_
