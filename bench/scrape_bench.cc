// Times scrapes of poolscope's server and of prometheus-cpp's Exposer, side by
// side in one process, over the same allocators.

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/bench/command_line.h"
#include "poolscope/bench/gunzip.h"
#include "poolscope/bench/scrape_client.h"
#include "poolscope/bench/scrape_pools.h"
#include "poolscope/bench/scrape_text.h"
#include "poolscope/exporter/sidecar.h"
#include "poolscope/metrics/pool_collectable.h"
#include "prometheus/exposer.h"

namespace poolscope::bench {
namespace {

constexpr int kUsageError = 2;
constexpr int kWarmUp = 20;
constexpr size_t kSeries = 10000;

constexpr char kHelp[] =
    R"(Times GET /metrics with at least 10,000 series over one kept-alive loopback
connection: poolscope's server, and beside it prometheus-cpp's Exposer over the
same allocators, plain and gzipped, in turn.

  scrape_bench [--scrapes=N]

  --scrapes=N  timed scrapes of each kind (300), 1 to 100000

Before anything is timed the two texts are compared, series by series.
Exit status: 0 done, 1 failed or the texts differ, 2 bad command line.
)";

// What may differ between two scrapes of allocators at rest.
AllowedDifferences Allowed() {
  AllowedDifferences allowed;
  // They count or time the scrapes, or the process as a whole.
  allowed.moving = {"poolscope_snapshot_id",
                    "poolscope_scrape_duration_seconds",
                    "poolscope_snapshot_age_seconds",
                    "poolscope_oldest_allocation_age_seconds",
                    "poolscope_tracking_overhead_bytes",
                    "poolscope_lock_",
                    "process_resident_memory_bytes",
                    "process_virtual_memory_bytes"};
  // Each server's figures about itself.
  allowed.only_first = {"poolscope_http_"};
  allowed.only_second = {"exposer_"};
  return allowed;
}

absl::StatusOr<Series> ScrapeSeries(ScrapeClient& client, bool gzip) {
  const absl::StatusOr<ScrapeReply> reply = client.Scrape(gzip);
  if (!reply.ok()) return reply.status();
  if (!gzip) return ParseScrape(reply->body);
  const absl::StatusOr<std::string> plain = Gunzip(reply->body);
  if (!plain.ok()) return plain.status();
  return ParseScrape(*plain);
}

// Compares the texts, plain and gzipped, and says what was found.
absl::Status CompareTexts(ScrapeClient& ours, ScrapeClient& theirs) {
  for (const bool gzip : {false, true}) {
    const absl::StatusOr<Series> first = ScrapeSeries(ours, gzip);
    if (!first.ok()) return first.status();
    const absl::StatusOr<Series> second = ScrapeSeries(theirs, gzip);
    if (!second.ok()) return second.status();
    const ScrapeComparison comparison =
        CompareScrapes(*first, *second, Allowed());
    if (!comparison.differences.empty()) {
      return absl::InternalError(
          absl::StrCat("the texts differ in ", comparison.differences.size(),
                       " series, first poolscope's, then the Exposer's: ",
                       comparison.differences[0]));
    }
    if (std::min(first->size(), second->size()) < kSeries) {
      return absl::InternalError(absl::StrCat(
          "there are only ", std::min(first->size(), second->size()),
          " series; raise ScrapePools::kArenas"));
    }
    absl::PrintF(
        "%s: %d series by poolscope, %d by the Exposer; %d the same with the "
        "same value, %d the same that count the scrape itself, the rest about "
        "the server\n",
        gzip ? "gzip " : "plain", first->size(), second->size(),
        comparison.equal, comparison.moving);
  }
  return absl::OkStatus();
}

struct Column {
  const char* name;
  ScrapeClient* client;
  bool gzip;
  std::vector<double> milliseconds;
  size_t bytes = 0;

