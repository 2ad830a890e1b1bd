// The WebSocket server over real sockets: its load, and peers that do what they
// must not.
#include "poolscope/examples/demo/websocket_server.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/buffer/buffer.h"
#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/allocator/outbound/channel_registry.h"
#include "poolscope/allocator/pool/pool_options.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/examples/demo/socket.h"
#include "poolscope/examples/demo/websocket_handshake.h"
#include "poolscope/examples/demo/websocket_load.h"
#include "poolscope/examples/demo/websocket_load_counts.h"
#include "poolscope/examples/demo/websocket_session.h"
#include "poolscope/metrics/native_memory/native_memory_category.h"

namespace poolscope::demo {
namespace {

constexpr int kPatienceMillis = 30000;
constexpr char kKey[] = "dGhlIHNhbXBsZSBub25jZQ==";

// A client's frame with a mask of 0.
std::string Frame(int first, absl::string_view payload) {
  EXPECT_LT(payload.size(), 126u);
  return absl::StrCat(std::string{static_cast<char>(first),
                                  static_cast<char>(0x80 | payload.size())},
                      std::string(4, '\0'), payload);
}

std::string CloseFrame(int code) {
  return std::string{'\x88', 2, static_cast<char>(code >> 8),
                     static_cast<char>(code)};
}

// A client that the test plays itself.
class Peer {
 public:
  explicit Peer(uint16_t port) : fd_(*ConnectToLoopback(port)) {}

  void Send(absl::string_view bytes) {
    ASSERT_EQ(send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }

  // What comes until so many bytes are there, or the end.
  std::string Receive(size_t size) {
    std::string received;
    while (received.size() < size && Wait()) {
      std::string bytes(size - received.size(), '\0');
      const ssize_t n = recv(fd_.get(), &bytes[0], bytes.size(), 0);
      if (n <= 0) break;
      received.append(bytes, 0, static_cast<size_t>(n));
    }
    return received;
  }
  // All until the server closes; "reset" where it did not do so in order.
  std::string ReceiveAll() {
    std::string received;
    while (Wait()) {
      char bytes[4096];
      const ssize_t n = recv(fd_.get(), bytes, sizeof(bytes), 0);
      if (n < 0) return "reset";
      if (n == 0) return received;
      received.append(bytes, static_cast<size_t>(n));
    }
    return "nothing";
  }

  void Open() {
    Send(HandshakeRequest("127.0.0.1", kKey, /*offer_deflate=*/false));
    const std::string answer =
        AnswerHandshake(HandshakeRequest("127.0.0.1", kKey, false)).answer;
    ASSERT_EQ(Receive(answer.size()), answer);
  }

  void ShutDown() { shutdown(fd_.get(), SHUT_WR); }
  void Reset() {
    const linger now{1, 0};
    setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    fd_.Close();
  }

 private:
  bool Wait() {
    pollfd ready{fd_.get(), POLLIN, 0};
    return poll(&ready, 1, kPatienceMillis) == 1;
  }

  UniqueFd fd_;
};

class WebSocketServerTest : public testing::Test {
 protected:
  WebSocketServerTest() {
    PoolOptions options;
    options.max_direct_memory_bytes = 64 << 20;
    options.arenas = 2;
    pool_ = *PooledAllocator::Create(options);
    allocator_ = BufferAllocator::Pooled(pool_.get());
    options_.allocator = allocator_.get();
    options_.zlib_memory = &zlib_memory_;
    options_.channels = &channels_;
    options_.workers = 3;
  }

  void Start() { server_ = *WebSocketServer::Start(options_); }

  // Ends the server; nothing may be left.
  void ExpectNothingLeft() {
    const WebSocketCounters& counters = server_->counters();
    server_->Stop();
    EXPECT_EQ(WebSocketCounters::Get(counters.accepted),
              WebSocketCounters::Get(counters.ended));
    EXPECT_EQ(zlib_memory_.Read().malloc_bytes, 0u);
    EXPECT_EQ(pool_->Stats().pinned_bytes, 0u);
    for (const OutboundGroupStats& group : channels_.Stats().groups) {
      EXPECT_EQ(group.group, "websocket");
      EXPECT_EQ(group.pending_bytes, 0u);
    }
  }

  // Until the count is `wanted`.
  void Await(const WebSocketCounters::Counter& counter, uint64_t wanted) {
    const absl::Time end = absl::Now() + absl::Milliseconds(kPatienceMillis);
    while (WebSocketCounters::Get(counter) < wanted && absl::Now() < end) {
      std::this_thread::yield();
    }
    EXPECT_EQ(WebSocketCounters::Get(counter), wanted);
  }

