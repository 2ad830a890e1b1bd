// SplitExposition(): a scrape as what stays from scrape to scrape, and what
// changes.
//
//   # TYPE a gauge             # TYPE a gauge
//   a{x="1"} 5           =     a{x="1"}             and     5
//   a{x="2"} 0.25              a{x="2"}                     0.25
//                              names                        values
//
// The names of a process's series seldom change, and are most of the text.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_METRICS_HISTORY_EXPOSITION_SPLIT_H_
#define POOLSCOPE_METRICS_HISTORY_EXPOSITION_SPLIT_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace poolscope {

// `text` is of the text format 0.0.4, without times, as TextWriter writes it.
// Replaces what was in `names` and `values`, whose lines all end in '\n'.
void SplitExposition(absl::string_view text, std::string& names,
                     std::string& values);

// The text that was split; nothing where there are not as many values as names.
std::optional<std::string> JoinExposition(absl::string_view names,
                                          absl::string_view values);

// Cuts the first line off `text`, and returns it without its end.
absl::string_view TakeLine(absl::string_view& text);

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_HISTORY_EXPOSITION_SPLIT_H_
