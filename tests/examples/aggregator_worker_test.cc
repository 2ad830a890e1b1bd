// One worker of the aggregator between clients that the test plays itself and a
// real store: what a client sees when its message fails.
#include "poolscope/examples/demo/aggregator_worker.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/allocator/outbound/memory_governor.h"
#include "poolscope/allocator/outbound/memory_use.h"
#include "poolscope/allocator/outbound/registered_channel.h"
#include "poolscope/allocator/pool/pool_options.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/examples/demo/frame.h"
#include "poolscope/examples/demo/frame_stream.h"
#include "poolscope/examples/demo/pattern.h"
#include "poolscope/examples/demo/slow_store.h"
#include "poolscope/examples/demo/socket.h"
#include "poolscope/examples/demo/store_writer.h"

namespace poolscope::demo {
namespace {

constexpr int kPatienceMillis = 30000;
constexpr size_t kMiB = 1 << 20;

// One client, who sends its messages as far as it is told to.
class Peer final : private FrameSink {
 public:
  explicit Peer(uint16_t port) {
    absl::StatusOr<UniqueFd> fd = ConnectToLoopback(port);
    EXPECT_TRUE(fd.ok()) << fd.status();
    if (fd.ok()) fd_ = *std::move(fd);
  }

  void Begin(uint64_t id, size_t length) {
    header_ = FrameHeader{static_cast<uint32_t>(length), FrameKind::kRequest,
                          FrameStatus::kOk, id, id + 1000};
    sent_ = 0;
  }

  // Sends what the socket takes now of the first `until` bytes of payload.
  void SendSome(size_t until) {
    std::vector<char> bytes(kIoBufferBytes);
    const size_t end = kFrameHeaderBytes + until;
    while (sent_ < end) {
      size_t count = 0;
      if (sent_ < kFrameHeaderBytes) {
        const EncodedHeader header = EncodeHeader(header_);
        count = kFrameHeaderBytes - sent_;
        std::copy_n(header.begin() + static_cast<std::ptrdiff_t>(sent_), count,
                    bytes.begin());
      } else {
        count = std::min(bytes.size(), end - sent_);
        FillPattern(header_.seed, sent_ - kFrameHeaderBytes,
                    absl::MakeSpan(bytes).subspan(0, count));
      }
      const ssize_t n = send(fd_.get(), bytes.data(), count, MSG_NOSIGNAL);
      if (n < 0) return;
      sent_ += static_cast<size_t>(n);
    }
  }

  // Sends all of that.
  void Send(size_t until) {
    while (true) {
      SendSome(until);
      if (sent_ >= kFrameHeaderBytes + until) return;
      ASSERT_TRUE(Ready(POLLOUT, kPatienceMillis)) << sent_;
    }
  }
  void SendMessage(uint64_t id, size_t length) {
    Begin(id, length);
    Send(length);
  }

  bool HasAnswer(int wait_millis) { return Ready(POLLIN, wait_millis); }

  FrameHeader Receive() {
    while (answers_.empty()) {
      EXPECT_TRUE(Ready(POLLIN, kPatienceMillis));
      const absl::Status status =
          ReadFrames(fd_, absl::MakeSpan(buffer_), parser_, *this);
      EXPECT_TRUE(status.ok()) << status;
      if (!status.ok()) return FrameHeader();
    }
    const FrameHeader answer = answers_.front();
    answers_.erase(answers_.begin());
    return answer;
  }

 private:
  bool Ready(short events, int wait_millis) {
    pollfd poll_fd{fd_.get(), events, 0};
    return poll(&poll_fd, 1, wait_millis) == 1;
  }

  absl::Status OnHeader(const FrameHeader& header) override {
    EXPECT_EQ(header.length, 0u);
    answers_.push_back(header);
    return absl::OkStatus();
  }
  void OnPayload(size_t, absl::string_view) override {}
  void OnEnd() override {}

  UniqueFd fd_;
  FrameHeader header_;
  size_t sent_ = 0;
  FrameParser parser_;
  std::vector<FrameHeader> answers_;
  std::vector<char> buffer_ = std::vector<char>(kIoBufferBytes);
};

class AggregatorWorkerTest : public testing::Test {
 protected:
  // Chunks of 1 MiB, 8 of them; consolidated every 512 KiB.
  AggregatorWorkerTest() {
    PoolOptions pool_options;
    pool_options.name = "test";
    pool_options.max_order = 7;
    pool_options.arenas = 1;
    pool_options.max_direct_memory_bytes = 8 * kMiB;
    auto pool = PooledAllocator::Create(pool_options);
    EXPECT_TRUE(pool.ok()) << pool.status();
    pool_ = *std::move(pool);
    allocator_ = BufferAllocator::Pooled(pool_.get());
    assembly_.allocator = allocator_.get();
    assembly_.chunk_bytes = kMiB;
    assembly_.max_components = 64;
  }

  void MakeGovernor() {
    MemoryGovernorOptions options;
    options.stall_timeout = absl::Milliseconds(50);
    governor_ = std::make_unique<MemoryGovernor>(
        options, [this] { return MemoryUseOf(pool_->Stats()); });
    assembly_.may_consolidate = [](size_t) { return false; };
  }

