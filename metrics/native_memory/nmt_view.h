// NmtView, NmtScale: what a report on native memory is asked for, in the words
// of `jcmd PID VM.native_memory`.
//
// Thread safety: plain values.
#ifndef POOLSCOPE_METRICS_NATIVE_MEMORY_NMT_VIEW_H_
#define POOLSCOPE_METRICS_NATIVE_MEMORY_NMT_VIEW_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace poolscope {

enum class NmtView { kSummary, kDetail, kSummaryDiff, kDetailDiff };

inline constexpr absl::string_view kNoBaseline = "No baseline for comparison";
inline constexpr absl::string_view kNoDetailBaseline =
    "No detail baseline for comparison";

// "summary", "detail", "summary.diff", "detail.diff"; InvalidArgumentError for
// anything else.
absl::StatusOr<NmtView> ParseNmtView(absl::string_view text);
absl::string_view NmtViewName(NmtView view);

// Lists mappings.
inline bool IsDetail(NmtView view) {
  return view == NmtView::kDetail || view == NmtView::kDetailDiff;
}
// Compares with a baseline.
inline bool IsDiff(NmtView view) {
  return view == NmtView::kSummaryDiff || view == NmtView::kDetailDiff;
}

struct NmtScale {
  uint64_t bytes = 1024;
  absl::string_view unit = "KB";  // a constant; empty for bytes

  // Half of a unit rounds up.
  uint64_t Round(uint64_t value) const {
    return value / bytes + (value % bytes * 2 >= bytes ? 1 : 0);
  }
};

// B, KB, MB, GB, or 1, K, M, G, in upper or lower case. InvalidArgumentError
// "Incorrect scale value: X", as the JVM says, and what to give instead.
absl::StatusOr<NmtScale> ParseNmtScale(absl::string_view text);

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_NATIVE_MEMORY_NMT_VIEW_H_
