// The scenario `leak` in a shorter version: who is found, and by what.
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/debugging/symbolize.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/allocator/leak/leak_detector.h"
#include "poolscope/allocator/leak/leak_report.h"
#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/allocator/pool/pool_options.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/bench/gunzip.h"
#include "poolscope/examples/demo/forget_message.h"
#include "poolscope/examples/demo/options.h"
#include "poolscope/examples/demo/scenario.h"
#include "poolscope/examples/demo/traffic.h"
#include "poolscope/exporter/sidecar.h"
#include "poolscope/metrics/call_site.h"
#include "poolscope/tests/examples/http_get.h"
#include "poolscope/tests/examples/subprocess.h"
#include "poolscope/tests/metrics/pprof_reader.h"

namespace poolscope::demo {
namespace {

constexpr char kForget[] = "poolscope::demo::ForgetMessage()";

// Traffic over a pool that is watched, behind a real server.
class LeakScenarioTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { absl::InitializeSymbolizer("/proc/self/exe"); }

  void Start(uint64_t forget_one_in) {
    // Few messages in flight, so that what is kept soon outweighs them.
    scenario_.name = "short";
    scenario_.rate = 500;
    scenario_.min_delay = absl::Milliseconds(1);
    scenario_.max_delay = absl::Milliseconds(2);
    scenario_.forget_one_in = forget_one_in;
    options_.scenario = &scenario_;
    options_.rate = scenario_.rate;

    LeakDetectorOptions detector_options;
    detector_options.level = LeakLevel::kParanoid;
    detector_options.suspect_after = absl::Seconds(2);
    detector_options.log = [](absl::string_view) {};
    auto detector = LeakDetector::Create(detector_options);
    ASSERT_TRUE(detector.ok()) << detector.status();
    detector_ = *std::move(detector);
    PoolOptions pool_options;
    pool_options.observer = detector_;
    auto pool = PooledAllocator::Create(pool_options);
    ASSERT_TRUE(pool.ok()) << pool.status();
    pool_ = *std::move(pool);
    detector_->ControlSampling([this](size_t interval_bytes) {
      pool_->SetSampleInterval(interval_bytes);
    });
    allocator_ = BufferAllocator::Pooled(pool_.get(), detector_);
    SidecarOptions sidecar_options;
    sidecar_options.listen_address = "127.0.0.1:0";
    auto sidecar = Sidecar::Start(sidecar_options);
    ASSERT_TRUE(sidecar.ok()) << sidecar.status();
    sidecar_ = *std::move(sidecar);
    ASSERT_TRUE(sidecar_->RegisterAllocator(pool_.get(), detector_).ok());
    auto traffic = Traffic::Start(options_, allocator_.get());
    ASSERT_TRUE(traffic.ok()) << traffic.status();
    traffic_ = *std::move(traffic);
  }

  void TearDown() override {
    if (sidecar_ != nullptr) sidecar_->Stop();
  }

  void AwaitMessages(uint64_t count) {
    while (traffic_->counts().Totals().answered < count) {
      absl::SleepFor(absl::Milliseconds(1));
    }
  }

  PprofProfile Profile() {
    const HttpResponse response =
        HttpGet(sidecar_->port(), "/debug/pprof/heap");
    EXPECT_EQ(response.status, 200) << response.body;
    const absl::StatusOr<std::string> bytes = bench::Gunzip(response.body);
    EXPECT_TRUE(bytes.ok()) << bytes.status();
    if (!bytes.ok()) return PprofProfile();
    const absl::StatusOr<PprofProfile> profile = DecodePprof(*bytes);
    EXPECT_TRUE(profile.ok()) << profile.status();
    return profile.ok() ? *profile : PprofProfile();
  }

