// Four threads register channels, count and give them back, while another takes
// snapshots: every identity holds in each of them, and no counter falls.

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/base/clock.h"
#include "poolscope/allocator/outbound/admission_policy.h"
#include "poolscope/allocator/outbound/channel_registry.h"
#include "poolscope/allocator/outbound/outbound_failure.h"
#include "poolscope/allocator/outbound/outbound_stats.h"
#include "poolscope/allocator/outbound/registered_channel.h"

namespace poolscope {
namespace {

constexpr int kThreads = 4;
constexpr int kChannelsEach = 300;  // with both groups: more than a slab
constexpr int kSnapshots = 1000;

// What one thread does, and the sums of what it has done.
class Load {
 public:
  Load(ChannelRegistry* registry, int thread)
      : registry_(registry), thread_(thread), random_(thread + 1) {
    for (int i = 0; i < kChannelsEach; ++i) channels_.push_back(Open());
  }

  void Step() {
    Channel& channel = channels_[random_() % channels_.size()];
    const uint64_t bytes = random_() % 4096;
    switch (random_() % 16) {
      case 0:  // reset by its peer
        Fail(channel, OutboundFailure::kTransport);
        channel = Open();
        break;
      case 1:
        Fail(channel, OutboundFailure::kCancelled);
        break;
      case 2:
        channel.handle.CountTransition(channel.writable = !channel.writable,
                                       Clock::Real()->NowNanos());
        break;
      case 3:
        channel.handle.CountRejected(AdmissionPolicy::kReject);
        channel.handle.SetAdmissionQueue(bytes, bytes);
        break;
      case 4:
      case 5:
      case 6:
      case 7:
      case 8:
        channel.handle.CountWritten(channel.pending);
        if (channel.pending > 0) channel.handle.CountCompleted();
        written += channel.pending;
        channel.pending = 0;
        break;
      default:
        if (channel.pending > 0) break;
        channel.handle.CountQueued(bytes + 1);
        channel.handle.CountWritten(1);
        queued += bytes + 1;
        ++written;
        channel.pending = bytes;
        if (bytes == 0) channel.handle.CountCompleted();
    }
  }

  void CloseAll() {
    for (Channel& channel : channels_) Fail(channel, OutboundFailure::kClosed);
    channels_.clear();
  }

  uint64_t queued = 0;
  uint64_t written = 0;
  std::array<uint64_t, kOutboundFailureCount> failed{};

 private:
  struct Channel {
    RegisteredChannel handle;
    uint64_t pending = 0;  // of one message
    bool writable = true;
  };

  Channel Open() {
    // The name tells the group, to see that names and figures belong together.
    const char* group = random_() % 2 == 0 ? "even" : "odd";
    absl::StatusOr<RegisteredChannel> handle = registry_->Register(
        {group, absl::StrCat(group, "-", thread_), std::string(40, 'p')});
    if (!handle.ok()) ADD_FAILURE() << handle.status();
    return {*std::move(handle)};
  }

  void Fail(Channel& channel, OutboundFailure failure) {
    if (channel.pending == 0) return;
    channel.handle.CountFailed(channel.pending, failure);
    failed[static_cast<int>(failure)] += channel.pending;
    channel.pending = 0;
  }

