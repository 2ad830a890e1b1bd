// Frames in, messages and frames out: against RFC 6455, without sockets.
#include "poolscope/examples/demo/websocket_session.h"

#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/examples/demo/deflate_parameters.h"
#include "poolscope/examples/demo/permessage_deflate.h"
#include "poolscope/metrics/native_memory/native_memory_category.h"

namespace poolscope::demo {
namespace {

constexpr size_t kMaxMessageBytes = 1000;

absl::Span<const uint8_t> Bytes(absl::string_view text) {
  return absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(text.data()),
                             text.size());
}

// A client's frame: `first` is the byte with FIN, RSV and the opcode. Its mask
// is 0, so that the payload stands as it is.
std::string Frame(int first, absl::string_view payload) {
  std::string frame(1, static_cast<char>(first));
  if (payload.size() < 126) {
    frame += static_cast<char>(0x80 | payload.size());
  } else {
    frame += static_cast<char>(0x80 | 126);
    frame += static_cast<char>(payload.size() >> 8);
    frame += static_cast<char>(payload.size());
  }
  return absl::StrCat(frame, std::string(4, '\0'), payload);
}

std::string CloseFrame(int code) {
  return std::string{'\x88', 2, static_cast<char>(code >> 8),
                     static_cast<char>(code)};
}

class WebSocketSessionTest : public testing::Test {
 protected:
  std::unique_ptr<WebSocketSession> Open(
      std::optional<DeflateParameters> deflate = std::nullopt,
      WebSocketSide side = WebSocketSide::kServer) {
    WebSocketSessionOptions options;
    options.side = side;
    options.allocator = allocator_.get();
    options.zlib_memory = &memory_;
    options.deflate = deflate;
    options.max_message_bytes = kMaxMessageBytes;
    return *WebSocketSession::Create(options);
  }

  // The messages that come of the bytes.
  std::vector<std::string> Receive(WebSocketSession& session,
                                   absl::string_view bytes) {
    std::vector<std::string> messages;
    session.Receive(Bytes(bytes), [&](const WebSocketMessage& message) {
      messages.emplace_back(message.bytes().begin(), message.bytes().end());
    });
    return messages;
  }

  std::string Sent(WebSocketSession& session) {
    Buffer frames = session.TakeFrames();
    return frames.readable_bytes() == 0
               ? ""
               : frames.ReadString(frames.readable_bytes());
  }

