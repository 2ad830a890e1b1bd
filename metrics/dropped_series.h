// Why a series of a registered collectable could not be shown, and how often.
//
// Thread safety: DroppedSeries is thread-safe; its counts are statistics.
#ifndef POOLSCOPE_METRICS_DROPPED_SERIES_H_
#define POOLSCOPE_METRICS_DROPPED_SERIES_H_

#include <array>
#include <atomic>
#include <cstdint>

namespace poolscope {

enum class DropReason {
  kDuplicate,      // its label set was already written in the family
  kTypeConflict,   // the family is already there with another type
  kInvalidName,    // of the metric or of a label, by Prometheus' rules
  kInvalidLabel,   // a label twice, a reserved one, or a value not UTF-8
  kCollectFailed,  // Collect() threw; counted once for the whole collectable
};
inline constexpr int kDropReasonCount = 5;

constexpr const char* DropReasonName(DropReason reason) {
  switch (reason) {
    case DropReason::kDuplicate:
      return "duplicate";
    case DropReason::kTypeConflict:
      return "type_conflict";
    case DropReason::kInvalidName:
      return "invalid_name";
    case DropReason::kInvalidLabel:
      return "invalid_label";
    case DropReason::kCollectFailed:
      break;
  }
  return "collect_failed";
}

class DroppedSeries {
 public:
  void Add(DropReason reason, uint64_t count) {
    // Relaxed: statistics only.
    counts_[static_cast<int>(reason)].fetch_add(count,
                                                std::memory_order_relaxed);
  }
  uint64_t Get(DropReason reason) const {
    return counts_[static_cast<int>(reason)].load(std::memory_order_relaxed);
  }

 private:
  std::array<std::atomic<uint64_t>, kDropReasonCount> counts_{};
};

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_DROPPED_SERIES_H_
