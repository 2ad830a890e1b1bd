#include "poolscope/allocator/leak/leak_detector.h"

#include <algorithm>
#include <cstdio>
#include <limits>
#include <new>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "poolscope/allocator/leak/creation_hint.h"

namespace poolscope {
namespace {

// A block is a suspect at so many times the age that 99 of 100 end below.
constexpr int64_t kSuspectFactor = 10;
constexpr size_t kMaxHintBytes = 128;

absl::Status CheckOptions(const LeakDetectorOptions& options) {
  if (options.suspect_after <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        absl::StrFormat("suspect_after is %s: give more than zero",
                        absl::FormatDuration(options.suspect_after)));
  }
  if (options.target_records < 1 || options.target_records > 1024) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "target_records is %d: give 1 to 1024", options.target_records));
  }
  const struct {
    const char* name;
    size_t value;
  } kBounds[] = {{"max_tracked", options.max_tracked},
                 {"max_call_sites", options.max_call_sites},
                 {"max_access_bytes", options.max_access_bytes}};
  for (const auto& bound : kBounds) {
    if (bound.value > 0) continue;
    return absl::InvalidArgumentError(
        absl::StrFormat("%s is 0: give 1 or more", bound.name));
  }
  return absl::OkStatus();
}

void WriteToStandardError(absl::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
}

// Not within a character of UTF-8: JSON has no half ones.
std::string CutHint(absl::string_view hint) {
  if (hint.size() <= kMaxHintBytes) return std::string(hint);
  size_t bytes = kMaxHintBytes;
  while (bytes > 0 && (hint[bytes] & 0xc0) == 0x80) --bytes;
  return std::string(hint.substr(0, bytes));
}

AccessRecord AccessHere(absl::string_view hint, const StackTrace& stack) {
  AccessRecord record;
  record.hint = CutHint(hint);
  record.stack = stack.ToVector();
  return record;
}

}  // namespace

absl::StatusOr<std::shared_ptr<LeakDetector>> LeakDetector::Create(
    LeakDetectorOptions options) {
  const absl::Status valid = CheckOptions(options);
  if (!valid.ok()) return valid;
  LeakLevel level = LeakLevel::kSimple;
  if (options.level.has_value()) {
    level = *options.level;
  } else {
    const absl::StatusOr<LeakLevel> found = LeakLevelFromEnvironment();
    if (!found.ok()) return found.status();
    level = *found;
  }
  if (options.clock == nullptr) options.clock = Clock::Real();
  if (!options.log) options.log = WriteToStandardError;
  return std::shared_ptr<LeakDetector>(
      new LeakDetector(std::move(options), level));
}

LeakDetector::LeakDetector(LeakDetectorOptions options, LeakLevel level)
    : options_(std::move(options)), chosen_level_(level), level_(level) {
  counts_.allocator = options_.allocator;
}

// --------------------------------------------------------------------- level

void LeakDetector::SetLevel(LeakLevel level) {
  MutexLock lock(&control_mutex_);
  chosen_level_ = level;
  ApplyLevelLocked();
}

void LeakDetector::ControlSampling(
    std::function<void(size_t interval_bytes)> set_interval) {
  MutexLock lock(&control_mutex_);
  if (closed_) return;
  set_interval_ = std::move(set_interval);
  ApplyLevelLocked();
}

void LeakDetector::ApplyLevelLocked() {
  const LeakLevel level = scopes_ > 0 ? LeakLevel::kParanoid : chosen_level_;
  {
    MutexLock lock(&mutex_);
    if (level != level_.load(std::memory_order_relaxed)) {
      told_ = 0;
      told_weight_ = 0;
    }
    level_.store(level, std::memory_order_relaxed);
    if (level == LeakLevel::kDisabled) ForgetLocked();
  }
  // Last: what is sampled because of it finds the level set.
  if (set_interval_) set_interval_(level == LeakLevel::kParanoid ? 1 : 0);
}

