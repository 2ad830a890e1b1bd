#include "poolscope/tests/exporter/http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace poolscope {

HttpClient::HttpClient(int port, bool ipv6) {
  socket_ = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval patience = {20, 0};
  setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  v6.sin6_addr = in6addr_loopback;
  const int result =
      ipv6 ? connect(socket_, reinterpret_cast<sockaddr*>(&v6), sizeof(v6))
           : connect(socket_, reinterpret_cast<sockaddr*>(&v4), sizeof(v4));
  if (result != 0) {
    close(socket_);
    socket_ = -1;
  }
}

HttpClient::~HttpClient() {
  if (socket_ >= 0) close(socket_);
}

void HttpClient::Send(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent =
        send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;  // the answer, or its lack, tells
    bytes.remove_prefix(sent);
  }
}

void HttpClient::FinishSending() { shutdown(socket_, SHUT_WR); }

bool HttpClient::Fill() {
  char buffer[65536];
  const ssize_t got = recv(socket_, buffer, sizeof(buffer), 0);
  if (got <= 0) return false;
  unread_.append(buffer, got);
  return true;
}

bool HttpClient::AnswersWithin(absl::Duration time) const {
  pollfd polled = {socket_, POLLIN, 0};
  return poll(&polled, 1, static_cast<int>(time / absl::Milliseconds(1))) > 0;
}

bool HttpClient::AtEnd() {
  if (!unread_.empty()) return false;
  errno = 0;
  return !Fill() && errno != EAGAIN;
}

HttpReply HttpClient::Receive(bool has_body) {
  HttpReply reply;
  size_t head_end;
  while ((head_end = unread_.find("\r\n\r\n")) == std::string::npos) {
    if (!Fill()) return reply;
  }
  const std::vector<std::string> lines =
      absl::StrSplit(unread_.substr(0, head_end), "\r\n");
  unread_.erase(0, head_end + 4);
  const std::vector<std::string> status =
      absl::StrSplit(lines[0], absl::MaxSplits(' ', 2));
  for (size_t i = 1; i < lines.size(); ++i) {
    const std::vector<std::string> header =
        absl::StrSplit(lines[i], absl::MaxSplits(": ", 1));
    if (header.size() == 2) {
      reply.headers[absl::AsciiStrToLower(header[0])] = header[1];
    }
  }
  const auto announced = reply.headers.find("content-length");
  const size_t length =
      has_body && announced != reply.headers.end()
          ? std::strtoul(announced->second.c_str(), nullptr, 10)
          : 0;
  while (unread_.size() < length) {
    if (!Fill()) return reply;
  }
  reply.body = unread_.substr(0, length);
  unread_.erase(0, length);
  if (status.size() >= 3) reply.reason = status[2];
  if (status.size() >= 2) reply.status = std::atoi(status[1].c_str());
  return reply;
}

HttpReply HttpClient::Request(absl::string_view method,
                              absl::string_view target,
                              absl::string_view headers) {
  Send(absl::StrCat(method, " ", target, " HTTP/1.1\r\nHost: localhost\r\n",
                    headers, "\r\n"));
  return Receive(method != "HEAD");
}

HttpReply Get(int port, absl::string_view target, absl::string_view headers) {
  HttpClient client(port);
  return client.Request("GET", target, headers);
}

}  // namespace poolscope
