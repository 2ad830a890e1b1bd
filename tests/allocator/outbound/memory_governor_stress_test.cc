// Threads whose members join, report and leave while others check.
#include <atomic>
#include <cstdint>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/base/clock.h"
#include "poolscope/allocator/outbound/memory_governor.h"

namespace poolscope {
namespace {

using Member = MemoryGovernor::Member;

constexpr int kWorkers = 8;
constexpr int kSteps = 20'000;  // of a worker, at least
constexpr int kChecks = 200;
constexpr uint64_t kLimitBytes = 10'000;

class MemoryGovernorStressTest : public testing::Test {
 protected:
  // One channel: its member, and what notify needs to outlive it.
  struct Channel {
    std::unique_ptr<Member> member;
    uint64_t held_bytes = 0;
    bool has_message = false;
    // Set before the member is given up, and after it is gone.
    std::atomic<bool> leaving{false};
    std::atomic<bool> gone{false};
  };

  void Join(Channel* channel) {
    channel->gone = false;
    channel->leaving = false;
    channel->member = governor_.Join([this, channel] {
      EXPECT_FALSE(channel->gone);
      ++notifies_;
      if (notifies_ % 16 == 0) governor_.Stats();
      // To meet one that is leaving.
      for (int i = 0; i < 20 && !channel->leaving; ++i) {
        std::this_thread::yield();
      }
      EXPECT_FALSE(channel->gone);
    });
  }
  void Leave(Channel* channel) {
    channel->leaving = true;
    channel->member.reset();
    channel->gone = true;
    used_.fetch_sub(channel->held_bytes);
    channel->held_bytes = 0;
    channel->has_message = false;
  }
  void Hold(Channel* channel, uint64_t bytes) {
    used_.fetch_add(bytes - channel->held_bytes);
    channel->held_bytes = bytes;
    channel->member->SetHeld(bytes);
  }

  void Work(int seed) {
    std::mt19937 random(seed);
    std::vector<Channel> channels(8);
    for (int i = 0; i < kSteps || !enough_; ++i) {
      Channel& channel = channels[random() % channels.size()];
      if (channel.member == nullptr) {
        Join(&channel);
        continue;
      }
      if (channel.member->TakeReject()) {
        EXPECT_TRUE(channel.has_message);
        ++rejections_;
        channel.member->SetNoMessage();
        channel.has_message = false;
        Hold(&channel, 0);
      }
      switch (random() % 8) {
        case 0:
          if (random() % 8 == 0) Leave(&channel);
          break;
        case 1:
        case 2:
          if (!channel.member->paused()) {
            Hold(&channel, channel.held_bytes + random() % 200);
          }
          break;
        case 3:
          Hold(&channel, channel.held_bytes / 2);
          break;
        case 4:
          channel.member->SetRemaining(random() % 1000);
          channel.has_message = true;
          break;
        case 5:
          if (channel.member->paused()) break;
          channel.member->SetNoMessage();
          channel.has_message = false;
          break;
      }
    }
    for (Channel& channel : channels) {
      if (channel.member != nullptr) Leave(&channel);
    }
  }

  SimulatedClock clock_;
  std::atomic<uint64_t> used_{0};
  std::atomic<bool> enough_{false};
  std::atomic<uint64_t> notifies_{0};
  std::atomic<uint64_t> rejections_{0};
  MemoryGovernor governor_{[this] {
                             MemoryGovernorOptions options;
                             options.clock = &clock_;
                             options.stall_timeout = absl::Milliseconds(1);
                             return options;
                           }(),
                           [this] {
                             return MemoryUse{used_, kLimitBytes};
                           }};
};

TEST_F(MemoryGovernorStressTest, MembersComeAndGoBesideChecks) {
  std::atomic<bool> done{false};
  std::atomic<int> checks{0};
  std::vector<std::thread> workers;
  for (int w = 0; w < kWorkers; ++w) {
    workers.emplace_back([this, w] { Work(w); });
  }
  // Two, of which one does nothing while the other is at it.
  std::vector<std::thread> checkers;
  for (int c = 0; c < 2; ++c) {
    checkers.emplace_back([&] {
      while (!done) {
        clock_.Advance(absl::Microseconds(100));
        governor_.Check();
        ++checks;
        const MemoryGovernorStats stats = governor_.Stats();
        // However the threads are scheduled.
        enough_ = checks >= kChecks && stats.resumes > 0;
        EXPECT_LE(stats.paused_members, stats.members);
        EXPECT_LE(stats.resumes, stats.pauses);
        std::this_thread::yield();
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  done = true;
  for (std::thread& checker : checkers) checker.join();

  const MemoryGovernorStats stats = governor_.Stats();
  EXPECT_EQ(used_, 0u);
  EXPECT_EQ(stats.members, 0u);
  EXPECT_EQ(stats.paused_members, 0u);
  EXPECT_GT(stats.pauses, 0u);
  EXPECT_GT(stats.resumes, 0u);
  EXPECT_GT(notifies_, 0u);
  EXPECT_LE(rejections_, stats.rejections);
}

}  // namespace
}  // namespace poolscope
