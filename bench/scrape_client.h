// ScrapeClient: GETs /metrics over one kept-alive loopback connection.
//
// The buffer is kept, nothing is decompressed: what is timed is the server.
//
// Thread safety: thread-compatible.
#ifndef POOLSCOPE_BENCH_SCRAPE_CLIENT_H_
#define POOLSCOPE_BENCH_SCRAPE_CLIENT_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace poolscope::bench {

struct ScrapeReply {
  absl::string_view body;  // valid until the next call
  absl::Duration took;     // from the first byte sent to the last received
};

class ScrapeClient {
 public:
  // `server` names it in errors.
  ScrapeClient(std::string server, int port);
  ~ScrapeClient();
  ScrapeClient(const ScrapeClient&) = delete;
  ScrapeClient& operator=(const ScrapeClient&) = delete;

  // UnavailableError, in one line, when the connection cannot be made or ends;
  // InternalError for an answer other than 200 of a known length, or one that
  // is gzipped unasked or plain where gzip was asked for.
  absl::StatusOr<ScrapeReply> Scrape(bool gzip);

 private:
  absl::Status Connect();
  // Reads until the buffer holds `bytes`.
  absl::Status Fill(size_t bytes);

  const std::string server_;
  const int port_;
  int socket_ = -1;
  std::string buffer_;
  size_t size_ = 0;  // of it in use
};

}  // namespace poolscope::bench

#endif  // POOLSCOPE_BENCH_SCRAPE_CLIENT_H_
