// ChooseExposition(): the format of the metrics that a scraper likes best.
//
//   Accept                                                        format
//   application/openmetrics-text;version=1.0.0,*/*;q=0.1          OpenMetrics
//   application/openmetrics-text;version=2.0.0,text/plain;q=0.5   text
//   */*, text/html, or none                                       text
//
// Each format has the quality of the most specific element that fits it: its
// name with its version, its name alone, "application/*" or "text/*", "*/*". A
// name with another version fits nothing. The better one is chosen; of equals
// OpenMetrics where it is named. Where neither is taken, text is sent, which
// whoever asks so can at least read.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_EXPORTER_EXPOSITION_CHOICE_H_
#define POOLSCOPE_EXPORTER_EXPOSITION_CHOICE_H_

#include "absl/strings/string_view.h"
#include "poolscope/metrics/text_writer.h"

namespace poolscope {

ExpositionFormat ChooseExposition(absl::string_view accept);

// A constant.
absl::string_view ContentTypeOf(ExpositionFormat format);

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_EXPOSITION_CHOICE_H_
