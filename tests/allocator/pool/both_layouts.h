// BothLayouts(): a test run over page runs and over the buddy tree.
//
//   class DecayTest : public testing::TestWithParam<ChunkLayout> {};
//   INSTANTIATE_TEST_SUITE_P(Layouts, DecayTest, BothLayouts(),
//   LayoutTestName);
//
// and, for a test that has cases of its own (a struct with a `name`):
//
//   class TraceTest : public TestOverLayoutsAnd<TraceCase> {};
//   INSTANTIATE_TEST_SUITE_P(
//       Traces, TraceTest,
//       testing::Combine(BothLayouts(), testing::Values(...)),
//       TraceTest::Name);
#ifndef POOLSCOPE_TESTS_ALLOCATOR_POOL_BOTH_LAYOUTS_H_
#define POOLSCOPE_TESTS_ALLOCATOR_POOL_BOTH_LAYOUTS_H_

#include <string>
#include <tuple>

#include "gtest/gtest.h"
#include "poolscope/allocator/pool/pool_options.h"

namespace poolscope {

inline auto BothLayouts() {
  return testing::Values(ChunkLayout::kRuns, ChunkLayout::kBuddy);
}

inline std::string LayoutTestName(
    const testing::TestParamInfo<ChunkLayout>& info) {
  return ChunkLayoutName(info.param);
}

template <typename Case>
class TestOverLayoutsAnd
    : public testing::TestWithParam<std::tuple<ChunkLayout, Case>> {
 public:
  static std::string Name(
      const testing::TestParamInfo<std::tuple<ChunkLayout, Case>>& info) {
    return std::string(ChunkLayoutName(std::get<0>(info.param))) + "_" +
           std::get<1>(info.param).name;
  }

 protected:
  static ChunkLayout layout() {
    return std::get<0>(TestOverLayoutsAnd::GetParam());
  }
  static const Case& param() {
    return std::get<1>(TestOverLayoutsAnd::GetParam());
  }
};

// Thread caches on or off, as a case.
struct CachesCase {
  const char* name;
  bool caches;
};
inline auto CachesOnAndOff() {
  return testing::Values(CachesCase{"caches", true},
                         CachesCase{"no_caches", false});
}

}  // namespace poolscope

#endif  // POOLSCOPE_TESTS_ALLOCATOR_POOL_BOTH_LAYOUTS_H_
