// OutboundFailure: why bytes that were queued were never written.
#ifndef POOLSCOPE_ALLOCATOR_OUTBOUND_OUTBOUND_FAILURE_H_
#define POOLSCOPE_ALLOCATOR_OUTBOUND_OUTBOUND_FAILURE_H_

#include <cstdint>

namespace poolscope {

enum class OutboundFailure : uint8_t {
  kCancelled,  // by its sender, before a flush
  kTransport,  // the sink failed: reset, broken pipe
  kClosed,     // the channel was closed with it in the queue
};
inline constexpr int kOutboundFailureCount = 3;

// "cancelled", "transport", "closed": the label `reason`.
constexpr const char* OutboundFailureName(OutboundFailure failure) {
  switch (failure) {
    case OutboundFailure::kCancelled:
      return "cancelled";
    case OutboundFailure::kTransport:
      return "transport";
    case OutboundFailure::kClosed:
      break;
  }
  return "closed";
}

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_OUTBOUND_OUTBOUND_FAILURE_H_
