#include "poolscope/metrics/call_site.h"

#include <vector>

#include "absl/debugging/symbolize.h"
#include "absl/strings/match.h"
#include "absl/types/span.h"
#include "gtest/gtest.h"

namespace poolscope {

// Where the call of this function returns to.
__attribute__((noinline)) void* ReturnAddress() {
  return __builtin_return_address(0);
}

// Functions with linkage, so that the symbolizer knows no other name of theirs.
__attribute__((noinline)) void* CallFromUser() {
  void* const address = ReturnAddress();
  asm volatile("");  // so that the call is no jump
  return address;
}

[[noreturn]] __attribute__((noinline)) void NoteAndThrow(void** address) {
  *address = __builtin_return_address(0);
  throw 1;
}

// The call is the last instruction: it returns to the first byte behind.
[[noreturn]] __attribute__((noinline)) void CallAtTheEnd(void** address) {
  NoteAndThrow(address);
}

namespace pool_internal {
__attribute__((noinline)) void* CallFromPool() {
  void* const address = ReturnAddress();
  asm volatile("");
  return address;
}
}  // namespace pool_internal

namespace {

class CallSiteTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { absl::InitializeSymbolizer("/proc/self/exe"); }
};

TEST_F(CallSiteTest, NamesTheFunctionThatCalled) {
  EXPECT_EQ(FunctionAt(CallFromUser()), "poolscope::CallFromUser()");
  EXPECT_TRUE(absl::StrContains(FunctionAt(ReturnAddress()), "TestBody"));
}

TEST_F(CallSiteTest, NamesTheCallerWhereTheCallIsItsEnd) {
  void* address = nullptr;
  try {
    CallAtTheEnd(&address);
  } catch (int) {
  }
  EXPECT_EQ(FunctionAt(address), "poolscope::CallAtTheEnd()");
}

TEST_F(CallSiteTest, AnAddressInNoFunctionHasNoName) {
  EXPECT_EQ(FunctionAt(nullptr), "");
  int local = 0;
  EXPECT_EQ(FunctionAt(&local), "");
}

TEST_F(CallSiteTest, IsTheFirstFunctionThatIsNotTheAllocators) {
  void* const pool = pool_internal::CallFromPool();
  void* const user = CallFromUser();
  void* const test = ReturnAddress();
  EXPECT_EQ(FunctionAt(pool), "poolscope::pool_internal::CallFromPool()");
  EXPECT_EQ(CallSite({pool, pool, user, pool, test}),
            "poolscope::CallFromUser()");
  EXPECT_EQ(CallSite({user, test}), "poolscope::CallFromUser()");
  EXPECT_EQ(CallSite({pool, pool}), "");
  EXPECT_EQ(CallSite({}), "");
}

TEST_F(CallSiteTest, KnowsTheAllocatorsFunctionsFromOthers) {
  for (const char* own :
       {"poolscope::PooledAllocator::Allocate()",
        "poolscope::pool_internal::PoolCore::AllocateSlow()",
        "poolscope::Buffer::Allocate()", "std::vector<>::reserve()",
        "std::pmr::memory_resource::allocate()", "operator new()"}) {
    EXPECT_TRUE(IsAllocatorFunction(own)) << own;
  }
  for (const char* other :
       {"", "main", "poolscope::demo::ForgetMessage()",
        "poolscope::BufferedReader::Read()", "my::std::vector()",
        "poolscope::PooledAllocatorTest::TestBody()"}) {
    EXPECT_FALSE(IsAllocatorFunction(other)) << other;
  }
}

}  // namespace
}  // namespace poolscope
