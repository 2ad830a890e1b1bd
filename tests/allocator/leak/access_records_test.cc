#include "poolscope/allocator/leak/access_records.h"

#include <cstdint>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace poolscope {
namespace {

constexpr int kTarget = 4;
// Draws that put a record on top, and in the place of the newest.
constexpr uint64_t kStack = 0;
constexpr uint64_t kReplace = ~uint64_t{0};

AccessRecord Hinted(int i) {
  AccessRecord record;
  record.hint = std::to_string(i);
  return record;
}

std::vector<std::string> Hints(const AccessRecords& records) {
  std::vector<std::string> hints;
  for (const AccessRecord& record : records.oldest_first()) {
    hints.push_back(record.hint);
  }
  return hints;
}

using Strings = std::vector<std::string>;

// The creation is one of four, and at the fourth record k is 0: 1 - 2^-0 = 0.
TEST(AccessRecordsTest, FourAccessesAreKeptWhateverIsDrawn) {
  AccessRecords records;
  for (int i = 1; i <= 4; ++i) records.Add(Hinted(i), kTarget, kReplace);
  EXPECT_EQ(Hints(records), (Strings{"1", "2", "3", "4"}));
  EXPECT_EQ(records.dropped(), 0u);
  records.Add(Hinted(5), kTarget, kReplace);
  EXPECT_EQ(Hints(records), (Strings{"1", "2", "3", "5"}));
  EXPECT_EQ(records.dropped(), 1u);
}

TEST(AccessRecordsTest, TheLastAccessAlwaysSurvives) {
  AccessRecords records;
  for (int i = 1; i <= 1000; ++i) {
    records.Add(Hinted(i), kTarget, i % 3 == 0 ? kStack : kReplace);
    EXPECT_EQ(records.oldest_first().back().hint, std::to_string(i));
    EXPECT_EQ(records.oldest_first().size() + records.dropped(),
              static_cast<size_t>(i));
  }
}

// With n records, the creation among them, k = min(n - 4, 30) bits are drawn,
// and a record is put on top when all are zero.
TEST(AccessRecordsTest, EachRecordHalvesTheChanceOfTheNext) {
  for (int n = 5; n <= 40; ++n) {
    const int k = n - kTarget < 30 ? n - kTarget : 30;
    const auto size_after = [&](uint64_t random) {
      AccessRecords records;
      for (int i = 1; i < n; ++i) records.Add(Hinted(i), kTarget, kStack);
      records.Add(Hinted(n), kTarget, random);
      return static_cast<int>(records.oldest_first().size());
    };
    EXPECT_EQ(size_after(uint64_t{1} << k), n) << "above the bits drawn";
    for (int bit = 0; bit < k; ++bit) {
      EXPECT_EQ(size_after(uint64_t{1} << bit), n - 1) << n << " " << bit;
    }
  }
}

TEST(AccessRecordsTest, ATargetOfOneKeepsTheLastAccess) {
  AccessRecords records;
  for (int i = 1; i <= 10; ++i) records.Add(Hinted(i), 1, kReplace);
  EXPECT_EQ(Hints(records), (Strings{"10"}));
}

TEST(AccessRecordsTest, InPlaceTheyGrowByNoMoreThanTheRoom) {
  AccessRecords records;
  records.AddInPlace(Hinted(1), 0);
  EXPECT_TRUE(records.oldest_first().empty());
  EXPECT_EQ(records.dropped(), 1u);
  records.Add(Hinted(2), kTarget, kStack);
  records.AddInPlace(Hinted(3), 0);
  EXPECT_EQ(Hints(records), Strings{"3"});
  EXPECT_EQ(records.dropped(), 2u);

  AccessRecord larger = Hinted(4);
  larger.stack.resize(10);
  const size_t growth = larger.bytes() - records.bytes();
  records.AddInPlace(larger, growth - 1);
  EXPECT_EQ(Hints(records), Strings{"3"});
  records.AddInPlace(larger, growth);
  EXPECT_EQ(Hints(records), Strings{"4"});
  records.AddInPlace(Hinted(5), 0);
  EXPECT_EQ(Hints(records), Strings{"5"}) << "a smaller one";
  EXPECT_EQ(records.dropped(), 5u);
}

TEST(AccessRecordsTest, CountsItsBytes) {
  AccessRecords records;
  EXPECT_EQ(records.bytes(), 0u);
  for (int i = 0; i < 10; ++i) {
    AccessRecord record = Hinted(i);
    record.hint.assign(i * 20, 'x');
    record.stack.resize(i);
    records.Add(std::move(record), kTarget, i % 2 == 0 ? kStack : kReplace);
    size_t bytes = 0;
    for (const AccessRecord& r : records.oldest_first()) bytes += r.bytes();
    EXPECT_EQ(records.bytes(), bytes);
  }
}

}  // namespace
}  // namespace poolscope
