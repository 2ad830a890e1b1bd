// WriteOpenMetricsText(): a history in the OpenMetrics format, version 1.0.0,
// each sample with its time, for tools that load the past:
//
//   promtool tsdb create-blocks-from openmetrics FILE DIRECTORY
//
// As that format wants it, a family stands in one piece and in it a series with
// its points in the order of time, a counter's family is named without the
// "_total" of its samples, and the end is "# EOF". A counter that is called
// otherwise, as a service's own may be, is of type unknown; so is one whose
// name without "_total" is another family's.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_METRICS_HISTORY_OPENMETRICS_TEXT_H_
#define POOLSCOPE_METRICS_HISTORY_OPENMETRICS_TEXT_H_

#include <functional>

#include "absl/strings/string_view.h"
#include "poolscope/metrics/history/metric_history.h"

namespace poolscope {

// Hands the text to `out` in pieces: it has some 60 bytes a sample.
void WriteOpenMetricsText(const MetricHistory& history,
                          const std::function<void(absl::string_view)>& out);

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_HISTORY_OPENMETRICS_TEXT_H_
