// Which records the names are written with, so that the ring never holds many
// that have lost theirs.
#include "poolscope/exporter/blackbox/black_box_recorder.h"

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/exporter/blackbox/black_box_file.h"
#include "poolscope/exporter/blackbox/black_box_format.h"
#include "poolscope/exporter/blackbox/black_box_reader.h"
#include "poolscope/metrics/metric_registry.h"
#include "poolscope/metrics/native_memory/last_memory_walk.h"
#include "poolscope/tests/exporter/blackbox/test_file.h"

namespace poolscope {
namespace {

// An allocator of so many arenas, whose figures deflate makes little of.
class Noise {
 public:
  void set_arenas(size_t arenas) { arenas_ = arenas; }

  AllocatorStats Stats() {
    std::uniform_int_distribution<uint64_t> bytes(0, uint64_t{1} << 50);
    AllocatorStats stats;
    stats.name = "noise";
    stats.arenas.resize(arenas_);
    for (size_t i = 0; i < arenas_; ++i) {
      ArenaStats& arena = stats.arenas[i];
      arena.index = static_cast<int>(i);
      for (uint64_t* figure :
           {&arena.reserved_bytes, &arena.used_bytes, &arena.peak_used_bytes,
            &arena.pinned_bytes, &arena.cached_bytes, &arena.allocated_bytes,
            &arena.freed_bytes}) {
        *figure = bytes(random_);
      }
    }
    return stats;
  }

 private:
  size_t arenas_ = 1;
  std::mt19937_64 random_;
};

class BlackBoxRecorderTest : public testing::Test {
 protected:
  BlackBoxRecorderTest()
      : registry_(Options()),
        recorder_(*BlackBoxFile::Create(folder_.box(), BlackBoxFile::kMinBytes),
                  &registry_, [] { return LastMemoryWalk(); }) {
    EXPECT_TRUE(
        registry_.AddAllocator("noise", [this](bool) { return noise_.Stats(); })
            .ok());
  }

  static MetricRegistryOptions Options() {
    MetricRegistryOptions options;
    options.process_metrics = false;
    return options;
  }

  void Record() { ASSERT_TRUE(recorder_.Record(/*last=*/false).ok()); }

  BlackBox Read() const { return ReadBlackBox(folder_.box()).value(); }

  // How many records of the box have the same names, one after another, as they
  // lie in memory once for all.
  static size_t Names(const BlackBox& box) {
    size_t names = 0;
    const std::string* before = nullptr;
    for (const BlackBoxRecord& record : box.records) {
      if (record.names.get() != before) ++names;
      before = record.names.get();
    }
    return names;
  }

  const TestFolder folder_;
  Noise noise_;
  MetricRegistry registry_;
  BlackBoxRecorder recorder_;
};

TEST_F(BlackBoxRecorderTest, NamesAreWrittenAgainAfterAMinuteOfRecords) {
  constexpr uint64_t kMost = BlackBoxRecorder::kRecordsPerNames;
  for (uint64_t i = 0; i < kMost; ++i) Record();
  EXPECT_EQ(Names(Read()), 1u);
  Record();
  EXPECT_EQ(Names(Read()), 2u);
}

TEST_F(BlackBoxRecorderTest, NamesAreWrittenAgainOnceTheyChange) {
  Record();
  Record();
  noise_.set_arenas(2);
  Record();
  Record();
  const BlackBox box = Read();
  EXPECT_EQ(box.records.size(), 4u);
  EXPECT_EQ(Names(box), 2u);
  EXPECT_NE(*box.records[1].names, *box.records[2].names);
}

// What failed may have spoilt the record that has the names.
TEST_F(BlackBoxRecorderTest, NamesAreWrittenAgainAfterARecordThatFailed) {
  Record();
  EXPECT_TRUE(recorder_.LatestRun()->success);
  ASSERT_EQ(truncate(folder_.box().c_str(), kBlackBoxBlockBytes), 0);
  EXPECT_FALSE(recorder_.Record(/*last=*/false).ok());
  EXPECT_FALSE(recorder_.LatestRun()->success);
  ASSERT_EQ(truncate(folder_.box().c_str(), BlackBoxFile::kMinBytes), 0);
  Record();
  EXPECT_EQ(Read().records.size(), 1u);
}

// Records of so many bytes that the names are overwritten long before a minute
// of records is over.
TEST_F(BlackBoxRecorderTest, NamesAreWrittenAgainBeforeTheRingOverwritesThem) {
  noise_.set_arenas(500);
  for (int i = 0; i < 120; ++i) {
    Record();
    const BlackBox box = Read();
    ASSERT_FALSE(box.records.empty());
    EXPECT_EQ(box.records.back().sequence, static_cast<uint64_t>(i + 1));
    EXPECT_EQ(box.missing, 0u);
    // Half a ring may have lost its names, and a quarter is for the largest
    // record and the ring's end.
    if (i < 40) continue;
    EXPECT_GE(box.records.size(), 6u) << i;
  }
}

}  // namespace
}  // namespace poolscope
