// A real Prometheus scrapes the demo, and promtool reads its metrics. Both
// come with Debian's package prometheus.
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "poolscope/examples/demo/socket.h"
#include "poolscope/tests/examples/http_get.h"
#include "poolscope/tests/examples/subprocess.h"

namespace poolscope {
namespace {

constexpr absl::Duration kPatience = absl::Minutes(1);

// The sum over a family's series, by the family's name.
std::map<std::string, double> Sums(const std::string& exposition) {
  std::map<std::string, double> sums;
  for (const absl::string_view line : absl::StrSplit(exposition, '\n')) {
    if (line.empty() || line[0] == '#') continue;
    double value = 0;
    EXPECT_TRUE(absl::SimpleAtod(line.substr(line.rfind(' ') + 1), &value))
        << line;
    sums[std::string(line.substr(0, line.find_first_of("{ ")))] += value;
  }
  return sums;
}

// One demo for all tests: it must be well after any number of scrapes.
class PrometheusTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    demo_ = std::make_unique<Subprocess>(
        std::vector<std::string>{"examples/demo/demo", "--listen=127.0.0.1:0"});
    const std::string prefix = "  metrics  http://127.0.0.1:";
    while (std::optional<std::string> line = demo_->ReadLine()) {
      if (!absl::StartsWith(*line, prefix)) continue;
      port_ = std::atoi(line->c_str() + prefix.size());
      break;
    }
    ASSERT_NE(port_, 0);
    AwaitSeconds(1);
  }

  static void TearDownTestSuite() {
    demo_->Signal(SIGTERM);
    EXPECT_EQ(demo_->Wait(), 0) << demo_->errors();
    demo_.reset();
  }

  // Waits until the demo has run for `count` more seconds: it prints a line
  // for each.
  static void AwaitSeconds(int count) {
    for (int seen = 0; seen < count;) {
      const std::optional<std::string> line = demo_->ReadLine();
      ASSERT_TRUE(line.has_value()) << "the demo has ended";
      if (absl::StrContains(*line, "s ") && absl::StartsWith(*line, " ") &&
          absl::StrContains(*line, "iB")) {
        ++seen;
      }
    }
  }

  static std::string Scrape() {
    const HttpResponse response = HttpGet(port_, "/metrics");
    EXPECT_EQ(response.status, 200);
    return response.body;
  }

  static std::unique_ptr<Subprocess> demo_;
  static int port_;
};

std::unique_ptr<Subprocess> PrometheusTest::demo_;
int PrometheusTest::port_ = 0;

TEST_F(PrometheusTest, PromtoolAcceptsTheMetrics) {
  Subprocess promtool({"promtool", "check", "metrics"});
  promtool.Write(Scrape());
  EXPECT_EQ(promtool.Wait(), 0)
      << promtool.output() << promtool.errors() << "\n(is prometheus there?)";
  EXPECT_EQ(promtool.errors(), "");
}

TEST_F(PrometheusTest, CountersGrowBetweenTwoScrapes) {
  const std::map<std::string, double> before = Sums(Scrape());
  AwaitSeconds(5);
  const std::map<std::string, double> after = Sums(Scrape());
  for (const char* name : {
           "poolscope_arena_allocations_total",
           "poolscope_arena_deallocations_total",
           "poolscope_arena_allocated_bytes_total",
           "poolscope_arena_freed_bytes_total",
           "poolscope_thread_cache_hits_total",
           "poolscope_remote_frees_total",
           "poolscope_http_requests_total",
           "poolscope_snapshot_id",
       }) {
    ASSERT_EQ(before.count(name), 1u) << name;
    ASSERT_EQ(after.count(name), 1u) << name;
    EXPECT_GT(after.at(name), before.at(name)) << name;
  }
  // 200 messages a second, a block for the request and one for the answer.
  const double allocations = after.at("poolscope_arena_allocations_total") -
                             before.at("poolscope_arena_allocations_total");
  EXPECT_GT(allocations, 1000);
  EXPECT_LT(allocations, 4000);
}

TEST_F(PrometheusTest, ThePagesThatItNamesAreThere) {
  EXPECT_EQ(HttpGet(port_, "/").status, 200);
  EXPECT_EQ(HttpGet(port_, "/healthz").status, 200);
  const HttpResponse arenas = HttpGet(port_, "/debug/arenas?format=json");
  EXPECT_EQ(arenas.status, 200);
  EXPECT_TRUE(absl::StrContains(arenas.body, "snapshot_id")) << arenas.body;
}

// The result of an instant query that gives one value, or nothing.
std::optional<double> Query(int port, const std::string& query) {
  const HttpResponse response =
      HttpGet(port, "/api/v1/query?query=" + UrlEncode(query));
  const std::string key = "\"value\":[";
  const size_t value = response.body.find(key);
  if (response.status != 200 || value == std::string::npos) return std::nullopt;
  const size_t begin = response.body.find(",\"", value);
  const size_t end = response.body.find('"', begin + 2);
  double number = 0;
  if (!absl::SimpleAtod(response.body.substr(begin + 2, end - begin - 2),
                        &number)) {
    return std::nullopt;
  }
  return number;
}

TEST_F(PrometheusTest, PrometheusScrapesItEverySecond) {
  const std::string dir = testing::TempDir() + "/prometheus";
  const std::string config = testing::TempDir() + "/prometheus.yml";
  std::ofstream(config) << "global:\n  scrape_interval: 1s\n"
                        << "scrape_configs:\n  - job_name: demo\n"
                        << "    static_configs:\n      - targets: ['127.0.0.1:"
                        << port_ << "']\n";
  int web_port = 0;
  {
    const absl::StatusOr<demo::Listener> free = demo::ListenOnLoopback();
    ASSERT_TRUE(free.ok()) << free.status();
    web_port = free->port;
  }
  Subprocess prometheus(
      {"prometheus", "--config.file=" + config, "--storage.tsdb.path=" + dir,
       absl::StrCat("--web.listen-address=127.0.0.1:", web_port)});

  // There is no event to wait for: Prometheus is asked.
  const absl::Time give_up = absl::Now() + kPatience;
  std::optional<double> up;
  std::optional<double> hits;
  while (absl::Now() < give_up) {
    up = Query(web_port, "up{job=\"demo\"}");
    hits = Query(web_port, "sum(rate(poolscope_thread_cache_hits_total[10s]))");
    if (up == 1.0 && hits.value_or(0) > 0) break;
    absl::SleepFor(absl::Milliseconds(200));
  }
  EXPECT_EQ(up, 1.0);
  EXPECT_GT(hits.value_or(0), 0.0);
  // It asks for OpenMetrics, which alone tells units.
  const HttpResponse metadata = HttpGet(
      web_port, "/api/v1/metadata?metric=poolscope_direct_memory_used_bytes");
  EXPECT_TRUE(absl::StrContains(metadata.body, "\"unit\":\"bytes\""))
      << metadata.body;
  // Nothing of a scrape was dropped.
  EXPECT_EQ(Query(web_port,
                  "scrape_samples_scraped - scrape_samples_post_metric_"
                  "relabeling"),
            0.0);
  prometheus.Signal(SIGTERM);
  EXPECT_EQ(prometheus.Wait(), 0) << prometheus.errors();
}

}  // namespace
}  // namespace poolscope
