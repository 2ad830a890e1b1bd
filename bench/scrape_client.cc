#include "poolscope/bench/scrape_client.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace poolscope::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr absl::string_view kEndOfHead = "\r\n\r\n";

// The value of the header `name` in lower case; "" when there is none.
std::string HeaderValue(absl::string_view head, absl::string_view name) {
  const std::string lower = absl::AsciiStrToLower(head);
  const std::string start = absl::StrCat("\r\n", name, ":");
  const size_t at = lower.find(start);
  if (at == std::string::npos) return "";
  const size_t from = at + start.size();
  const size_t to = lower.find("\r\n", from);
  return std::string(absl::StripAsciiWhitespace(lower.substr(from, to - from)));
}

}  // namespace

ScrapeClient::ScrapeClient(std::string server, int port)
    : server_(std::move(server)), port_(port), buffer_(4 << 20, '\0') {}

ScrapeClient::~ScrapeClient() {
  if (socket_ >= 0) close(socket_);
}

absl::Status ScrapeClient::Connect() {
  socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  const timeval patience = {20, 0};
  setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port_);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(socket_, reinterpret_cast<sockaddr*>(&address),
              sizeof(address)) == 0) {
    return absl::OkStatus();
  }
  return absl::UnavailableError(absl::StrCat(server_, ": cannot connect to ",
                                             "127.0.0.1:", port_, ": ",
                                             std::strerror(errno)));
}

absl::Status ScrapeClient::Fill(size_t bytes) {
  if (buffer_.size() < bytes) buffer_.resize(2 * bytes);
  while (size_ < bytes) {
    const ssize_t got =
        recv(socket_, &buffer_[size_], buffer_.size() - size_, 0);
    if (got <= 0) {
      return absl::UnavailableError(
          absl::StrCat(server_, ": the connection ended after ", size_,
                       " bytes of an answer"));
    }
    size_ += got;
  }
  return absl::OkStatus();
}

absl::StatusOr<ScrapeReply> ScrapeClient::Scrape(bool gzip) {
  if (socket_ < 0) {
    if (absl::Status status = Connect(); !status.ok()) return status;
  }
  const std::string request =
      absl::StrCat("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n",
                   gzip ? "Accept-Encoding: gzip\r\n" : "", "\r\n");
  const SteadyClock::time_point start = SteadyClock::now();
  if (send(socket_, request.data(), request.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(request.size())) {
    return absl::UnavailableError(
        absl::StrCat(server_, ": ", std::strerror(errno)));
  }
  size_ = 0;
  absl::string_view head;
  do {
    if (absl::Status status = Fill(size_ + 1); !status.ok()) return status;
    const absl::string_view text(buffer_.data(), size_);
    const size_t end = text.find(kEndOfHead);
    if (end != absl::string_view::npos) head = text.substr(0, end);
  } while (head.empty());
  const std::string status_line(head.substr(0, head.find('\r')));
  size_t length;
  if (!absl::StartsWith(status_line, "HTTP/1.1 200 ") ||
      !absl::SimpleAtoi(HeaderValue(head, "content-length"), &length) ||
      (HeaderValue(head, "content-encoding") == "gzip") != gzip) {
    return absl::InternalError(
        absl::StrCat(server_, ": unexpected answer: ", status_line));
  }
  const size_t from = head.size() + kEndOfHead.size();
  if (absl::Status status = Fill(from + length); !status.ok()) return status;
  return ScrapeReply{absl::string_view(buffer_).substr(from, length),
                     absl::FromChrono(SteadyClock::now() - start)};
}

}  // namespace poolscope::bench
