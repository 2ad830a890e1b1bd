// OutboundStats, ChannelStats: what a ChannelRegistry shows; plain values.
#ifndef POOLSCOPE_ALLOCATOR_OUTBOUND_OUTBOUND_STATS_H_
#define POOLSCOPE_ALLOCATOR_OUTBOUND_OUTBOUND_STATS_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "poolscope/allocator/outbound/admission_policy.h"
#include "poolscope/allocator/outbound/outbound_failure.h"

namespace poolscope {

// Sums over the channels of one group, those that have closed included where a
// figure is a counter. queued = written + pending + failed, in every snapshot.
struct OutboundGroupStats {
  std::string group;

  // Payload bytes: partial writes are taken off, nothing is added an entry.
  uint64_t queued_bytes = 0;                                   // counter
  uint64_t written_bytes = 0;                                  // counter
  std::array<uint64_t, kOutboundFailureCount> failed_bytes{};  // counters
  uint64_t pending_bytes = 0;
  uint64_t pending_messages = 0;
  uint64_t max_channel_pending_bytes = 0;
  uint64_t held_bytes = 0;  // by sinks, above the kernel

  uint64_t writable_channels = 0;
  uint64_t unwritable_channels = 0;
  double oldest_message_age_seconds = 0;   // 0: none is pending
  uint64_t transitions_to_unwritable = 0;  // counter
  uint64_t transitions_to_writable = 0;    // counter
  double unwritable_seconds = 0;           // counter, over the channels

  std::array<uint64_t, kAdmissionPolicyCount> rejected_messages{};  // counters
  uint64_t admission_queue_messages = 0;
  uint64_t admission_queue_bytes = 0;
};

struct OutboundStats {
  std::vector<OutboundGroupStats> groups;  // in order of registration
  uint64_t memory_bytes = 0;               // of the registry itself
};

// One channel.
struct ChannelStats {
  uint64_t id = 0;  // unique in the registry
  std::string group;
  std::string name;
  std::string peer;
  AdmissionPolicy policy = AdmissionPolicy::kQueue;
  bool writable = true;
  uint64_t pending_bytes = 0;
  uint64_t pending_messages = 0;
  uint64_t held_bytes = 0;
  uint64_t admission_queue_messages = 0;
  double oldest_message_age_seconds = 0;
  double unwritable_for_seconds = 0;  // 0: writable
};

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_OUTBOUND_OUTBOUND_STATS_H_
