#include "poolscope/allocator/pool/slab.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <set>
#include <vector>

#include "gtest/gtest.h"
#include "poolscope/allocator/pool/address_table.h"
#include "poolscope/allocator/pool/segment.h"
#include "poolscope/allocator/pool/size_classes.h"
#include "poolscope/tests/allocator/pool/fake_memory_source.h"

namespace poolscope {
namespace pool_internal {
namespace {

// The elements are never touched: any address will do.
constexpr uintptr_t kBase = uintptr_t{0x3000} << 32;

class SlabTest : public testing::Test {
 protected:
  void Init(size_t element_bytes, uint32_t elements) {
    slab_->base = reinterpret_cast<char*>(kBase);
    slab_->size_class = kRunClasses.ClassFor(element_bytes);
    slab_->block_bytes = element_bytes;
    InitSlab(slab_.get(), elements);
  }
  std::vector<uintptr_t> Take(int want) {
    std::vector<uintptr_t> out(want);
    out.resize(TakeElements(slab_.get(), want, out.data()));
    return out;
  }

  std::unique_ptr<RunInfo> slab_ = std::make_unique<RunInfo>();
};

TEST_F(SlabTest, StartsWithEveryElementFree) {
  for (uint32_t elements : {2u, 63u, 64u, 65u, 511u, 512u}) {
    Init(16, elements);
    EXPECT_EQ(FreeCount(slab_.get()), elements);
    EXPECT_EQ(Take(513).size(), elements);
    EXPECT_EQ(FreeCount(slab_.get()), 0u);
    EXPECT_TRUE(Take(1).empty());
  }
}

TEST_F(SlabTest, LowestAddressesComeFirst) {
  Init(80, 512);
  uintptr_t expected = kBase;
  for (int want : {1, 5, 100, 406}) {
    for (uintptr_t element : Take(want)) {
      ASSERT_EQ(element, expected);
      expected += 80;
    }
  }
  EXPECT_EQ(FreeCount(slab_.get()), 0u);
}

TEST_F(SlabTest, APutElementIsTheNextTaken) {
  Init(48, 512);
  Take(512);
  EXPECT_EQ(PutElement(slab_.get(), kBase + 300 * 48), 0u);
  EXPECT_EQ(PutElement(slab_.get(), kBase + 299 * 48), 1u);
  EXPECT_EQ(PutElement(slab_.get(), kBase + 511 * 48), 2u);
  EXPECT_EQ(FreeCount(slab_.get()), 3u);
  EXPECT_EQ(Take(8), (std::vector<uintptr_t>{kBase + 299 * 48, kBase + 300 * 48,
                                             kBase + 511 * 48}));
}

TEST_F(SlabTest, AgreesWithASetOverARandomTrace) {
  std::mt19937 random(3);
  for (size_t bytes : {16, 112, 3584, 7168}) {
    const ClassLayout layout(8192, 4 << 20);
    const uint32_t elements = layout.run_elements(kRunClasses.ClassFor(bytes));
    Init(bytes, elements);
    std::set<uintptr_t> free;
    for (uint32_t i = 0; i < elements; ++i) free.insert(kBase + i * bytes);
    std::vector<uintptr_t> taken;
    for (int step = 0; step < 3000; ++step) {
      if (random() % 3 == 0) {
        const int want = 1 + random() % 40;
        for (uintptr_t element : Take(want)) {
          ASSERT_EQ(element, *free.begin());
          free.erase(free.begin());
          taken.push_back(element);
        }
      } else if (!taken.empty()) {
        const size_t victim = random() % taken.size();
        ASSERT_EQ(PutElement(slab_.get(), taken[victim]), free.size());
        free.insert(taken[victim]);
        taken[victim] = taken.back();
        taken.pop_back();
      }
      ASSERT_EQ(FreeCount(slab_.get()), free.size());
    }
  }
}

TEST(RunListTest, LinksAtTheHeadAndUnlinksAnywhere) {
  RunInfo runs[3] = {};
  RunInfo* head = nullptr;
  for (RunInfo& run : runs) LinkRun(&head, &run);
  EXPECT_EQ(head, &runs[2]);
  UnlinkRun(&head, &runs[1]);  // the middle
  EXPECT_EQ(head, &runs[2]);
  EXPECT_EQ(head->next, &runs[0]);
  EXPECT_EQ(runs[0].prev, &runs[2]);
  EXPECT_EQ(runs[1].next, nullptr);
  UnlinkRun(&head, &runs[2]);  // the head
  EXPECT_EQ(head, &runs[0]);
  EXPECT_EQ(runs[0].prev, nullptr);
  UnlinkRun(&head, &runs[0]);  // the last
  EXPECT_EQ(head, nullptr);
}

TEST(RunOfTest, FindsTheRunFromAnyOfItsGranules) {
  FakeMemorySource source;
  const uintptr_t base = kBase + (uintptr_t{1} << 34);
  // Zeroed and mostly untouched, as the allocator keeps them.
  auto* segment = static_cast<Segment*>(
      source.Map((sizeof(Segment) + 4095) & -4096, alignof(Segment),
                 MemorySource::Use::kMetadata));
  ASSERT_NE(segment, nullptr);
  ASSERT_TRUE(AddressTable::Init());
  AddressTable::Enter(base, kSegmentBytes, segment);
  const uintptr_t head = base + 10 * kGranuleBytes;
  for (int i = 0; i < 10; ++i) {
    const uintptr_t at = head + i * kGranuleBytes;
    segment->SetWordAt(at, PageWord::Make(2, false, BinOffset(4), i));
    EXPECT_EQ(RunOf(at + 80, segment->WordAt(at + 80)), segment->RunAt(head));
  }
  AddressTable::Remove(base, kSegmentBytes);
  source.Unmap(segment, (sizeof(Segment) + 4095) & -4096);
}

}  // namespace
}  // namespace pool_internal
}  // namespace poolscope
