#include "poolscope/exporter/nmt/http_fetch.h"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"

namespace poolscope {
namespace {

absl::Status Unreachable(const HttpUrl& url, absl::string_view why) {
  return absl::UnavailableError(
      absl::StrCat("http://", url.Authority(), url.prefix, ": ", why));
}

absl::Status Unreachable(const HttpUrl& url, int error) {
  // What the system says of a timeout of the socket's own.
  return Unreachable(url, error == EAGAIN || error == EINPROGRESS
                              ? "no answer in time"
                              : std::strerror(error));
}

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  int fd() const { return fd_; }

 private:
  const int fd_;
};

struct FreeAddresses {
  void operator()(addrinfo* addresses) const { freeaddrinfo(addresses); }
};

// Connects to the first address that takes it.
absl::StatusOr<std::unique_ptr<Socket>> Connect(const HttpUrl& url,
                                                absl::Duration timeout) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int result =
      getaddrinfo(url.host.c_str(), url.port.c_str(), &hints, &found);
  if (result != 0) return Unreachable(url, gai_strerror(result));
  const std::unique_ptr<addrinfo, FreeAddresses> addresses(found);
  int error = EADDRNOTAVAIL;
  for (addrinfo* each = found; each != nullptr; each = each->ai_next) {
    auto connection = std::make_unique<Socket>(
        socket(each->ai_family, each->ai_socktype | SOCK_CLOEXEC, 0));
    if (connection->fd() < 0) {
      error = errno;
      continue;
    }
    const timeval patience = absl::ToTimeval(timeout);
    // Holds for connect() too.
    setsockopt(connection->fd(), SOL_SOCKET, SO_SNDTIMEO, &patience,
               sizeof(patience));
    if (connect(connection->fd(), each->ai_addr, each->ai_addrlen) == 0) {
      return connection;
    }
    error = errno;
  }
  return Unreachable(url, error);
}

// The answer in all that the connection brought.
absl::StatusOr<HttpAnswer> Parse(const HttpUrl& url, absl::string_view all) {
  const size_t head_end = all.find("\r\n\r\n");
  const std::vector<absl::string_view> lines =
      absl::StrSplit(all.substr(0, head_end), "\r\n");
  absl::string_view status_line = lines[0];
  HttpAnswer answer;
  if (head_end == absl::string_view::npos ||
      !absl::ConsumePrefix(&status_line, "HTTP/1.") || status_line.size() < 5 ||
      !absl::SimpleAtoi(status_line.substr(2, 3), &answer.status)) {
    return Unreachable(url, "what answers there does not speak HTTP");
  }
  const absl::string_view body = all.substr(head_end + 4);
  for (absl::string_view line : lines) {
    const std::pair<absl::string_view, absl::string_view> header =
        absl::StrSplit(line, absl::MaxSplits(':', 1));
    uint64_t length;
    if (absl::EqualsIgnoreCase(header.first, "Content-Length") &&
        absl::SimpleAtoi(header.second, &length) && length != body.size()) {
      return Unreachable(
          url, absl::StrCat("the answer ended after ", body.size(), " of ",
                            length, " bytes"));
    }
  }
  answer.body = std::string(body);
  return answer;
}

}  // namespace

absl::StatusOr<HttpAnswer> FetchHttp(const HttpUrl& url,
                                     absl::string_view method,
                                     absl::string_view target,
                                     absl::string_view credentials,
                                     absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  const absl::StatusOr<std::unique_ptr<Socket>> connection =
      Connect(url, timeout);
  if (!connection.ok()) return connection.status();
  const int fd = (*connection)->fd();
  const std::string request = absl::StrCat(
      method, " ", url.prefix, target, " HTTP/1.0\r\nHost: ", url.Authority(),
      "\r\nAccept: text/plain\r\n",
      credentials.empty()
          ? ""
          : absl::StrCat("Authorization: Basic ",
                         absl::Base64Escape(credentials), "\r\n"),
      method == "POST" ? "Content-Length: 0\r\n" : "", "\r\n");
  for (absl::string_view rest = request; !rest.empty();) {
    const ssize_t sent = send(fd, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return Unreachable(url, errno);
    rest.remove_prefix(sent);
  }
  std::string all;
  while (true) {
    const absl::Duration left = deadline - absl::Now();
    if (left <= absl::ZeroDuration()) return Unreachable(url, EAGAIN);
    // Not 0, which stands for ever.
    const timeval patience =
        absl::ToTimeval(std::max(left, absl::Milliseconds(1)));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    char buffer[65536];
    const ssize_t got = recv(fd, buffer, sizeof(buffer), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Unreachable(url, errno);
    if (got == 0) return Parse(url, all);
    if (all.size() + got > kMaxAnswerBytes) {
      return Unreachable(url, absl::StrCat("the answer has more than ",
                                           kMaxAnswerBytes, " bytes"));
    }
    all.append(buffer, got);
  }
}

}  // namespace poolscope
