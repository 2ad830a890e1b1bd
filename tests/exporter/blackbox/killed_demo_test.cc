// The demo is killed while its backlog nears the limit, and its black box says
// what happened.
#include <gtest/gtest.h>
#include <signal.h>

#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "poolscope/exporter/blackbox/black_box_reader.h"
#include "poolscope/metrics/history/exposition_split.h"
#include "poolscope/metrics/native_memory/native_memory_stats.h"
#include "poolscope/metrics/native_memory/native_memory_text.h"
#include "poolscope/tests/examples/http_get.h"
#include "poolscope/tests/examples/subprocess.h"
#include "poolscope/tests/exporter/blackbox/test_file.h"

namespace poolscope {
namespace {

constexpr double kLimitBytes = 64 << 20;

// Of the line that begins so; -1 where there is none.
double Value(const std::string& metrics, const std::string& series) {
  const size_t at = metrics.find("\n" + series + " ");
  double value = -1;
  if (at == std::string::npos) return value;
  absl::string_view line =
      absl::string_view(metrics).substr(at + series.size() + 2);
  return absl::SimpleAtod(line.substr(0, line.find('\n')), &value) ? value : -1;
}

double Used(const std::string& metrics) {
  return Value(metrics,
               "poolscope_direct_memory_used_bytes{allocator=\"demo\"}");
}

std::string Metrics(const BlackBoxRecord& record) {
  return JoinExposition(*record.names, record.values).value_or("");
}

double Pending(const std::string& metrics) {
  return Value(metrics, "poolscope_outbound_pending_bytes{group=\"clients\"}");
}

int PortOf(Subprocess& demo) {
  while (std::optional<std::string> line = demo.ReadLine()) {
    const size_t at = line->find("http://127.0.0.1:");
    if (at == std::string::npos) continue;
    absl::string_view rest = *line;
    rest.remove_prefix(at + sizeof("http://127.0.0.1:") - 1);
    int port = 0;
    if (absl::SimpleAtoi(rest.substr(0, rest.find('/')), &port)) return port;
  }
  return 0;
}

TEST(KilledDemoTest, TheSecondBeforeTheEndIsThere) {
  const TestFolder folder;
  Subprocess demo({"examples/demo/demo", "--listen=127.0.0.1:0",
                   "--scenario=slow-peer", "--watermarks=off", "--rate=500",
                   "--max_direct_memory=64m",
                   absl::StrCat("--black_box=", folder.box())});
  const int port = PortOf(demo);
  ASSERT_NE(port, 0);
  double used = 0;
  double pending = 0;
  while (used < 0.9 * kLimitBytes || pending < 0.6 * kLimitBytes) {
    // The demo prints a line a second.
    ASSERT_TRUE(demo.ReadLine().has_value());
    const HttpResponse response = HttpGet(port, "/metrics");
    ASSERT_EQ(response.status, 200);
    used = Used(response.body);
    pending = Pending(response.body);
  }
  demo.Signal(SIGKILL);
  const absl::Time killed = absl::Now();
  EXPECT_EQ(demo.Wait(), 128 + SIGKILL);

  const absl::StatusOr<BlackBox> box = ReadBlackBox(folder.box());
  ASSERT_TRUE(box.ok()) << box.status();
  ASSERT_GE(box->records.size(), 8u);
  EXPECT_EQ(box->missing, 0u);
  const BlackBoxRecord& record = box->records.back();
  EXPECT_FALSE(record.last);
  // A record a second, and some patience with a busy machine.
  EXPECT_LE(record.taken, killed);
  EXPECT_GE(record.taken, killed - absl::Seconds(5));
  EXPECT_GT(Used(Metrics(record)), 0.3 * kLimitBytes);
  EXPECT_LE(Used(Metrics(record)), kLimitBytes);
  EXPECT_GT(Pending(Metrics(record)), 0.1 * kLimitBytes);
  const absl::StatusOr<NativeMemoryStats> native =
      ParseNativeMemoryText(record.native);
  ASSERT_TRUE(native.ok()) << native.status();
  // One that was taken while the demo ran; how often depends on what it costs.
  EXPECT_GT(native->walk_id, 1u);
  EXPECT_GT(absl::FromUnixNanos(native->walked_at_unix_nanos), box->started);
  EXPECT_LE(absl::FromUnixNanos(native->walked_at_unix_nanos), record.taken);

  Subprocess command(
      {"exporter/blackbox/poolscope-blackbox", folder.box(), "scale=MB"});
  EXPECT_EQ(command.Wait(), 0) << command.errors();
  EXPECT_EQ(command.errors(), "");
  for (const char* text : {"Black box of demo, process ",
                           "Its sidecar was not stopped: ", "\nused: demo ",
                           "\nwaiting for peers: clients ", " 64MB",
                           "\nNative Memory Tracking:\n", "Pool Arenas"}) {
    EXPECT_TRUE(absl::StrContains(command.output(), text))
        << text << " in " << command.output();
  }
}

}  // namespace
}  // namespace poolscope
