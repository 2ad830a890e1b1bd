#include "poolscope/allocator/outbound/admission_policy.h"

#include <string>

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace poolscope {
namespace {

TEST(AdmissionPolicyTest, NamesAreParsedBack) {
  for (const char* name : {"queue", "reject", "close"}) {
    const auto parsed = ParseAdmissionPolicy(name);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_STREQ(AdmissionPolicyName(*parsed), name);
  }
}

TEST(AdmissionPolicyTest, AnythingElseIsRefusedByName) {
  for (const char* bad : {"", "Queue", "queue ", "drop"}) {
    const auto parsed = ParseAdmissionPolicy(bad);
    EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(parsed.status().message(), "admission policy is \"" +
                                             std::string(bad) +
                                             "\": give queue, reject or close");
  }
}

}  // namespace
}  // namespace poolscope