void LeakDetector::ForgetLocked() {
  absl::flat_hash_map<uint64_t, Block>().swap(blocks_);
  access_bytes_ = 0;
  hint_bytes_ = 0;
  const auto forget = [](CallSite* site) {
    for (auto& finding : site->findings) {
      if (finding != nullptr) finding->live = 0;
    }
  };
  for (auto& [stack, site] : sites_) forget(&site);
  forget(&other_sites_);
}

uint64_t LeakDetector::BeginScope() {
  MutexLock lock(&control_mutex_);
  ++scopes_;
  ApplyLevelLocked();
  MutexLock records_lock(&mutex_);
  return next_sequence_;
}

std::vector<LeakReport> LeakDetector::EndScope(uint64_t first) {
  std::vector<LeakReport> fresh;
  std::vector<LeakReport> leaks;
  {
    MutexLock lock(&mutex_);
    absl::flat_hash_map<const CallSite*, size_t> index;
    for (auto& [id, block] : blocks_) {
      if (block.sequence < first) continue;
      JudgeLocked(&block, LeakCause::kScopeEnded, &fresh);
      const auto [at, is_new] = index.emplace(block.site, leaks.size());
      LeakReport one = DescribeLocked(block, LeakCause::kScopeEnded);
      if (is_new) {
        leaks.push_back(std::move(one));
        continue;
      }
      // The older block stands for both.
      LeakReport& report = leaks[at->second];
      if (one.id < report.id) std::swap(one, report);
      report.count += one.count;
      report.live += one.live;
      report.requested_bytes += one.requested_bytes;
      report.estimated_count += one.estimated_count;
      report.estimated_bytes += one.estimated_bytes;
    }
  }
  {
    MutexLock lock(&control_mutex_);
    --scopes_;
    ApplyLevelLocked();
  }
  Announce(fresh);
  return leaks;
}

// ------------------------------------------------------------------ observing

void LeakDetector::OnAllocate(const ObservedAllocation& allocation) {
  if (level() == LeakLevel::kDisabled) return;
  const StackTrace stack = StackTrace::Capture();
  const absl::string_view hint = CreationHint::Current();
  MutexLock lock(&mutex_);
  if (level() == LeakLevel::kDisabled) return;
  ++told_;
  told_weight_ += allocation.weight;
  if (blocks_.size() >= options_.max_tracked) {
    ++counts_.dropped_blocks;
    return;
  }
  // An allocation must not fail because malloc has no memory for its record.
  try {
    Block block;
    block.allocation = allocation;
    block.sequence = next_sequence_++;
    block.site = SiteLocked(stack);
    if (!hint.empty()) block.hint = CutHint(hint);
    const size_t hint_bytes = hint.empty() ? 0 : block.hint.capacity();
    blocks_.emplace(allocation.id, std::move(block));
    hint_bytes_ += hint_bytes;
  } catch (const std::bad_alloc&) {
    ++counts_.dropped_blocks;
  }
}

LeakDetector::CallSite* LeakDetector::SiteLocked(const StackTrace& stack) {
  auto found = sites_.find(stack);
  if (found == sites_.end()) {
    if (sites_.size() >= options_.max_call_sites) {
      ++counts_.dropped_stacks;
      return &other_sites_;
    }
    found = sites_.try_emplace(stack).first;
    found->second.stack = &found->first;
  }
  return &found->second;
}

void LeakDetector::OnFree(uint64_t id) {
  if (level() == LeakLevel::kDisabled) return;
  const int64_t now = options_.clock->NowNanos();
  MutexLock lock(&mutex_);
  const auto found = blocks_.find(id);
  if (found == blocks_.end()) return;
  Block& block = found->second;
  block.site->lifetimes.Add(now - block.allocation.allocated_nanos);
  const auto no_longer = [&](LeakCause cause) {
    --block.site->findings[static_cast<int>(cause)]->live;
  };
  if (block.leaked) no_longer(block.cause);
  if (block.suspect) no_longer(LeakCause::kTooOld);
  if (block.accesses != nullptr) access_bytes_ -= block.accesses->bytes();
  if (!block.hint.empty()) hint_bytes_ -= block.hint.capacity();
  blocks_.erase(found);
}

