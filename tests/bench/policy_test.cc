#include "poolscope/bench/policy.h"

#include <cstring>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace poolscope::bench {
namespace {

constexpr PolicySpec kGlibc = {"glibc",  Role::kPeer, "libc.so.6", false,
                               "malloc", "free",      nullptr,     "remedy"};

TEST(LoadPolicyTest, LoadsAnObjectsOwnFunctions) {
  const absl::StatusOr<Policy> policy = LoadPolicy(kGlibc, "");
  ASSERT_TRUE(policy.ok()) << policy.status();
  EXPECT_EQ(policy->name, "glibc");
  void* block = policy->allocate(100);
  ASSERT_NE(block, nullptr);
  std::memset(block, 1, 100);
  policy->free(block);
}

TEST(LoadPolicyTest, RefusesAFunctionOfAnotherObject) {
  // libm needs libc, so a lookup in libm finds libc's malloc.
  PolicySpec spec = kGlibc;
  spec.object = "libm.so.6";
  const absl::Status status = LoadPolicy(spec, "").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("libc.so.6"));
}

TEST(LoadPolicyTest, NamesAMissingObjectAndTheRemedy) {
  PolicySpec spec = kGlibc;
  spec.object = "libnosuchmalloc.so.1";
  const absl::Status status = LoadPolicy(spec, "").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()),
              testing::AllOf(testing::HasSubstr("libnosuchmalloc.so.1"),
                             testing::EndsWith("remedy")));
}

TEST(LoadPolicyTest, NamesAMissingFunction) {
  PolicySpec spec = kGlibc;
  spec.sized_free = "no_such_function";
  const absl::Status status = LoadPolicy(spec, "").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()),
              testing::HasSubstr("no_such_function"));
}

TEST(LoadPolicyTest, NamesAMissingHook) {
  PolicySpec spec = kGlibc;
  spec.has_pool_hooks = true;
  EXPECT_THAT(std::string(LoadPolicy(spec, "").status().message()),
              testing::HasSubstr("poolscope_bench_idle"));
}

void* NeverAllocate(size_t) { return nullptr; }

TEST(TryOnceTest, NamesTheSizeThatWasRefused) {
  absl::StatusOr<Policy> policy = LoadPolicy(kGlibc, "");
  ASSERT_TRUE(policy.ok()) << policy.status();
  EXPECT_TRUE(TryOnce(*policy).ok());
  policy->allocate = NeverAllocate;
  EXPECT_THAT(std::string(TryOnce(*policy).message()),
              testing::HasSubstr("16 bytes"));
}

TEST(LoadPolicyTest, LooksBesideTheProgramForWhatIsBuiltHere) {
  PolicySpec spec = kGlibc;
  spec.built_here = true;
  spec.object = "libhere.so";
  EXPECT_THAT(std::string(LoadPolicy(spec, "/some/where").status().message()),
              testing::HasSubstr("/some/where/libhere.so"));
}

}  // namespace
}  // namespace poolscope::bench
