// LeakDetector: which blocks of one allocator were forgotten, and by whom.
//
//   pool     -- OnAllocate, OnFree, OnClose -->  LeakDetector
//               (sampled blocks)                     |
//   Buffer   -- Touch, ReportLeaked ------------->   |
//   sidecar  -- Check, about once a second ------>   |
//                                                    v
//      Stats(), Reports(), Live(), and one text in the log a new report
//
//   LeakDetectorOptions leak_options;
//   leak_options.allocator = "rpc";
//   auto detector = LeakDetector::Create(leak_options);
//   if (!detector.ok()) return detector.status();
//   PoolOptions options;
//   options.name = "rpc";
//   options.observer = *detector;
//   auto pool = PooledAllocator::Create(options);
//   if (!pool.ok()) return pool.status();
//   (*detector)->ControlSampling([pool = pool->get()](size_t interval_bytes) {
//     pool->SetSampleInterval(interval_bytes);
//   });
//
// What it takes for a leak: leak_report.h. A block is a suspect once it is
// older than 10 times the 99th percentile of its call site's lifetimes, and
// older than `suspect_after`; a call site is a creation stack. It knows blocks
// by id alone and never touches them. A raw pointer that is lost for good is
// found as a suspect at best; that is what LeakSanitizer is for.
//
// Levels: leak_level.h. Where options do not say, POOLSCOPE_LEAK_DETECTION
// does, else it is simple. `disabled` costs one load a sampled block and
// forgets the blocks that were tracked.
//
// Memory, from malloc: 130 to 260 bytes a tracked block, up to 128 more for its
// hint, 40 once it was touched, and 900 a call site, both bounded in number;
// access records, bounded in bytes; with the defaults at most 16 + 8 + 3 + 4 +
// 16 MiB, and reports, at most five a call site. What does not fit is counted
// in LeakStats.
//
// Thread safety: thread-safe. The log and the listener are called on the thread
// that judged, with no lock held; they may use the detector.
//
// Ownership: shared by its allocator, which keeps it until the last block is
// back, and by whoever reads it.
#ifndef POOLSCOPE_ALLOCATOR_LEAK_LEAK_DETECTOR_H_
#define POOLSCOPE_ALLOCATOR_LEAK_LEAK_DETECTOR_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/node_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "poolscope/allocator/base/allocation_observer.h"
#include "poolscope/allocator/base/clock.h"
#include "poolscope/allocator/base/mutex.h"
#include "poolscope/allocator/leak/access_records.h"
#include "poolscope/allocator/leak/leak_level.h"
#include "poolscope/allocator/leak/leak_report.h"
#include "poolscope/allocator/leak/leak_stats.h"
#include "poolscope/allocator/leak/lifetime_histogram.h"
#include "poolscope/allocator/leak/live_allocations.h"
#include "poolscope/allocator/leak/stack_trace.h"

namespace poolscope {

struct LeakDetectorOptions {
  // The allocator's name, for reports.
  std::string allocator = "default";

  // Unset: as the environment says.
  std::optional<LeakLevel> level;

  // No block is a suspect before this age. Above zero.
  absl::Duration suspect_after = absl::Seconds(30);

  // From how many records of a block on, its creation included, new accesses
  // replace older ones; see AccessRecords. 1 to 1024.
  int target_records = 4;

  // Bounds; at least 1 each.
  size_t max_tracked = 65536;
  size_t max_call_sites = 4096;
  size_t max_access_bytes = 16 << 20;

  // Told of each new report: the first block of its creation stack and cause.
  std::function<void(const LeakReport&)> listener;

  // Where the text of each new report goes; unset: standard error.
  std::function<void(absl::string_view text)> log;

  // The clock of the allocator that is observed; must outlive the detector.
  // Null: the real one.
  const Clock* clock = nullptr;

  // 64 random bits, for the back-off; unset: a generator of its own. Called
  // with a lock held: it must not use the detector.
  std::function<uint64_t()> random;
};

class LeakDetector final : public AllocationObserver {
 public:
  // InvalidArgumentError names the bad option, or what the environment says.
  static absl::StatusOr<std::shared_ptr<LeakDetector>> Create(
      LeakDetectorOptions options);

  const std::string& allocator() const { return options_.allocator; }

  // -- Level --

  // Of the blocks that are allocated now: paranoid while a LeakScope lives.
  LeakLevel level() const {
    return level_.load(std::memory_order_relaxed);  // see SetLevel()
  }

  // Holds for each allocation that comes after the return. The last call of
  // several at the same time wins.
  void SetLevel(LeakLevel level) ABSL_LOCKS_EXCLUDED(control_mutex_, mutex_);

  // How to change the mean bytes between samples of the allocator observed: 0
  // as it was made, 1 every block. Called here, at each change of the level,
  // and never again once the allocator is closed. It must not use the detector.
  void ControlSampling(std::function<void(size_t interval_bytes)> set_interval)
      ABSL_LOCKS_EXCLUDED(control_mutex_);

