// The opening handshake, of both sides.
#include "poolscope/examples/demo/websocket_handshake.h"

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"
#include "poolscope/examples/demo/http_head.h"

namespace poolscope::demo {
namespace {

// The key and the proof of RFC 6455, section 1.3.
constexpr char kKey[] = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr char kAccept[] = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

std::string Request(const std::string& more = "") {
  return absl::StrCat(
      "GET /chat HTTP/1.1\r\nHost: server.example.com\r\n"
      "Upgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: ",
      kKey, "\r\nSec-WebSocket-Version: 13\r\n", more, "\r\n");
}

std::string Without(const std::string& from, const std::string& to) {
  const std::string request = Request();
  EXPECT_TRUE(absl::StrContains(request, from)) << from;
  return absl::StrReplaceAll(request, {{from, to}});
}

std::string StatusOf(const Handshake& handshake) {
  return handshake.answer.substr(9, 3);
}

TEST(WebSocketHandshakeTest, ProvesTheKeyOfTheRfc) {
  EXPECT_EQ(HandshakeAccept(kKey), kAccept);
}

TEST(WebSocketHandshakeTest, AcceptsTheRequestOfTheRfc) {
  const Handshake handshake = AnswerHandshake(Request());
  ASSERT_EQ(handshake.state, Handshake::State::kAccepted);
  EXPECT_EQ(handshake.size_bytes, Request().size());
  EXPECT_FALSE(handshake.deflate.has_value());
  EXPECT_EQ(handshake.answer,
            absl::StrCat("HTTP/1.1 101 Switching Protocols\r\n"
                         "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                         "Sec-WebSocket-Accept: ",
                         kAccept, "\r\n\r\n"));
}

TEST(WebSocketHandshakeTest, TakesAnyCaseAndLists) {
  const std::string request = absl::StrReplaceAll(
      Request(), {{"Upgrade: websocket", "uPGRADE: h2c, WebSocket"},
                  {"Connection: Upgrade", "CONNECTION: keep-alive,UPGRADE"},
                  {"Host:", "host:"},
                  {"Version: 13", "Version:\t 13 "}});
  EXPECT_EQ(AnswerHandshake(request).state, Handshake::State::kAccepted);
}

TEST(WebSocketHandshakeTest, LeavesTheFramesBehindIt) {
  const Handshake handshake = AnswerHandshake(Request() + "\x81\x80");
  EXPECT_EQ(handshake.state, Handshake::State::kAccepted);
  EXPECT_EQ(handshake.size_bytes, Request().size());
}

TEST(WebSocketHandshakeTest, WaitsAtEveryByte) {
  const std::string request = Request();
  for (size_t size = 0; size < request.size(); ++size) {
    const Handshake handshake = AnswerHandshake(request.substr(0, size));
    EXPECT_EQ(handshake.state, Handshake::State::kIncomplete) << size;
    EXPECT_EQ(handshake.answer, "") << size;
  }
}

struct Refusal {
  std::string from;
  std::string to;
  std::string status;
};

class RefusedHandshakeTest : public testing::TestWithParam<Refusal> {};

TEST_P(RefusedHandshakeTest, IsAnsweredWithItsStatus) {
  const Handshake handshake =
      AnswerHandshake(Without(GetParam().from, GetParam().to));
  EXPECT_EQ(handshake.state, Handshake::State::kRefused);
  EXPECT_EQ(StatusOf(handshake), GetParam().status) << handshake.answer;
  EXPECT_TRUE(absl::StrContains(handshake.answer, "Connection: close\r\n"));
  EXPECT_TRUE(absl::EndsWith(handshake.answer, "\r\n\r\n"));
}

INSTANTIATE_TEST_SUITE_P(
    WebSocket, RefusedHandshakeTest,
    testing::Values(
        Refusal{"GET", "POST", "405"}, Refusal{"GET", "get", "405"},
        Refusal{"HTTP/1.1", "HTTP/1.0", "505"},
        Refusal{"HTTP/1.1", "HTTP/2", "505"}, Refusal{" HTTP/1.1", "", "400"},
        Refusal{"/chat HTTP", "/a b HTTP", "400"},
        Refusal{"/chat", "chat", "400"}, Refusal{"/chat", "*", "400"},
        Refusal{"Host: server.example.com\r\n", "", "400"},
        Refusal{"Host: server.example.com\r\n", "Host: a\r\nHost: b\r\n",
                "400"},
        Refusal{"Upgrade: websocket\r\n", "", "426"},
        Refusal{"Upgrade: websocket", "Upgrade: h2c", "426"},
        Refusal{"Upgrade: websocket", "Upgrade: websockets", "426"},
        Refusal{"Connection: Upgrade\r\n", "", "426"},
        Refusal{"Connection: Upgrade", "Connection: close", "426"},
        Refusal{"Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 8", "426"},
        Refusal{"Sec-WebSocket-Version: 13\r\n", "", "426"},
        Refusal{"Sec-WebSocket-Key: ", "Sec-WebSocket-Kex: ", "400"},
        Refusal{"bXBsZSBub25jZQ==", "bXBsZSBub25j", "400"},
        Refusal{"bXBsZSBub25jZQ==", "bXBsZSBub25jZR==", "400"},
        Refusal{"bXBsZSBub25jZQ==", "bXBs ZSBub25jZQ==", "400"},
        Refusal{"dGhlIHNh", "", "400"}, Refusal{"dGhlIHNh", "????????", "400"},
        Refusal{"Sec-WebSocket-Version",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                "Sec-WebSocket-Version",
                "400"},
        Refusal{"Host:", "Content-Length: 5\r\nHost:", "400"},
        Refusal{"Host:", "Transfer-Encoding: chunked\r\nHost:", "400"},
        // Not HTTP's syntax.
        Refusal{"Host:", "Host :", "400"}, Refusal{"Host:", ":", "400"},
        Refusal{"Host:", "Ho st:", "400"}, Refusal{"Host:", "Host", "400"},
        Refusal{"Host: ", " Host: ", "400"},
        Refusal{"server.example.com", std::string("a\0b", 3), "400"},
        Refusal{"server.example.com", "a\nb", "400"},
        Refusal{"server.example.com", "a\x7f", "400"},
        Refusal{"Host: server", "Host: a\r\n folded: b\r\nX: server", "400"}));

TEST(WebSocketHandshakeTest, TellsTheVersionThatItSpeaks) {
  const Handshake handshake =
      AnswerHandshake(Without("Version: 13", "Version: 12"));
  EXPECT_TRUE(
      absl::StrContains(handshake.answer, "\r\nSec-WebSocket-Version: 13\r\n"));
  EXPECT_TRUE(
      absl::StrContains(handshake.answer, "\r\nUpgrade: websocket\r\n"));
}

// A request of exactly so many bytes.
std::string RequestOf(size_t size) {
  const std::string name = "X-Long: ";
  const size_t rest = size - Request().size() - name.size() - 2;
  return Request(absl::StrCat(name, std::string(rest, 'x'), "\r\n"));
}

TEST(WebSocketHandshakeTest, TakesAHeadOfTheMostBytesAndNoLonger) {
  const std::string most = RequestOf(kMaxHttpHeadBytes);
  ASSERT_EQ(most.size(), kMaxHttpHeadBytes);
  EXPECT_EQ(AnswerHandshake(most).state, Handshake::State::kAccepted);
  EXPECT_EQ(AnswerHandshake(RequestOf(kMaxHttpHeadBytes - 1)).state,
            Handshake::State::kAccepted);
  const Handshake longer = AnswerHandshake(RequestOf(kMaxHttpHeadBytes + 1));
  EXPECT_EQ(longer.state, Handshake::State::kRefused);
  EXPECT_EQ(StatusOf(longer), "431");
}

TEST(WebSocketHandshakeTest, DoesNotWaitForTheEndOfAnEndlessHead) {
  const std::string endless = "GET / HTTP/1.1\r\nX: ";
  EXPECT_EQ(
      AnswerHandshake(endless +
                      std::string(kMaxHttpHeadBytes - 1 - endless.size(), 'x'))
          .state,
      Handshake::State::kIncomplete);
  EXPECT_EQ(
      StatusOf(AnswerHandshake(
          endless + std::string(kMaxHttpHeadBytes - endless.size(), 'x'))),
      "431");
}

TEST(WebSocketHandshakeTest, TakesTheMostHeadersAndNoMore) {
  constexpr size_t kOwn = 5;
  std::string more;
  for (size_t i = kOwn; i < kMaxHttpHeaders; ++i) more += "X: y\r\n";
  EXPECT_EQ(AnswerHandshake(Request(more)).state, Handshake::State::kAccepted);
  EXPECT_EQ(StatusOf(AnswerHandshake(Request(more + "X: y\r\n"))), "431");
}

TEST(WebSocketHandshakeTest, AgreesToDeflateFromAnyHeader) {
  const Handshake handshake =
      AnswerHandshake(Request("Sec-WebSocket-Extensions: x-other; a=1\r\n"
                              "sec-websocket-extensions: permessage-deflate; "
                              "client_max_window_bits\r\n"));
  ASSERT_EQ(handshake.state, Handshake::State::kAccepted);
  ASSERT_TRUE(handshake.deflate.has_value());
  EXPECT_TRUE(absl::StrContains(
      handshake.answer,
      "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n"));
}

TEST(WebSocketHandshakeTest, BothSidesUnderstandEachOther) {
  for (const bool offers : {false, true}) {
    const Handshake server =
        AnswerHandshake(HandshakeRequest("127.0.0.1:80", kKey, offers));
    ASSERT_EQ(server.state, Handshake::State::kAccepted);
    const std::string answer = server.answer + "frames";
    for (size_t size = 0; size < server.answer.size(); ++size) {
      const auto part = CheckHandshakeAnswer(answer.substr(0, size), kKey);
      ASSERT_TRUE(part.ok()) << part.status();
      EXPECT_EQ(part->state, Handshake::State::kIncomplete);
    }
    const auto client = CheckHandshakeAnswer(answer, kKey);
    ASSERT_TRUE(client.ok()) << client.status();
    EXPECT_EQ(client->state, Handshake::State::kAccepted);
    EXPECT_EQ(client->size_bytes, server.answer.size());
    EXPECT_EQ(client->deflate.has_value(), offers);
  }
}

TEST(WebSocketHandshakeTest, AClientTakesNoOtherAnswer) {
  const std::string answer =
      AnswerHandshake(HandshakeRequest("a", kKey, true)).answer;
  const auto refused = [&](const std::string& from, const std::string& to) {
    return absl::IsInvalidArgument(
        CheckHandshakeAnswer(absl::StrReplaceAll(answer, {{from, to}}), kKey)
            .status());
  };
  EXPECT_FALSE(refused("x", "x"));
  EXPECT_TRUE(refused("101", "200"));
  EXPECT_TRUE(refused("Accept: s", "Accept: t"));
  EXPECT_TRUE(refused("Upgrade: websocket", "Upgrade: h2c"));
  EXPECT_TRUE(refused("Connection: Upgrade", "Connection: close"));
  EXPECT_TRUE(refused("permessage-deflate", "permessage-bzip2"));
  EXPECT_TRUE(refused("Upgrade: w", "Sec-WebSocket-Protocol: x\r\nUpgrade: w"));
  EXPECT_TRUE(absl::IsResourceExhausted(
      CheckHandshakeAnswer(std::string(kMaxHttpHeadBytes, 'x'), kKey)
          .status()));
}

}  // namespace
}  // namespace poolscope::demo