  NativeMemoryCategory memory_;
  const std::unique_ptr<BufferAllocator> allocator_ =
      *BufferAllocator::Unpooled(UnpooledOptions());
};

using Texts = std::vector<std::string>;

// Section 5.7.
TEST_F(WebSocketSessionTest, ReadsTheExamplesOfTheRfc) {
  const auto session = Open();
  EXPECT_EQ(Receive(*session, absl::HexStringToBytes("818537fa213d7f9f4d5158")),
            Texts{"Hello"});
  EXPECT_EQ(Receive(*session, Frame(0x01, "Hel") + Frame(0x80, "lo")),
            Texts{"Hello"});
  EXPECT_EQ(Sent(*session), "");
  // A ping is answered with its own payload.
  EXPECT_EQ(Receive(*session, absl::HexStringToBytes("898537fa213d7f9f4d5158")),
            Texts{});
  EXPECT_EQ(Sent(*session), "\x8a\x05Hello");
  EXPECT_EQ(session->pings(), 1u);
}

TEST_F(WebSocketSessionTest, WritesTheExamplesOfTheRfc) {
  const auto session = Open();
  ASSERT_TRUE(session->Send(WebSocketType::kText, Bytes("Hello")).ok());
  ASSERT_TRUE(
      session->Send(WebSocketType::kBinary, Bytes(std::string(256, 'x'))).ok());
  session->Ping();
  EXPECT_EQ(Sent(*session),
            absl::StrCat("\x81\x05Hello", std::string("\x82\x7e\x01\x00", 4),
                         std::string(256, 'x'), std::string("\x89\x00", 2)));
  EXPECT_EQ(Sent(*session), "");
}

TEST_F(WebSocketSessionTest, ReadsFramesThatComeByteByByte) {
  const auto session = Open();
  const std::string frames = Frame(0x01, "He") + Frame(0x89, "p") +
                             Frame(0x00, "") + Frame(0x80, "llo") +
                             Frame(0x82, std::string(300, 'b'));
  Texts messages;
  for (const char byte : frames) {
    for (std::string& message :
         Receive(*session, absl::string_view(&byte, 1))) {
      messages.push_back(std::move(message));
    }
  }
  EXPECT_EQ(messages, (Texts{"Hello", std::string(300, 'b')}));
  EXPECT_EQ(Sent(*session), "\x8a\x01p");
}

TEST_F(WebSocketSessionTest, AnswersACloseFrameAndReadsNoMore) {
  for (const int code : {1000, 1001, 3000, 4999}) {
    const auto session = Open();
    std::string close = CloseFrame(code).substr(2);
    EXPECT_EQ(Receive(*session, Frame(0x81, "last") + Frame(0x88, close) +
                                    Frame(0x81, "late")),
              Texts{"last"});
    EXPECT_TRUE(session->finished());
    EXPECT_FALSE(session->reading());
    EXPECT_EQ(session->received_close_code(), code);
    EXPECT_EQ(Sent(*session), CloseFrame(code));
    EXPECT_FALSE(session->Send(WebSocketType::kText, Bytes("x")).ok());
    EXPECT_EQ(Sent(*session), "");
  }
  const auto session = Open();
  Receive(*session, Frame(0x88, ""));
  EXPECT_EQ(session->received_close_code(), 1005);
  EXPECT_EQ(Sent(*session), std::string("\x88\x00", 2));
}

TEST_F(WebSocketSessionTest, AnswersAreOutBeforeTheCloseFrame) {
  const auto session = Open();
  session->Receive(
      Bytes(Frame(0x81, "Hello") + Frame(0x88, "")),
      [&](const WebSocketMessage& message) {
        ASSERT_TRUE(session->Send(message.type, Bytes("Hello")).ok());
      });
  EXPECT_EQ(Sent(*session),
            absl::StrCat("\x81\x05Hello", std::string("\x88\x00", 2)));
}

TEST_F(WebSocketSessionTest, ReadsOnAfterItsOwnCloseFrame) {
  const auto session = Open();
  session->Close(1001);
  EXPECT_EQ(Sent(*session), CloseFrame(1001));
  EXPECT_TRUE(session->reading());
  EXPECT_FALSE(session->finished());
  EXPECT_EQ(Receive(*session, Frame(0x81, "under way")), Texts{"under way"});
  Receive(*session, Frame(0x89, "ping"));
  session->Ping();
  session->Close(1000);
  EXPECT_EQ(Sent(*session), "");
  Receive(*session, Frame(0x88, CloseFrame(1001).substr(2)));
  EXPECT_TRUE(session->finished());
  EXPECT_EQ(Sent(*session), "");
}

struct Fault {
  std::string name;
  std::string bytes;
  int code;
};

class FaultTest : public WebSocketSessionTest,
                  public testing::WithParamInterface<Fault> {};

// Whole, and byte by byte.
TEST_P(FaultTest, IsAnsweredWithItsCodeAndEndsTheReading) {
  const std::string bytes = GetParam().bytes + Frame(0x81, "behind");
  for (const bool by_byte : {false, true}) {
    const auto session = Open();
    Texts messages;
    for (size_t i = 0; i < bytes.size(); i += by_byte ? 1 : bytes.size()) {
      for (std::string& message :
           Receive(*session, by_byte ? bytes.substr(i, 1) : bytes)) {
        messages.push_back(std::move(message));
      }
    }
    EXPECT_EQ(messages, Texts{}) << GetParam().name;
    EXPECT_TRUE(session->finished()) << GetParam().name;
    EXPECT_EQ(Sent(*session), CloseFrame(GetParam().code)) << GetParam().name;
    EXPECT_EQ(Sent(*session), "");
    EXPECT_EQ(session->received_close_code(), 0) << GetParam().name;
  }
}

INSTANTIATE_TEST_SUITE_P(
    WebSocket, FaultTest,
    testing::Values(
        Fault{"no mask", "\x81\x05Hello", 1002},
        Fault{"no mask on a ping", std::string("\x89\x00", 2), 1002},
        Fault{"RSV1 without deflate", Frame(0xc1, "x"), 1002},
        Fault{"RSV2", Frame(0xa1, "x"), 1002},
        Fault{"RSV3", Frame(0x91, "x"), 1002},
        Fault{"opcode 3", Frame(0x83, "x"), 1002},
        Fault{"opcode 11", Frame(0x8b, "x"), 1002},
        Fault{"continues nothing", Frame(0x80, "x"), 1002},
        Fault{"text within text", Frame(0x01, "a") + Frame(0x81, "b"), 1002},
        Fault{"ping in parts", Frame(0x09, "x"), 1002},
        Fault{"ping of 126", Frame(0x89, std::string(126, 'x')), 1002},
        Fault{"length 125 in two bytes",
              absl::StrCat("\x81\xfe", std::string("\0}", 2),
                           std::string(4, '\0'), std::string(125, 'x')),
              1002},
        Fault{"length above 2^63",
              absl::StrCat("\x81\xff", std::string(8, '\xff'),
                           std::string(4, '\0')),
              1002},
        Fault{"close with one byte", Frame(0x88, "x"), 1002},
        Fault{"close with code 999", Frame(0x88, CloseFrame(999).substr(2)),
              1002},
        Fault{"close with code 1005", Frame(0x88, CloseFrame(1005).substr(2)),
              1002},
        Fault{"close with a reason not UTF-8",
              Frame(0x88, CloseFrame(1000).substr(2) + "a\xffz"), 1007},
        Fault{"text not UTF-8", Frame(0x81, "\xc0\x80"), 1007},
        Fault{"text cut in a character", Frame(0x81, "\xe2\x82"), 1007},
        Fault{"longer than may be",
              Frame(0x82, std::string(kMaxMessageBytes + 1, 'x')), 1009},
        Fault{
            "longer than may be, in parts",
            Frame(0x02, std::string(kMaxMessageBytes, 'x')) + Frame(0x80, "x"),
            1009},
        Fault{"announced longer than may be",
              absl::StrCat("\x82\xff", std::string("\0\0\0\1\0\0\0\0", 8),
                           std::string(4, '\0')),
              1009}));

TEST_F(WebSocketSessionTest, TakesAMessageOfTheMostBytes) {
  const std::string most(kMaxMessageBytes, 'x');
  const auto session = Open();
  EXPECT_EQ(Receive(*session, Frame(0x82, most)), Texts{most});
  EXPECT_EQ(Receive(*session, Frame(0x02, most.substr(1)) + Frame(0x80, "x")),
            Texts{most});
  EXPECT_TRUE(session->reading());
}

TEST_F(WebSocketSessionTest, AMessageInPartsTakesMemoryAsItComes) {
  const auto session = Open();
  std::string start = Frame(0x82, std::string(kMaxMessageBytes, 'x'));
  Receive(*session, start.substr(0, 8 + 1));
  EXPECT_LE(allocator_->Stats().direct_used_bytes, 512u);
}

// RFC 7692, section 7.2.3.1 and 7.2.3.2.
TEST_F(WebSocketSessionTest, ReadsAndWritesDeflatedMessages) {
  const auto session = Open(DeflateParameters());
  EXPECT_EQ(memory_.Read().malloc_count, 0u);
  EXPECT_EQ(
      Receive(*session, Frame(0xc1, absl::HexStringToBytes("f248cdc9c90700"))),
      Texts{"Hello"});
  EXPECT_EQ(Receive(*session, Frame(0x41, absl::HexStringToBytes("f20011")) +
                                  Frame(0x80, std::string("\0\0", 2))),
            Texts{"Hello"});
  ASSERT_TRUE(session->Send(WebSocketType::kText, Bytes("Hello")).ok());
  ASSERT_TRUE(session->Send(WebSocketType::kText, Bytes("Hello")).ok());
  EXPECT_EQ(Sent(*session), absl::HexStringToBytes("c107f248cdc9c90700"
                                                   "c105f200110000"));
  // One that is not deflated among those that are.
  EXPECT_EQ(Receive(*session, Frame(0x81, "plain")), Texts{"plain"});
}

TEST_F(WebSocketSessionTest, AnEmptyMessageMakesNoState) {
  const auto session = Open(DeflateParameters());
  ASSERT_TRUE(session->Send(WebSocketType::kText, {}).ok());
  EXPECT_EQ(Sent(*session), std::string("\x81\x00", 2));
  EXPECT_EQ(Receive(*session, Frame(0x81, "")), Texts{""});
  EXPECT_EQ(memory_.Read().malloc_count, 0u);
  ASSERT_TRUE(session->Send(WebSocketType::kText, Bytes("x")).ok());
  EXPECT_GT(memory_.Read().malloc_bytes, 256u << 10);
}

TEST_F(WebSocketSessionTest, AnswersWhatDoesNotInflate) {
  const std::pair<std::string, int> faults[] = {
      {Frame(0xc1, "\xff\xff"), 1007},
      // A thousand and one bytes; and text that is not UTF-8.
      {"", 1009},
      {"", 1007},
      // RSV1 where it has no meaning.
      {Frame(0xc9, ""), 1002},
      {Frame(0x41, "") + Frame(0xc0, ""), 1002},
  };
  MessageDeflater deflater(15, false, &memory_);
  const auto deflated = [&](const std::string& text) {
    Buffer out = *deflater.Deflate(Bytes(text), *allocator_);
    return Frame(0xc1, out.ReadString(out.readable_bytes()));
  };
  for (size_t i = 0; i < std::size(faults); ++i) {
    const auto session = Open(DeflateParameters());
    const std::string bytes =
        i == 1   ? deflated(std::string(kMaxMessageBytes + 1, 'x'))
        : i == 2 ? deflated("\xed\xa0\x80")
                 : faults[i].first;
    EXPECT_EQ(Receive(*session, bytes), Texts{}) << i;
    EXPECT_EQ(Sent(*session), CloseFrame(faults[i].second)) << i;
    EXPECT_TRUE(session->finished());
  }
}

TEST_F(WebSocketSessionTest, WithoutMemoryItEndsWithAnInternalError) {
  UnpooledOptions small;
  small.max_direct_memory_bytes = 4096;
  const auto allocator = *BufferAllocator::Unpooled(small);
  WebSocketSessionOptions options;
  options.allocator = allocator.get();
  options.zlib_memory = &memory_;
  options.max_message_bytes = 1 << 20;
  const auto session = *WebSocketSession::Create(options);
  Receive(*session, Frame(0x82, std::string(10000, 'x')));
  EXPECT_TRUE(session->finished());
  EXPECT_EQ(Sent(*session), CloseFrame(1011));
}

TEST_F(WebSocketSessionTest, WithoutAnyMemoryItJustEnds) {
  allocator_->Close();
  const auto session = Open();
  EXPECT_EQ(Receive(*session, Frame(0x81, "x")), Texts{});
  EXPECT_TRUE(session->finished());
  EXPECT_EQ(Sent(*session), "");
}

TEST_F(WebSocketSessionTest, BothSidesUnderstandEachOther) {
  for (const bool deflates : {false, true}) {
    std::optional<DeflateParameters> parameters;
    if (deflates) parameters.emplace();
    const auto server = Open(parameters);
    const auto client = Open(parameters, WebSocketSide::kClient);
    for (const size_t size : {0, 1, 125, 126, 1000}) {
      const std::string text(size, 'a');
      ASSERT_TRUE(server->Send(WebSocketType::kText, Bytes(text)).ok());
      EXPECT_EQ(Receive(*client, Sent(*server)), Texts{text});
      ASSERT_TRUE(client->Send(WebSocketType::kText, Bytes(text)).ok());
      EXPECT_EQ(Receive(*server, Sent(*client)), Texts{text});
    }
    server->Ping();
    Receive(*client, Sent(*server));
    Receive(*server, Sent(*client));
    EXPECT_EQ(client->pings(), 1u);
    EXPECT_EQ(server->pongs(), 1u);
    client->Close(1000);
    Receive(*server, Sent(*client));
    Receive(*client, Sent(*server));
    EXPECT_TRUE(server->finished());
    EXPECT_TRUE(client->finished());
    EXPECT_EQ(client->received_close_code(), 1000);
  }
}

TEST_F(WebSocketSessionTest, AClientFailsAServerThatMasks) {
  const auto client = Open(std::nullopt, WebSocketSide::kClient);
  Receive(*client, Frame(0x81, "masked"));
  EXPECT_TRUE(client->finished());
  // And one whose frame cannot be read, with a mask on its own.
  const auto other = Open(std::nullopt, WebSocketSide::kClient);
  Receive(*other, std::string("\x09\x00", 2));
  EXPECT_EQ(Sent(*other), absl::StrCat("\x88\x82", std::string(4, '\0'),
                                       CloseFrame(1002).substr(2)));
}

}  // namespace
}  // namespace poolscope::demo