void LeakDetector::OnClose() {
  {
    MutexLock lock(&control_mutex_);
    closed_ = true;
    set_interval_ = nullptr;
  }
  std::vector<LeakReport> fresh;
  {
    MutexLock lock(&mutex_);
    for (auto& [id, block] : blocks_) {
      JudgeLocked(&block, LeakCause::kAllocatorClosed, &fresh);
    }
    // Of all blocks of a site: nobody can ask for the count later.
    for (LeakReport& report : fresh) {
      const Block& block = blocks_.find(report.id)->second;
      report = *block.site->findings[static_cast<int>(report.cause)];
    }
  }
  Announce(fresh);
}

void LeakDetector::RecordAccess(uint64_t id, absl::string_view hint) {
  AccessRecord record = AccessHere(hint, StackTrace::Capture());
  MutexLock lock(&mutex_);
  const auto found = blocks_.find(id);
  if (found == blocks_.end()) return;
  std::unique_ptr<AccessRecords>& accesses = found->second.accesses;
  if (accesses == nullptr) accesses = std::make_unique<AccessRecords>();
  const size_t room = options_.max_access_bytes - access_bytes_;
  access_bytes_ -= accesses->bytes();
  if (record.bytes() > room) {
    accesses->AddInPlace(std::move(record), room);
    ++counts_.dropped_accesses;
  } else {
    accesses->Add(std::move(record), options_.target_records, RandomLocked());
  }
  access_bytes_ += accesses->bytes();
}

uint64_t LeakDetector::RandomLocked() {
  if (options_.random) return options_.random();
  // xorshift64* (Vigna 2016).
  random_ ^= random_ >> 12;
  random_ ^= random_ << 25;
  random_ ^= random_ >> 27;
  const uint64_t bits = random_ * 0x2545f4914f6cdd1du;
  return bits >> 32 | bits << 32;  // its upper bits are the better ones
}

// ------------------------------------------------------------------- judging

LeakReport LeakDetector::DescribeLocked(const Block& block,
                                        LeakCause cause) const {
  const ObservedAllocation& allocation = block.allocation;
  LeakReport report;
  report.allocator = options_.allocator;
  report.cause = cause;
  report.count = 1;
  report.live = 1;
  report.requested_bytes = allocation.requested_bytes;
  report.estimated_count = allocation.weight;
  report.estimated_bytes = allocation.weight * allocation.requested_bytes;
  report.id = allocation.id;
  report.address = reinterpret_cast<uintptr_t>(allocation.address);
  report.first_requested_bytes = allocation.requested_bytes;
  report.first_class_bytes = allocation.class_bytes;
  report.first_age_seconds =
      1e-9 * (options_.clock->NowNanos() - allocation.allocated_nanos);
  report.creation.hint = block.hint;
  if (block.site->stack != nullptr) {
    report.creation.stack = block.site->stack->ToVector();
  }
  if (block.accesses != nullptr) {
    const auto& records = block.accesses->oldest_first();
    report.accesses.assign(records.rbegin(), records.rend());
    report.dropped_accesses = block.accesses->dropped();
  }
  return report;
}

void LeakDetector::JudgeLocked(Block* block, LeakCause cause,
                               std::vector<LeakReport>* fresh) {
  const LeakVerdict verdict = VerdictOf(cause);
  bool& judged =
      verdict == LeakVerdict::kLeaked ? block->leaked : block->suspect;
  if (judged) return;
  judged = true;
  if (verdict == LeakVerdict::kLeaked) block->cause = cause;
  ++counts_.leaks[static_cast<int>(verdict)];
  std::unique_ptr<Finding>& finding =
      block->site->findings[static_cast<int>(cause)];
  if (finding != nullptr) {
    const ObservedAllocation& allocation = block->allocation;
    ++finding->count;
    ++finding->live;
    finding->requested_bytes += allocation.requested_bytes;
    finding->estimated_count += allocation.weight;
    finding->estimated_bytes += allocation.weight * allocation.requested_bytes;
    return;
  }
  finding = std::make_unique<Finding>(DescribeLocked(*block, cause));
  ++counts_.reports[static_cast<int>(verdict)];
  finding_bytes_ += sizeof(Finding) + finding->creation.bytes();
  for (const AccessRecord& access : finding->accesses) {
    finding_bytes_ += access.bytes();
  }
  fresh->push_back(*finding);
}

