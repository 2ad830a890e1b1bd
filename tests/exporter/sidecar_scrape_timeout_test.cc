// Scrapes in a hurry, over real sockets, while a collectable is slow.

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/bench/gunzip.h"
#include "poolscope/exporter/sidecar.h"
#include "poolscope/tests/exporter/http_client.h"
#include "poolscope/tests/exporter/slow_collectable.h"
#include "poolscope/tests/metrics/exposition.h"

namespace poolscope {
namespace {

constexpr char kHurry[] = "X-Prometheus-Scrape-Timeout-Seconds: 0.05\r\n";
constexpr char kOpenMetrics[] =
    "Accept: application/openmetrics-text; version=1.0.0\r\n";

class SidecarScrapeTimeoutTest : public testing::Test {
 protected:
  SidecarScrapeTimeoutTest() {
    PoolOptions pool_options;
    pool_options.max_direct_memory_bytes = 64 << 20;
    pool_ = *PooledAllocator::Create(pool_options);
    SidecarOptions options;
    options.listen_address = "127.0.0.1:0";
    options.server_threads = 2;
    sidecar_ = *Sidecar::Start(options);
    EXPECT_TRUE(sidecar_->RegisterAllocator(pool_.get()).ok());
    sidecar_->RegisterCollectable(slow_);
  }
  ~SidecarScrapeTimeoutTest() override { slow_->Release(); }

  HttpReply Scrape(const std::string& headers) {
    return Get(sidecar_->port(), "/metrics", headers);
  }

  std::shared_ptr<SlowCollectable> slow_ = std::make_shared<SlowCollectable>();
  std::unique_ptr<PooledAllocator> pool_;
  std::unique_ptr<Sidecar> sidecar_;
};

Exposition Parsed(absl::string_view text) {
  absl::StatusOr<Exposition> scrape = ParseExposition(text);
  EXPECT_TRUE(scrape.ok()) << scrape.status();
  return scrape.ok() ? *std::move(scrape) : Exposition();
}

TEST_F(SidecarScrapeTimeoutTest, ServesEarlierFiguresWithSuccessZero) {
  slow_->Hold();
  const auto start = std::chrono::steady_clock::now();
  const HttpReply none = Scrape(kHurry);
  // Nor did it wait for the ten seconds of one that names no time.
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(9));
  EXPECT_EQ(none.status, 503);
  EXPECT_TRUE(absl::EndsWith(none.body, "no earlier ones\n")) << none.body;
  slow_->Release();

  const Exposition first = Parsed(Scrape("").body);
  EXPECT_EQ(first.Value("poolscope_scrape_success", {{"collector", "pool"}}),
            "1");
  slow_->Hold();
  const HttpReply late = Scrape(kHurry);
  EXPECT_EQ(late.status, 200);
  EXPECT_EQ(late.headers.at("content-type"),
            "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(late.headers.at("vary"), "Accept, Accept-Encoding");
  const Exposition earlier = Parsed(late.body);
  EXPECT_EQ(earlier.Sum("poolscope_scrape_success", {}), 0u);
  EXPECT_EQ(earlier.LabelValues("poolscope_scrape_success", "collector"),
            first.LabelValues("poolscope_scrape_success", "collector"));
  const LabelMap allocator = {{"allocator", pool_->options().name}};
  EXPECT_EQ(earlier.Value("poolscope_snapshot_id", allocator),
            first.Value("poolscope_snapshot_id", allocator));
  EXPECT_TRUE(CheckIdentities(earlier).ok()) << CheckIdentities(earlier);

  // It goes on, and is there for the next, which asks for no more than before.
  slow_->Release();
  const Exposition next = Parsed(Scrape("").body);
  EXPECT_NE(next.Value("poolscope_snapshot_id", allocator),
            first.Value("poolscope_snapshot_id", allocator));
  EXPECT_EQ(next.Value("poolscope_scrape_success", {{"collector", "pool"}}),
            "1");
  EXPECT_EQ(slow_->most_inside(), 1);
}

TEST_F(SidecarScrapeTimeoutTest, LateOnesTooComeInTheFormatAndEncodingAsked) {
  const std::string headers =
      std::string(kOpenMetrics) + "Accept-Encoding: gzip\r\n";
  EXPECT_EQ(Scrape(headers).status, 200);
  slow_->Hold();
  const HttpReply late = Scrape(headers + kHurry);
  EXPECT_EQ(late.status, 200);
  EXPECT_EQ(late.headers.at("content-type"),
            "application/openmetrics-text; version=1.0.0; charset=utf-8");
  EXPECT_EQ(late.headers.at("content-encoding"), "gzip");
  const absl::StatusOr<std::string> text = bench::Gunzip(late.body);
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_TRUE(absl::EndsWith(*text, "\n# EOF\n"));
  EXPECT_TRUE(absl::StrContains(
      *text, "\npoolscope_scrape_success{collector=\"pool\"} 0\n"));
}

TEST_F(SidecarScrapeTimeoutTest, TimesThatAreNoneAreIgnored) {
  for (const char* timeout : {"", "abc", "-1", "0", "nan", "1e999", "5s"}) {
    EXPECT_EQ(Scrape(std::string("X-Prometheus-Scrape-Timeout-Seconds: ") +
                     timeout + "\r\n")
                  .status,
              200)
        << timeout;
  }
}

TEST_F(SidecarScrapeTimeoutTest, StopsWhileScrapesWaitAndAreLetGo) {
  slow_->Hold();
  HttpClient waiting(sidecar_->port());
  waiting.Send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
  slow_->AwaitHeld();
  sidecar_->Stop();
  const HttpReply reply = waiting.Receive();
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.body, "the server is being stopped\n");
  // The sidecar ends, and its pool, before what it asked returns.
  sidecar_.reset();
  pool_.reset();
  const std::weak_ptr<SlowCollectable> asked = slow_;
  slow_->Release();
  slow_ = std::make_shared<SlowCollectable>();
  while (!asked.expired()) std::this_thread::yield();
}

}  // namespace
}  // namespace poolscope
