#include "poolscope/metrics/headroom.h"

#include <optional>
#include <vector>

#include "gtest/gtest.h"

namespace poolscope {
namespace {

AllocatorStats Pool(uint64_t used, uint64_t limit) {
  AllocatorStats stats;
  stats.direct_used_bytes = used;
  stats.direct_limit_bytes = limit;
  return stats;
}

CgroupMemory Cgroup(std::optional<uint64_t> limit, uint64_t usage) {
  CgroupLevel level;
  level.limit_bytes = limit;
  level.usage_bytes = usage;
  level.inactive_file_bytes = 10;
  return {{level}, {}};
}

TEST(HeadroomTest, IsTheLeastOfAllLimits) {
  const std::vector<AllocatorStats> pools = {Pool(100, 400), Pool(700, 900)};
  EXPECT_EQ(HeadroomBytes(pools, std::nullopt), 200u);
  EXPECT_EQ(HeadroomBytes(pools, Cgroup(1000, 811)), 199u);
  EXPECT_EQ(HeadroomBytes(pools, Cgroup(1000, 809)), 200u);
  EXPECT_EQ(HeadroomBytes(pools, Cgroup(std::nullopt, 5000)), 200u);
  EXPECT_EQ(HeadroomBytes({}, Cgroup(1000, 500)), 510u);
}

TEST(HeadroomTest, IsNeverNegative) {
  EXPECT_EQ(DirectHeadroomBytes(Pool(399, 400)), 1u);
  EXPECT_EQ(DirectHeadroomBytes(Pool(400, 400)), 0u);
  EXPECT_EQ(DirectHeadroomBytes(Pool(401, 400)), 0u);
}

TEST(HeadroomTest, WithoutALimitThereIsNone) {
  EXPECT_EQ(HeadroomBytes({}, std::nullopt), std::nullopt);
  EXPECT_EQ(HeadroomBytes({}, Cgroup(std::nullopt, 5000)), std::nullopt);
}

}  // namespace
}  // namespace poolscope
