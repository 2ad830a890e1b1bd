// Channels that assemble messages out of a memory that is too small for them
// all, under a governor: whatever they do, each message ends.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/base/clock.h"
#include "poolscope/allocator/outbound/memory_governor.h"

namespace poolscope {
namespace {

constexpr uint64_t kLimitBytes = 100'000;
constexpr absl::Duration kCheckInterval = absl::Milliseconds(100);
constexpr int kChecksOfATimeout = 50;  // five seconds

// How a world treats its messages.
struct World {
  std::string name;
  // Where no memory is left: whether a channel gives its message up, as one
  // does whose allocation is refused, or waits for memory.
  bool gives_up;
  // Whether some peers fall silent amid a message, for good.
  bool silent_peers;
  // Whether small messages keep coming, which hold next to nothing.
  bool small_traffic;
};

class Channel {
 public:
  Channel(MemoryGovernor* governor, std::vector<uint64_t> sizes, uint64_t step,
          uint64_t silent_after)
      : member_(governor->Join(nullptr)),
        sizes_(sizes.begin(), sizes.end()),
        step_bytes_(step),
        silent_after_bytes_(silent_after) {}

  bool done() const { return sizes_.empty() && backlog_bytes_ == 0; }
  bool silent() const { return received_bytes_ >= silent_after_bytes_; }
  bool assembling() const { return assembled_bytes_ > 0; }
  bool paused() const { return member_->paused(); }
  uint64_t completed() const { return completed_; }
  uint64_t failed() const { return failed_; }
  uint64_t held_bytes() const { return assembled_bytes_ + backlog_bytes_; }
  void Append(uint64_t size) { sizes_.push_back(size); }

  // One step of its event loop. *used: what all channels hold.
  void Run(bool gives_up, uint64_t* used) {
    if (member_->TakeReject()) End(false, used);
    // What is assembled is written on to a slow store.
    const uint64_t written = std::min(backlog_bytes_, step_bytes_);
    backlog_bytes_ -= written;
    *used -= written;
    if (!sizes_.empty() && !member_->paused() && !silent())
      Read(gives_up, used);
    member_->SetHeld(held_bytes());
  }

 private:
  void Read(bool gives_up, uint64_t* used) {
    const uint64_t bytes =
        std::min(step_bytes_, sizes_.front() - assembled_bytes_);
    if (*used + bytes > kLimitBytes) {
      if (gives_up) End(false, used);
      return;
    }
    *used += bytes;
    received_bytes_ += bytes;
    assembled_bytes_ += bytes;
    member_->SetRemaining(sizes_.front() - assembled_bytes_);
    if (assembled_bytes_ == sizes_.front()) End(true, used);
  }
  void End(bool complete, uint64_t* used) {
    if (complete) {
      backlog_bytes_ += assembled_bytes_;
      ++completed_;
    } else {
      *used -= assembled_bytes_;
      ++failed_;
    }
    assembled_bytes_ = 0;
    sizes_.pop_front();
    member_->SetNoMessage();
  }

  std::unique_ptr<MemoryGovernor::Member> member_;
  std::deque<uint64_t> sizes_;  // of what is still to come, the present first
  const uint64_t step_bytes_;
  const uint64_t silent_after_bytes_;
  uint64_t received_bytes_ = 0;
  uint64_t assembled_bytes_ = 0;
  uint64_t backlog_bytes_ = 0;
  uint64_t completed_ = 0;
  uint64_t failed_ = 0;
};

class GovernorLivenessTest : public testing::TestWithParam<World> {
 protected:
  struct Outcome {
    int checks = 0;
    int messages = 0;
    uint64_t completed = 0;
    uint64_t pauses = 0;
    bool all_ended = false;
  };

