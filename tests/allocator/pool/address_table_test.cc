// Addresses here are numbers: the table never looks at the memory. They are
// ones at which the system maps nothing by itself, a range of its own for each
// test.
#include "poolscope/allocator/pool/address_table.h"

#include <cstddef>
#include <cstdint>

#include "gtest/gtest.h"
#include "poolscope/allocator/pool/segment.h"

namespace poolscope {
namespace pool_internal {
namespace {

constexpr uintptr_t kBase = uintptr_t{0x2000} << 32;
constexpr uintptr_t kEnd = uintptr_t{1} << 47;  // of user addresses

class AddressTableTest : public testing::Test {
 protected:
  AddressTableTest() { EXPECT_TRUE(AddressTable::Init()); }

  // Two segments, told apart by their address alone.
  Segment* one() { return reinterpret_cast<Segment*>(&marks_[0]); }
  Segment* two() { return reinterpret_cast<Segment*>(&marks_[1]); }

  char marks_[2] = {};
};

// First in this file: afterwards the table exists.
TEST(AddressTableInitTest, BeforeItNothingIsFound) {
  int on_stack = 0;
  EXPECT_EQ(AddressTable::FindAny(reinterpret_cast<uintptr_t>(&on_stack)),
            nullptr);
  EXPECT_TRUE(AddressTable::Init());
  EXPECT_TRUE(AddressTable::Init()) << "again does no harm";
}

TEST_F(AddressTableTest, UnknownAddressesFindNothing) {
  int on_stack = 0;
  EXPECT_EQ(AddressTable::FindAny(0), nullptr);
  EXPECT_EQ(AddressTable::FindAny(1), nullptr);
  EXPECT_EQ(AddressTable::FindAny(reinterpret_cast<uintptr_t>(&on_stack)),
            nullptr);
  EXPECT_EQ(AddressTable::FindAny(kEnd - 1), nullptr);
  EXPECT_EQ(AddressTable::FindAny(~uintptr_t{0}), nullptr);
}

TEST_F(AddressTableTest, FindsEveryByteOfASlotAndNoneBeside) {
  const uintptr_t base = kBase + kSegmentBytes;
  AddressTable::Enter(base, kSegmentBytes, one());
  EXPECT_EQ(AddressTable::Find(base - 1), nullptr);
  EXPECT_EQ(AddressTable::Find(base), one());
  EXPECT_EQ(AddressTable::Find(base + 1), one());
  EXPECT_EQ(AddressTable::Find(base + kSegmentBytes - 1), one());
  EXPECT_EQ(AddressTable::Find(base + kSegmentBytes), nullptr);
  AddressTable::Remove(base, kSegmentBytes);
  EXPECT_EQ(AddressTable::Find(base), nullptr);
}

TEST_F(AddressTableTest, AHugeBlockFillsEverySlotItTouches) {
  const uintptr_t base = kBase + 100 * kSegmentBytes;
  const size_t bytes = 3 * kSegmentBytes + 4096;
  AddressTable::Enter(base, bytes, one());
  AddressTable::Enter(base + 4 * kSegmentBytes, 4096, two());
  for (size_t slot = 0; slot < 4; ++slot) {
    EXPECT_EQ(AddressTable::Find(base + slot * kSegmentBytes), one());
  }
  EXPECT_EQ(AddressTable::Find(base + 4 * kSegmentBytes), two());
  EXPECT_EQ(AddressTable::Find(base + 5 * kSegmentBytes), nullptr);
  AddressTable::Remove(base, bytes);
  EXPECT_EQ(AddressTable::Find(base + 3 * kSegmentBytes), nullptr);
  EXPECT_EQ(AddressTable::Find(base + 4 * kSegmentBytes), two());
  AddressTable::Remove(base + 4 * kSegmentBytes, 4096);
}

TEST_F(AddressTableTest, FirstAndLastSlotsAreThere) {
  for (uintptr_t base : {uintptr_t{0}, kEnd - kSegmentBytes}) {
    AddressTable::Enter(base, kSegmentBytes, one());
    EXPECT_EQ(AddressTable::FindAny(base), one());
    EXPECT_EQ(AddressTable::FindAny(base + kSegmentBytes - 1), one());
    // The same bits with others above them are another address.
    EXPECT_EQ(AddressTable::FindAny(base + kEnd), nullptr);
    EXPECT_EQ(AddressTable::FindAny(base | uintptr_t{1} << 63), nullptr);
    AddressTable::Remove(base, kSegmentBytes);
    EXPECT_EQ(AddressTable::FindAny(base), nullptr);
  }
}

}  // namespace
}  // namespace pool_internal
}  // namespace poolscope
