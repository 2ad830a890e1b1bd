#include "poolscope/examples/demo/websocket_handshake.h"

#include <sha1.h>

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "poolscope/examples/demo/http_head.h"

namespace poolscope::demo {
namespace {

// Of RFC 6455, section 4.2.2.
constexpr absl::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
constexpr size_t kKeyBytes = 16;

Handshake Refuse(absl::string_view status, absl::string_view headers = "") {
  Handshake refusal;
  refusal.state = Handshake::State::kRefused;
  refusal.answer = absl::StrCat("HTTP/1.1 ", status, "\r\n", headers,
                                "Connection: close\r\nContent-Length: 0\r\n"
                                "\r\n");
  return refusal;
}

// 16 bytes in base64, in the one way to write them.
bool IsKey(absl::string_view key) {
  std::string bytes;
  return absl::Base64Unescape(key, &bytes) && bytes.size() == kKeyBytes &&
         absl::Base64Escape(bytes) == key;
}

}  // namespace

std::string HandshakeAccept(absl::string_view key) {
  const std::string text = absl::StrCat(key, kGuid);
  SHA1_CTX context;
  SHA1Init(&context);
  SHA1Update(&context, reinterpret_cast<const uint8_t*>(text.data()),
             text.size());
  uint8_t digest[SHA1_DIGEST_LENGTH];
  SHA1Final(digest, &context);
  return absl::Base64Escape(
      absl::string_view(reinterpret_cast<const char*>(digest), sizeof(digest)));
}

Handshake AnswerHandshake(absl::string_view received) {
  const absl::StatusOr<std::optional<HttpHead>> parsed =
      HttpHead::Parse(received);
  if (absl::IsResourceExhausted(parsed.status())) {
    return Refuse("431 Request Header Fields Too Large");
  }
  if (!parsed.ok()) return Refuse("400 Bad Request");
  if (!parsed->has_value()) return Handshake{};
  const HttpHead& head = **parsed;

  const std::vector<absl::string_view> line =
      absl::StrSplit(head.start_line(), ' ');
  if (line.size() != 3 || !absl::StartsWith(line[2], "HTTP/")) {
    return Refuse("400 Bad Request");
  }
  if (line[2] != "HTTP/1.1") return Refuse("505 HTTP Version Not Supported");
  if (line[0] != "GET") {
    return Refuse("405 Method Not Allowed", "Allow: GET\r\n");
  }
  if (!absl::StartsWith(line[1], "/") || head.Count("Host") != 1 ||
      head.Count("Transfer-Encoding") != 0 ||
      head.Count("Content-Length") != 0) {
    return Refuse("400 Bad Request");
  }
  if (!head.ListHas("Upgrade", "websocket") ||
      !head.ListHas("Connection", "upgrade") ||
      head.Only("Sec-WebSocket-Version") != "13") {
    return Refuse("426 Upgrade Required",
                  "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n");
  }
  const absl::string_view key = head.Only("Sec-WebSocket-Key");
  if (!IsKey(key)) return Refuse("400 Bad Request");

  Handshake accepted;
  accepted.state = Handshake::State::kAccepted;
  accepted.size_bytes = head.size_bytes();
  accepted.deflate =
      AcceptDeflateOffer(head.Joined("Sec-WebSocket-Extensions"));
  accepted.answer = absl::StrCat(
      "HTTP/1.1 101 Switching Protocols\r\n"
      "Upgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: ",
      HandshakeAccept(key), "\r\n");
  if (accepted.deflate.has_value()) {
    absl::StrAppend(&accepted.answer, "Sec-WebSocket-Extensions: ",
                    DeflateAnswer(*accepted.deflate), "\r\n");
  }
  absl::StrAppend(&accepted.answer, "\r\n");
  return accepted;
}

std::string HandshakeRequest(absl::string_view host, absl::string_view key,
                             bool offer_deflate) {
  std::string request =
      absl::StrCat("GET /websocket HTTP/1.1\r\nHost: ", host,
                   "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ",
                   key, "\r\n");
  if (offer_deflate) {
    absl::StrAppend(&request, "Sec-WebSocket-Extensions: ", kDeflateOffer,
                    "\r\n");
  }
  absl::StrAppend(&request, "\r\n");
  return request;
}

absl::StatusOr<Handshake> CheckHandshakeAnswer(absl::string_view received,
                                               absl::string_view key) {
  const absl::StatusOr<std::optional<HttpHead>> parsed =
      HttpHead::Parse(received);
  if (!parsed.ok()) return parsed.status();
  if (!parsed->has_value()) return Handshake{};
  const HttpHead& head = **parsed;
  if (!absl::StartsWith(head.start_line(), "HTTP/1.1 101 ")) {
    return absl::InvalidArgumentError(
        absl::StrCat("the server answers '", head.start_line(), "'"));
  }
  if (!absl::EqualsIgnoreCase(head.Only("Upgrade"), "websocket") ||
      !head.ListHas("Connection", "upgrade") ||
      head.Only("Sec-WebSocket-Accept") != HandshakeAccept(key) ||
      head.Count("Sec-WebSocket-Protocol") != 0) {
    return absl::InvalidArgumentError(
        "the server's answer is not one to this handshake");
  }
  Handshake accepted;
  accepted.state = Handshake::State::kAccepted;
  accepted.size_bytes = head.size_bytes();
  if (head.Count("Sec-WebSocket-Extensions") != 0) {
    absl::StatusOr<DeflateParameters> deflate =
        ParseDeflateAnswer(head.Joined("Sec-WebSocket-Extensions"));
    if (!deflate.ok()) return deflate.status();
    accepted.deflate = *deflate;
  }
  return accepted;
}

}  // namespace poolscope::demo
