// Clients that stop reading for a while, over real sockets and with the real
// pool: what the relay's channels hold, what is refused, and what becomes of
// every message.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/allocator/outbound/channel_registry.h"
#include "poolscope/allocator/outbound/memory_governor.h"
#include "poolscope/allocator/outbound/memory_use.h"
#include "poolscope/allocator/pool/pool_options.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/examples/demo/monotonic_time.h"
#include "poolscope/examples/demo/options.h"
#include "poolscope/examples/demo/report.h"
#include "poolscope/examples/demo/scenario.h"
#include "poolscope/examples/demo/sizing.h"
#include "poolscope/examples/demo/traffic.h"

namespace poolscope::demo {
namespace {

constexpr absl::Duration kDrain = absl::Seconds(50);

DemoOptions Options() {
  DemoOptions options;
  options.scenario = *FindScenario("slow-peer");
  options.rate = 4000;
  options.socket_buffer_bytes = 64 << 10;
  options.max_direct_memory_bytes = 64 << 20;
  options.stall_after = absl::Milliseconds(500);
  options.stall = absl::Seconds(2);
  return options;
}

struct Outcome {
  TrafficResult traffic;
  OutboundStats outbound;
  AllocatorStats pool;
  uint64_t peak_backlog_bytes = 0;
  uint64_t peak_admission_messages = 0;
  uint64_t received_bytes = 0;  // by the clients
  uint64_t rejected = 0;        // by the relay
  uint64_t max_in_flight = 0;
  MemoryGovernorStats governor;
};

const OutboundGroupStats& Clients(const OutboundStats& stats) {
  static const OutboundGroupStats kNone;
  for (const OutboundGroupStats& group : stats.groups) {
    if (group.group == "clients") return group;
  }
  return kNone;  // the relay has accepted none yet
}

void ExpectSumsHold(const OutboundStats& stats) {
  for (const OutboundGroupStats& group : stats.groups) {
    uint64_t failed = 0;
    for (const uint64_t bytes : group.failed_bytes) failed += bytes;
    ASSERT_EQ(group.queued_bytes,
              group.written_bytes + group.pending_bytes + failed)
        << group.group;
  }
}

// Runs through the stall and some time after it, looking all the time.
Outcome StallClients(const DemoOptions& options) {
  Outcome outcome;
  PoolOptions pool_options;
  pool_options.max_direct_memory_bytes = options.max_direct_memory_bytes;
  auto pool = PooledAllocator::Create(pool_options);
  EXPECT_TRUE(pool.ok()) << pool.status();
  if (!pool.ok()) return outcome;
  const auto allocator = BufferAllocator::Pooled(pool->get());
  ChannelRegistry channels;
  MemoryGovernor governor(MemoryGovernorOptions(),
                          [&] { return MemoryUseOf((*pool)->Stats()); });
  const absl::Duration start = MonotonicNow();
  auto traffic = Traffic::Start(options, allocator.get(), &channels,
                                options.governor ? &governor : nullptr);
  EXPECT_TRUE(traffic.ok()) << traffic.status();
  if (!traffic.ok()) return outcome;
  const absl::Duration end =
      start + options.stall_after + options.stall + absl::Milliseconds(500);
  while (MonotonicNow() < end) {
    const OutboundStats stats = channels.Stats();
    ExpectSumsHold(stats);
    outcome.peak_backlog_bytes =
        std::max(outcome.peak_backlog_bytes, BacklogBytes(stats));
    outcome.peak_admission_messages =
        std::max(outcome.peak_admission_messages,
                 Clients(stats).admission_queue_messages);
    governor.Check();
    absl::SleepFor(absl::Milliseconds(10));
  }
  outcome.traffic = (*traffic)->Finish(kDrain);
  outcome.outbound = channels.Stats();
  outcome.pool = (*pool)->Stats();
  outcome.received_bytes = (*traffic)->counts().received_bytes();
  outcome.rejected = (*traffic)->relay().rejected;
  outcome.max_in_flight = (*traffic)->relay().max_in_flight;
  outcome.governor = governor.Stats();

  // Whatever happened, no message is lost in silence and no buffer stays.
  const MessageTotals& totals = outcome.traffic.totals;
  EXPECT_EQ(outcome.traffic.unanswered, 0u);
  EXPECT_EQ(totals.sent, totals.answered + totals.failed_total());
  EXPECT_GT(totals.answered, 0u);
  EXPECT_EQ(totals.failed_by(Failure::kCorrupt), 0u);
  EXPECT_EQ(totals.failed_by(Failure::kUpstreamLost), 0u);
  EXPECT_EQ(outcome.pool.pinned_bytes + outcome.pool.huge_used_bytes, 0u);
  ExpectSumsHold(outcome.outbound);
  for (const OutboundGroupStats& group : outcome.outbound.groups) {
    EXPECT_EQ(group.pending_bytes, 0u);
    EXPECT_EQ(group.pending_messages, 0u);
    EXPECT_EQ(group.admission_queue_messages, 0u);
  }
  EXPECT_TRUE((*pool)->CheckInvariants().ok());
  return outcome;
}

TEST(SlowPeerTest, WithoutWatermarksTheLimitRefusesAndTrafficRecovers) {
  DemoOptions options = Options();
  options.watermarks = Watermarks::Off();
  const Outcome outcome = StallClients(options);
  const MessageTotals& totals = outcome.traffic.totals;
  EXPECT_GT(totals.failed_by(Failure::kRequestRefused) +
                totals.failed_by(Failure::kAnswerRefused),
            0u);
  EXPECT_GT(outcome.peak_backlog_bytes, options.max_direct_memory_bytes / 2);
  EXPECT_EQ(Clients(outcome.outbound).transitions_to_unwritable, 0u);
  // The peer received exactly what the kernel accepted.
  EXPECT_EQ(outcome.received_bytes, Clients(outcome.outbound).written_bytes);
}

TEST(SlowPeerTest, WithWatermarksNothingIsRefusedAndTheBacklogIsBounded) {
  const DemoOptions options = Options();
  const Outcome outcome = StallClients(options);
  EXPECT_EQ(outcome.traffic.totals.failed_total(), 0u);
  EXPECT_EQ(outcome.pool.allocation_failures_limit, 0u);
  const OutboundGroupStats& clients = Clients(outcome.outbound);
  EXPECT_GT(clients.transitions_to_unwritable, 0u);
  EXPECT_EQ(clients.transitions_to_unwritable, clients.transitions_to_writable);
  EXPECT_GT(clients.unwritable_seconds, 0.0);
  EXPECT_GT(outcome.peak_admission_messages, 0u);
  const uint64_t bound =
      BacklogBound(static_cast<uint64_t>(options.connections + options.workers),
                   options.watermarks.high_bytes, outcome.max_in_flight,
                   options.message_bytes + kFrameHeaderBytes);
  EXPECT_LE(outcome.peak_backlog_bytes, bound);
  EXPECT_EQ(outcome.received_bytes, clients.written_bytes);
}

TEST(SlowPeerTest, RejectedAnswersFailTheirMessagesByName) {
  DemoOptions options = Options();
  options.policy = AdmissionPolicy::kReject;
  const Outcome outcome = StallClients(options);
  EXPECT_GT(outcome.rejected, 0u);
  EXPECT_EQ(outcome.traffic.totals.failed_total(), outcome.rejected);
  EXPECT_EQ(outcome.traffic.totals.failed_by(Failure::kRejected),
            outcome.rejected);
  const OutboundGroupStats& clients = Clients(outcome.outbound);
  EXPECT_EQ(
      clients.rejected_messages[static_cast<size_t>(AdmissionPolicy::kReject)],
      outcome.rejected);
  EXPECT_EQ(outcome.peak_admission_messages, 0u);
  EXPECT_EQ(outcome.received_bytes, clients.written_bytes);
}

TEST(SlowPeerTest, ClosedChannelsComeBackAsNewOnes) {
  DemoOptions options = Options();
  options.policy = AdmissionPolicy::kClose;
  const Outcome outcome = StallClients(options);
  EXPECT_GT(outcome.rejected, 0u);
  EXPECT_GT(outcome.traffic.totals.failed_by(Failure::kConnectionLost), 0u);
  const OutboundGroupStats& clients = Clients(outcome.outbound);
  EXPECT_EQ(
      clients.rejected_messages[static_cast<size_t>(AdmissionPolicy::kClose)],
      outcome.rejected);
  EXPECT_GT(clients.failed_bytes[static_cast<size_t>(OutboundFailure::kClosed)],
            0u);
}

TEST(SlowPeerTest, TheGovernorKeepsBelowTheLimitWithoutWatermarks) {
  DemoOptions options = Options();
  options.watermarks = Watermarks::Off();
  options.governor = true;
  const Outcome outcome = StallClients(options);
  EXPECT_EQ(outcome.traffic.totals.failed_total(), 0u);
  EXPECT_EQ(outcome.pool.allocation_failures_limit, 0u);
  EXPECT_GT(outcome.governor.pauses, 0u);
}

}  // namespace
}  // namespace poolscope::demo