  Scenario scenario_;
  DemoOptions options_;
  std::shared_ptr<LeakDetector> detector_;
  std::unique_ptr<PooledAllocator> pool_;
  std::unique_ptr<BufferAllocator> allocator_;
  std::unique_ptr<Sidecar> sidecar_;
  std::unique_ptr<Traffic> traffic_;
};

TEST_F(LeakScenarioTest, ForgetMessageIsFoundAndNothingElse) {
  const uint64_t before = ForgottenBytes();
  Start(/*forget_one_in=*/10);
  AwaitMessages(500);
  traffic_->Finish(absl::Seconds(30));

  // What is left is what was forgotten, to the byte.
  const uint64_t forgotten = ForgottenBytes() - before;
  EXPECT_GE(forgotten, 40u * 14336);
  EXPECT_EQ(pool_->Stats().pinned_bytes, forgotten);
  const PprofProfile profile = Profile();
  EXPECT_EQ(profile.Total(1), static_cast<int64_t>(forgotten));
  EXPECT_EQ(profile.Top(1), kForget);
  EXPECT_EQ(profile.Flat(1).size(), 1u);

  const HttpResponse arenas = HttpGet(sidecar_->port(), "/debug/arenas");
  EXPECT_TRUE(absl::StrContains(arenas.body, kForget)) << arenas.body;

  std::vector<LeakReport> reports;
  while ((reports = detector_->Reports()).empty() ||
         reports[0].count * 14336 < forgotten) {
    absl::SleepFor(absl::Milliseconds(1));
  }
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(VerdictOf(reports[0].cause), LeakVerdict::kSuspect);
  EXPECT_EQ(reports[0].live, reports[0].count);
  EXPECT_EQ(CallSite(reports[0].creation.stack), kForget);
}

TEST_F(LeakScenarioTest, ForgottenMessagesOutweighThoseInFlight) {
  Start(/*forget_one_in=*/5);
  AwaitMessages(500);
  const PprofProfile profile = Profile();  // under load
  EXPECT_EQ(profile.Top(1), kForget);
  traffic_->Finish(absl::Seconds(30));
}

TEST_F(LeakScenarioTest, SteadyTrafficIsNotSuspected) {
  Start(/*forget_one_in=*/0);
  AwaitMessages(2000);  // as long as suspect_after, twice
  EXPECT_TRUE(detector_->Reports().empty());
  traffic_->Finish(absl::Seconds(30));
  EXPECT_EQ(pool_->Stats().pinned_bytes, 0u);
  EXPECT_TRUE(Profile().samples.empty());
  EXPECT_TRUE(detector_->Reports().empty());
}

TEST_F(LeakScenarioTest, AnEndWithoutDrainingDropsNothingUnreceived) {
  Start(/*forget_one_in=*/0);
  AwaitMessages(200);
  traffic_->Finish(absl::ZeroDuration());
  EXPECT_EQ(pool_->Stats().pinned_bytes, 0u);
  EXPECT_TRUE(detector_->Reports().empty());
}

// Of the demo itself.

int PortOf(Subprocess& demo) {
  const std::string prefix = "  metrics  http://127.0.0.1:";
  while (std::optional<std::string> line = demo.ReadLine()) {
    if (absl::StartsWith(*line, prefix)) {
      return std::atoi(line->c_str() + prefix.size());
    }
  }
  ADD_FAILURE() << "no line with the port";
  return 0;
}

// The reports on a page or in a log, each as one text.
std::vector<std::string> Reports(const std::string& text) {
  std::vector<std::string> reports = absl::StrSplit(text, "LEAK: ");
  reports.erase(reports.begin());  // what stands before the first
  return reports;
}

TEST(LeakDemoTest, NamesForgetMessageAsASuspectAndNothingElse) {
  Subprocess demo({"examples/demo/demo", "--listen=127.0.0.1:0",
                   "--scenario=leak", "--suspect_after=2s", "--rate=500",
                   "--duration=60s"});
  const int port = PortOf(demo);
  std::string page;
  while (Reports(page).empty()) {
    absl::SleepFor(absl::Milliseconds(50));
    page = HttpGet(port, "/debug/leaks").body;
  }
  EXPECT_EQ(Reports(page).size(), 1u) << page;
  EXPECT_TRUE(absl::StrContains(page, "suspect")) << page;
  EXPECT_TRUE(absl::StrContains(page, kForget)) << page;
  const std::string metrics = HttpGet(port, "/metrics").body;
  EXPECT_FALSE(absl::StrContains(
      metrics,
      "poolscope_leaks_total{allocator=\"demo\",verdict=\"suspect\"} 0\n"));
  EXPECT_TRUE(absl::StrContains(
      metrics,
      "poolscope_leaks_total{allocator=\"demo\",verdict=\"leaked\"} 0\n"));
  demo.Signal(SIGTERM);
  EXPECT_EQ(demo.Wait(), 0) << demo.errors();
  // The log: once while it ran, and once when the allocator closed.
  const std::vector<std::string> log = Reports(demo.errors());
  ASSERT_EQ(log.size(), 2u) << demo.errors();
  EXPECT_TRUE(absl::StrContains(log[0], "suspect")) << log[0];
  EXPECT_TRUE(absl::StrContains(log[1], "leaked")) << log[1];
  for (const std::string& report : log) {
    EXPECT_TRUE(absl::StrContains(report, kForget)) << report;
  }
}

TEST(LeakDemoTest, SteadyReportsNone) {
  Subprocess demo({"examples/demo/demo", "--listen=127.0.0.1:0",
                   "--leak_detection=paranoid", "--suspect_after=2s",
                   "--duration=5s"});
  EXPECT_EQ(demo.Wait(), 0) << demo.errors();
  EXPECT_EQ(demo.errors(), "");
}

}  // namespace
}  // namespace poolscope::demo
