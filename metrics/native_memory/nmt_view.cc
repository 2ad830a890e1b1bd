#include "poolscope/metrics/native_memory/nmt_view.h"

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace poolscope {
namespace {

constexpr struct {
  NmtView view;
  absl::string_view name;
} kViews[] = {
    {NmtView::kSummary, "summary"},
    {NmtView::kDetail, "detail"},
    {NmtView::kSummaryDiff, "summary.diff"},
    {NmtView::kDetailDiff, "detail.diff"},
};

constexpr struct {
  absl::string_view name;
  absl::string_view short_name;
  NmtScale scale;
} kScales[] = {
    {"B", "1", {1, ""}},
    {"KB", "K", {uint64_t{1} << 10, "KB"}},
    {"MB", "M", {uint64_t{1} << 20, "MB"}},
    {"GB", "G", {uint64_t{1} << 30, "GB"}},
};

}  // namespace

absl::StatusOr<NmtView> ParseNmtView(absl::string_view text) {
  for (const auto& each : kViews) {
    if (text == each.name) return each.view;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("Incorrect view value: ", absl::CHexEscape(text),
                   "; give summary, detail, summary.diff or detail.diff"));
}

absl::string_view NmtViewName(NmtView view) {
  return kViews[static_cast<int>(view)].name;
}

absl::StatusOr<NmtScale> ParseNmtScale(absl::string_view text) {
  for (const auto& each : kScales) {
    if (absl::EqualsIgnoreCase(text, each.name) ||
        absl::EqualsIgnoreCase(text, each.short_name)) {
      return each.scale;
    }
  }
  return absl::InvalidArgumentError(
      absl::StrCat("Incorrect scale value: ", absl::CHexEscape(text),
                   "; give B, KB, MB or GB"));
}

}  // namespace poolscope