  // Until every message of a peer that is not silent has ended, or too long.
  Outcome Simulate(uint64_t seed) {
    std::mt19937_64 random(seed);
    const auto between = [&](uint64_t low, uint64_t high) {
      return low + random() % (high - low + 1);
    };
    SimulatedClock clock;
    uint64_t used = 0;
    MemoryGovernorOptions options;
    options.clock = &clock;
    MemoryGovernor governor(options, [&] {
      return MemoryUse{used, kLimitBytes};
    });
    std::vector<Channel> channels;
    Outcome outcome;
    const int count = between(2, 30);
    for (int c = 0; c < count; ++c) {
      std::vector<uint64_t> sizes(between(1, 4));
      for (uint64_t& size : sizes) {
        size = between(0, 3) == 0 ? between(kLimitBytes / 4, kLimitBytes)
                                  : between(100, kLimitBytes / 10);
      }
      outcome.messages += sizes.size();
      const bool silent = GetParam().silent_peers && between(0, 4) == 0;
      channels.emplace_back(&governor, std::move(sizes), between(50, 5000),
                            silent ? between(1, kLimitBytes) : UINT64_MAX);
    }
    // Out of step, so that one at least is amid a message at each check.
    for (uint64_t c = 1; GetParam().small_traffic && c <= 4; ++c) {
      channels.emplace_back(&governor, std::vector<uint64_t>{100 * c}, 100,
                            UINT64_MAX);
    }

    // Each message: its own steps, and a turn of its own.
    const int bound = outcome.messages * (2 * kChecksOfATimeout + 2000);
    while (outcome.checks < bound) {
      for (size_t c = count; c < channels.size(); ++c) channels[c].Append(300);
      for (Channel& channel : channels) {
        channel.Run(GetParam().gives_up, &used);
      }
      clock.Advance(kCheckInterval);
      governor.Check();
      ++outcome.checks;
      EXPECT_LE(used, kLimitBytes);
      ExpectOneGoesOn(channels, used);
      outcome.all_ended =
          std::all_of(channels.begin(), channels.begin() + count,
                      [](const Channel& c) { return c.done() || c.silent(); });
      if (outcome.all_ended || HasFailure()) break;
    }
    for (int c = 0; c < count; ++c)
      outcome.completed += channels[c].completed();
    outcome.pauses = governor.Stats().pauses;
    return outcome;
  }

  // Not all of those that hold half a message are paused, unless the use is
  // below the lower mark and all go on shortly.
  void ExpectOneGoesOn(const std::vector<Channel>& channels, uint64_t used) {
    if (used < kLimitBytes * 7 / 10) return;
    bool any = false;
    for (const Channel& channel : channels) {
      if (!channel.assembling()) continue;
      if (!channel.paused()) return;
      any = true;
    }
    EXPECT_FALSE(any) << used << " bytes used, every message paused";
  }
};

TEST_P(GovernorLivenessTest, EveryMessageEnds) {
  uint64_t pauses = 0;
  uint64_t messages = 0;
  uint64_t completed = 0;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    const Outcome outcome = Simulate(seed);
    ASSERT_TRUE(outcome.all_ended) << "after " << outcome.checks << " checks";
    ASSERT_FALSE(HasFailure());
    pauses += outcome.pauses;
    messages += outcome.messages;
    completed += outcome.completed;
  }
  // It was tight.
  EXPECT_GT(pauses, 1000u);
  EXPECT_GT(completed, messages / 2);
}

INSTANTIATE_TEST_SUITE_P(
    Worlds, GovernorLivenessTest,
    testing::Values(World{"Waiting", false, false, false},
                    World{"GivingUp", true, false, false},
                    World{"SilentPeers", false, true, false},
                    World{"SilentPeersGivingUp", true, true, false},
                    World{"SmallTraffic", false, false, true},
                    World{"SmallTrafficSilentPeers", false, true, true},
                    World{"SmallTrafficGivingUp", true, true, true}),
    [](const testing::TestParamInfo<World>& info) { return info.param.name; });

}  // namespace
}  // namespace poolscope
