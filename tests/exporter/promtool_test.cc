// The judgement of Prometheus' own tool on real output. promtool comes with
// Debian's package prometheus, on the PATH that `./dev test` sets; without it
// these tests fail.

#include <sys/wait.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/outbound/channel_registry.h"
#include "poolscope/allocator/outbound/registered_channel.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/exporter/sidecar.h"
#include "poolscope/tests/exporter/http_client.h"

namespace poolscope {
namespace {

// What `promtool check metrics` answers: 0 accepted, 1 unreadable, 3 accepted
// with remarks on style; 127 when there is no promtool.
int CheckMetrics(const std::string& text) {
  const std::string file = testing::TempDir() + "/exposition.txt";
  std::ofstream(file) << text;
  const int result = std::system(
      absl::StrCat("promtool check metrics < '", file, "'").c_str());
  return WIFEXITED(result) ? WEXITSTATUS(result) : -1;
}

TEST(PromtoolTest, RefusesWhatIsBroken) {
  EXPECT_EQ(CheckMetrics("a{b=c} 1\n"), 1);
  EXPECT_EQ(CheckMetrics("# HELP a h\n# TYPE a counter\na 1\n"), 3);
}

TEST(PromtoolTest, AcceptsTheFirstScrapeAndALaterOne) {
  absl::StatusOr<std::unique_ptr<PooledAllocator>> pool =
      PooledAllocator::Create(PoolOptions{});
  ASSERT_TRUE(pool.ok()) << pool.status();
  SidecarOptions options;
  options.listen_address = "127.0.0.1:0";
  absl::StatusOr<std::unique_ptr<Sidecar>> sidecar = Sidecar::Start(options);
  ASSERT_TRUE(sidecar.ok()) << sidecar.status();
  ASSERT_TRUE((*sidecar)->RegisterAllocator(pool->get()).ok());
  ChannelRegistry channels;
  ASSERT_TRUE((*sidecar)->RegisterChannels(&channels).ok());
  EXPECT_EQ(CheckMetrics(Get((*sidecar)->port(), "/metrics").body), 0);
  for (size_t size = 1; size < (16 << 20); size = size * 3 + 1) {
    (*pool)->Free((*pool)->Allocate(size));
  }
  absl::StatusOr<RegisteredChannel> channel =
      channels.Register({"g", "c", "p"});
  ASSERT_TRUE(channel.ok()) << channel.status();
  EXPECT_EQ(CheckMetrics(Get((*sidecar)->port(), "/metrics").body), 0);
  (*sidecar)->UnregisterChannels(&channels);
  (*sidecar)->UnregisterAllocator(pool->get());
}

}  // namespace
}  // namespace poolscope
