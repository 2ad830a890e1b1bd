// ChannelGroup: the channels of one group of a ChannelRegistry, and its sums.
//
//   slab 0 [slot|slot|...|slot] -> slab 1 [slot|slot|...]
//
// Slots lie in slabs of 1024, each linked behind the last when all slots are
// taken, and kept for good. Who walks them takes no lock. Beside each slot, in
// the same slab, is a ChannelRecord: who is in it.
//
// What is rare is counted here and not in the slots, by atomic addition, since
// the channels of a group have many threads: failed bytes by reason,
// transitions, rejections, and the unwritable time of intervals that have
// ended. The order against the slots, writers left and readers right:
//
//   slot: queued += n    |                      |  group: failed, unwritable
//   slot: written += n   |  counted downwards,  |  slot: failed
//   slot: failed += n    |  read upwards        |  slot: written
//   group: failed += n   v                      ^  slot: queued
//
// So what fails while the slots are walked is still pending in that snapshot.
//
// A channel registers and leaves under a mutex, held for a few dozen
// instructions, or for a mapping where a slab is added.
//
// Thread safety: thread-safe, but a slot has one writer, the thread of its
// channel. Ownership: owned by its registry; outlives its channels.
#ifndef POOLSCOPE_ALLOCATOR_OUTBOUND_CHANNEL_GROUP_H_
#define POOLSCOPE_ALLOCATOR_OUTBOUND_CHANNEL_GROUP_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "poolscope/allocator/base/clock.h"
#include "poolscope/allocator/base/mutex.h"
#include "poolscope/allocator/outbound/admission_policy.h"
#include "poolscope/allocator/outbound/channel_slot.h"
#include "poolscope/allocator/outbound/outbound_failure.h"
#include "poolscope/allocator/outbound/outbound_stats.h"
#include "poolscope/allocator/pool/memory_source.h"
#include "poolscope/allocator/pool/pool_range.h"

namespace poolscope {

// Who is in a slot. Everything but `slot` and `id` is guarded by the group's
// mutex.
struct ChannelRecord {
  explicit ChannelRecord(ChannelSlot* slot) : slot(slot) {}

  ChannelSlot* const slot;
  // 0: nobody. No two channels have the same, so who reads it, then the slot,
  // and finds it here still, knows whose figures these are. Released once the
  // slot is the channel's, acquired before the slot is read.
  std::atomic<uint64_t> id{0};
  std::string name;
  std::string peer;
  AdmissionPolicy policy = AdmissionPolicy::kQueue;
  ChannelRecord* next_free = nullptr;
};

class ChannelGroup {
 public:
  // A channel among those with most pending bytes, without its names.
  struct Candidate {
    uint64_t id = 0;
    const ChannelGroup* group = nullptr;
    const ChannelRecord* record = nullptr;
    ChannelValues values;
  };
  // The candidates so far, as a heap whose front is the least of them.
  using Candidates = std::vector<Candidate>;

  // Neither `clock` nor `source` is owned.
  ChannelGroup(std::string name, const Clock* clock, MemorySource* source);
  // Fatal while a channel is registered.
  ~ChannelGroup();
  ChannelGroup(const ChannelGroup&) = delete;
  ChannelGroup& operator=(const ChannelGroup&) = delete;

  const std::string& name() const { return name_; }

  // A slot for the channel `id`; null when there is no memory for a slab.
  ChannelRecord* Add(uint64_t id, std::string name, std::string peer,
                     AdmissionPolicy policy);
  // Fatal when bytes are pending.
  void Remove(ChannelRecord* record);

  // Called by the thread of the channel in `slot`.
  void CountFailed(ChannelSlot* slot, uint64_t bytes, OutboundFailure failure);
  void CountTransition(ChannelSlot* slot, bool writable, int64_t now);
  void CountRejected(AdmissionPolicy policy);

  // One pass over all slots.
  OutboundGroupStats Stats() const;
  // Of the slabs, and of what the names need besides.
  uint64_t memory_bytes() const;
  // The slabs.
  void AppendRanges(std::vector<PoolRange>* ranges) const;

  // One pass, after which `candidates` are the `count` worst of those they were
  // and of this group's.
  void AddCandidates(size_t count, Candidates& candidates) const;
  static void SortWorstFirst(Candidates& candidates);
  // The names of one, and its figures; false when it has left.
  bool Describe(const Candidate& candidate, ChannelStats* stats) const;

 private:
  struct Slab;

  template <typename Visit>
  void ForEachSlot(Visit visit) const;
  ChannelRecord* NewRecordLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void EndUnwritable(int64_t since, int64_t now);

  const std::string name_;
  const Clock* const clock_;
  MemorySource* const source_;

  // The slabs in order; released once a slab is made, acquired by who walks.
  std::atomic<Slab*> first_slab_{nullptr};

  mutable Mutex mutex_{LockRank::kChannels};
  Slab* last_slab_ ABSL_GUARDED_BY(mutex_) = nullptr;
  ChannelRecord* free_ ABSL_GUARDED_BY(mutex_) = nullptr;
  uint64_t channels_ ABSL_GUARDED_BY(mutex_) = 0;

  // Relaxed: sums of their own. Written under the mutex.
  std::atomic<uint64_t> slab_bytes_{0};
  std::atomic<uint64_t> name_bytes_{0};

  // Added to by any channel's thread; on a line that registering leaves alone.
  // The additions of failed bytes and of unwritable time release, and are
  // acquired: who finds one counted finds in the slot what preceded it. An
  // addition by another thread in between does not break that, since a chain of
  // read-modify-writes carries on the release it began with.
  alignas(64)
      std::array<std::atomic<uint64_t>, kOutboundFailureCount> failed_bytes_{};
  std::atomic<uint64_t> unwritable_nanos_{0};
  // Released and acquired: no more of the latter are seen than of the former.
  std::atomic<uint64_t> to_unwritable_{0};
  std::atomic<uint64_t> to_writable_{0};
  // Relaxed: sums of their own.
  std::array<std::atomic<uint64_t>, kAdmissionPolicyCount> rejected_{};

  // The most unwritable time that Stats() has told. Relaxed: one variable, of
  // which who comes later never sees an earlier value.
  alignas(64) mutable std::atomic<uint64_t> told_unwritable_nanos_{0};
};

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_OUTBOUND_CHANNEL_GROUP_H_
