#include "poolscope/allocator/outbound/channel_group.h"

#include <algorithm>
#include <cstddef>
#include <new>
#include <utility>

#include "poolscope/allocator/base/fatal.h"

namespace poolscope {
namespace {

constexpr uint32_t kSlabSlots = 1024;
constexpr size_t kPageBytes = 4096;

uint64_t Sum(const std::array<uint64_t, kOutboundFailureCount>& values) {
  uint64_t sum = 0;
  for (const uint64_t value : values) sum += value;
  return sum;
}

// What a string has of malloc; short ones lie in the record.
uint64_t HeapBytes(const std::string& text) {
  static const size_t in_place = std::string().capacity();
  return text.capacity() > in_place ? text.capacity() + 1 : 0;
}

double Seconds(int64_t nanos) {
  return static_cast<double>(std::max<int64_t>(nanos, 0)) * 1e-9;
}

bool IsUnwritable(int64_t state) {
  return state != ChannelSlot::kFree && state != ChannelSlot::kWritable;
}

// Whether `a` stands before `b` among the worst. Ids differ, so it is a total
// order.
bool Worse(const ChannelGroup::Candidate& a, const ChannelGroup::Candidate& b) {
  if (a.values.pending_bytes != b.values.pending_bytes) {
    return a.values.pending_bytes > b.values.pending_bytes;
  }
  return a.id < b.id;
}

}  // namespace

// Memory of a mapping; a slot and its record are made when first needed, so
// that a group of few channels touches few pages.
struct ChannelGroup::Slab {
  ChannelSlot* slot(uint32_t i) {
    return std::launder(reinterpret_cast<ChannelSlot*>(slots) + i);
  }
  ChannelRecord* record(uint32_t i) {
    return std::launder(reinterpret_cast<ChannelRecord*>(records) + i);
  }

  // As ChannelGroup::first_slab_.
  std::atomic<Slab*> next{nullptr};
  // How many are made. Released once the last is, acquired by who walks.
  std::atomic<uint32_t> made{0};
  alignas(ChannelSlot) unsigned char slots[kSlabSlots * sizeof(ChannelSlot)];
  alignas(
      ChannelRecord) unsigned char records[kSlabSlots * sizeof(ChannelRecord)];