  ChannelRegistry* const registry_;
  const int thread_;
  std::minstd_rand random_;
  std::vector<Channel> channels_;
};

uint64_t FailedBytes(const OutboundGroupStats& group) {
  uint64_t sum = 0;
  for (const uint64_t bytes : group.failed_bytes) sum += bytes;
  return sum;
}

// `before` and `now` are of one group, in this order.
void CheckSnapshot(const OutboundGroupStats& before,
                   const OutboundGroupStats& now) {
  EXPECT_EQ(now.queued_bytes,
            now.written_bytes + now.pending_bytes + FailedBytes(now));
  // Below 2^63, or it was below zero.
  EXPECT_LT(now.pending_bytes, uint64_t{1} << 63);
  EXPECT_LT(now.pending_messages, uint64_t{1} << 31);
  EXPECT_LE(now.max_channel_pending_bytes, now.pending_bytes);
  EXPECT_LE(now.max_channel_pending_bytes, 4096u);
  EXPECT_LE(now.transitions_to_writable, now.transitions_to_unwritable);
  EXPECT_LE(now.writable_channels + now.unwritable_channels,
            uint64_t{kThreads * kChannelsEach});

  EXPECT_GE(now.queued_bytes, before.queued_bytes);
  EXPECT_GE(now.written_bytes, before.written_bytes);
  for (int i = 0; i < kOutboundFailureCount; ++i) {
    EXPECT_GE(now.failed_bytes[i], before.failed_bytes[i]);
  }
  EXPECT_GE(now.transitions_to_unwritable, before.transitions_to_unwritable);
  EXPECT_GE(now.transitions_to_writable, before.transitions_to_writable);
  EXPECT_GE(now.unwritable_seconds, before.unwritable_seconds);
  for (int i = 0; i < kAdmissionPolicyCount; ++i) {
    EXPECT_GE(now.rejected_messages[i], before.rejected_messages[i]);
  }
}

TEST(ChannelRegistryStressTest, IdentitiesHoldInEverySnapshot) {
  ChannelRegistry registry;
  std::atomic<bool> stop = false;
  std::vector<Load> loads;
  for (int i = 0; i < kThreads; ++i) loads.emplace_back(&registry, i);
  std::vector<std::thread> threads;
  for (Load& load : loads) {
    threads.emplace_back([&] {
      while (!stop) load.Step();
    });
  }

  std::map<std::string, OutboundGroupStats> before;
  for (int i = 0; i < kSnapshots && !testing::Test::HasFailure(); ++i) {
    for (OutboundGroupStats& group : registry.Stats().groups) {
      OutboundGroupStats& last = before[group.group];
      CheckSnapshot(last, group);
      last = std::move(group);
    }
    if (i % 8 != 0) continue;
    std::set<uint64_t> ids;
    uint64_t least = ~uint64_t{0};
    for (const ChannelStats& channel : registry.Top(i % 64)) {
      EXPECT_TRUE(ids.insert(channel.id).second) << channel.id;
      EXPECT_TRUE(absl::StartsWith(channel.name, channel.group));
      EXPECT_EQ(channel.peer.size(), 40u);
      EXPECT_LE(channel.pending_bytes, least);
      least = channel.pending_bytes;
      EXPECT_LE(channel.pending_bytes, 4096u);
    }
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();

  uint64_t queued = 0;
  uint64_t written = 0;
  std::array<uint64_t, kOutboundFailureCount> failed{};
  for (Load& load : loads) {
    load.CloseAll();
    queued += load.queued;
    written += load.written;
    for (int i = 0; i < kOutboundFailureCount; ++i) failed[i] += load.failed[i];
  }
  OutboundGroupStats sum;
  for (const OutboundGroupStats& group : registry.Stats().groups) {
    CheckSnapshot(before[group.group], group);
    EXPECT_EQ(group.pending_bytes, 0u);
    EXPECT_EQ(group.pending_messages, 0u);
    EXPECT_EQ(group.writable_channels + group.unwritable_channels, 0u);
    EXPECT_EQ(group.admission_queue_messages, 0u);
    sum.queued_bytes += group.queued_bytes;
    sum.written_bytes += group.written_bytes;
    for (int i = 0; i < kOutboundFailureCount; ++i) {
      sum.failed_bytes[i] += group.failed_bytes[i];
    }
  }
  EXPECT_GT(queued, 0u);
  EXPECT_EQ(sum.queued_bytes, queued);
  EXPECT_EQ(sum.written_bytes, written);
  EXPECT_EQ(sum.failed_bytes, failed);
}

// No slot is given twice, and no group made twice: all register at once, and
// each finds its own figures.
TEST(ChannelRegistryStressTest, ManyThreadsRegisterAtOnce) {
  ChannelRegistry registry;
  std::atomic<int> ready = 0;
  std::vector<std::vector<RegisteredChannel>> channels(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      ++ready;
      while (ready < kThreads) std::this_thread::yield();
      for (int i = 0; i < 2000; ++i) {
        absl::StatusOr<RegisteredChannel> channel =
            registry.Register({absl::StrCat("g", i % 70), "c", "p"});
        ASSERT_TRUE(channel.ok()) << channel.status();
        channel->CountQueued(1);
        channels[t].push_back(*std::move(channel));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<uint64_t> ids;
  for (std::vector<RegisteredChannel>& each : channels) {
    for (RegisteredChannel& channel : each) {
      EXPECT_TRUE(ids.insert(channel.id()).second);
      channel.CountWritten(1);
    }
  }
  const OutboundStats stats = registry.Stats();
  EXPECT_EQ(stats.groups.size(), 65u);
  uint64_t written = 0;
  for (const OutboundGroupStats& group : stats.groups) {
    written += group.written_bytes;
    EXPECT_EQ(group.pending_bytes, 0u) << group.group;
  }
  EXPECT_EQ(written, uint64_t{kThreads * 2000});
}

}  // namespace
}  // namespace poolscope
