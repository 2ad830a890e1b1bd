// The relay between a client and an upstream that the test plays itself, one
// frame at a time.
#include "poolscope/examples/demo/relay.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/allocator/pool/pool_options.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/examples/demo/frame.h"
#include "poolscope/examples/demo/frame_stream.h"
#include "poolscope/examples/demo/socket.h"

namespace poolscope::demo {
namespace {

constexpr int kPatienceMillis = 30000;

bool Ready(const UniqueFd& fd, short events) {
  pollfd poll_fd{fd.get(), events, 0};
  return poll(&poll_fd, 1, kPatienceMillis) == 1;
}

struct Message {
  FrameHeader header;
  std::string payload;
};

// One end of a connection to the relay.
class Peer final : private FrameSink {
 public:
  explicit Peer(UniqueFd fd) : fd_(std::move(fd)) {}

  void Send(const FrameHeader& header, const std::string& payload) {
    const EncodedHeader bytes = EncodeHeader(header);
    SendRaw(std::string(bytes.data(), bytes.size()) + payload);
  }
  void SendRaw(absl::string_view bytes) {
    while (!bytes.empty()) {
      ASSERT_TRUE(Ready(fd_, POLLOUT)) << bytes.size();
      const ssize_t n =
          send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      ASSERT_GT(n, 0) << bytes.size();
      bytes.remove_prefix(static_cast<size_t>(n));
    }
  }

  // The next message; nothing when the relay closed the connection.
  std::optional<Message> Receive() {
    while (received_.empty()) {
      EXPECT_TRUE(Ready(fd_, POLLIN));
      if (!ReadFrames(fd_, absl::MakeSpan(buffer_), parser_, *this).ok()) {
        return std::nullopt;
      }
    }
    Message message = std::move(received_.front());
    received_.erase(received_.begin());
    return message;
  }

  void Close() { fd_.Close(); }

 private:
  absl::Status OnHeader(const FrameHeader& header) override {
    current_ = Message{header, ""};
    return absl::OkStatus();
  }
  void OnPayload(size_t, absl::string_view part) override {
    current_.payload.append(part.data(), part.size());
  }
  void OnEnd() override { received_.push_back(current_); }

  UniqueFd fd_;
  std::vector<char> buffer_ = std::vector<char>(kIoBufferBytes);
  FrameParser parser_;
  Message current_;
  std::vector<Message> received_;
};

FrameHeader Request(uint64_t id, const std::string& payload) {
  return FrameHeader{static_cast<uint32_t>(payload.size()), FrameKind::kRequest,
                     FrameStatus::kOk, id, id + 1000};
}

FrameHeader AnswerTo(const FrameHeader& request, const std::string& payload) {
  return FrameHeader{static_cast<uint32_t>(payload.size()), FrameKind::kAnswer,
                     FrameStatus::kOk, request.id, request.seed};
}

// A relay of one worker, so that there is one connection to the upstream.
class RelayTest : public testing::Test {
 protected:
  void SetUp() override {
    PoolOptions options;
    options.name = "relay";
    options.max_direct_memory_bytes = 64 << 20;
    auto pool = PooledAllocator::Create(options);
    ASSERT_TRUE(pool.ok()) << pool.status();
    pool_ = *std::move(pool);
    allocator_ = BufferAllocator::Pooled(pool_.get());
    absl::StatusOr<Listener> listener = ListenOnLoopback();
    ASSERT_TRUE(listener.ok()) << listener.status();
    RelayOptions relay_options;
    relay_options.workers = 1;
    relay_options.upstream_port = listener->port;
    relay_options.worker.allocator = allocator_.get();
    auto relay = Relay::Start(relay_options);
    ASSERT_TRUE(relay.ok()) << relay.status();
    relay_ = *std::move(relay);
    ASSERT_TRUE(Ready(listener->fd, POLLIN));
    absl::StatusOr<UniqueFd> upstream = Accept(listener->fd);
    ASSERT_TRUE(upstream.ok()) << upstream.status();
    upstream_ = std::make_unique<Peer>(*std::move(upstream));
  }

