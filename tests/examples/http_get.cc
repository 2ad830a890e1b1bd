#include "poolscope/tests/examples/http_get.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace poolscope {

HttpResponse HttpGet(int port, const std::string& target) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return {};
  const auto closer = absl::MakeCleanup([fd] { close(fd); });
  const timeval patience{60, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address),
              sizeof(address)) != 0) {
    return {};
  }
  // HTTP/1.0: the end of the connection is the end of the body.
  const std::string request = absl::StrCat(
      "GET ", target, " HTTP/1.0\r\nHost: 127.0.0.1:", port, "\r\n\r\n");
  if (send(fd, request.data(), request.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(request.size())) {
    return {};
  }
  std::string text;
  char bytes[16384];
  while (true) {
    const ssize_t n = recv(fd, bytes, sizeof(bytes), 0);
    if (n < 0) return {};
    if (n == 0) break;
    text.append(bytes, static_cast<size_t>(n));
  }
  const size_t status = text.find(' ');
  const size_t end = text.find("\r\n\r\n");
  if (status == std::string::npos || end == std::string::npos) return {};
  return HttpResponse{std::atoi(text.c_str() + status), text.substr(0, end),
                      text.substr(end + 4)};
}

std::string UrlEncode(const std::string& text) {
  std::string encoded;
  for (const char c : text) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c))) {
      encoded += c;
    } else {
      absl::StrAppendFormat(&encoded, "%%%02X", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

}  // namespace poolscope
