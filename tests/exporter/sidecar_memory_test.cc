// Native memory of this process over real HTTP, from walks over its mappings.

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/outbound/channel_registry.h"
#include "poolscope/allocator/outbound/registered_channel.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/exporter/sidecar.h"
#include "poolscope/metrics/native_memory/native_memory_category.h"
#include "poolscope/metrics/process/malloc_library.h"
#include "poolscope/tests/exporter/http_client.h"
#include "poolscope/tests/exporter/json.h"
#include "poolscope/tests/metrics/exposition.h"
#include "poolscope/tests/metrics/native_memory/jvm_report_parsers.h"

namespace poolscope {
namespace {

constexpr uint64_t kMiB = 1 << 20;

// Of a sanitizer's: mappings that nobody here owns, and that grow with ours.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kHasShadowMemory = true;
#else
constexpr bool kHasShadowMemory = false;
#endif

class SidecarMemoryTest : public testing::Test {
 protected:
  // Without a walk in the background, unless `walk_interval` is more than zero.
  void Start(absl::Duration walk_interval = absl::ZeroDuration()) {
    SidecarOptions options;
    options.listen_address = "127.0.0.1:0";
    options.walk_interval = walk_interval;
    absl::StatusOr<std::unique_ptr<Sidecar>> sidecar = Sidecar::Start(options);
    ASSERT_TRUE(sidecar.ok()) << sidecar.status();
    sidecar_ = *std::move(sidecar);
    PoolOptions pool_options;
    pool_options.max_direct_memory_bytes = 256 * kMiB;
    pool_ = PooledAllocator::Create(pool_options).value();
    ASSERT_TRUE(sidecar_->RegisterAllocator(pool_.get()).ok());
  }
  void TearDown() override {
    if (pool_ != nullptr) sidecar_->UnregisterAllocator(pool_.get());
  }

  std::string Body(absl::string_view target) {
    const HttpReply reply = Get(sidecar_->port(), target);
    EXPECT_EQ(reply.status, 200) << target << reply.body;
    return reply.body;
  }
  Json Report(absl::string_view target) {
    absl::StatusOr<Json> json = ParseJson(Body(target));
    EXPECT_TRUE(json.ok()) << json.status();
    return json.ok() ? *std::move(json) : Json();
  }
  static Json Row(const Json& report, absl::string_view category) {
    for (const Json& row : report["categories"].elements) {
      if (row["category"].text == category) return row;
    }
    ADD_FAILURE() << "no category " << category;
    return Json();
  }
  static uint64_t OfGlibc(const Json& report) {
    uint64_t bytes = 0;
    for (const char* name :
         {"Glibc Heap", "Glibc Thread Arenas", "Glibc Mmapped"}) {
      bytes += Row(report, name)["committed_bytes"].Integer();
    }
    return bytes;
  }
  Exposition Scrape() {
    absl::StatusOr<Exposition> scrape = ParseExposition(Body("/metrics"));
    EXPECT_TRUE(scrape.ok()) << scrape.status();
    return scrape.ok() ? *std::move(scrape) : Exposition();
  }

  // What the kernel counts as resident now.
  static double RollupBytes() {
    std::ifstream rollup("/proc/self/smaps_rollup");
    std::string word;
    while (rollup >> word && word != "Rss:") {
    }
    double kilobytes = 0;
    rollup >> kilobytes;
    return 1024 * kilobytes;
  }

