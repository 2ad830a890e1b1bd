// Stacks made up by the test: an address is a number, and names come from a
// table.
#include "poolscope/metrics/heap_profile.h"

#include <map>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "poolscope/tests/metrics/live_allocations.h"

namespace poolscope {
namespace {

// Return addresses as a stack has them; a call is one byte before.
std::vector<void*> Stack(const std::vector<uint64_t>& addresses) {
  std::vector<void*> stack;
  for (const uint64_t address : addresses) {
    stack.push_back(reinterpret_cast<void*>(address));
  }
  return stack;
}

std::string NameOf(const void* return_address) {
  static const auto* const kNames = new std::map<uint64_t, std::string>{
      {100, "poolscope::PooledAllocator::Allocate()"},
      {110, "poolscope::pool_internal::PoolCore::AllocateSlow()"},
      {200, "Read()"},
      {210, "Write()"},
      {300, "main"},
      {310, "std::thread::_Invoker<>::operator()()"},
  };
  const auto it = kNames->find(reinterpret_cast<uint64_t>(return_address));
  return it == kNames->end() ? "" : it->second;
}

TEST(HeapProfileTest, SumsWeightsAndWeightedClassBytesByStack) {
  HeapProfileBuilder builder(NameOf);
  builder.Add("rpc", MakeLive({{1, 1.5, 1000, Stack({200, 300})},
                               {2, 2.5, 4000, Stack({200, 300})},
                               {3, 1, 100000, Stack({210, 300})}}));
  const HeapProfile profile = builder.Finish();
  ASSERT_EQ(profile.samples.size(), 2u);
  // The most bytes first.
  EXPECT_EQ(profile.samples[0].stack, (std::vector<uint64_t>{209, 299}));
  EXPECT_EQ(profile.samples[0].objects, 1);
  EXPECT_EQ(profile.samples[0].bytes, 100000);
  EXPECT_EQ(profile.samples[1].stack, (std::vector<uint64_t>{199, 299}));
  EXPECT_EQ(profile.samples[1].objects, 4);
  EXPECT_EQ(profile.samples[1].bytes, 1.5 * 1000 + 2.5 * 4000);
  EXPECT_EQ(profile.samples[1].allocator, "rpc");
  EXPECT_EQ(profile.functions,
            (std::map<uint64_t, std::string>{
                {199, "Read()"}, {209, "Write()"}, {299, "main"}}));
}

TEST(HeapProfileTest, KeepsAllocatorsApart) {
  HeapProfileBuilder builder(NameOf);
  builder.Add("a", MakeLive({{1, 1, 16, Stack({200})}}));
  builder.Add("b", MakeLive({{1, 1, 32, Stack({200})}}));
  const HeapProfile profile = builder.Finish();
  ASSERT_EQ(profile.samples.size(), 2u);
  EXPECT_EQ(profile.samples[0].allocator, "b");
  EXPECT_EQ(profile.samples[1].allocator, "a");
}

TEST(HeapProfileTest, BeginsWithTheFunctionThatAsked) {
  HeapProfileBuilder builder(NameOf);
  builder.Add("rpc", MakeLive({{1, 1, 16, Stack({110, 100, 200, 300})}}));
  // Another way into the allocator, the same call site.
  builder.Add("rpc", MakeLive({{1, 1, 16, Stack({100, 200, 300})}}));
  // Behind the call site such a frame is part of the story.
  builder.Add("rpc", MakeLive({{1, 1, 1, Stack({100, 210, 310, 300})}}));
  const HeapProfile profile = builder.Finish();
  ASSERT_EQ(profile.samples.size(), 2u);
  EXPECT_EQ(profile.samples[0].stack, (std::vector<uint64_t>{199, 299}));
  EXPECT_EQ(profile.samples[0].objects, 2);
  EXPECT_EQ(profile.samples[1].stack, (std::vector<uint64_t>{209, 309, 299}));
  EXPECT_EQ(profile.functions.count(99), 0u);
}

TEST(HeapProfileTest, KeepsWhatItCannotName) {
  HeapProfileBuilder builder(NameOf);
  builder.Add("rpc", MakeLive({{1, 1, 16, Stack({500, 100, 300})}}));
  const HeapProfile profile = builder.Finish();
  ASSERT_EQ(profile.samples.size(), 1u);
  EXPECT_EQ(profile.samples[0].stack, (std::vector<uint64_t>{499, 99, 299}));
  EXPECT_EQ(profile.functions.at(499), "");
}

TEST(HeapProfileTest, BlocksWithoutAStackAreInTheSum) {
  HeapProfileBuilder builder(NameOf);
  builder.Add("rpc", MakeLive({{1, 3, 64, {}}}));
  builder.Add(
      "rpc",
      MakeLive({{1, 1, 64, Stack({110, 100})}}));  // the allocator's alone
  const HeapProfile profile = builder.Finish();
  ASSERT_EQ(profile.samples.size(), 1u);
  EXPECT_EQ(profile.samples[0].stack,
            std::vector<uint64_t>{HeapProfileBuilder::kNoStack});
  EXPECT_EQ(profile.samples[0].objects, 4);
  EXPECT_EQ(profile.functions.at(HeapProfileBuilder::kNoStack),
            HeapProfileBuilder::kNoStackName);
}

TEST(HeapProfileTest, ThePeriodIsWhatABlockStandsFor) {
  HeapProfileBuilder builder(NameOf);
  EXPECT_EQ(builder.Finish().period_bytes, 0u);
  builder.Add("rpc", MakeLive({{1, 512, 1024, Stack({200})}}));
  builder.Add("rpc", MakeLive({{1, 1, 1 << 20, Stack({210})}}));
  builder.Add("cache", MakeLive({{1, 4, 64 << 10, Stack({200})}}));
  EXPECT_EQ(builder.Finish().period_bytes,
            ((512u << 10) + (1u << 20) + (256u << 10)) / 3);
  builder.Add("rpc", MakeLive({{1, 1, 16, Stack({200})}}));
  EXPECT_EQ(builder.Finish().period_bytes, 16u);
}

TEST(HeapProfileTest, FinishLeavesNothingBehind) {
  HeapProfileBuilder builder(NameOf);
  builder.Add("rpc", MakeLive({{1, 1, 64, Stack({200})}}));
  EXPECT_EQ(builder.Finish().samples.size(), 1u);
  const HeapProfile empty = builder.Finish();
  EXPECT_TRUE(empty.samples.empty());
  EXPECT_TRUE(empty.functions.empty());
}

}  // namespace
}  // namespace poolscope
