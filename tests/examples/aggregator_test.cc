// The aggregator with its clients and its store, over real sockets and with the
// real pool: what becomes of every message and of every block, with and without
// a governor.
#include "poolscope/examples/demo/aggregator.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/allocator/outbound/channel_registry.h"
#include "poolscope/allocator/outbound/memory_governor.h"
#include "poolscope/allocator/outbound/memory_use.h"
#include "poolscope/allocator/outbound/outbound_stats.h"
#include "poolscope/allocator/pool/pool_options.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/examples/demo/message_sizes.h"

namespace poolscope::demo {
namespace {

constexpr absl::Duration kDrain = absl::Seconds(120);

// Waits until `condition` holds, without taking a core from the traffic.
template <typename Condition>
void Await(Condition condition) {
  while (!condition()) absl::SleepFor(absl::Milliseconds(1));
}

class AggregatorTest : public testing::Test {
 protected:
  // Chunks of 1 MiB, messages up to 6 MiB, consolidated every 512 KiB: the
  // proportions of 16, 100 and 8 MiB, and fast under a sanitizer.
  AggregatorTest() {
    options_.max_components = 64;
    options_.workers = 2;
    options_.connections = 16;
    options_.rate = 400;
    options_.sizes = MessageSizes(1 << 10, 6 << 20);
    options_.bursts = {absl::Seconds(1), 0.25};
    options_.store_bytes_per_second = 64 << 20;
    options_.store_watermarks = {512 << 10, 2 << 20};
  }

  void MakePool(uint64_t limit_bytes) {
    PoolOptions pool_options;
    pool_options.name = "test";
    pool_options.max_order = 7;
    pool_options.arenas = 2;
    pool_options.max_direct_memory_bytes = limit_bytes;
    auto pool = PooledAllocator::Create(pool_options);
    ASSERT_TRUE(pool.ok()) << pool.status();
    pool_ = *std::move(pool);
    allocator_ = BufferAllocator::Pooled(pool_.get());
    options_.pool = pool_.get();
    options_.allocator = allocator_.get();
    options_.channels = &channels_;
  }

  void MakeGovernor() {
    governor_ = std::make_unique<MemoryGovernor>(
        MemoryGovernorOptions(),
        [this] { return MemoryUseOf(pool_->Stats()); });
    options_.governor = governor_.get();
  }

  void Start() {
    auto aggregator = Aggregator::Start(options_);
    ASSERT_TRUE(aggregator.ok()) << aggregator.status();
    aggregator_ = *std::move(aggregator);
  }

  uint64_t Sent() const { return aggregator_->counts().Totals().sent; }

  // Ends the load, and checks what must hold for any.
  TrafficResult Finish() {
    const TrafficResult result = aggregator_->Finish(kDrain);
    const MessageTotals& totals = result.totals;
    EXPECT_EQ(totals.sent,
              totals.answered + totals.failed_total() + result.unanswered);
    EXPECT_EQ(result.unanswered, 0u);
    EXPECT_EQ(totals.failed_by(Failure::kCorrupt), 0u);
    EXPECT_EQ(totals.failed_by(Failure::kConnectionLost), 0u);
    EXPECT_EQ(totals.failed_by(Failure::kUpstreamLost), 0u);

    // The aggregator saw what the clients saw.
    const AggregatorCounters& counters = aggregator_->counters();
    EXPECT_EQ(counters.messages.load(), totals.sent);
    EXPECT_EQ(counters.stored.load(), totals.answered);
    EXPECT_EQ(counters.assembled.load(), totals.answered);
    EXPECT_EQ(counters.refused_huge.load(),
              totals.failed_by(Failure::kHugeRefused));
    EXPECT_EQ(counters.refused_chunk.load(),
              totals.failed_by(Failure::kRequestRefused));
    EXPECT_EQ(counters.given_up.load(), totals.failed_by(Failure::kGivenUp));
    EXPECT_EQ(counters.abandoned.load(), 0u);
    EXPECT_EQ(counters.assembling_bytes.load(), 0);
    EXPECT_EQ(counters.first_broken(), "");

    // Every block is back, and what the store's channel took it wrote.
    const AllocatorStats stats = pool_->Stats();
    EXPECT_EQ(stats.pinned_bytes, 0u);
    EXPECT_EQ(stats.huge_used_bytes, 0u);
    EXPECT_LE(stats.direct_peak_bytes, stats.direct_limit_bytes);
    EXPECT_TRUE(pool_->CheckInvariants().ok()) << pool_->CheckInvariants();
    for (const OutboundGroupStats& group : channels_.Stats().groups) {
      EXPECT_EQ(group.queued_bytes, group.written_bytes);
      EXPECT_EQ(group.pending_bytes, 0u);
    }
    return result;
  }

