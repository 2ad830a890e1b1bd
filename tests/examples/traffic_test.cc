// The relay, its clients and its upstream, over real sockets and with the real
// pool: what becomes of every message and of every block.
#include "poolscope/examples/demo/traffic.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/allocator/pool/pool_options.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/examples/demo/options.h"
#include "poolscope/examples/demo/scenario.h"
#include "poolscope/tests/exporter/thread_shortage.h"

namespace poolscope::demo {
namespace {

constexpr absl::Duration kDrain = absl::Seconds(30);

// Waits until `condition` holds, without taking a core from the traffic.
template <typename Condition>
void Await(Condition condition) {
  while (!condition()) absl::SleepFor(absl::Milliseconds(1));
}

DemoOptions Options(double rate) {
  DemoOptions options;
  options.scenario = *FindScenario("steady");
  options.rate = rate;
  return options;
}

std::unique_ptr<PooledAllocator> Pool(const DemoOptions& options) {
  PoolOptions pool_options;
  pool_options.name = "test";
  pool_options.max_direct_memory_bytes = options.max_direct_memory_bytes;
  auto pool = PooledAllocator::Create(pool_options);
  EXPECT_TRUE(pool.ok()) << pool.status();
  return *std::move(pool);
}

// Runs until `messages` were sent, and checks what must hold for any traffic.
TrafficResult RunTraffic(const DemoOptions& options, PooledAllocator* pool,
                         uint64_t messages) {
  const auto allocator = BufferAllocator::Pooled(pool);
  auto traffic = Traffic::Start(options, allocator.get());
  EXPECT_TRUE(traffic.ok()) << traffic.status();
  if (!traffic.ok()) return TrafficResult();
  Await([&] { return (*traffic)->counts().Totals().sent >= messages; });
  const TrafficResult result = (*traffic)->Finish(kDrain);
  const MessageTotals& totals = result.totals;
  EXPECT_GE(totals.sent, messages);
  EXPECT_EQ(totals.sent,
            totals.answered + totals.failed_total() + result.unanswered);
  EXPECT_EQ(result.unanswered, 0u);
  EXPECT_EQ(totals.failed_by(Failure::kCorrupt), 0u);
  EXPECT_EQ(totals.failed_by(Failure::kConnectionLost), 0u);
  EXPECT_EQ(totals.failed_by(Failure::kUpstreamLost), 0u);

  // The relay saw what the clients saw.
  const RelayCounters& relay = (*traffic)->relay();
  EXPECT_EQ(relay.requests.load(), totals.sent);
  EXPECT_EQ(relay.refused_requests.load(),
            totals.failed_by(Failure::kRequestRefused));
  EXPECT_EQ(relay.refused_answers.load(),
            totals.failed_by(Failure::kAnswerRefused));
  EXPECT_EQ(relay.forwarded.load(), totals.sent - relay.refused_requests);
  EXPECT_EQ(relay.answers.load(), totals.sent);
  EXPECT_EQ(relay.first_broken(), "");

  // Every block is back.
  const AllocatorStats stats = pool->Stats();
  EXPECT_EQ(stats.pinned_bytes, 0u);
  EXPECT_EQ(stats.huge_used_bytes, 0u);
  uint64_t allocations = 0;
  for (const ArenaStats& arena : stats.arenas) {
    for (const KindCounts& kind : arena.by_kind) {
      EXPECT_EQ(kind.active, 0u);
      allocations += kind.allocations;
    }
  }
  // One block for each request forwarded, one for each answer returned whole.
  EXPECT_EQ(allocations, relay.forwarded + totals.answered);
  EXPECT_TRUE(pool->CheckInvariants().ok()) << pool->CheckInvariants();
  return result;
}

TEST(TrafficTest, EveryMessageIsAnsweredAndEveryBlockComesBack) {
  const DemoOptions options = Options(500);
  const auto pool = Pool(options);
  const TrafficResult result = RunTraffic(options, pool.get(), 1000);
  EXPECT_EQ(result.totals.answered, result.totals.sent);
  // Each block is freed by another worker than the one that allocated it.
  EXPECT_GT(pool->Stats().remote_frees, 0u);
}

TEST(TrafficTest, OneWorkerServesEveryConnectionItself) {
  DemoOptions options = Options(500);
  options.workers = 1;
  const auto pool = Pool(options);
  const TrafficResult result = RunTraffic(options, pool.get(), 250);
  EXPECT_EQ(result.totals.answered, result.totals.sent);
  EXPECT_EQ(pool->Stats().remote_frees, 0u);
}

TEST(TrafficTest, ATightLimitFailsMessagesByNameAndLosesNone) {
  DemoOptions options = Options(2000);
  options.max_direct_memory_bytes = 4 << 20;  // one chunk
  options.message_bytes = 64 << 10;
  const auto pool = Pool(options);
  const TrafficResult result = RunTraffic(options, pool.get(), 3000);
  const uint64_t refused = result.totals.failed_by(Failure::kRequestRefused) +
                           result.totals.failed_by(Failure::kAnswerRefused);
  EXPECT_GT(refused, 0u);
  EXPECT_GT(result.totals.answered, 0u);
  const AllocatorStats stats = pool->Stats();
  EXPECT_EQ(stats.allocation_failures_limit, refused);
  EXPECT_LE(stats.direct_peak_bytes, options.max_direct_memory_bytes);
}

TEST(TrafficTest, ARefusalGivesItsReason) {
  DemoOptions options = Options(500);
  options.max_direct_memory_bytes = 4 << 20;
  options.message_bytes = 5 << 20;  // never fits
  options.connections = 2;
  const auto pool = Pool(options);
  const auto allocator = BufferAllocator::Pooled(pool.get());
  auto traffic = Traffic::Start(options, allocator.get());
  ASSERT_TRUE(traffic.ok()) << traffic.status();
  Await([&] { return (*traffic)->counts().Totals().failed_total() >= 3; });
  const TrafficResult result = (*traffic)->Finish(kDrain);
  EXPECT_EQ(result.totals.failed_by(Failure::kRequestRefused),
            result.totals.sent);
  EXPECT_NE((*traffic)->relay().first_refusal().find("limit"),
            std::string::npos)
      << (*traffic)->relay().first_refusal();
}

TEST(TrafficTest, EmptyAndHugePayloadsTravelToo) {
  for (const uint64_t size : {uint64_t{0}, uint64_t{1}, uint64_t{5} << 20}) {
    DemoOptions options = Options(40);
    options.message_bytes = size;
    options.connections = 3;
    const auto pool = Pool(options);
    const TrafficResult result = RunTraffic(options, pool.get(), 20);
    EXPECT_EQ(result.totals.answered, result.totals.sent) << size << " bytes";
  }
}

TEST(TrafficTest, AnEndWithoutDrainingCountsWhatWasInFlight) {
  const DemoOptions options = Options(2000);
  const auto pool = Pool(options);
  const auto allocator = BufferAllocator::Pooled(pool.get());
  auto traffic = Traffic::Start(options, allocator.get());
  ASSERT_TRUE(traffic.ok()) << traffic.status();
  Await([&] { return (*traffic)->counts().Totals().answered >= 100; });
  const TrafficResult result = (*traffic)->Finish(absl::ZeroDuration());
  EXPECT_GT(result.unanswered, 0u);
  EXPECT_EQ(result.unanswered, result.totals.in_flight);
  EXPECT_EQ(pool->Stats().pinned_bytes, 0u);
}

TEST(TrafficTest, WithoutThreadsItSaysSo) {
  const DemoOptions options = Options(200);
  const auto pool = Pool(options);
  const auto allocator = BufferAllocator::Pooled(pool.get());
  const ThreadShortage shortage;
  const absl::Status status = Traffic::Start(options, allocator.get()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace poolscope::demo
