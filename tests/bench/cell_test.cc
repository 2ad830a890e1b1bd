#include "poolscope/bench/cell.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "poolscope/bench/mixed_sizes.h"
#include "poolscope/bench/policy.h"
#include "poolscope/bench/workload.h"

namespace poolscope::bench {
namespace {

// What a workload did, seen from the functions that it called. A policy is
// plain functions, so the record is the process's.
struct Record {
  std::mutex mutex;
  std::vector<void*> allocated;
  std::vector<size_t> sizes;
  std::vector<void*> freed;
  std::set<void*> live;
  std::set<std::thread::id> freeing_threads;
  bool wrong_free = false;
};

Record& TheRecord() {
  static Record& record = *new Record;
  return record;
}

void* RecordingAllocate(size_t size) {
  void* block = std::malloc(size);
  Record& record = TheRecord();
  const std::lock_guard<std::mutex> lock(record.mutex);
  record.allocated.push_back(block);
  record.sizes.push_back(size);
  record.live.insert(block);
  return block;
}

void RecordingFree(void* block) {
  Record& record = TheRecord();
  const std::lock_guard<std::mutex> lock(record.mutex);
  record.freed.push_back(block);
  record.freeing_threads.insert(std::this_thread::get_id());
  if (record.live.erase(block) == 0) {
    record.wrong_free = true;
  } else {
    std::free(block);
  }
}

void RecordingSizedFree(void* block, size_t) { RecordingFree(block); }

class CellTest : public testing::Test {
 protected:
  void SetUp() override { Clear(); }

  static void Clear() {
    Record& record = TheRecord();
    const std::lock_guard<std::mutex> lock(record.mutex);
    record.allocated.clear();
    record.sizes.clear();
    record.freed.clear();
    record.freeing_threads.clear();
    record.wrong_free = false;
  }

  static const Cell& Find(const std::string& name) {
    return *std::find_if(AllCells().begin(), AllCells().end(),
                         [&](const Cell& cell) { return cell.name == name; });
  }

  const Policy peer_{"recording", Role::kPeer, RecordingAllocate, RecordingFree,
                     RecordingSizedFree};
};

TEST_F(CellTest, EveryCellRunsExactlyThePairsAskedFor) {
  for (const Cell& cell : AllCells()) {
    if (!cell.Takes(peer_)) continue;
    for (const uint64_t pairs : {1, 63, 64, 65, 1000}) {
      SCOPED_TRACE(cell.name + " " + std::to_string(pairs));
      std::unique_ptr<Workload> workload = cell.make(peer_);
      Clear();
      workload->Run(pairs);
      {
        const std::lock_guard<std::mutex> lock(TheRecord().mutex);
        EXPECT_EQ(TheRecord().allocated.size(), pairs);
        EXPECT_EQ(TheRecord().freed.size(), pairs);
      }
      workload.reset();
      EXPECT_TRUE(TheRecord().live.empty());
      EXPECT_FALSE(TheRecord().wrong_free);
    }
  }
}

TEST_F(CellTest, NamesAreUniqueAndGroupsContiguous) {
  std::set<std::string> names;
  std::vector<std::string> groups;
  for (const Cell& cell : AllCells()) {
    EXPECT_TRUE(names.insert(cell.name).second) << cell.name;
    if (groups.empty() || groups.back() != cell.group) {
      groups.push_back(cell.group);
    }
  }
  EXPECT_EQ(std::set<std::string>(groups.begin(), groups.end()).size(),
            groups.size());
}

TEST_F(CellTest, HotPairAsksForItsSize) {
  Find("hot/14336").make(peer_)->Run(3);
  EXPECT_THAT(TheRecord().sizes, testing::ElementsAre(14336, 14336, 14336));
}

TEST_F(CellTest, LifoFreesTheLastBlockFirst) {
  Find("batch/256_lifo").make(peer_)->Run(64);
  std::vector<void*> reversed(TheRecord().allocated.rbegin(),
                              TheRecord().allocated.rend());
  EXPECT_EQ(TheRecord().freed, reversed);
}

TEST_F(CellTest, FifoFreesTheFirstBlockFirst) {
  Find("batch/256_fifo").make(peer_)->Run(64);
  EXPECT_EQ(TheRecord().freed, TheRecord().allocated);
}

TEST_F(CellTest, MixedCellsTakeTheTableInTurn) {
  Find("batch/mixed_lifo").make(peer_)->Run(200);
  const SizeTable& table = MixedSizes();
  EXPECT_EQ(TheRecord().sizes, SizeTable(table.begin(), table.begin() + 200));
}

TEST_F(CellTest, ReplacementKeepsAThousandBlocks) {
  const std::unique_ptr<Workload> workload =
      Find("random/mixed_1000").make(peer_);
  EXPECT_EQ(TheRecord().live.size(), 1000u);
  workload->Run(5000);
  EXPECT_EQ(TheRecord().live.size(), 1000u);
}

TEST_F(CellTest, HandoverFreesOnOneOtherThread) {
  Find("handover/256").make(peer_)->Run(1000);
  EXPECT_EQ(TheRecord().freeing_threads.size(), 1u);
  EXPECT_EQ(TheRecord().freeing_threads.count(std::this_thread::get_id()), 0u);
}

TEST_F(CellTest, SizedCellsAreForPoliciesWithASizedFree) {
  Policy without = peer_;
  without.sized_free = nullptr;
  EXPECT_FALSE(Find("hot_sized/256").Takes(without));
  EXPECT_TRUE(Find("hot/256").Takes(without));
}

TEST_F(CellTest, OnlyTheFloorRunsTheBareRingAndItHandsNoBlockOver) {
  Policy floor = peer_;
  floor.role = Role::kFloor;
  EXPECT_FALSE(Find("handover/bare_ring").Takes(peer_));
  EXPECT_FALSE(Find("handover/256").Takes(floor));
  ASSERT_TRUE(Find("handover/bare_ring").Takes(floor));
  Find("handover/bare_ring").make(floor)->Run(1000);
  EXPECT_TRUE(TheRecord().allocated.empty());
}

TEST(MixedSizesTest, AreLogUniformFrom64BytesTo32KiB) {
  SizeTable sizes = MixedSizes();
  EXPECT_EQ(sizes.size() & (sizes.size() - 1), 0u);
  std::sort(sizes.begin(), sizes.end());
  EXPECT_GE(sizes.front(), 64u);
  EXPECT_LT(sizes.back(), 32768u);
  // Every ninth of the draws falls into one of the nine octaves.
  for (int octave = 0; octave < 9; ++octave) {
    const auto first =
        std::lower_bound(sizes.begin(), sizes.end(), size_t{64} << octave);
    const auto last =
        std::lower_bound(sizes.begin(), sizes.end(), size_t{128} << octave);
    EXPECT_NEAR(last - first, sizes.size() / 9.0, sizes.size() / 90.0)
        << octave;
  }
}

}  // namespace
}  // namespace poolscope::bench
