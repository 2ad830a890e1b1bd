// AdmissionPolicy: what becomes of a message that comes while its channel is
// unwritable.
#ifndef POOLSCOPE_ALLOCATOR_OUTBOUND_ADMISSION_POLICY_H_
#define POOLSCOPE_ALLOCATOR_OUTBOUND_ADMISSION_POLICY_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace poolscope {

enum class AdmissionPolicy : uint8_t {
  kQueue,   // waits, in a queue with a cap; what is beyond that is rejected
  kReject,  // is rejected at once
  kClose,   // is rejected, and the channel is to be closed
};
inline constexpr int kAdmissionPolicyCount = 3;

// "queue", "reject", "close": the label `policy`.
constexpr const char* AdmissionPolicyName(AdmissionPolicy policy) {
  switch (policy) {
    case AdmissionPolicy::kQueue:
      return "queue";
    case AdmissionPolicy::kReject:
      return "reject";
    case AdmissionPolicy::kClose:
      break;
  }
  return "close";
}

// InvalidArgumentError names the three.
absl::StatusOr<AdmissionPolicy> ParseAdmissionPolicy(absl::string_view name);

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_OUTBOUND_ADMISSION_POLICY_H_