  ChannelRegistry channels_;
  AggregatorOptions options_;
  std::unique_ptr<PooledAllocator> pool_;
  std::unique_ptr<BufferAllocator> allocator_;
  std::unique_ptr<MemoryGovernor> governor_;
  std::unique_ptr<Aggregator> aggregator_;
};

TEST_F(AggregatorTest, WithRoomEveryMessageIsStored) {
  MakePool(uint64_t{1} << 30);
  Start();
  Await([&] { return Sent() >= 400; });
  const TrafficResult result = Finish();
  EXPECT_EQ(result.totals.answered, result.totals.sent);
  // Messages are freed by another thread than the one that assembled them.
  EXPECT_GT(pool_->Stats().remote_frees, 0u);
  EXPECT_GT(channels_.Stats().groups.at(0).written_bytes, 0u);
}

// What overwhelms 32 MiB: a store that is far too slow for the bursts.
TEST_F(AggregatorTest, WithoutAGovernorTheLimitRefusesByName) {
  options_.store_bytes_per_second = 8 << 20;
  MakePool(32 << 20);
  Start();
  const AggregatorCounters& counters = aggregator_->counters();
  Await([&] { return counters.refused() >= 25; });
  const TrafficResult result = Finish();
  EXPECT_GT(result.totals.answered, 0u);
  EXPECT_GE(result.totals.failed_total(), 25u);
  EXPECT_GT(counters.refused_huge.load(), 0u);
  EXPECT_EQ(pool_->Stats().allocation_failures_limit, counters.refused());
  EXPECT_NE(counters.first_refusal().find("limit"), std::string::npos)
      << counters.first_refusal();
}

TEST_F(AggregatorTest, WithAGovernorTheSameLoadSurvives) {
  options_.store_bytes_per_second = 8 << 20;
  MakePool(32 << 20);
  MakeGovernor();
  Start();
  Await([&] { return Sent() >= 400; });
  const TrafficResult result = Finish();
  EXPECT_EQ(aggregator_->counters().refused(), 0u)
      << aggregator_->counters().first_refusal();
  EXPECT_EQ(pool_->Stats().allocation_failures_limit, 0u);
  EXPECT_EQ(result.totals.answered + result.totals.failed_by(Failure::kGivenUp),
            result.totals.sent);
}

TEST_F(AggregatorTest, AnEndWithoutDrainingLosesNoBlockAndNoMessage) {
  options_.store_bytes_per_second = 1 << 20;
  MakePool(256 << 20);
  Start();
  Await([&] { return Sent() >= 400; });
  const TrafficResult result = aggregator_->Finish(absl::ZeroDuration());
  EXPECT_GT(result.unanswered, 0u);
  EXPECT_EQ(result.unanswered, result.totals.in_flight);
  const AllocatorStats stats = pool_->Stats();
  EXPECT_EQ(stats.pinned_bytes, 0u);
  EXPECT_EQ(stats.huge_used_bytes, 0u);
  EXPECT_EQ(aggregator_->counters().assembling_bytes.load(), 0);
}

TEST(RoomBytesTest, EmptyChunksAreRoom) {
  AllocatorStats stats;
  stats.direct_limit_bytes = 100;
  stats.chunk_size_bytes = 10;
  stats.direct_used_bytes = 70;
  EXPECT_EQ(RoomBytes(stats), 30u);
  stats.chunks_by_utilization[0] = 2;
  EXPECT_EQ(RoomBytes(stats), 50u);
  stats.direct_used_bytes = 10;  // read at another moment
  EXPECT_EQ(RoomBytes(stats), 100u);
}

}  // namespace
}  // namespace poolscope::demo
