// Clients that stop reading for a while, over real sockets and with the real
// pool: what the relay's channels hold, what is refused, and what becomes of
// every message.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/allocator/outbound/channel_registry.h"
#include "poolscope/allocator/outbound/memory_governor.h"
#include "poolscope/allocator/outbound/memory_use.h"
#include "poolscope/allocator/pool/pool_options.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/examples/demo/options.h"
#include "poolscope/examples/demo/report.h"
#include "poolscope/examples/demo/scenario.h"
#include "poolscope/examples/demo/sizing.h"
#include "poolscope/examples/demo/traffic.h"

namespace poolscope::demo {
namespace {

constexpr absl::Duration kDrain = absl::Seconds(50);

// More than are under way without a stall, and than the memory of the pool
// holds: 64 MiB are 4096 blocks of 16 KiB.
constexpr uint64_t kManyMessages = 6000;

DemoOptions Options() {
  DemoOptions options;
  options.scenario = *FindScenario("slow-peer");
  options.rate = 4000;
  options.socket_buffer_bytes = 64 << 10;
  options.max_direct_memory_bytes = 64 << 20;
  options.stall_after = absl::Milliseconds(500);
  options.stall = absl::Hours(1);  // until the end
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

// What a run has seen so far.
struct Progress {
  MessageTotals messages;
  OutboundStats outbound;
  MemoryGovernorStats governor;
};

// Stalls the clients until `enough`, looking all the time, then lets them read
// again.
Outcome StallClients(const DemoOptions& options,
                     absl::FunctionRef<bool(const Progress&)> enough) {
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
  auto traffic = Traffic::Start(options, allocator.get(), &channels,
                                options.governor ? &governor : nullptr);
  EXPECT_TRUE(traffic.ok()) << traffic.status();
  if (!traffic.ok()) return outcome;
  Progress progress;
  while (!enough(progress)) {
    absl::SleepFor(absl::Milliseconds(5));
    progress.messages = (*traffic)->counts().Totals();
    progress.governor = governor.Stats();
    progress.outbound = channels.Stats();
    ExpectSumsHold(progress.outbound);
    outcome.peak_backlog_bytes =
        std::max(outcome.peak_backlog_bytes, BacklogBytes(progress.outbound));
    outcome.peak_admission_messages =
        std::max(outcome.peak_admission_messages,
                 Clients(progress.outbound).admission_queue_messages);
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

TEST(SlowPeerTest, WithoutWatermarksTheLimitRefuses) {
  DemoOptions options = Options();
  options.watermarks = Watermarks::Off();
  // Refusals reach the clients after the stall; the backlog is there before.
  const Outcome outcome = StallClients(options, [&](const Progress& progress) {
    return Clients(progress.outbound).pending_bytes >
               options.max_direct_memory_bytes / 2 &&
           progress.messages.in_flight > kManyMessages;
  });
  const MessageTotals& totals = outcome.traffic.totals;
  EXPECT_GT(totals.failed_by(Failure::kRequestRefused) +
                totals.failed_by(Failure::kAnswerRefused),
            0u);
  EXPECT_EQ(Clients(outcome.outbound).transitions_to_unwritable, 0u);
  // The peer received exactly what the kernel accepted.
  EXPECT_EQ(outcome.received_bytes, Clients(outcome.outbound).written_bytes);
}

TEST(SlowPeerTest, WithWatermarksNothingIsRefusedAndTheBacklogIsBounded) {
  const DemoOptions options = Options();
  const Outcome outcome = StallClients(options, [](const Progress& progress) {
    return progress.messages.in_flight > kManyMessages;
  });
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

TEST(SlowPeerTest, TrafficGoesOnAfterTheStall) {
  DemoOptions options = Options();
  options.stall = absl::Seconds(1);
  uint64_t answered = 0;
  bool stalled = false;
  const Outcome outcome = StallClients(options, [&](const Progress& progress) {
    if (Clients(progress.outbound).unwritable_channels > 32) stalled = true;
    if (!stalled) answered = progress.messages.answered;
    return stalled && progress.messages.answered > answered + 2000;
  });
  EXPECT_EQ(outcome.traffic.totals.failed_total(), 0u);
}

TEST(SlowPeerTest, RejectedAnswersFailTheirMessagesByName) {
  DemoOptions options = Options();
  options.policy = AdmissionPolicy::kReject;
  const auto rejected = [](const OutboundStats& stats) {
    return Clients(stats)
        .rejected_messages[static_cast<size_t>(AdmissionPolicy::kReject)];
  };
  const Outcome outcome = StallClients(options, [&](const Progress& progress) {
    return rejected(progress.outbound) > 0;
  });
  EXPECT_GT(outcome.rejected, 0u);
  EXPECT_EQ(outcome.traffic.totals.failed_total(), outcome.rejected);
  EXPECT_EQ(outcome.traffic.totals.failed_by(Failure::kRejected),
            outcome.rejected);
  EXPECT_EQ(rejected(outcome.outbound), outcome.rejected);
  EXPECT_EQ(outcome.peak_admission_messages, 0u);
  EXPECT_EQ(outcome.received_bytes, Clients(outcome.outbound).written_bytes);
}

TEST(SlowPeerTest, ClosedChannelsComeBackAsNewOnes) {
  DemoOptions options = Options();
  options.policy = AdmissionPolicy::kClose;
  const auto rejected = [](const OutboundStats& stats) {
    return Clients(stats)
        .rejected_messages[static_cast<size_t>(AdmissionPolicy::kClose)];
  };
  const Outcome outcome = StallClients(options, [&](const Progress& progress) {
    return rejected(progress.outbound) > 0;
  });
  EXPECT_GT(outcome.traffic.totals.failed_by(Failure::kConnectionLost), 0u);
  EXPECT_EQ(rejected(outcome.outbound), outcome.rejected);
  EXPECT_GT(Clients(outcome.outbound)
                .failed_bytes[static_cast<size_t>(OutboundFailure::kClosed)],
            0u);
}

TEST(SlowPeerTest, TheGovernorKeepsBelowTheLimitWithoutWatermarks) {
  DemoOptions options = Options();
  options.watermarks = Watermarks::Off();
  options.governor = true;
  options.rate = 1000;
  uint64_t paused_at = 0;
  const Outcome outcome = StallClients(options, [&](const Progress& progress) {
    const uint64_t sent = progress.messages.sent;
    if (paused_at == 0 && progress.governor.pauses > 0) paused_at = sent;
    return paused_at != 0 && sent > paused_at + kManyMessages;
  });
  EXPECT_EQ(outcome.traffic.totals.failed_total(), 0u);
  EXPECT_EQ(outcome.pool.allocation_failures_limit, 0u);
}

}  // namespace
}  // namespace poolscope::demo