  static constexpr size_t MappedBytes() {
    return (sizeof(Slab) + kPageBytes - 1) / kPageBytes * kPageBytes;
  }
};

ChannelGroup::ChannelGroup(std::string name, const Clock* clock,
                           MemorySource* source)
    : name_(std::move(name)), clock_(clock), source_(source) {}

ChannelGroup::~ChannelGroup() {
  MutexLock lock(&mutex_);
  if (channels_ != 0) {
    Fatal("channel registry: destroyed with %llu channels in group \"%s\"",
          static_cast<unsigned long long>(channels_), name_.c_str());
  }
  Slab* slab = first_slab_.load(std::memory_order_relaxed);
  while (slab != nullptr) {
    Slab* const next = slab->next.load(std::memory_order_relaxed);
    const uint32_t made = slab->made.load(std::memory_order_relaxed);
    for (uint32_t i = 0; i < made; ++i) slab->record(i)->~ChannelRecord();
    source_->Unmap(slab, Slab::MappedBytes());
    slab = next;
  }
}

template <typename Visit>
void ChannelGroup::ForEachSlot(Visit visit) const {
  Slab* slab = first_slab_.load(std::memory_order_acquire);
  for (; slab != nullptr; slab = slab->next.load(std::memory_order_acquire)) {
    const uint32_t made = slab->made.load(std::memory_order_acquire);
    for (uint32_t i = 0; i < made; ++i) visit(*slab, i);
  }
}

void ChannelGroup::AppendRanges(std::vector<PoolRange>* ranges) const {
  Slab* slab = first_slab_.load(std::memory_order_acquire);
  for (; slab != nullptr; slab = slab->next.load(std::memory_order_acquire)) {
    ranges->push_back(pool_internal::MetadataRange(slab, Slab::MappedBytes()));
  }
}

ChannelRecord* ChannelGroup::NewRecordLocked() {
  Slab* slab = last_slab_;
  if (slab == nullptr ||
      slab->made.load(std::memory_order_relaxed) == kSlabSlots) {
    void* const mapping = source_->Map(Slab::MappedBytes(), kPageBytes,
                                       MemorySource::Use::kMetadata);
    if (mapping == nullptr) return nullptr;
    slab = new (mapping) Slab;
    slab_bytes_.fetch_add(Slab::MappedBytes(), std::memory_order_relaxed);
    std::atomic<Slab*>& link =
        last_slab_ == nullptr ? first_slab_ : last_slab_->next;
    link.store(slab, std::memory_order_release);
    last_slab_ = slab;
  }
  const uint32_t i = slab->made.load(std::memory_order_relaxed);
  auto* const slot = new (slab->slots + i * sizeof(ChannelSlot)) ChannelSlot;
  auto* const record =
      new (slab->records + i * sizeof(ChannelRecord)) ChannelRecord(slot);
  slab->made.store(i + 1, std::memory_order_release);
  return record;
}

ChannelRecord* ChannelGroup::Add(uint64_t id, std::string name,
                                 std::string peer, AdmissionPolicy policy) {
  MutexLock lock(&mutex_);
  ChannelRecord* record = free_;
  if (record != nullptr) {
    free_ = record->next_free;
  } else {
    record = NewRecordLocked();
    if (record == nullptr) return nullptr;
  }
  ++channels_;
  name_bytes_.fetch_add(HeapBytes(name) + HeapBytes(peer),
                        std::memory_order_relaxed);
  record->name = std::move(name);
  record->peer = std::move(peer);
  record->policy = policy;
  record->slot->state.store(ChannelSlot::kWritable, std::memory_order_release);
  record->id.store(id, std::memory_order_release);
  return record;
}

void ChannelGroup::Remove(ChannelRecord* record) {
  ChannelSlot& slot = *record->slot;
  const uint64_t pending_bytes = slot.Read().pending_bytes;
  if (pending_bytes != 0) {
    Fatal(
        "channel registry: a channel of group \"%s\" left with %llu bytes "
        "pending",
        name_.c_str(), static_cast<unsigned long long>(pending_bytes));
  }
  slot.pending_messages.store(0, std::memory_order_relaxed);
  slot.admission_messages.store(0, std::memory_order_relaxed);
  slot.admission_bytes.store(0, std::memory_order_relaxed);
  slot.held_bytes.store(0, std::memory_order_relaxed);
  slot.oldest_nanos.store(0, std::memory_order_relaxed);
  const int64_t state = slot.state.load(std::memory_order_relaxed);
  slot.state.store(ChannelSlot::kFree, std::memory_order_release);
  if (IsUnwritable(state)) EndUnwritable(state, clock_->NowNanos());

  // Freed after the lock.
  std::string name;
  std::string peer;
  MutexLock lock(&mutex_);
  name.swap(record->name);
  peer.swap(record->peer);
  name_bytes_.fetch_sub(HeapBytes(name) + HeapBytes(peer),
                        std::memory_order_relaxed);
  // Relaxed: who looks for a channel by its id does so under the mutex.
  record->id.store(0, std::memory_order_relaxed);
  record->next_free = free_;
  free_ = record;
  --channels_;
}

void ChannelGroup::CountFailed(ChannelSlot* slot, uint64_t bytes,
                               OutboundFailure failure) {
  slot->failed_bytes.Add(bytes);
  // Afterwards: of the slots' failed bytes Stats() sees no fewer than of these,
  // so that no channel has more pending than its group.
  failed_bytes_[static_cast<int>(failure)].fetch_add(bytes,
                                                     std::memory_order_release);
}

void ChannelGroup::CountTransition(ChannelSlot* slot, bool writable,
                                   int64_t now) {
  const int64_t state = slot->state.load(std::memory_order_relaxed);
  if (writable == !IsUnwritable(state)) return;
  if (writable) {
    slot->state.store(ChannelSlot::kWritable, std::memory_order_release);
    EndUnwritable(state, now);
    to_writable_.fetch_add(1, std::memory_order_release);
  } else {
    to_unwritable_.fetch_add(1, std::memory_order_release);
    slot->state.store(std::max(now, ChannelSlot::kWritable + 1),
                      std::memory_order_release);
  }
}

// The interval has gone from its slot before: a reader takes this total first,
// and so may miss an interval that ends meanwhile, but never counts it twice.
void ChannelGroup::EndUnwritable(int64_t since, int64_t now) {
  unwritable_nanos_.fetch_add(std::max<int64_t>(now - since, 0),
                              std::memory_order_release);
}

void ChannelGroup::CountRejected(AdmissionPolicy policy) {
  rejected_[static_cast<int>(policy)].fetch_add(1, std::memory_order_relaxed);
}

OutboundGroupStats ChannelGroup::Stats() const {
  OutboundGroupStats stats;
  stats.group = name_;
  const int64_t now = clock_->NowNanos();
  // All of these before the slots: see the table in the header.
  for (int i = 0; i < kOutboundFailureCount; ++i) {
    stats.failed_bytes[i] = failed_bytes_[i].load(std::memory_order_acquire);
  }
  uint64_t unwritable_nanos = unwritable_nanos_.load(std::memory_order_acquire);
  stats.transitions_to_writable = to_writable_.load(std::memory_order_acquire);
  stats.transitions_to_unwritable =
      to_unwritable_.load(std::memory_order_acquire);
  for (int i = 0; i < kAdmissionPolicyCount; ++i) {
    stats.rejected_messages[i] = rejected_[i].load(std::memory_order_relaxed);
  }

  int64_t oldest_nanos = 0;
  ForEachSlot([&](Slab& slab, uint32_t i) {
    const ChannelValues values = slab.slot(i)->Read();
    stats.queued_bytes += values.queued_bytes;
    stats.written_bytes += values.written_bytes;
    if (values.state == ChannelSlot::kFree) return;
    stats.pending_messages += values.pending_messages;
    stats.max_channel_pending_bytes =
        std::max(stats.max_channel_pending_bytes, values.pending_bytes);
    stats.held_bytes += values.held_bytes;
    stats.admission_queue_messages += values.admission_messages;
    stats.admission_queue_bytes += values.admission_bytes;
    if (values.oldest_nanos != 0 &&
        (oldest_nanos == 0 || values.oldest_nanos < oldest_nanos)) {
      oldest_nanos = values.oldest_nanos;
    }
    if (IsUnwritable(values.state)) {
      ++stats.unwritable_channels;
      unwritable_nanos += std::max<int64_t>(now - values.state, 0);
    } else {
      ++stats.writable_channels;
    }
  });
  stats.pending_bytes =
      stats.queued_bytes - stats.written_bytes - Sum(stats.failed_bytes);
  if (oldest_nanos != 0) {
    stats.oldest_message_age_seconds = Seconds(now - oldest_nanos);
  }

  // A missed interval is there the next time, and until then the figure stands
  // still; so it does where one ended by an earlier reading of the clock than
  // `now` of the last time.
  uint64_t told = told_unwritable_nanos_.load(std::memory_order_relaxed);
  while (told < unwritable_nanos &&
         !told_unwritable_nanos_.compare_exchange_weak(
             told, unwritable_nanos, std::memory_order_relaxed)) {
  }
  stats.unwritable_seconds = Seconds(std::max(told, unwritable_nanos));
  return stats;
}

uint64_t ChannelGroup::memory_bytes() const {
  return sizeof(*this) + slab_bytes_.load(std::memory_order_relaxed) +
         name_bytes_.load(std::memory_order_relaxed);
}

void ChannelGroup::AddCandidates(size_t count, Candidates& candidates) const {
  if (count == 0) return;
  ForEachSlot([&](Slab& slab, uint32_t i) {
    const ChannelSlot& slot = *slab.slot(i);
    // A look at the slot alone, for most are not among the worst.
    const ChannelValues glance = slot.Read();
    if (glance.state == ChannelSlot::kFree) return;
    if (candidates.size() == count &&
        glance.pending_bytes < candidates.front().values.pending_bytes) {
      return;
    }
    Candidate candidate;
    candidate.group = this;
    candidate.record = slab.record(i);
    candidate.id = candidate.record->id.load(std::memory_order_acquire);
    if (candidate.id == 0) return;
    // Once more: these are not older than the id.
    candidate.values = slot.Read();
    if (candidates.size() == count) {
      if (!Worse(candidate, candidates.front())) return;
      std::pop_heap(candidates.begin(), candidates.end(), Worse);
      candidates.pop_back();
    }
    candidates.push_back(candidate);
    std::push_heap(candidates.begin(), candidates.end(), Worse);
  });
}

void ChannelGroup::SortWorstFirst(Candidates& candidates) {
  std::sort_heap(candidates.begin(), candidates.end(), Worse);
}

bool ChannelGroup::Describe(const Candidate& candidate,
                            ChannelStats* stats) const {
  const ChannelRecord& record = *candidate.record;
  {
    MutexLock lock(&mutex_);
    // Relaxed: it is written under the mutex.
    if (record.id.load(std::memory_order_relaxed) != candidate.id) return false;
    stats->name = record.name;
    stats->peer = record.peer;
    stats->policy = record.policy;
  }
  const ChannelValues& values = candidate.values;
  const int64_t now = clock_->NowNanos();
  stats->id = candidate.id;
  stats->group = name_;
  stats->writable = !IsUnwritable(values.state);
  stats->pending_bytes = values.pending_bytes;
  stats->pending_messages = values.pending_messages;
  stats->held_bytes = values.held_bytes;
  stats->admission_queue_messages = values.admission_messages;
  if (values.oldest_nanos != 0) {
    stats->oldest_message_age_seconds = Seconds(now - values.oldest_nanos);
  }
  if (!stats->writable) {
    stats->unwritable_for_seconds = Seconds(now - values.state);
  }
  return true;
}

}  // namespace poolscope