  void TearDown() override {
    relay_->Stop();
    const AllocatorStats stats = pool_->Stats();
    EXPECT_EQ(stats.pinned_bytes + stats.huge_used_bytes, 0u);
  }

  std::unique_ptr<Peer> Connect() {
    absl::StatusOr<UniqueFd> fd = ConnectToLoopback(relay_->port());
    EXPECT_TRUE(fd.ok()) << fd.status();
    return std::make_unique<Peer>(*std::move(fd));
  }

  std::unique_ptr<PooledAllocator> pool_;
  std::unique_ptr<BufferAllocator> allocator_;
  std::unique_ptr<Relay> relay_;
  std::unique_ptr<Peer> upstream_;
};

TEST_F(RelayTest, AnswersReachTheirClientsWhateverTheirOrder) {
  const auto first = Connect();
  const auto second = Connect();
  // Both use the same id.
  first->Send(Request(7, "one"), "one");
  second->Send(Request(7, "three"), "three");
  std::vector<Message> requests = {*upstream_->Receive(),
                                   *upstream_->Receive()};
  EXPECT_NE(requests[0].header.id, requests[1].header.id);
  for (auto it = requests.rbegin(); it != requests.rend(); ++it) {
    const std::string payload = "re: " + it->payload;
    upstream_->Send(AnswerTo(it->header, payload), payload);
  }
  const Message to_first = *first->Receive();
  EXPECT_EQ(to_first.payload, "re: one");
  EXPECT_EQ(to_first.header.id, 7u);
  EXPECT_EQ(to_first.header.seed, 1007u);
  EXPECT_EQ(to_first.header.kind, FrameKind::kAnswer);
  EXPECT_EQ(to_first.header.status, FrameStatus::kOk);
  EXPECT_EQ(second->Receive()->payload, "re: three");
}

TEST_F(RelayTest, ARequestMayComeByteByByte) {
  const auto client = Connect();
  const EncodedHeader header = EncodeHeader(Request(1, "drip"));
  const std::string bytes = std::string(header.data(), header.size()) + "drip";
  for (const char byte : bytes) client->SendRaw(std::string(1, byte));
  EXPECT_EQ(upstream_->Receive()->payload, "drip");
}

TEST_F(RelayTest, ALostUpstreamFailsWhatItOwedAndWhatComesLater) {
  const auto client = Connect();
  client->Send(Request(1, "owed"), "owed");
  ASSERT_TRUE(upstream_->Receive().has_value());
  upstream_->Close();
  const Message owed = *client->Receive();
  EXPECT_EQ(owed.header.id, 1u);
  EXPECT_EQ(owed.header.status, FrameStatus::kUpstreamLost);
  EXPECT_EQ(owed.payload, "");
  client->Send(Request(2, "later"), "later");
  const Message later = *client->Receive();
  EXPECT_EQ(later.header.id, 2u);
  EXPECT_EQ(later.header.status, FrameStatus::kUpstreamLost);
  EXPECT_EQ(relay_->counters().lost_upstream, 2u);
}

TEST_F(RelayTest, AnUpstreamThatAnswersNobodyIsLost) {
  const auto client = Connect();
  client->Send(Request(1, "ask"), "ask");
  FrameHeader unknown = upstream_->Receive()->header;
  unknown.id += 99;
  upstream_->Send(AnswerTo(unknown, "?"), "?");
  EXPECT_EQ(client->Receive()->header.status, FrameStatus::kUpstreamLost);
  EXPECT_FALSE(upstream_->Receive().has_value());
  EXPECT_EQ(relay_->counters().first_broken(), "an answer to no request");
}

TEST_F(RelayTest, AnAnswerWhoseClientHasGoneIsCountedAndFreed) {
  const auto leaving = Connect();
  const auto staying = Connect();
  leaving->Send(Request(1, "bye"), "bye");
  const Message request = *upstream_->Receive();
  leaving->Close();
  // The relay sees the end of one connection before the other's request, or
  // at least before the answer to that.
  staying->Send(Request(2, "stay"), "stay");
  const Message other = *upstream_->Receive();
  upstream_->Send(AnswerTo(other.header, "ok"), "ok");
  ASSERT_TRUE(staying->Receive().has_value());
  upstream_->Send(AnswerTo(request.header, "late"), "late");
  staying->Send(Request(3, "end"), "end");
  const Message end = *upstream_->Receive();
  upstream_->Send(AnswerTo(end.header, "ok"), "ok");
  ASSERT_TRUE(staying->Receive().has_value());
  EXPECT_EQ(relay_->counters().client_gone, 1u);
  EXPECT_EQ(relay_->counters().answers, 2u);
}

TEST_F(RelayTest, AClientThatSendsNoFramesIsClosedAlone) {
  const auto bad = Connect();
  const auto good = Connect();
  bad->SendRaw("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_FALSE(bad->Receive().has_value());
  good->Send(Request(1, "fine"), "fine");
  EXPECT_EQ(upstream_->Receive()->payload, "fine");
  EXPECT_EQ(relay_->counters().broken_connections, 1u);
}

TEST_F(RelayTest, AnErrorOfTheUpstreamReachesTheClient) {
  const auto client = Connect();
  client->Send(Request(1, "ask"), "ask");
  FrameHeader answer = AnswerTo(upstream_->Receive()->header, "");
  answer.status = FrameStatus::kCorrupt;
  upstream_->Send(answer, "");
  EXPECT_EQ(client->Receive()->header.status, FrameStatus::kCorrupt);
}

// A client whose requests the upstream takes and does not answer.
class RelayInFlightTest : public RelayTest {
 protected:
  void SetUp() override {
    RelayTest::SetUp();
    client_ = Connect();
    other_ = Connect();
  }

  void SendOne(const std::string& payload) {
    client_->Send(Request(++last_id_, payload), payload);
    const std::optional<Message> request = upstream_->Receive();
    ASSERT_TRUE(request.has_value());
    EXPECT_EQ(request->payload.size(), payload.size());
    last_ = request->header;
  }

  // Of another client.
  void SendOther(const std::string& payload) {
    other_->Send(Request(1, payload), payload);
    EXPECT_EQ(upstream_->Receive()->payload, payload);
  }

  // Not one request more is taken until the upstream answers one.
  void ExpectFull() {
    // When this has passed, nobody waits for the upstream's own channel.
    SendOther("before");
    client_->Send(Request(++last_id_, "waits"), "waits");
    // The relay may read both in one turn, in either order, but not later.
    SendOther("passes");
    SendOther("passes too");
    upstream_->Send(AnswerTo(last_, ""), "");
    EXPECT_EQ(upstream_->Receive()->payload, "waits");
  }

  std::unique_ptr<Peer> client_;
  std::unique_ptr<Peer> other_;
  uint64_t last_id_ = 0;
  FrameHeader last_;
};

TEST_F(RelayInFlightTest, AClientWith16RequestsIsNotRead) {
  for (int i = 0; i < 16; ++i) SendOne("x");
  ExpectFull();
}

TEST_F(RelayInFlightTest, AClientWith1MebibyteIsNotRead) {
  SendOne(std::string((1 << 20) - 1, 'x'));  // one byte is left
  SendOne("x");
  ExpectFull();
}

TEST_F(RelayTest, StoppingFreesRequestsThatWait) {
  const auto client = Connect();
  const std::string payload(14336, 'x');
  for (uint64_t id = 1; id <= 5; ++id) {
    client->Send(Request(id, payload), payload);
    ASSERT_TRUE(upstream_->Receive().has_value());
  }
  EXPECT_GT(pool_->Stats().pinned_bytes, 0u);
  // TearDown() stops the relay and finds nothing pinned.
}

}  // namespace
}  // namespace poolscope::demo
