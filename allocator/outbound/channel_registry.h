// ChannelRegistry: every channel of a service with what waits in it.
//
//   ChannelRegistry registry;
//   auto channel = registry.Register({"clients", "conn-7", "10.0.0.9:4711"});
//   OutboundBuffer out(OutboundOptions{}, *std::move(channel));
//   ...
//   OutboundStats stats = registry.Stats();             // a scrape
//   std::vector<ChannelStats> worst = registry.Top(20); // /debug/channels
//
// Each group has slots in slabs, one cache line a slot, and a slot has one
// writer, the thread of its channel. A scrape goes through the slabs from
// beginning to end and takes no lock that a writer holds:
//
//   group "clients"   slab 0 [slot|slot|...|slot]  1024 slots of 64 bytes
//                     slab 1 [slot|slot|...]       added when all are taken
//
// A slot's counters go on where the channel before left them, so that a group's
// sums never fall and a channel that closes needs no bookkeeping. What is rare
// (failures, transitions, rejections) is counted a group, by atomic addition.
//
// pending is derived: queued - written - failed, with failed read first, then
// written, then queued; so it is never negative and the sum always holds
// (channel_slot.h, channel_group.h). No counter is less than an earlier Stats()
// told.
//
// Limits: 64 groups; what is registered under a further name goes to the group
// "other". Slabs are kept for later channels: 64 bytes each and a record of 96,
// with further memory where a name does not fit it.
//
// Thread safety: thread-safe. A RegisteredChannel is thread-compatible; it may
// be registered on one thread and used on another.
// Ownership: the registry outlives its channels.
#ifndef POOLSCOPE_ALLOCATOR_OUTBOUND_CHANNEL_REGISTRY_H_
#define POOLSCOPE_ALLOCATOR_OUTBOUND_CHANNEL_REGISTRY_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "poolscope/allocator/base/clock.h"
#include "poolscope/allocator/outbound/admission_policy.h"
#include "poolscope/allocator/outbound/outbound_stats.h"
#include "poolscope/allocator/outbound/registered_channel.h"
#include "poolscope/allocator/pool/memory_source.h"
#include "poolscope/allocator/pool/pool_range.h"

namespace poolscope {

struct ChannelDescription {
  // The label `group`: 1 to 64 of [A-Za-z0-9_.:-]. At most 64 different ones.
  std::string group;
  std::string name;  // for people; need not be unique
  std::string peer;  // such as an address
  AdmissionPolicy policy = AdmissionPolicy::kQueue;
};

class ChannelRegistry {
 public:
  // Neither is owned. `source` is where slabs come from.
  explicit ChannelRegistry(const Clock* clock = Clock::Real(),
                           MemorySource* source = MemorySource::System());
  // Fatal while a channel is registered.
  ~ChannelRegistry();
  ChannelRegistry(const ChannelRegistry&) = delete;
  ChannelRegistry& operator=(const ChannelRegistry&) = delete;

  // InvalidArgumentError for a name that no group may have,
  // ResourceExhaustedError when there is no memory for another slab; the next
  // may succeed.
  absl::StatusOr<RegisteredChannel> Register(ChannelDescription description);

  // One pass over all slots, with no lock.
  OutboundStats Stats() const;

  // The `count` channels with most pending bytes, the most first. What is
  // closed or opened meanwhile may be missing.
  std::vector<ChannelStats> Top(size_t count) const;

  // What it has mapped for its records. Takes no lock.
  std::vector<PoolRange> Ranges() const;

 private:
  struct Parts;
  const std::unique_ptr<Parts> parts_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_OUTBOUND_CHANNEL_REGISTRY_H_
