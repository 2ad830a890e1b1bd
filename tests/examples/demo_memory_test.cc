// Whose the memory of the demo is: its report while traffic flows.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "poolscope/tests/examples/http_get.h"
#include "poolscope/tests/examples/subprocess.h"
#include "poolscope/tests/exporter/json.h"
#include "poolscope/tests/metrics/native_memory/jvm_report_parsers.h"

namespace poolscope {
namespace {

class DemoMemoryTest : public testing::Test {
 protected:
  // Until traffic flows.
  void SetUp() override {
    const std::string url_start = "http://127.0.0.1:";
    while (const std::optional<std::string> line = demo_.ReadLine()) {
      const size_t url = line->find(url_start);
      if (url != std::string::npos && port_ == 0) {
        port_ = std::atoi(line->c_str() + url + url_start.size());
      }
      if (absl::StartsWith(*line, "    3s")) return;
    }
    FAIL() << "the demo ended";
  }

  std::string Body(const std::string& target) {
    const HttpResponse response = HttpGet(port_, target);
    EXPECT_EQ(response.status, 200) << target << response.body;
    return response.body;
  }
  Json Report() {
    absl::StatusOr<Json> json = ParseJson(Body("/debug/memory?format=json"));
    EXPECT_TRUE(json.ok()) << json.status();
    return json.ok() ? *json : Json();
  }

  // What the kernel counts as resident now.
  double RollupBytes() const {
    std::ifstream rollup(absl::StrCat("/proc/", demo_.pid(), "/smaps_rollup"));
    std::string word;
    while (rollup >> word && word != "Rss:") {
    }
    double kilobytes = 0;
    rollup >> kilobytes;
    return 1024 * kilobytes;
  }

  Subprocess demo_{{"examples/demo/demo", "--listen=127.0.0.1:0"}};
  int port_ = 0;
};

TEST_F(DemoMemoryTest, IsReadByTheToolsForJvmsAtTheirScales) {
  const ParsedReport bytes = ParseLikeClientJava(Body("/debug/memory?scale=B"));
  EXPECT_GE(bytes.at("Pool Arenas").committed, 16u << 20);
  EXPECT_GE(bytes.at("Thread Stacks").reserved, 1u << 20);
  const std::string text = Body("/debug/memory?scale=KB");
  EXPECT_GE(ParseLikeNmtMetrics(text).at("pool.arenas").committed, 16u << 10);
  EXPECT_GE(ParseLikeSpringBootStarter(text).at("pool-arenas.mmap.committed"),
            16 << 10);
}

TEST_F(DemoMemoryTest, AddsUpAndLeavesLessThanTwoPercentUnknown) {
  Report();  // the first takes buffers that the next ones use again
  const double before = RollupBytes();
  const Json report = Report();
  const double after = RollupBytes();
  const uint64_t total = report["total"]["resident_bytes"].Integer();
  EXPECT_EQ(report["categories"].Sum("resident_bytes"), total);
  for (const Json& row : report["categories"].elements) {
    if (row["category"].text == "Unknown") {
      EXPECT_LT(row["resident_bytes"].Integer(), total / 50);
    }
  }
  EXPECT_GE(total, 0.99 * std::min(before, after));
  EXPECT_LE(total, 1.01 * std::max(before, after));
}

}  // namespace
}  // namespace poolscope
