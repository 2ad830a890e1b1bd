#include "poolscope/allocator/outbound/channel_registry.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "poolscope/allocator/base/mutex.h"
#include "poolscope/allocator/outbound/channel_group.h"

namespace poolscope {
namespace {

constexpr size_t kMaxGroups = 64;
constexpr size_t kMaxGroupNameBytes = 64;
constexpr char kOtherGroup[] = "other";

bool IsNameCharacter(char c) {
  return absl::ascii_isalnum(c) || c == '_' || c == '.' || c == ':' || c == '-';
}

absl::Status CheckGroupName(absl::string_view name) {
  if (!name.empty() && name.size() <= kMaxGroupNameBytes &&
      std::all_of(name.begin(), name.end(), IsNameCharacter)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrFormat("group is \"%s\": give 1 to %d of [A-Za-z0-9_.:-]",
                      absl::CHexEscape(name), kMaxGroupNameBytes));
}

}  // namespace

struct ChannelRegistry::Parts {
  Parts(const Clock* clock, MemorySource* source)
      : clock(clock), source(source) {}

  ChannelGroup* FindOrAdd(const std::string& name) {
    MutexLock lock(&mutex);
    auto found = by_name.find(name);
    if (found != by_name.end()) return found->second;
    const size_t count = group_count.load(std::memory_order_relaxed);
    const bool full = count >= kMaxGroups;
    // It may be there, as one of the first 64 or as the last of all.
    if (full) found = by_name.find(kOtherGroup);
    if (found != by_name.end()) return found->second;
    groups[count] = std::make_unique<ChannelGroup>(full ? kOtherGroup : name,
                                                   clock, source);
    ChannelGroup* const group = groups[count].get();
    by_name[group->name()] = group;
    group_count.store(count + 1, std::memory_order_release);
    return group;
  }

  const Clock* const clock;
  MemorySource* const source;
  // Relaxed: each taken once, in whatever order.
  std::atomic<uint64_t> next_id{1};

  // Only added to, under the mutex; released once a group is made, acquired by
  // who goes through them.
  std::array<std::unique_ptr<ChannelGroup>, kMaxGroups + 1> groups;
  std::atomic<size_t> group_count{0};
  Mutex mutex{LockRank::kChannels};
  absl::flat_hash_map<std::string, ChannelGroup*> by_name
      ABSL_GUARDED_BY(mutex);
};

ChannelRegistry::ChannelRegistry(const Clock* clock, MemorySource* source)
    : parts_(std::make_unique<Parts>(clock, source)) {}

ChannelRegistry::~ChannelRegistry() = default;

absl::StatusOr<RegisteredChannel> ChannelRegistry::Register(
    ChannelDescription description) {
  absl::Status valid = CheckGroupName(description.group);
  if (!valid.ok()) return valid;
  ChannelGroup* const group = parts_->FindOrAdd(description.group);
  const uint64_t id = parts_->next_id.fetch_add(1, std::memory_order_relaxed);
  ChannelRecord* const record =
      group->Add(id, std::move(description.name), std::move(description.peer),
                 description.policy);
  if (record == nullptr) {
    return absl::ResourceExhaustedError(
        absl::StrCat("no memory for the figures of another channel of group \"",
                     group->name(), "\"; it can go on without"));
  }
  return RegisteredChannel(group, record);
}

OutboundStats ChannelRegistry::Stats() const {
  OutboundStats stats;
  stats.memory_bytes = sizeof(Parts);
  const size_t count = parts_->group_count.load(std::memory_order_acquire);
  stats.groups.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    stats.groups.push_back(parts_->groups[i]->Stats());
    stats.memory_bytes += parts_->groups[i]->memory_bytes();
  }
  return stats;
}

std::vector<PoolRange> ChannelRegistry::Ranges() const {
  std::vector<PoolRange> ranges;
  const size_t count = parts_->group_count.load(std::memory_order_acquire);
  for (size_t i = 0; i < count; ++i) parts_->groups[i]->AppendRanges(&ranges);
  return ranges;
}

std::vector<ChannelStats> ChannelRegistry::Top(size_t count) const {
  ChannelGroup::Candidates candidates;
  const size_t groups = parts_->group_count.load(std::memory_order_acquire);
  for (size_t i = 0; i < groups; ++i) {
    parts_->groups[i]->AddCandidates(count, candidates);
  }
  ChannelGroup::SortWorstFirst(candidates);
  std::vector<ChannelStats> worst;
  worst.reserve(candidates.size());
  for (const ChannelGroup::Candidate& candidate : candidates) {
    ChannelStats stats;
    if (candidate.group->Describe(candidate, &stats)) {
      worst.push_back(std::move(stats));
    }
  }
  return worst;
}

}  // namespace poolscope
