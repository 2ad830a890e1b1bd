// The listener for health alone, over real sockets.

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/outbound/channel_registry.h"
#include "poolscope/exporter/sidecar.h"
#include "poolscope/exporter/sidecar_options.h"
#include "poolscope/tests/exporter/http_client.h"
#include "poolscope/tests/exporter/sample_users.h"
#include "poolscope/tests/exporter/slow_collectable.h"

namespace poolscope {
namespace {

SidecarOptions HealthOptions() {
  SidecarOptions options;
  options.listen_address = "127.0.0.1:0";
  options.health_listen = "127.0.0.1:0";
  return options;
}

TEST(SidecarHealthTest, HasTheHealthPagesAndNothingElse) {
  SidecarOptions options = HealthOptions();
  options.users = SampleUsers();
  const std::unique_ptr<Sidecar> sidecar = *Sidecar::Start(options);
  const int port = sidecar->health_port();
  EXPECT_GT(port, 0);
  EXPECT_NE(port, sidecar->port());
  EXPECT_EQ(sidecar->health_url(), absl::StrCat("http://127.0.0.1:", port));

  EXPECT_EQ(Get(port, "/healthz").status, 200);
  EXPECT_EQ(Get(port, "/-/ready").status, 503);
  ChannelRegistry channels;
  ASSERT_TRUE(sidecar->RegisterChannels(&channels).ok());
  EXPECT_EQ(Get(port, "/-/ready").status, 200);
  const std::string alice = AuthHeader("alice", "act-me");
  for (const char* target : {"/", "/metrics", "/debug/memory", "/ui/main.js"}) {
    EXPECT_EQ(Get(port, target, alice).status, 404) << target;
  }
  HttpClient client(port);
  EXPECT_EQ(client.Request("POST", "/-/trim", alice).status, 404);
  // The other has them still.
  EXPECT_EQ(Get(sidecar->port(), "/healthz").status, 200);
  sidecar->Stop();
  EXPECT_FALSE(HttpClient(port).connected());
}

TEST(SidecarHealthTest, IsNotThereUnlessAskedFor) {
  SidecarOptions options = HealthOptions();
  options.health_listen.clear();
  const std::unique_ptr<Sidecar> sidecar = *Sidecar::Start(options);
  EXPECT_EQ(sidecar->health_port(), 0);
  EXPECT_EQ(sidecar->health_url(), "");
}

TEST(SidecarHealthTest, IsCountedWithTheOthers) {
  const std::unique_ptr<Sidecar> sidecar = *Sidecar::Start(HealthOptions());
  Get(sidecar->health_port(), "/healthz");
  Get(sidecar->port(), "/healthz");
  // An answer is counted once it is sent, which may be after it is received.
  std::string page;
  while (!absl::StrContains(
      page,
      "poolscope_http_requests_total{handler=\"/healthz\",code=\"200\"} 2")) {
    page = Get(sidecar->port(), "/metrics").body;
    ASSERT_FALSE(page.empty());
  }
}

// Scrapes that wait hold every thread of the other listener.
TEST(SidecarHealthTest, AnswersWhileClientsHoldTheOtherListener) {
  SidecarOptions options = HealthOptions();
  options.server_threads = 2;
  const std::unique_ptr<Sidecar> sidecar = *Sidecar::Start(options);
  const auto slow = std::make_shared<SlowCollectable>();
  slow->Hold();
  sidecar->RegisterCollectable(slow);
  std::vector<std::unique_ptr<HttpClient>> scrapers;
  for (int i = 0; i < options.server_threads; ++i) {
    scrapers.push_back(std::make_unique<HttpClient>(sidecar->port()));
    scrapers.back()->Send(
        "GET /metrics HTTP/1.1\r\nHost: x\r\n"
        "X-Prometheus-Scrape-Timeout-Seconds: 60\r\n\r\n");
  }
  HttpClient behind(sidecar->port());
  behind.Send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  slow->AwaitHeld();
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(Get(sidecar->health_port(), "/healthz").status, 200);
  }
  EXPECT_FALSE(behind.AnswersWithin(absl::Milliseconds(10)));
  slow->Release();
  for (const auto& scraper : scrapers) {
    EXPECT_EQ(scraper->Receive().status, 200);
  }
  EXPECT_EQ(behind.Receive().status, 200);
}

TEST(SidecarHealthTest, ErrorsNameTheOption) {
  SidecarOptions options = HealthOptions();
  options.health_listen = "9465";
  absl::Status status = Sidecar::Start(options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(absl::StartsWith(status.message(),
                               "health_listen: listen address \"9465\""))
      << status;
  const std::unique_ptr<Sidecar> other = *Sidecar::Start(HealthOptions());
  options.health_listen = absl::StrCat("127.0.0.1:", other->port());
  status = Sidecar::Start(options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(absl::StrContains(status.message(),
                                "health_listen: cannot listen "
                                "on 127.0.0.1:"))
      << status;
}

// It shows nothing, so it needs no leave.
TEST(SidecarHealthTest, MayListenOnAnyAddress) {
  SidecarOptions options = HealthOptions();
  // From the range for documentation: no interface has it.
  options.health_listen = "192.0.2.1:0";
  const absl::Status status = Sidecar::Start(options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
}

}  // namespace
}  // namespace poolscope
