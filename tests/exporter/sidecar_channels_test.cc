// A service that keeps its own allocator and shows its channels alone.

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/outbound/channel_registry.h"
#include "poolscope/allocator/outbound/memory_governor.h"
#include "poolscope/allocator/outbound/memory_use.h"
#include "poolscope/allocator/outbound/outbound_failure.h"
#include "poolscope/allocator/outbound/registered_channel.h"
#include "poolscope/exporter/sidecar.h"
#include "poolscope/tests/exporter/http_client.h"
#include "poolscope/tests/exporter/json.h"
#include "poolscope/tests/metrics/exposition.h"

namespace poolscope {
namespace {

std::unique_ptr<Sidecar> StartSidecar() {
  SidecarOptions options;
  options.listen_address = "127.0.0.1:0";
  absl::StatusOr<std::unique_ptr<Sidecar>> sidecar = Sidecar::Start(options);
  EXPECT_TRUE(sidecar.ok()) << sidecar.status();
  return *std::move(sidecar);
}

Exposition Scrape(const Sidecar& sidecar) {
  const HttpReply reply = Get(sidecar.port(), "/metrics");
  EXPECT_EQ(reply.status, 200);
  absl::StatusOr<Exposition> scrape = ParseExposition(reply.body);
  EXPECT_TRUE(scrape.ok()) << scrape.status();
  if (!scrape.ok()) return Exposition();
  EXPECT_TRUE(CheckIdentities(*scrape).ok()) << CheckIdentities(*scrape);
  return *std::move(scrape);
}

TEST(SidecarChannelsTest, ShowsChannelsWithoutAnAllocator) {
  ChannelRegistry channels;
  const std::unique_ptr<Sidecar> sidecar = StartSidecar();
  EXPECT_EQ(Get(sidecar->port(), "/-/ready").status, 503);
  ASSERT_TRUE(sidecar->RegisterChannels(&channels).ok());
  EXPECT_EQ(Get(sidecar->port(), "/-/ready").status, 200);
  EXPECT_TRUE(absl::StrContains(Get(sidecar->port(), "/").body,
                                "Outbound channels: shown."));

  RegisteredChannel slow = *channels.Register({"clients", "slow", "peer-1"});
  RegisteredChannel fast = *channels.Register({"clients", "fast", "peer-2"});
  slow.CountQueued(5000);
  fast.CountQueued(900);
  fast.CountWritten(899);
  const Exposition scrape = Scrape(*sidecar);
  const LabelMap clients = {{"group", "clients"}};
  EXPECT_EQ(scrape.Value("poolscope_outbound_pending_bytes", clients), "5001");
  EXPECT_EQ(scrape.Value("poolscope_outbound_written_bytes_total", clients),
            "899");
  EXPECT_EQ(scrape.Sum("poolscope_outbound_channels", clients), 2u);
  EXPECT_EQ(scrape.types.count("poolscope_arena_used_bytes"), 0u);

  const absl::StatusOr<Json> page =
      ParseJson(Get(sidecar->port(), "/debug/channels?top=1&format=json").body);
  ASSERT_TRUE(page.ok()) << page.status();
  const Json& worst = (*page)["channels"];
  ASSERT_EQ(worst.elements.size(), 1u);
  EXPECT_EQ(worst.elements[0]["name"].text, "slow");
  EXPECT_EQ(worst.elements[0]["peer"].text, "peer-1");
  EXPECT_EQ(worst.elements[0]["pending_bytes"].Integer(), 5000u);
  EXPECT_EQ((*page)["groups"].Sum("pending_bytes"), 5001u);

  slow.CountFailed(5000, OutboundFailure::kClosed);
  fast.CountWritten(1);
  sidecar->UnregisterChannels(&channels);
  EXPECT_EQ(Scrape(*sidecar).types.count("poolscope_outbound_pending_bytes"),
            0u);
}

TEST(SidecarChannelsTest, TakesOneRegistryAtATime) {
  ChannelRegistry one;
  ChannelRegistry other;
  const std::unique_ptr<Sidecar> sidecar = StartSidecar();
  ASSERT_TRUE(sidecar->RegisterChannels(&one).ok());
  EXPECT_EQ(sidecar->RegisterChannels(&other).code(),
            absl::StatusCode::kAlreadyExists);
  // The refused one leaves no trace: the first stays registered.
  sidecar->UnregisterChannels(&other);
  EXPECT_EQ(Get(sidecar->port(), "/-/ready").status, 200);
  sidecar->UnregisterChannels(&one);
  EXPECT_EQ(Get(sidecar->port(), "/-/ready").status, 503);
  EXPECT_TRUE(sidecar->RegisterChannels(&other).ok());
  sidecar->UnregisterChannels(&other);
}

TEST(SidecarChannelsTest, ShowsTheGovernor) {
  MemoryGovernor governor({}, [] { return MemoryUse{90, 100}; });
  MemoryGovernor other({}, [] { return MemoryUse{0, 100}; });
  const std::unique_ptr<MemoryGovernor::Member> member = governor.Join([] {});
  const std::unique_ptr<Sidecar> sidecar = StartSidecar();
  ASSERT_TRUE(sidecar->RegisterGovernor(&governor).ok());
  EXPECT_EQ(sidecar->RegisterGovernor(&other).code(),
            absl::StatusCode::kAlreadyExists);
  sidecar->UnregisterGovernor(&other);
  const auto channels = [&](const char* state) {
    return Scrape(*sidecar).Value("poolscope_governor_channels",
                                  {{"state", state}});
  };
  EXPECT_EQ(channels("reading"), "1");
  member->SetHeld(90);
  governor.Check();
  EXPECT_EQ(channels("reading"), "0");
  EXPECT_EQ(channels("paused"), "1");
  EXPECT_EQ(Scrape(*sidecar).Value("poolscope_governor_pauses_total", {}), "1");
  sidecar->UnregisterGovernor(&governor);
  EXPECT_EQ(channels("paused"), "");
}

TEST(SidecarChannelsTest, AnUnregisteredRegistryMayBeDestroyedWhileItRuns) {
  const std::unique_ptr<Sidecar> sidecar = StartSidecar();
  std::atomic<bool> stop = false;
  std::thread scraper([&] {
    while (!stop) {
      Get(sidecar->port(), "/metrics");
      Get(sidecar->port(), "/debug/channels");
    }
  });
  for (int i = 0; i < 200; ++i) {
    ChannelRegistry channels;
    ASSERT_TRUE(sidecar->RegisterChannels(&channels).ok());
    const RegisteredChannel channel =
        *channels.Register({absl::StrCat("g", i), "c", "p"});
    sidecar->UnregisterChannels(&channels);
  }
  stop = true;
  scraper.join();
}

}  // namespace
}  // namespace poolscope