  std::unique_ptr<PooledAllocator> pool_;
  std::unique_ptr<BufferAllocator> allocator_;
  NativeMemoryCategory zlib_memory_;
  ChannelRegistry channels_;
  WebSocketServerOptions options_;
  std::unique_ptr<WebSocketServer> server_;
};

// The load in this process, on a thread.
class LoadThread {
 public:
  LoadThread(uint16_t port, int connections, uint64_t message_bytes)
      : reports_(std::tmpfile()) {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    input_ = UniqueFd(ends[0]);
    orders_ = UniqueFd(ends[1]);
    WebSocketLoadOptions options;
    options.port = port;
    options.connections = connections;
    options.message_bytes = message_bytes;
    thread_ = std::thread([this, options] {
      status_ = RunWebSocketLoad(options, input_, reports_);
    });
  }
  ~LoadThread() { std::fclose(reports_); }

  WebSocketLoadCounts Finish() {
    orders_.Close();
    thread_.join();
    EXPECT_TRUE(status_.ok()) << status_;
    return Last();
  }

  // Waits until the load says that it has so many messages.
  void AwaitMessages(uint64_t messages) const {
    while (Last().messages < messages) absl::SleepFor(absl::Milliseconds(1));
  }

 private:
  // What its last whole line says.
  WebSocketLoadCounts Last() const {
    std::string text(1 << 20, '\0');
    const ssize_t size = pread(fileno(reports_), text.data(), text.size(), 0);
    EXPECT_GE(size, 0);
    text.resize(static_cast<size_t>(std::max<ssize_t>(size, 0)));
    const size_t end = text.rfind('\n');
    if (end == std::string::npos) return WebSocketLoadCounts();
    const size_t before =
        end == 0 ? std::string::npos : text.rfind('\n', end - 1);
    const size_t begin = before == std::string::npos ? 0 : before + 1;
    const std::string line = text.substr(begin, end - begin);
    const auto counts = ParseLoadCounts(line);
    EXPECT_TRUE(counts.has_value()) << line;
    return counts.value_or(WebSocketLoadCounts());
  }

