#include "poolscope/metrics/pool_details.h"

#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "gtest/gtest.h"
#include "poolscope/tests/metrics/sample_stats.h"

namespace poolscope {
namespace {

using Row = std::tuple<std::string, std::string, uint64_t>;

std::vector<Row> Rows(const std::vector<AllocatorStats>& snapshots,
                      const std::optional<OutboundStats>& outbound) {
  std::vector<Row> rows;
  for (const NativeMemoryDetail& row : PoolDetails(snapshots, outbound)) {
    rows.emplace_back(row.category, row.name, row.bytes);
  }
  return rows;
}

TEST(PoolDetailsTest, NamesThePartsOfAPool) {
  AllocatorStats stats;
  stats.name = "rpc";
  stats.chunk_size_bytes = 4096;
  stats.arenas.resize(3);
  for (int i = 0; i < 3; ++i) stats.arenas[i].index = i;
  stats.arenas[0].reserved_bytes = 8192;
  stats.arenas[2].reserved_bytes = 4096;
  stats.thread_cache_bytes = 100;
  stats.metadata_bytes = 300;
  std::vector<Row> expected = {{"Pool Arenas", "rpc: arena 0", 8192},
                               {"Pool Arenas", "rpc: arena 2", 4096},
                               {"Pool Arenas", "rpc: thread caches", 100},
                               {"Pool Metadata", "rpc: tables", 300}};
  EXPECT_EQ(Rows({stats}, std::nullopt), expected);
  stats.huge_used_bytes = 200;
  expected.insert(expected.end() - 1, {"Pool Huge", "rpc: huge blocks", 200});
  EXPECT_EQ(Rows({stats}, std::nullopt), expected);
}

TEST(PoolDetailsTest, AnUnpooledAllocatorHasNone) {
  AllocatorStats stats = SampleStats("heap");
  stats.chunk_size_bytes = 0;
  EXPECT_EQ(Rows({stats}, std::nullopt), std::vector<Row>());
}

TEST(PoolDetailsTest, NamesTheQueuesOfChannels) {
  EXPECT_EQ(
      Rows({}, SampleOutboundStats()),
      (std::vector<Row>{{"Pool Arenas", "clients: outbound queues", 99785},
                        {"Pool Arenas", "store: outbound queues", 0}}));
}

}  // namespace
}  // namespace poolscope
