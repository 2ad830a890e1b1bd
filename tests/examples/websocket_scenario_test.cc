// The demo's scenario websocket as a program, with its load in another process.
#include <gtest/gtest.h>
#include <signal.h>

#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "poolscope/tests/examples/http_get.h"
#include "poolscope/tests/examples/subprocess.h"

namespace poolscope {
namespace {

std::vector<std::string> Demo(std::vector<std::string> flags) {
  flags.insert(flags.begin(), {"examples/demo/demo", "--scenario=websocket",
                               "--listen=127.0.0.1:0", "--connect_delay=1ms"});
  return flags;
}

std::string AwaitLine(Subprocess& demo, const std::string& prefix) {
  while (std::optional<std::string> line = demo.ReadLine()) {
    if (absl::StartsWith(*line, prefix)) return *line;
  }
  ADD_FAILURE() << "no line begins with '" << prefix << "'";
  return "";
}

// The blocks of a category in a report in JSON; 0 where it has no such one.
int MallocCountOf(const std::string& category, const std::string& report) {
  const size_t row =
      report.find(absl::StrCat("{\"category\":\"", category, "\""));
  if (row == std::string::npos) return 0;
  const std::string key = "\"malloc_count\":";
  const size_t count = report.find(key, row);
  return count == std::string::npos
             ? 0
             : std::atoi(report.c_str() + count + key.size());
}

// The child of a process, by procfs.
pid_t ChildOf(pid_t pid) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/task/", pid, "/children"));
  pid_t child = 0;
  file >> child;
  return child;
}

TEST(WebSocketScenarioTest, EndsWithItsSummaryAndNothingLeft) {
  Subprocess demo(Demo({"--connections=100", "--duration=2s"}));
  EXPECT_EQ(demo.Wait(), 0) << demo.errors();
  const std::string& output = demo.output();
  for (const absl::string_view text :
       {"100 opened in", "0 lost, 100 closed in order, 0 timed out",
        "100 of 1.0 KiB on connect, 100 received, 0 of them wrong",
        "at the end 0 B; within the budget of 256.0 MiB", "\n    Pool Arenas  ",
        "\n    Unknown  "}) {
    EXPECT_TRUE(absl::StrContains(output, text)) << text << "\n" << output;
  }
  // Every walk found something.
  EXPECT_FALSE(absl::StrContains(output, "RSS            0 B")) << output;
}

TEST(WebSocketScenarioTest, WithoutAMessageZlibHasNothing) {
  Subprocess demo(
      Demo({"--connections=50", "--duration=1s", "--connect_message=0"}));
  EXPECT_EQ(demo.Wait(), 0) << demo.errors();
  EXPECT_TRUE(absl::StrContains(
      demo.output(), "0 of 0 B on connect, 0 received, 0 of them wrong"))
      << demo.output();
}

TEST(WebSocketScenarioTest, TheReportHasZlibByName) {
  Subprocess demo(Demo({"--connections=20"}));
  const std::string prefix = "  metrics  http://127.0.0.1:";
  const int port =
      std::atoi(AwaitLine(demo, prefix).substr(prefix.size()).c_str());
  AwaitLine(demo, "    1s");
  int blocks = 0;  // of which each connection's state is some
  const absl::Time end = absl::Now() + absl::Seconds(30);
  while (blocks < 20 && absl::Now() < end) {
    const HttpResponse report = HttpGet(port, "/debug/memory?format=json");
    ASSERT_EQ(report.status, 200);
    blocks = MallocCountOf("Zlib", report.body);
  }
  EXPECT_GE(blocks, 20);
  demo.Signal(SIGINT);
  EXPECT_EQ(demo.Wait(), 0) << demo.errors();
}

TEST(WebSocketScenarioTest, ASignalEndsBothInOrder) {
  Subprocess demo(Demo({"--connections=20"}));
  AwaitLine(demo, "    1s");
  demo.Signal(SIGINT);
  EXPECT_EQ(demo.Wait(), 0) << demo.errors();
  EXPECT_TRUE(absl::StrContains(demo.output(), "20 closed in order"))
      << demo.output();
}

TEST(WebSocketScenarioTest, TheLoadDoesNotOutliveTheDemo) {
  pid_t load = 0;
  {
    Subprocess demo(Demo({"--connections=20"}));
    AwaitLine(demo, "    1s");
    load = ChildOf(demo.pid());
    ASSERT_GT(load, 0);
    EXPECT_EQ(kill(load, 0), 0);
    demo.Signal(SIGKILL);
    EXPECT_EQ(demo.Wait(), 128 + SIGKILL);
  }
  // It is gone, or waits for whoever inherited it to take note.
  const absl::Time end = absl::Now() + absl::Seconds(30);
  while (absl::Now() < end) {
    std::ifstream file(absl::StrCat("/proc/", load, "/stat"));
    std::string text;
    if (!std::getline(file, text)) return;
    if (absl::StrContains(text, ") Z ")) return;
    std::this_thread::yield();
  }
  ADD_FAILURE() << "process " << load << " lives on";
}

TEST(WebSocketScenarioTest, ALoadThatDiesEndsTheDemoWithAnError) {
  Subprocess demo(Demo({"--connections=20"}));
  AwaitLine(demo, "    1s");
  kill(ChildOf(demo.pid()), SIGKILL);
  EXPECT_EQ(demo.Wait(), 1);
  EXPECT_TRUE(absl::StrContains(demo.errors(), "demo: the load has ended"))
      << demo.errors();
}

TEST(WebSocketScenarioTest, TooFewDescriptorsAreToldAtTheStart) {
  Subprocess demo({"/bin/sh", "-c",
                   "ulimit -n 500; exec examples/demo/demo "
                   "--scenario=websocket --connections=1000 "
                   "--listen=127.0.0.1:0"});
  EXPECT_EQ(demo.Wait(), 1);
  EXPECT_TRUE(absl::StrContains(demo.errors(), "ulimit -n")) << demo.errors();
  EXPECT_EQ(demo.output(), "");
}

}  // namespace
}  // namespace poolscope