  std::FILE* const reports_;
  UniqueFd input_;
  UniqueFd orders_;
  absl::Status status_;
  std::thread thread_;
};

TEST_F(WebSocketServerTest, TheMessageOnConnectMakesAStateForEachConnection) {
  constexpr uint64_t kConnections = 50;
  constexpr uint64_t kMessageBytes = 1000;
  options_.connect_message = ConnectMessage(kMessageBytes);
  options_.limits.ping_after = absl::Milliseconds(20);
  Start();
  LoadThread load(server_->port(), kConnections, kMessageBytes);
  Await(server_->counters().messages_sent, kConnections);
  EXPECT_GE(zlib_memory_.Read().malloc_bytes, kConnections * (256 << 10));
  EXPECT_LE(zlib_memory_.Read().malloc_bytes, kConnections * (272 << 10));
  // Each answers at least one.
  while (WebSocketCounters::Get(server_->counters().pings_sent) <
         2 * kConnections) {
    std::this_thread::yield();
  }
  load.AwaitMessages(kConnections);
  const WebSocketLoadCounts counts = load.Finish();
  EXPECT_EQ(counts.connected, kConnections);
  EXPECT_EQ(counts.opened, kConnections);
  EXPECT_EQ(counts.messages, kConnections);
  EXPECT_EQ(counts.wrong, 0u);
  EXPECT_EQ(counts.lost, 0u);
  EXPECT_EQ(counts.closed, kConnections);
  EXPECT_GE(counts.pings, kConnections);
  ExpectNothingLeft();
  EXPECT_EQ(WebSocketCounters::Get(server_->counters().closed), kConnections);
}

TEST_F(WebSocketServerTest, WithoutAMessageThereIsNoState) {
  constexpr uint64_t kConnections = 50;
  Start();
  LoadThread load(server_->port(), kConnections, 0);
  Await(server_->counters().handshakes, kConnections);
  EXPECT_EQ(zlib_memory_.Read().malloc_bytes, 0u);
  const WebSocketLoadCounts counts = load.Finish();
  EXPECT_EQ(counts.messages, 0u);
  EXPECT_EQ(counts.closed, kConnections);
  EXPECT_EQ(zlib_memory_.Read().malloc_bytes, 0u);
  ExpectNothingLeft();
}

TEST_F(WebSocketServerTest, AWrongMessageIsSeenByTheLoad) {
  options_.connect_message = ConnectMessage(100);
  Start();
  LoadThread load(server_->port(), 3, 101);
  load.AwaitMessages(3);
  const WebSocketLoadCounts counts = load.Finish();
  EXPECT_EQ(counts.messages, 3u);
  EXPECT_EQ(counts.wrong, 3u);
  ExpectNothingLeft();
}

TEST_F(WebSocketServerTest, AServerThatStopsSaysThatItGoesAway) {
  Start();
  Peer peer(server_->port());
  peer.Open();
  std::thread stopper([this] { server_->Stop(); });
  EXPECT_EQ(peer.Receive(4), CloseFrame(1001));
  peer.Send(Frame(0x88, CloseFrame(1001).substr(2)));
  EXPECT_EQ(peer.ReceiveAll(), "");
  peer.ShutDown();
  Peer(std::move(peer));  // closes it
  stopper.join();
  ExpectNothingLeft();
}

TEST_F(WebSocketServerTest, AnswersAHandshakeThatComesByteByByteWithAFrame) {
  Start();
  const std::string request = HandshakeRequest("127.0.0.1", kKey, false);
  Peer peer(server_->port());
  for (const char byte : request + Frame(0x81, "Hi")) {
    peer.Send(absl::string_view(&byte, 1));
  }
  const std::string answer = AnswerHandshake(request).answer;
  EXPECT_EQ(peer.Receive(answer.size() + 4), answer + "\x81\x02Hi");
  // And all at once.
  Peer other(server_->port());
  other.Send(request + Frame(0x81, "Hi") + Frame(0x88, ""));
  EXPECT_EQ(other.ReceiveAll(),
            answer + "\x81\x02Hi" + std::string("\x88\x00", 2));
}

TEST_F(WebSocketServerTest, AnswersBadHandshakesAndEndsTheConnection) {
  Start();
  const std::pair<std::string, std::string> cases[] = {
      {"\r\n\r\n", "400"},
      {"POST / HTTP/1.1\r\nHost: a\r\n\r\n", "405"},
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "426"},
      {std::string(20000, 'x'), "431"},
      {std::string("\x16\x03\x01\x02\x00\x01\r\n\r\n", 10), "400"},
  };
  for (const auto& [request, status] : cases) {
    Peer peer(server_->port());
    peer.Send(request);
    const std::string answer = peer.ReceiveAll();
    EXPECT_TRUE(absl::StartsWith(answer, "HTTP/1.1 " + status)) << answer;
  }
  Await(server_->counters().refused_handshakes, std::size(cases));
  ExpectNothingLeft();
}

TEST_F(WebSocketServerTest, AnswersFaultsWithTheirCodeBeforeItCloses) {
  options_.limits.max_message_bytes = 100;
  Start();
  const std::pair<std::string, int> cases[] = {
      {"\x81\x02Hi", 1002},
      {Frame(0xf1, "x"), 1002},
      {Frame(0x81, "\xff"), 1007},
      {Frame(0x82, std::string(101, 'x')), 1009},
      {absl::StrCat("\x82\xff", std::string("\x7f\xff\0\0\0\0\0\0", 8),
                    std::string(4, '\0')),
       1009},
  };
  for (const auto& [bytes, code] : cases) {
    Peer peer(server_->port());
    peer.Open();
    // More than the server reads, which must not turn the end into a reset.
    peer.Send(bytes + std::string(100000, 'x'));
    EXPECT_EQ(peer.ReceiveAll(), CloseFrame(code)) << code;
  }
  Await(server_->counters().failed_sessions, std::size(cases));
  ExpectNothingLeft();
}

TEST_F(WebSocketServerTest, SurvivesResetsAndHalfClosedPeersInEveryState) {
  Start();
  uint64_t peers = 0;
  for (const std::string bytes :
       {"", "GET / HT", "open", "open\x81\x85\x01\x02\x03\x04z"}) {
    for (const bool resets : {false, true}) {
      Peer peer(server_->port());
      if (absl::StartsWith(bytes, "open")) {
        peer.Open();
        peer.Send(absl::string_view(bytes).substr(4));
      } else {
        peer.Send(bytes);
      }
      if (resets) {
        peer.Reset();
      } else {
        peer.ShutDown();
        EXPECT_EQ(peer.ReceiveAll(), "");
      }
      ++peers;
    }
  }
  Await(server_->counters().ended, peers);
  ExpectNothingLeft();
}

TEST_F(WebSocketServerTest, EndsWhoNeverFinishesAHandshake) {
  options_.limits.handshake = absl::Milliseconds(50);
  Start();
  Peer silent(server_->port());
  Peer slow(server_->port());
  slow.Send("GET / HTTP/1.1\r\n");
  EXPECT_EQ(silent.ReceiveAll(), "");
  slow.ReceiveAll();
  Await(server_->counters().timed_out, 2);
  ExpectNothingLeft();
}

TEST_F(WebSocketServerTest, PingsWhoIsSilentAndEndsWhoDoesNotAnswer) {
  options_.limits.ping_after = absl::Milliseconds(50);
  options_.limits.idle = absl::Milliseconds(400);
  Start();
  Peer dead(server_->port());
  dead.Open();
  const std::string pings = dead.ReceiveAll();
  EXPECT_EQ(pings.substr(0, 4), std::string("\x89\x00\x89\x00", 4));
  Await(server_->counters().timed_out, 1);
  ExpectNothingLeft();
}

TEST_F(WebSocketServerTest, APeerThatStaysAfterTheEndIsDropped) {
  options_.limits.leave = absl::Milliseconds(50);
  Start();
  Peer peer(server_->port());
  peer.Open();
  peer.Send("\x81\x02Hi");
  EXPECT_EQ(peer.ReceiveAll(), CloseFrame(1002));
  // It does not close its side.
  Await(server_->counters().ended, 1);
  ExpectNothingLeft();
}

// Each message after the first is a reference to it, some hundred bytes that
// inflate to 20000, which the server's small window cannot compress.
TEST_F(WebSocketServerTest, FewBytesThatInflateToManyAreNotAllAnswered) {
  options_.limits.leave = absl::Milliseconds(50);
  Start();
  constexpr absl::string_view kOffer =
      "permessage-deflate; server_max_window_bits=9";
  std::string request = HandshakeRequest("127.0.0.1", kKey, false);
  request.insert(request.size() - 2,
                 absl::StrCat("Sec-WebSocket-Extensions: ", kOffer, "\r\n"));
  const Handshake handshake = AnswerHandshake(request);
  ASSERT_TRUE(handshake.deflate.has_value());
  Peer peer(server_->port());
  peer.Send(request);
  ASSERT_EQ(peer.Receive(handshake.answer.size()), handshake.answer);

  // On the heap: the stack under ASan keeps no alignment of a cache line.
  const auto memory = std::make_unique<NativeMemoryCategory>();
  WebSocketSessionOptions client_options;
  client_options.side = WebSocketSide::kClient;
  client_options.allocator = allocator_.get();
  client_options.zlib_memory = memory.get();
  client_options.deflate = handshake.deflate;
  auto client = *WebSocketSession::Create(client_options);
  std::mt19937 random(1);
  std::vector<uint8_t> payload(20000);
  for (uint8_t& byte : payload) byte = static_cast<uint8_t>(random());
  constexpr uint64_t kMessages = 200;
  for (uint64_t i = 0; i < kMessages; ++i) {
    ASSERT_TRUE(client->Send(WebSocketType::kBinary, payload).ok());
  }
  Buffer frames = client->TakeFrames();
  ASSERT_LT(frames.readable_bytes(), 200000u);
  peer.Send(frames.ReadString(frames.readable_bytes()));

  const std::string answers = peer.ReceiveAll();
  uint64_t echoes = 0;
  client->Receive(
      absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(answers.data()),
                          answers.size()),
      [&](const WebSocketMessage&) { ++echoes; });
  EXPECT_EQ(client->received_close_code(), 1008);
  EXPECT_GT(echoes, 0u);
  EXPECT_LT(echoes, kMessages / 2);
  frames.Close();
  client.reset();
  ExpectNothingLeft();
}

// Answers to a peer that does not read stay within the watermark, for it is not
// read either.
TEST_F(WebSocketServerTest, APeerThatDoesNotReadIsNotReadEither) {
  options_.limits.ping_after = absl::Seconds(1);
  options_.limits.idle = absl::Seconds(2);
  Start();
  UniqueFd peer = *ConnectToLoopback(server_->port());
  ASSERT_TRUE(SetSocketBuffers(peer, 16 << 10).ok());
  const std::string request = HandshakeRequest("127.0.0.1", kKey, false);
  ASSERT_EQ(send(peer.get(), request.data(), request.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(request.size()));
  Await(server_->counters().handshakes, 1);
  std::string frames;
  for (int i = 0; i < 500; ++i) frames += Frame(0x82, std::string(125, 'x'));
  // Until the server has had enough of it.
  const absl::Time end = absl::Now() + absl::Milliseconds(kPatienceMillis);
  uint64_t most_pending = 0;
  size_t sent = 0;
  while (WebSocketCounters::Get(server_->counters().ended) == 0 &&
         absl::Now() < end) {
    const ssize_t n = send(peer.get(), frames.data() + sent,
                           frames.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0) sent = (sent + static_cast<size_t>(n)) % frames.size();
    for (const OutboundGroupStats& group : channels_.Stats().groups) {
      most_pending = std::max(most_pending, group.pending_bytes);
    }
  }
  Await(server_->counters().timed_out, 1);
  // The high watermark, and what the answers to one read may be.
  EXPECT_GT(most_pending, 32u << 10);
  EXPECT_LE(most_pending, (64u << 10) + (32 << 10));
  ExpectNothingLeft();
}

}  // namespace
}  // namespace poolscope::demo