  // -- For owners of blocks, by the id that PooledAllocator::SampleId() gives.
  //    An id of 0 or of a block that is not tracked is ignored. --

  // Records where the block is being used, from level advanced on.
  void Touch(uint64_t id, absl::string_view hint = absl::string_view()) {
    if (id == 0 || level() < LeakLevel::kAdvanced) return;
    RecordAccess(id, hint);
  }

  // The block's owner broke a rule: not kTooOld, which is found here. The block
  // may be freed afterwards. False when it is not tracked.
  bool ReportLeaked(uint64_t id, LeakCause cause);

  // -- Judging and reading --

  // Looks for suspects; about once a second (the sidecar does).
  void Check();

  LeakStats Stats() const;

  // After a Check(); those that lost most bytes first.
  std::vector<LeakReport> Reports();

  // Every block that is tracked now.
  LiveAllocations Live() const;

  // -- AllocationObserver --

  void OnAllocate(const ObservedAllocation& allocation) override;
  void OnFree(uint64_t id) override;
  void OnClose() override;
  void LockForFork() override {
    control_mutex_.LockForFork();
    mutex_.LockForFork();
  }
  void UnlockForFork() override {
    mutex_.UnlockForFork();
    control_mutex_.UnlockForFork();
  }

 private:
  friend class LeakScope;

  // What was found of one call site in one way.
  using Finding = LeakReport;

  struct CallSite {
    const StackTrace* stack = nullptr;  // null: those that had no place
    LifetimeHistogram lifetimes;
    int64_t suspect_age_nanos = 0;  // as of the Check() under way
    uint64_t check = 0;             // that one's number
    std::unique_ptr<Finding> findings[kLeakCauseCount];
  };

  struct Block {
    ObservedAllocation allocation;
    uint64_t sequence = 0;
    CallSite* site = nullptr;
    std::string hint;
    std::unique_ptr<AccessRecords> accesses;  // null until there is one
    bool leaked = false;                      // judged so already, as `cause`
    bool suspect = false;
    LeakCause cause = LeakCause::kTooOld;
  };

  explicit LeakDetector(LeakDetectorOptions options, LeakLevel level);

  // For LeakScope. Begin: the sequence number of the first block within. End:
  // what is alive of those within.
  uint64_t BeginScope() ABSL_LOCKS_EXCLUDED(control_mutex_, mutex_);
  std::vector<LeakReport> EndScope(uint64_t first)
      ABSL_LOCKS_EXCLUDED(control_mutex_, mutex_);

  void ApplyLevelLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(control_mutex_);
  void ForgetLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RecordAccess(uint64_t id, absl::string_view hint);
  CallSite* SiteLocked(const StackTrace& stack)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  LeakReport DescribeLocked(const Block& block, LeakCause cause) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Adds the block to what is found; a report that is new also to `fresh`.
  void JudgeLocked(Block* block, LeakCause cause,
                   std::vector<LeakReport>* fresh)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Announce(const std::vector<LeakReport>& fresh)
      ABSL_LOCKS_EXCLUDED(control_mutex_, mutex_);
  uint64_t RandomLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  uint64_t OverheadLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const LeakDetectorOptions options_;  // `clock` is set

  // Held while the allocator is told of an interval, so that it cannot go away
  // meanwhile; before the allocator's own locks, and before mutex_.
  Mutex control_mutex_{LockRank::kLeakControl};
  LeakLevel chosen_level_ ABSL_GUARDED_BY(control_mutex_);
  int scopes_ ABSL_GUARDED_BY(control_mutex_) = 0;
  bool closed_ ABSL_GUARDED_BY(control_mutex_) = false;
  std::function<void(size_t)> set_interval_ ABSL_GUARDED_BY(control_mutex_);

  // Written under both mutexes. Relaxed where it is read under neither: whoever
  // must see a change is ordered after it by its caller.
  std::atomic<LeakLevel> level_;

  mutable Mutex mutex_{LockRank::kLeakRecords};
  absl::flat_hash_map<uint64_t, Block> blocks_ ABSL_GUARDED_BY(mutex_);
  absl::node_hash_map<StackTrace, CallSite> sites_ ABSL_GUARDED_BY(mutex_);
  CallSite other_sites_ ABSL_GUARDED_BY(mutex_);  // beyond max_call_sites
  uint64_t next_sequence_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t checks_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t random_ ABSL_GUARDED_BY(mutex_) = 0x9e3779b97f4a7c15;
  size_t access_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t hint_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t finding_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  // Since the level changed.
  uint64_t told_ ABSL_GUARDED_BY(mutex_) = 0;
  double told_weight_ ABSL_GUARDED_BY(mutex_) = 0;
  // Leaks, reports and what was dropped; the rest is filled in when asked for.
  LeakStats counts_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_LEAK_LEAK_DETECTOR_H_