  double Quantile(double q) const {  // of sorted times
    return milliseconds[static_cast<size_t>(q * (milliseconds.size() - 1))];
  }
};

absl::Status Time(std::array<Column, 4>& columns, int scrapes) {
  for (int i = -kWarmUp; i < scrapes; ++i) {
    for (size_t k = 0; k < columns.size(); ++k) {
      // Rotated, so that each follows each of the others.
      Column& column = columns[(k + i + kWarmUp) % columns.size()];
      const absl::StatusOr<ScrapeReply> reply =
          column.client->Scrape(column.gzip);
      if (!reply.ok()) return reply.status();
      if (i < 0) continue;
      column.milliseconds.push_back(absl::ToDoubleMilliseconds(reply->took));
      column.bytes = reply->body.size();
    }
  }
  for (Column& column : columns) {
    std::sort(column.milliseconds.begin(), column.milliseconds.end());
  }
  return absl::OkStatus();
}

void PrintTable(const std::array<Column, 4>& columns) {
  absl::PrintF("\n%-18s %10s %8s %8s %9s\n", "", "median ms", "min ms",
               "p90 ms", "bytes");
  for (const Column& column : columns) {
    absl::PrintF("%-18s %10.3f %8.3f %8.3f %9d\n", column.name,
                 column.Quantile(0.5), column.Quantile(0), column.Quantile(0.9),
                 column.bytes);
  }
  for (size_t k = 0; k < columns.size(); k += 2) {
    absl::PrintF("ratio %s: %.2f\n", columns[k].gzip ? "gzip" : "plain",
                 columns[k].Quantile(0.5) / columns[k + 1].Quantile(0.5));
  }
}

absl::Status Run(int scrapes) {
  const absl::StatusOr<std::unique_ptr<ScrapePools>> pools =
      ScrapePools::Create();
  if (!pools.ok()) return pools.status();

  SidecarOptions options;
  options.listen_address = "127.0.0.1:0";
  options.server_threads = 2;
  options.request_timeout = absl::Seconds(10);
  options.maintain_interval = absl::ZeroDuration();  // the pools are at rest
  const absl::StatusOr<std::unique_ptr<Sidecar>> sidecar =
      Sidecar::Start(options);
  if (!sidecar.ok()) return sidecar.status();

  // Left to itself an Exposer closes each connection and lets Nagle wait.
  prometheus::Exposer exposer(std::vector<std::string>{
      "listening_ports", "127.0.0.1:0", "num_threads", "2", "enable_keep_alive",
      "yes", "keep_alive_timeout_ms", "10000", "tcp_nodelay", "1"});
  const auto collectable = std::make_shared<PoolCollectable>();
  exposer.RegisterCollectable(collectable);

  for (const auto& allocator : (*pools)->allocators()) {
    PooledAllocator* const pool = allocator.get();
    absl::Status status = (*sidecar)->RegisterAllocator(pool);
    status.Update(collectable->registry().AddAllocator(
        pool->options().name, [pool](bool) { return pool->Stats(); }));
    if (!status.ok()) return status;
  }

  absl::PrintF(
      "%d scrapes of each kind, in turn; %d allocators of %d arenas, %d "
      "threads "
      "with caches\n",
      scrapes, ScrapePools::kAllocators, ScrapePools::kArenas,
      ScrapePools::kLiveThreads);
  ScrapeClient ours("poolscope", (*sidecar)->port());
  ScrapeClient theirs("Exposer", exposer.GetListeningPorts()[0]);
  absl::Status status = CompareTexts(ours, theirs);
  if (!status.ok()) return status;
  std::array<Column, 4> columns = {{{"plain  poolscope", &ours, false, {}},
                                    {"plain  Exposer", &theirs, false, {}},
                                    {"gzip   poolscope", &ours, true, {}},
                                    {"gzip   Exposer", &theirs, true, {}}}};
  status = Time(columns, scrapes);
  if (!status.ok()) return status;
  PrintTable(columns);
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  bool help = false;
  int scrapes = 300;
  CommandLine line;
  line.AddSwitch("help", &help);
  line.AddNumber("scrapes", 1, 100000, &scrapes);
  if (absl::Status bad = line.Parse(argc, argv); !bad.ok()) {
    absl::FPrintF(stderr, "scrape_bench: %s\n", bad.message());
    return kUsageError;
  }
  if (help) {
    absl::PrintF("%s", kHelp);
    return 0;
  }
  const absl::Status status = Run(scrapes);
  if (status.ok()) return 0;
  absl::FPrintF(stderr, "scrape_bench: %s\n", status.message());
  return 1;
}

}  // namespace
}  // namespace poolscope::bench

int main(int argc, char** argv) { return poolscope::bench::Main(argc, argv); }
