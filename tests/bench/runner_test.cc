#include "poolscope/bench/runner.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "poolscope/bench/cell.h"
#include "poolscope/bench/policy.h"
#include "poolscope/bench/workload.h"

namespace poolscope::bench {
namespace {

// Work whose cost is known to grow with the policy's number.
class Spin final : public Workload {
 public:
  explicit Spin(int steps) : steps_(steps) {}
  void Run(uint64_t pairs) override {
    for (uint64_t i = 0; i < pairs * steps_; ++i) {
      sink_.store(i, std::memory_order_relaxed);
    }
  }

 private:
  const uint64_t steps_;
  std::atomic<uint64_t> sink_{0};
};

class RunnerTest : public testing::Test {
 protected:
  // Policies "1", "20" and "300", in a cell that notes who was made.
  RunnerTest() {
    for (const char* name : {"1", "20", "300"}) {
      Policy policy;
      policy.name = name;
      policies_.push_back(policy);
    }
    cell_.group = "group";
    cell_.name = "cell";
    cell_.make = [this](const Policy& policy) {
      turns_.push_back(policy.name);
      return std::make_unique<Spin>(std::stoi(policy.name));
    };
  }

  std::vector<Policy> policies_;
  std::vector<std::string> turns_;
  Cell cell_;
  std::atomic<bool> stop_{false};
};

TEST_F(RunnerTest, ReportsEachPolicyInItsOrder) {
  Runner runner(policies_, {5, absl::Milliseconds(1)}, &stop_);
  const std::vector<Measurement> measured = runner.Measure(cell_, [](int) {});
  ASSERT_EQ(measured.size(), 3u);
  EXPECT_EQ(measured[0].cell, "cell");
  EXPECT_EQ(measured[0].policy, "1");
  EXPECT_EQ(measured[2].policy, "300");
  EXPECT_GT(measured[0].min_ns, 0);
  for (const Measurement& entry : measured) {
    EXPECT_LE(entry.min_ns, entry.median_ns);
    EXPECT_LE(entry.median_ns, entry.p90_ns);
  }
}

TEST_F(RunnerTest, PoliciesTakeTurnsAndTheOrderRotates) {
  Runner runner(policies_, {3, absl::Milliseconds(1)}, &stop_);
  size_t settled = 0;
  runner.Measure(cell_, [&](int round) {
    if (round == 1) settled = turns_.size();
  });
  EXPECT_THAT(std::vector<std::string>(turns_.begin() + settled, turns_.end()),
              testing::ElementsAre("20", "300", "1", "300", "1", "20", "1",
                                   "20", "300"));
}

TEST_F(RunnerTest, StopKeepsTheRoundsThereWere) {
  Runner runner(policies_, {100, absl::Milliseconds(1)}, &stop_);
  int rounds = 0;
  const std::vector<Measurement> measured =
      runner.Measure(cell_, [&](int round) {
        rounds = round;
        if (round == 3) stop_.store(true);
      });
  EXPECT_EQ(rounds, 3);
  EXPECT_EQ(measured.size(), 3u);
}

TEST(MedianTest, IsTheMiddleOrTheMeanOfTheTwoMiddles) {
  EXPECT_DOUBLE_EQ(Median({5}), 5);
  EXPECT_DOUBLE_EQ(Median({9, 1, 5}), 5);
  EXPECT_DOUBLE_EQ(Median({9, 1, 5, 6}), 5.5);
}

TEST(PercentileTest, IsTheNearestRank) {
  const std::vector<double> ten = {10, 9, 8, 7, 6, 5, 4, 3, 2, 1};
  EXPECT_DOUBLE_EQ(Percentile(ten, 0), 1);
  EXPECT_DOUBLE_EQ(Percentile(ten, 10), 1);
  EXPECT_DOUBLE_EQ(Percentile(ten, 11), 2);
  EXPECT_DOUBLE_EQ(Percentile(ten, 90), 9);
  EXPECT_DOUBLE_EQ(Percentile(ten, 100), 10);
  EXPECT_DOUBLE_EQ(Percentile({7}, 90), 7);
}

}  // namespace
}  // namespace poolscope::bench
