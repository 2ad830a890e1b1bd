// The demo as a program: its flags, its output, its end.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "poolscope/examples/demo/socket.h"
#include "poolscope/tests/examples/http_get.h"
#include "poolscope/tests/examples/subprocess.h"

namespace poolscope {
namespace {

std::vector<std::string> Demo(std::vector<std::string> flags) {
  flags.insert(flags.begin(), "examples/demo/demo");
  return flags;
}

// Waits for a line that begins with `prefix`, and returns it.
std::string AwaitLine(Subprocess& demo, const std::string& prefix) {
  while (std::optional<std::string> line = demo.ReadLine()) {
    if (absl::StartsWith(*line, prefix)) return *line;
  }
  ADD_FAILURE() << "no line begins with '" << prefix << "'";
  return "";
}

struct BadFlag {
  std::string flag;
  std::string named;   // what the error says was wrong
  std::string remedy;  // and what to give instead
};

class BadFlagTest : public testing::TestWithParam<BadFlag> {};

TEST_P(BadFlagTest, IsOneLineWithTheValueAndTheRemedy) {
  Subprocess demo(Demo({GetParam().flag}));
  EXPECT_EQ(demo.Wait(), 2);
  EXPECT_EQ(demo.output(), "");
  const std::string& error = demo.errors();
  EXPECT_TRUE(absl::StartsWith(error, "demo: ")) << error;
  EXPECT_EQ(std::count(error.begin(), error.end(), '\n'), 1) << error;
  EXPECT_TRUE(absl::StrContains(error, GetParam().named)) << error;
  EXPECT_TRUE(absl::StrContains(error, GetParam().remedy)) << error;
}

INSTANTIATE_TEST_SUITE_P(
    Demo, BadFlagTest,
    testing::Values(
        BadFlag{"--scenario=wild", "'wild'", "one of steady, leak, slow-peer"},
        BadFlag{"--watermarks=64k", "'64k'", "32k:64k, or off"},
        BadFlag{"--watermarks=64k:32k", "'64k:32k'", "LOW <= HIGH"},
        BadFlag{"--watermarks=0:64k", "'0:64k'", "0 < LOW"},
        BadFlag{"--watermarks=a:b\n", "'a:b\\n'", "32k:64k, or off"},
        BadFlag{"--policy=drop", "'drop'", "queue, reject or close"},
        BadFlag{"--stall=-1s", "--stall is -1s", "20s"},
        BadFlag{"--stall=inf", "--stall is inf", "0 to 24h"},
        BadFlag{"--stall=long", "'long'", "30s"},
        BadFlag{"--socket_buffer=1k", "1024", "4096 to 67108864"},
        BadFlag{"--socket_buffer=65m", "68157440", "64k"},
        BadFlag{"--governor=maybe", "'maybe'", "on or off"},
        BadFlag{"--chunk_decay=-1s", "-1s", "5s, or inf"},
        BadFlag{"--walk_interval=1us", "walk_interval", "1ms"},
        BadFlag{"--black_box=", "--black_box is empty", "VALUE"},
        BadFlag{"--budget=much", "'much'", "14k"},
        BadFlag{"--connect_delay=5ms", "--connect_delay",
                "means nothing to scenario steady"},
        BadFlag{"--rate=0", "--rate is 0", "0.1 to 1000000"},
        BadFlag{"--rate=1000001", "--rate", "0.1 to 1000000"},
        BadFlag{"--rate=nan", "nan", "0.1 to 1000000"},
        BadFlag{"--rate=fast", "'fast'", "--help"},
        BadFlag{"--message_bytes=14q", "'14q'", "14k"},
        BadFlag{"--message_bytes=1g", "1073741824", "128.0 MiB"},
        BadFlag{"--connections=0", "--connections is 0", "1 to 10000"},
        BadFlag{"--connections=10001", "10001", "1 to 10000"},
        BadFlag{"--workers=65", "--workers is 65", "1 to 64"},
        BadFlag{"--duration=soon", "'soon'", "30s"},
        BadFlag{"--duration=-1s", "-1s", "30s"},
        BadFlag{"--duration=0.1ns", "0.1ns", "0 (until Ctrl-C)"},
        BadFlag{"--duration=-0.1ns", "-0.1ns", "at least 1ms"},
        BadFlag{"--duration=999us", "999us", "at least 1ms"},
        BadFlag{"--rate=", "--rate is empty", "--rate=VALUE"},
        BadFlag{"--arenas=", "--arenas is empty", "VALUE"},
        BadFlag{"--scenario=", "--scenario is empty", "VALUE"},
        BadFlag{"--listen=", "--listen is empty", "VALUE"},
        BadFlag{"--scenario=a\nb", "'a\\nb'", "one of steady, leak, slow-peer"},
        BadFlag{"--rate=\x1b[2J; x", "'\\x1b[2J; x'", "--help"},
        BadFlag{"--layout=\x1b", "'\\x1b'", "runs or buddy"},
        BadFlag{"--message_bytes=\n", "'\\n'", "14k"},
        BadFlag{"--listen=\x1b:1", "\\x1b:1", "ADDRESS:PORT"},
        BadFlag{"--ra\nte=1", "--ra\\nte", "--rate,"},
        BadFlag{"st\neady", "'st\\neady'", "--name=value"},
        BadFlag{"--listen=192.0.2.1:0", "192.0.2.1:0",
                "SidecarOptions::allow_remote"},
        BadFlag{"--hosts=a,http://b", "\"http://b\"", "metrics.example"},
        BadFlag{"--health_listen=80", "health_listen", "ADDRESS:PORT"},
        BadFlag{"--allow_remote=true", "'true'", "yes or no"},
        BadFlag{"--users_file=/nowhere", "/nowhere", "docs/security.md"},
        BadFlag{"--max_direct_memory=1m", "1048576", "4.0 MiB"},
        BadFlag{"--arenas=0", "--arenas is 0", "1 to 1024"},
        BadFlag{"--connect_message=2m", "--connect_message",
                "means nothing to scenario steady"},
        BadFlag{"--layout=slab", "'slab'", "runs or buddy"},
        BadFlag{"--seed=65536", "65536", "0 to 65535"},
        BadFlag{"--listen=nowhere", "nowhere", "ADDRESS:PORT"},
        BadFlag{"--leak_detection=some", "'some'",
                "disabled, simple, advanced or paranoid"},
        BadFlag{"--leak_detection=", "--leak_detection is empty", "VALUE"},
        BadFlag{"--suspect_after=late", "'late'", "30s"},
        BadFlag{"--suspect_after=0", "--suspect_after is 0", "at least 1ms"},
        BadFlag{"--suspect_after=999us", "999us", "at least 1ms"},
        BadFlag{"--suspect_after=-1s", "-1s", "at least 1ms"},
        BadFlag{"--rates=1", "--rates", "--rate,"},
        BadFlag{"--rate", "--rate", "--rate=VALUE"},
        BadFlag{"steady", "'steady'", "--name=value"}));

TEST(DemoTest, HelpNamesEveryFlagAndScenario) {
  Subprocess demo(Demo({"--help"}));
  EXPECT_EQ(demo.Wait(), 0);
  EXPECT_EQ(demo.errors(), "");
  for (const char* text : {"--listen ",
                           "--scenario ",
                           "--duration ",
                           "--rate ",
                           "--message_bytes ",
                           "--connections ",
                           "--workers ",
                           "--max_direct_memory ",
                           "--arenas ",
                           "--layout ",
                           "--leak_detection ",
                           "--suspect_after ",
                           "--seed ",
                           "--budget ",
                           "--watermarks ",
                           "--policy ",
                           "--stall ",
                           "--socket_buffer ",
                           "--governor ",
                           "--chunk_decay ",
                           "--walk_interval ",
                           "--black_box ",
                           "--connect_delay ",
                           "--connect_message ",
                           "--users_file ",
                           "--allow_remote ",
                           "--hosts ",
                           "--health_listen ",
                           "  steady  ",
                           "  leak  ",
                           "  slow-peer  ",
                           "127.0.0.1:9464",
                           "a second one ends it at once"}) {
    EXPECT_TRUE(absl::StrContains(demo.output(), text)) << text;
  }
  EXPECT_FALSE(absl::StrContains(demo.output(), " \n")) << demo.output();
}

TEST(DemoTest, APortThatIsTakenIsOneLine) {
  const absl::StatusOr<demo::Listener> taken = demo::ListenOnLoopback();
  ASSERT_TRUE(taken.ok()) << taken.status();
  const std::string address = absl::StrCat("127.0.0.1:", taken->port);
  Subprocess demo(Demo({"--listen=" + address, "--duration=1s"}));
  EXPECT_EQ(demo.Wait(), 1);
  EXPECT_EQ(demo.output(), "");
  EXPECT_EQ(std::count(demo.errors().begin(), demo.errors().end(), '\n'), 1)
      << demo.errors();
  EXPECT_TRUE(absl::StrContains(demo.errors(), address)) << demo.errors();
}

TEST(DemoTest, AReportThatIsLostIsAnError) {
  Subprocess demo({"/bin/sh", "-c",
                   "exec examples/demo/demo --listen=127.0.0.1:0 "
                   "--duration=1s > /dev/full"});
  EXPECT_EQ(demo.Wait(), 1);
  EXPECT_TRUE(absl::StrContains(demo.errors(), "did not take the report"))
      << demo.errors();
}

TEST(DemoTest, EndsByItselfWithASummary) {
  Subprocess demo(Demo({"--listen=127.0.0.1:0", "--duration=2s"}));
  EXPECT_EQ(demo.Wait(), 0) << demo.errors();
  EXPECT_EQ(demo.errors(), "");
  for (const char* text :
       {"280.0 KiB to 560.0 KiB", "/metrics\n", "/debug/arenas\n",
        "/debug/leaks\n", "/debug/pprof/heap\n", "/debug/memory?scale=MB\n",
        "p99 ms", "Summary after", " 0 failed, 0 in flight at the end",
        "pinned at the end 0 B"}) {
    EXPECT_TRUE(absl::StrContains(demo.output(), text))
        << text << " in " << demo.output();
  }
}

// In "  metrics  http://127.0.0.1:34567/metrics".
int PortIn(const std::string& line) {
  const std::string before = "://127.0.0.1:";
  const size_t at = line.find(before);
  return at == std::string::npos ? 0 : std::atoi(&line[at + before.size()]);
}

TEST(DemoTest, AsksForThePasswordsInItsUsersFile) {
  const std::string users = testing::TempDir() + "/demo_users";
  std::ofstream(users)
      << "act:\n  alice: "
         "$2y$04$abcdefghijklmnopqrstuuA51kP3l7HVSfDb0kzsZVM2PgvRw2CXa\n";
  Subprocess demo(Demo({"--listen=127.0.0.1:0", "--health_listen=127.0.0.1:0",
                        "--users_file=" + users}));
  const int port = PortIn(AwaitLine(demo, "  metrics"));
  const int health_port = PortIn(AwaitLine(demo, "  health"));
  EXPECT_EQ(HttpGet(port, "/metrics").status, 401);
  EXPECT_EQ(HttpGet(health_port, "/metrics").status, 404);
  EXPECT_EQ(HttpGet(health_port, "/healthz").status, 200);
  demo.Signal(SIGTERM);
  EXPECT_EQ(demo.Wait(), 0) << demo.errors();
}

class SignalTest : public testing::TestWithParam<int> {};

TEST_P(SignalTest, EndsWithASummary) {
  Subprocess demo(Demo({"--listen=127.0.0.1:0"}));
  AwaitLine(demo, "    1s");
  demo.Signal(GetParam());
  EXPECT_EQ(demo.Wait(), 0) << demo.errors();
  EXPECT_TRUE(absl::StrContains(demo.output(), "pinned at the end 0 B"))
      << demo.output();
}

INSTANTIATE_TEST_SUITE_P(Demo, SignalTest, testing::Values(SIGINT, SIGTERM));

TEST(DemoTest, ASecondSignalEndsItAtOnce) {
  // No answer comes before 50 ms, so that the end takes as long.
  Subprocess demo(Demo({"--listen=127.0.0.1:0", "--rate=2000"}));
  AwaitLine(demo, "    1s");
  demo.Signal(SIGINT);
  // The next is the second only once the first was taken, so it is repeated.
  for (int i = 0; i < 40; ++i) {
    absl::SleepFor(absl::Milliseconds(1));
    demo.Signal(SIGINT);
  }
  EXPECT_EQ(demo.Wait(), 128 + SIGINT);
  EXPECT_FALSE(absl::StrContains(demo.output(), "Summary"));
}

TEST(DemoTest, RefusalsFailMessagesAndNotTheDemo) {
  Subprocess demo(Demo({"--listen=127.0.0.1:0", "--duration=2s", "--rate=2000",
                        "--message_bytes=64k", "--max_direct_memory=4m"}));
  EXPECT_EQ(demo.Wait(), 0) << demo.errors();
  for (const char* text : {" refused", "0 in flight at the end",
                           "pinned at the end 0 B", "first refusal"}) {
    EXPECT_TRUE(absl::StrContains(demo.output(), text))
        << text << " in " << demo.output();
  }
}

TEST(DemoTest, TooFewDescriptorsAreNamedAtTheStart) {
  Subprocess demo({"/bin/sh", "-c",
                   "ulimit -n 200 && exec examples/demo/demo "
                   "--listen=127.0.0.1:0 --connections=500"});
  EXPECT_EQ(demo.Wait(), 1);
  EXPECT_EQ(demo.output(), "");
  EXPECT_TRUE(absl::StrContains(demo.errors(), "the limit is 200"))
      << demo.errors();
  EXPECT_TRUE(absl::StrContains(demo.errors(), "ulimit -n"));
}

}  // namespace
}  // namespace poolscope