  void Start() {
    auto store = SlowStore::Start(1e9);
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    auto socket = ConnectToLoopback(store_->port());
    ASSERT_TRUE(socket.ok()) << socket.status();
    StoreWriterOptions writer_options;
    writer_options.on_answer = [this](const StoreAnswer& answer) {
      worker_->Post(answer);
    };
    auto writer = StoreWriter::Create(*std::move(socket), RegisteredChannel(),
                                      std::move(writer_options));
    ASSERT_TRUE(writer.ok()) << writer.status();
    writer_ = *std::move(writer);
    AggregatorWorkerOptions options;
    options.assembly = &assembly_;
    options.counters = &counters_;
    options.store = writer_.get();
    options.governor = governor_.get();
    auto worker = AggregatorWorker::Create(0, options);
    ASSERT_TRUE(worker.ok()) << worker.status();
    worker_ = *std::move(worker);
    auto listener = ListenOnLoopback();
    ASSERT_TRUE(listener.ok()) << listener.status();
    port_ = listener->port;
    ASSERT_TRUE(worker_->Listen(std::move(listener->fd)).ok());
    ASSERT_TRUE(writer_->Start().ok());
    ASSERT_TRUE(worker_->Start({worker_.get()}).ok());
  }

  void TearDown() override {
    worker_->Stop();
    writer_->Stop();
    EXPECT_TRUE(writer_->broken().ok()) << writer_->broken();
    EXPECT_EQ(counters_.assembling_bytes.load(), 0);
    const AllocatorStats stats = pool_->Stats();
    EXPECT_EQ(stats.pinned_bytes, 0u);
    EXPECT_EQ(stats.huge_used_bytes, 0u);
  }

  static void ExpectAnswer(Peer& peer, uint64_t id, FrameStatus status) {
    const FrameHeader answer = peer.Receive();
    EXPECT_EQ(answer.id, id);
    EXPECT_EQ(answer.seed, id + 1000);
    EXPECT_EQ(static_cast<int>(answer.status), static_cast<int>(status));
  }

  std::unique_ptr<PooledAllocator> pool_;
  std::unique_ptr<BufferAllocator> allocator_;
  std::unique_ptr<MemoryGovernor> governor_;
  AssemblyOptions assembly_;
  AggregatorCounters counters_;
  std::unique_ptr<SlowStore> store_;
  std::unique_ptr<StoreWriter> writer_;
  std::unique_ptr<AggregatorWorker> worker_;
  uint16_t port_ = 0;
};

TEST_F(AggregatorWorkerTest, AnswersInOrderWithTheIdOfTheRequest) {
  Start();
  Peer peer(port_);
  for (const size_t length : {size_t{0}, size_t{1}, size_t{8192}, 2 * kMiB}) {
    peer.SendMessage(length + 1, length);
    ExpectAnswer(peer, length + 1, FrameStatus::kOk);
  }
  EXPECT_EQ(counters_.stored.load(), 4u);
}

TEST_F(AggregatorWorkerTest, ARefusedMessageIsAnsweredBeforeItsEnd) {
  Start();
  Peer peer(port_);
  peer.Begin(1, 20 * kMiB);
  peer.Send(10 * kMiB);  // more than there is
  ExpectAnswer(peer, 1, FrameStatus::kHugeRefused);
  EXPECT_EQ(counters_.refused_huge.load(), 1u);
  // The rest is read and dropped, and the connection lives.
  peer.Send(20 * kMiB);
  peer.SendMessage(2, kMiB);
  ExpectAnswer(peer, 2, FrameStatus::kOk);
  EXPECT_EQ(counters_.messages.load(), 2u);
}

TEST_F(AggregatorWorkerTest, ARefusalOfAPartIsOneOfANewChunk) {
  assembly_.max_components = 1 << 20;  // never consolidated
  Start();
  Peer peer(port_);
  peer.SendMessage(1, 20 * kMiB);
  ExpectAnswer(peer, 1, FrameStatus::kRequestRefused);
  EXPECT_EQ(counters_.refused_chunk.load(), 1u);
}

TEST_F(AggregatorWorkerTest, TheLargestOfThoseThatWaitForEachOtherIsGivenUp) {
  MakeGovernor();
  Start();
  Peer large(port_);
  Peer small(port_);
  // Neither sends the rest, and together they are above 80 % of 8 MiB.
  large.Begin(1, 6 * kMiB);
  large.Send(4 * kMiB);
  small.Begin(2, 6 * kMiB);
  while (!large.HasAnswer(/*wait_millis=*/1)) small.SendSome(3 * kMiB);
  ExpectAnswer(large, 1, FrameStatus::kGivenUp);
  EXPECT_EQ(counters_.given_up.load(), 1u);
  // Now there is room for the other, and its connection lives.
  small.Send(6 * kMiB);
  ExpectAnswer(small, 2, FrameStatus::kOk);
  large.Send(6 * kMiB);
  large.SendMessage(3, 5 * kMiB);
  ExpectAnswer(large, 3, FrameStatus::kOk);
  EXPECT_EQ(counters_.refused(), 0u);
  EXPECT_GT(governor_->Stats().pauses, 0u);
}

TEST_F(AggregatorWorkerTest, AClientThatGoesFreesItsHalfOfAMessage) {
  assembly_.may_consolidate = [](size_t) { return false; };
  Start();
  {
    Peer peer(port_);
    peer.Begin(1, 6 * kMiB);
    peer.Send(2 * kMiB);
  }
  Peer other(port_);
  other.SendMessage(2, 5 * kMiB);  // both would not fit
  ExpectAnswer(other, 2, FrameStatus::kOk);
  EXPECT_EQ(counters_.abandoned.load(), 1u);
}

}  // namespace
}  // namespace poolscope::demo