bool LeakDetector::ReportLeaked(uint64_t id, LeakCause cause) {
  if (id == 0 || level() == LeakLevel::kDisabled) return false;
  std::vector<LeakReport> fresh;
  {
    MutexLock lock(&mutex_);
    const auto found = blocks_.find(id);
    if (found == blocks_.end()) return false;
    JudgeLocked(&found->second, cause, &fresh);
  }
  Announce(fresh);
  return true;
}

void LeakDetector::Check() {
  if (level() == LeakLevel::kDisabled) return;
  const int64_t now = options_.clock->NowNanos();
  const int64_t at_least = absl::ToInt64Nanoseconds(options_.suspect_after);
  std::vector<LeakReport> fresh;
  {
    MutexLock lock(&mutex_);
    ++checks_;
    for (auto& [id, block] : blocks_) {
      const int64_t age = now - block.allocation.allocated_nanos;
      if (block.suspect || age <= at_least) continue;
      CallSite* site = block.site;
      if (site->check != checks_) {
        site->check = checks_;
        const int64_t p99 = site->lifetimes.P99Nanos();
        site->suspect_age_nanos =
            p99 > std::numeric_limits<int64_t>::max() / kSuspectFactor
                ? std::numeric_limits<int64_t>::max()
                : p99 * kSuspectFactor;
      }
      if (age <= site->suspect_age_nanos) continue;
      JudgeLocked(&block, LeakCause::kTooOld, &fresh);
    }
  }
  Announce(fresh);
}

void LeakDetector::Announce(const std::vector<LeakReport>& fresh) {
  for (const LeakReport& report : fresh) {
    options_.log(LeakText(report));
    if (options_.listener) options_.listener(report);
  }
}

// ------------------------------------------------------------------- reading

uint64_t LeakDetector::OverheadLocked() const {
  // A slot of either table has a byte of control beside it; those of sites_ are
  // pointers.
  const size_t blocks = blocks_.capacity() * (sizeof(*blocks_.begin()) + 1);
  const size_t sites = sites_.capacity() * (sizeof(void*) + 1) +
                       sites_.size() * sizeof(*sites_.begin());
  return sizeof(LeakDetector) + blocks + sites + access_bytes_ + hint_bytes_ +
         finding_bytes_;
}

LeakStats LeakDetector::Stats() const {
  MutexLock lock(&mutex_);
  LeakStats stats = counts_;
  stats.level = level();
  stats.tracked = blocks_.size();
  stats.sampling_ratio = told_ == 0 ? 0 : told_ / told_weight_;
  stats.call_sites = sites_.size();
  stats.overhead_bytes = OverheadLocked();
  return stats;
}

std::vector<LeakReport> LeakDetector::Reports() {
  Check();
  std::vector<LeakReport> reports;
  {
    MutexLock lock(&mutex_);
    const auto add = [&](const CallSite& site) {
      for (const auto& finding : site.findings) {
        if (finding != nullptr) reports.push_back(*finding);
      }
    };
    for (const auto& [stack, site] : sites_) add(site);
    add(other_sites_);
  }
  std::sort(reports.begin(), reports.end(),
            [](const LeakReport& a, const LeakReport& b) {
              if (a.estimated_bytes != b.estimated_bytes) {
                return a.estimated_bytes > b.estimated_bytes;
              }
              return a.id != b.id ? a.id < b.id : a.cause < b.cause;
            });
  return reports;
}

LiveAllocations LeakDetector::Live() const {
  LiveAllocations live;
  MutexLock lock(&mutex_);
  absl::flat_hash_map<const CallSite*, size_t> index;
  live.allocations.reserve(blocks_.size());
  for (const auto& [id, block] : blocks_) {
    const auto [at, is_new] = index.emplace(block.site, live.stacks.size());
    if (is_new) {
      live.stacks.push_back(block.site->stack == nullptr
                                ? std::vector<void*>()
                                : block.site->stack->ToVector());
    }
    live.allocations.push_back({block.allocation, at->second});
  }
  return live;
}

}  // namespace poolscope