  std::unique_ptr<Sidecar> sidecar_;
  std::unique_ptr<PooledAllocator> pool_;
};

TEST_F(SidecarMemoryTest, TheToolsForJvmsReadTheReport) {
  Start();
  const ParsedReport bytes = ParseLikeClientJava(Body("/debug/memory?scale=B"));
  ASSERT_EQ(bytes.count("Pool Metadata"), 1u);
  uint64_t reserved = 0;
  uint64_t committed = 0;
  for (const auto& [name, figures] : bytes) {
    if (name == "Total") continue;
    reserved += figures.reserved;
    committed += figures.committed;
  }
  EXPECT_EQ(bytes.at("Total").reserved, reserved);
  EXPECT_EQ(bytes.at("Total").committed, committed);

  const std::string text = Body("/debug/memory?scale=KB");
  const ParsedReport kilobytes = ParseLikeNmtMetrics(text);
  EXPECT_EQ(kilobytes.count("pool.metadata"), 1u);
  EXPECT_EQ(kilobytes.count("total"), 1u);
  // Shadow memory is more than this tool can count.
  if (kHasShadowMemory) return;
  EXPECT_EQ(
      ParseLikeSpringBootStarter(text).count("pool-metadata.mmap.committed"),
      1u);
}

TEST_F(SidecarMemoryTest, ResidentsAddUpToWhatTheKernelCounts) {
  Start();
  Body("/debug/memory?format=json");  // takes memory that the next uses again
  const double before = RollupBytes();
  const std::string body = Body("/debug/memory?format=json");
  const double after = RollupBytes();
  const Json report = ParseJson(body).value();
  const uint64_t total = report["total"]["resident_bytes"].Integer();
  EXPECT_EQ(report["categories"].Sum("resident_bytes"), total);
  EXPECT_GT(total, kMiB);
  const auto page_bytes = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const double tolerance = page_bytes * report["mapping_count"].Integer();
  EXPECT_GE(total, std::min(before, after) - tolerance);
  EXPECT_LE(total, std::max(before, after) + tolerance);
}

TEST_F(SidecarMemoryTest, EveryMappingHasAnOwner) {
  Start();
  const Json maps = Report("/debug/maps?format=json&sort=address&limit=10000");
  EXPECT_EQ(maps["maps"].Sum("resident_bytes"),
            maps["resident_bytes"].Integer());
  for (const Json& row : maps["maps"].elements) {
    EXPECT_FALSE(row["owner"].text.empty()) << row["address"].text;
  }
}

TEST_F(SidecarMemoryTest, GrowthShowsWhereItHappenedAndNowhereElse) {
  Start();
  EXPECT_EQ(Get(sidecar_->port(), "/debug/memory?view=summary.diff").status,
            400);
  HttpClient client(sidecar_->port());
  const HttpReply baseline = client.Request("POST", "/-/baseline");
  EXPECT_EQ(baseline.status, 200);
  EXPECT_EQ(baseline.body, "Baseline taken\n");

  constexpr size_t kBlocks = 48;
  std::vector<void*> blocks;
  for (size_t i = 0; i < kBlocks; ++i) {
    void* block = pool_->Allocate(kMiB);
    std::memset(block, 1, kMiB);
    blocks.push_back(block);
  }
  const Json report = Report("/debug/memory?view=summary.diff&format=json");
  for (const Json& row : report["categories"].elements) {
    const std::string& name = row["category"].text;
    const auto change =
        std::strtoll(row["resident_change_bytes"].text.c_str(), nullptr, 10);
    if (name == "Pool Arenas") {
      EXPECT_GE(change, static_cast<int64_t>(kBlocks * kMiB));
      EXPECT_LT(change, static_cast<int64_t>((kBlocks + 4) * kMiB));
    } else if (name != "Unknown" || !kHasShadowMemory) {
      EXPECT_LT(std::abs(change), static_cast<int64_t>(kMiB)) << name;
    }
  }
  for (void* block : blocks) pool_->Free(block);
}

TEST_F(SidecarMemoryTest, TheDetailedViewNamesArenasAndMappings) {
  Start();
  void* block = pool_->Allocate(kMiB);
  const std::string text = Body("/debug/memory?view=detail");
  EXPECT_TRUE(absl::StrContains(text, "Pool Arenas (default: arena ")) << text;
  EXPECT_TRUE(absl::StrContains(text, "Pool Metadata (default: tables="));
  EXPECT_TRUE(absl::StrContains(text, " for Pool Arenas from\n"));
  EXPECT_TRUE(absl::StrContains(text, " for Thread Stacks from\n"));
  pool_->Free(block);
}

TEST_F(SidecarMemoryTest, KnowsItsOwnBuffersAndTheRecordsOfChannels) {
  Start();
  Body("/metrics");  // whose text is kept for the next scrape
  ChannelRegistry channels;
  const RegisteredChannel channel = *channels.Register({"clients", "a", "b"});
  const Json before = Report("/debug/memory?format=json");
  EXPECT_GT(Row(before, "Sidecar")["committed_bytes"].Integer(), 0u);
  ASSERT_TRUE(sidecar_->RegisterChannels(&channels).ok());
  const Json after = Report("/debug/memory?format=json");
  EXPECT_EQ(Row(after, "Pool Metadata")["reserved_bytes"].Integer(),
            Row(before, "Pool Metadata")["reserved_bytes"].Integer() +
                channels.Ranges()[0].bytes);
  sidecar_->UnregisterChannels(&channels);
}

TEST_F(SidecarMemoryTest, TaggedBytesHaveTheirNameAndLeaveMallocs) {
  Start();
  static NativeMemoryCategory* const routes =
      NativeMemoryCategory::Register("Route Table").value();
  void* volatile table = std::malloc(10 * kMiB);
  std::memset(table, 1, 10 * kMiB);
  const Json before = Report("/debug/memory?format=json");
  EXPECT_EQ(Row(before, "Route Table")["committed_bytes"].Integer(), 0u);
  routes->RecordMalloc(malloc_usable_size(table));
  const Json after = Report("/debug/memory?format=json");
  if (TheMalloc().kind == MallocKind::kGlibc) {
    EXPECT_EQ(Row(after, "Route Table")["committed_bytes"].Integer(),
              malloc_usable_size(table));
    EXPECT_NEAR(static_cast<double>(OfGlibc(before) - OfGlibc(after)),
                10.0 * kMiB, 0.5 * kMiB);
  }
  EXPECT_EQ(after["categories"].Sum("resident_bytes"),
            after["total"]["resident_bytes"].Integer());
  routes->RecordFree(malloc_usable_size(table));
  std::free(table);
}

TEST_F(SidecarMemoryTest, AScrapeShowsTheWalkOfTheBackground) {
  Start(absl::Milliseconds(1));
  const absl::Time deadline = absl::Now() + absl::Seconds(20);
  Exposition scrape = Scrape();
  EXPECT_EQ(scrape.types.count("poolscope_native_memory_resident_bytes"), 1u);
  while (scrape.Value("poolscope_scrape_success",
                      {{"collector", "native_memory"}}) != "1") {
    ASSERT_LT(absl::Now(), deadline);
    absl::SleepFor(absl::Milliseconds(1));
    scrape = Scrape();
  }
  EXPECT_GT(scrape.Sum("poolscope_native_memory_resident_bytes", {}), kMiB);
  EXPECT_EQ(scrape.Value("poolscope_native_memory_unattributed_bytes", {}),
            scrape.Value("poolscope_native_memory_resident_bytes",
                         {{"category", "Unknown"}}));
}

TEST_F(SidecarMemoryTest, WithoutABackgroundAScrapeShowsTheLastWalkAskedFor) {
  Start();
  EXPECT_EQ(Scrape().LabelValues("poolscope_native_memory_resident_bytes",
                                 "category"),
            std::vector<std::string>());
  const Json report = Report("/debug/memory?format=json");
  EXPECT_EQ(Scrape().Sum("poolscope_native_memory_resident_bytes", {}),
            report["total"]["resident_bytes"].Integer());
}

TEST_F(SidecarMemoryTest, RefusesAnIntervalOutOfRange) {
  SidecarOptions options;
  options.listen_address = "127.0.0.1:0";
  options.walk_interval = absl::Hours(2);
  EXPECT_EQ(Sidecar::Start(options).status().message(),
            "walk_interval is 2h; it must be 0 (never) or from 1ms to 1h");
}

}  // namespace
}  // namespace poolscope
