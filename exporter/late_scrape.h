// LateScrape(): figures of an earlier scrape, for one that could not wait for
// its own.
//
// They are as they were, but for what they say of themselves: each
// poolscope_scrape_success is 0, and each poolscope_snapshot_age_seconds is
// larger by the time that has passed.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_EXPORTER_LATE_SCRAPE_H_
#define POOLSCOPE_EXPORTER_LATE_SCRAPE_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace poolscope {

// `text` is what a TextWriter wrote, in either format.
std::string LateScrape(absl::string_view text, absl::Duration age);

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_LATE_SCRAPE_H_
