#include "poolscope/exporter/transport.h"

#include <sys/socket.h>
#include <sys/types.h>

#include <cerrno>

namespace poolscope {
namespace {

class Plain final : public Transport {
 public:
  explicit Plain(int fd) : fd_(fd) {}

  IoStatus Handshake() override { return IoStatus::kDone; }

  IoResult Read(char* into, size_t size) override {
    ssize_t got;
    do {
      got = recv(fd_, into, size, MSG_DONTWAIT);
    } while (got < 0 && errno == EINTR);
    if (got == 0) return {IoStatus::kEnded};
    return Result(got, IoStatus::kWantsToRead);
  }

  IoResult Write(absl::string_view bytes) override {
    ssize_t sent;
    do {
      sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    return Result(sent, IoStatus::kWantsToWrite);
  }

  void ShutDown() override { shutdown(fd_, SHUT_WR); }

 private:
  static IoResult Result(ssize_t bytes, IoStatus wants) {
    if (bytes >= 0) return {IoStatus::kDone, static_cast<size_t>(bytes)};
    const bool later = errno == EAGAIN || errno == EWOULDBLOCK;
    return {later ? wants : IoStatus::kFailed};
  }

  const int fd_;
};

}  // namespace

std::unique_ptr<Transport> PlainTransport(int fd) {
  return std::make_unique<Plain>(fd);
}

}  // namespace poolscope
