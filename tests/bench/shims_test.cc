// The objects that are poolscope in the bench: each is what its column says.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "poolscope/bench/policy.h"
#include "poolscope/bench/pool_hooks.h"

namespace poolscope::bench {
namespace {

Policy Load(const std::string& name) {
  const std::string directory =
      absl::StrCat(getenv("TEST_SRCDIR"), "/poolscope/bench");
  for (const PolicySpec& spec : AllPolicies()) {
    if (spec.name != name) continue;
    absl::StatusOr<Policy> policy = LoadPolicy(spec, directory);
    EXPECT_TRUE(policy.ok()) << policy.status();
    if (policy.ok()) return *std::move(policy);
  }
  ADD_FAILURE() << "no policy " << name;
  return Policy();
}

// What `policy` counts while it serves 2000 blocks of 4500 bytes, one in two
// freed by another thread. A page run of that class has 5120 bytes, a power of
// two 8192.
constexpr uint64_t kBlocks = 2000;
constexpr size_t kBytes = 4500;

PoolFigures CountsOf(const Policy& policy) {
  PoolFigures before = {};
  policy.pool.figures(&before);
  std::vector<void*> blocks;
  for (uint64_t i = 0; i < kBlocks; ++i) {
    blocks.push_back(policy.allocate(kBytes));
    EXPECT_NE(blocks.back(), nullptr);
  }
  std::thread([&] {
    for (size_t i = 0; i < kBlocks; i += 2) policy.free(blocks[i]);
  }).join();
  for (size_t i = 1; i < kBlocks; i += 2) policy.free(blocks[i]);
  PoolFigures after = {};
  policy.pool.figures(&after);
  after.allocations -= before.allocations;
  after.deallocations -= before.deallocations;
  after.requested_bytes -= before.requested_bytes;
  after.allocated_bytes -= before.allocated_bytes;
  return after;
}

struct CountingCase {
  const char* policy;
  size_t class_bytes;  // that a block of kBytes has
};

class CountingShimsTest : public testing::TestWithParam<CountingCase> {};
INSTANTIATE_TEST_SUITE_P(Policies, CountingShimsTest,
                         testing::Values(CountingCase{"poolscope", 5120},
                                         CountingCase{"buddy", 8192}),
                         [](const testing::TestParamInfo<CountingCase>& info) {
                           return std::string(info.param.policy);
                         });

TEST_P(CountingShimsTest, BlocksHaveTheLayoutsClassAndAllAreCounted) {
  const PoolFigures counts = CountsOf(Load(GetParam().policy));
  EXPECT_EQ(counts.allocations, kBlocks);
  EXPECT_EQ(counts.deallocations, kBlocks);
  EXPECT_EQ(counts.requested_bytes, kBlocks * kBytes);
  EXPECT_EQ(counts.allocated_bytes, kBlocks * GetParam().class_bytes);
}

TEST(ShimsTest, NoStatsServesTheSameAndCountsNothingButItsMagazines) {
  const PoolFigures counts = CountsOf(Load("no_stats"));
  EXPECT_EQ(counts.requested_bytes, 0);
  // Allocations from magazines, which are their index; not one of the misses
  // that filled them.
  EXPECT_LT(counts.allocations, kBlocks);
  // Frees by the owner alone.
  EXPECT_LE(counts.deallocations, kBlocks / 2);
}

}  // namespace
}  // namespace poolscope::bench
