#include "poolscope/allocator/outbound/admission_policy.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace poolscope {

absl::StatusOr<AdmissionPolicy> ParseAdmissionPolicy(absl::string_view name) {
  for (int i = 0; i < kAdmissionPolicyCount; ++i) {
    const auto policy = static_cast<AdmissionPolicy>(i);
    if (name == AdmissionPolicyName(policy)) return policy;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "admission policy is \"", name, "\": give queue, reject or close"));
}

}  // namespace poolscope
