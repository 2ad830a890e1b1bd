// ScrapePatience(): how long a scrape may wait for its figures.
//
// Prometheus says in X-Prometheus-Scrape-Timeout-Seconds after how long it
// hangs up. A tenth of that, half a second at most, is kept back for the way
// there and for what is done with the figures:
//
//   header             waits
//   10                 9.5 s
//   1                  0.9 s
//   absent, "abc",     10 s, Prometheus's own default
//   "-1", "0", "nan"
//   3600               60 s: nobody holds a thread of the server for longer
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_EXPORTER_SCRAPE_TIMEOUT_H_
#define POOLSCOPE_EXPORTER_SCRAPE_TIMEOUT_H_

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace poolscope {

inline constexpr absl::string_view kScrapeTimeoutHeader =
    "X-Prometheus-Scrape-Timeout-Seconds";

// `timeout` is the header's value, or empty.
absl::Duration ScrapePatience(absl::string_view timeout);

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_SCRAPE_TIMEOUT_H_
