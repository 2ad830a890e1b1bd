// Limits, malloc and trimming over real HTTP, of this process.

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/exporter/sidecar.h"
#include "poolscope/tests/exporter/http_client.h"
#include "poolscope/tests/exporter/json.h"
#include "poolscope/tests/metrics/exposition.h"

namespace poolscope {
namespace {

constexpr uint64_t kMiB = 1 << 20;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr char kMalloc[] = "other";
#else
constexpr char kMalloc[] = "glibc";
#endif

class SidecarProcessTest : public testing::Test {
 protected:
  void Start(SidecarOptions options) {
    options.listen_address = "127.0.0.1:0";
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

  Exposition Scrape() {
    absl::StatusOr<Exposition> scrape =
        ParseExposition(Get(sidecar_->port(), "/metrics").body);
    EXPECT_TRUE(scrape.ok()) << scrape.status();
    return scrape.ok() ? *std::move(scrape) : Exposition();
  }
  HttpReply Post(absl::string_view target, absl::string_view headers = "") {
    HttpClient client(sidecar_->port());
    return client.Request("POST", target, headers);
  }

  std::unique_ptr<Sidecar> sidecar_;
  std::unique_ptr<PooledAllocator> pool_;
};

TEST_F(SidecarProcessTest, SaysWhoseMallocItIsFromTheFirstScrape) {
  Start(SidecarOptions());
  const Exposition scrape = Scrape();
  EXPECT_EQ(
      scrape.Value("poolscope_malloc_info", {{"implementation", kMalloc}}),
      "1");
  EXPECT_EQ(scrape.Value("poolscope_scrape_success", {{"collector", "malloc"}}),
            "1");
  const bool glibc = kMalloc == absl::string_view("glibc");
  EXPECT_EQ(scrape.types.count("poolscope_malloc_bytes"), glibc ? 1u : 0u);
  EXPECT_EQ(scrape.types.count("poolscope_glibc_arenas"), glibc ? 1u : 0u);
  EXPECT_EQ(scrape.types.count("poolscope_oom_eta_seconds"), 0u);
}

TEST_F(SidecarProcessTest, TheHeadroomIsThatOfTheNearestLimit) {
  const std::string root = testing::TempDir() + "/sidecar_process";
  const std::string cgroup = root + "/sys/fs/cgroup/app";
  std::filesystem::create_directories(cgroup);
  std::filesystem::create_directories(root + "/proc/self");
  std::ofstream(root + "/proc/self/cgroup") << "0::/app\n";
  std::ofstream(cgroup + "/memory.max") << 100 * kMiB;
  std::ofstream(cgroup + "/memory.current") << 90 * kMiB;
  std::ofstream(cgroup + "/memory.stat") << "inactive_file " << 5 * kMiB;
  std::ofstream(cgroup + "/memory.events") << "max 3\noom_kill 0\n";
  std::ofstream(cgroup + "/memory.pressure")
      << "some total=2500000\nfull total=1000000\n";
  SidecarOptions options;
  options.system_root = root;
  Start(options);
  Exposition scrape = Scrape();
  EXPECT_EQ(scrape.Sum("poolscope_headroom_bytes", {}), 15 * kMiB);
  EXPECT_EQ(scrape.Sum("poolscope_cgroup_memory_limit_bytes", {}), 100 * kMiB);
  EXPECT_EQ(scrape.Sum("poolscope_cgroup_memory_usage_bytes", {}), 90 * kMiB);
  EXPECT_EQ(scrape.Sum("poolscope_cgroup_memory_inactive_file_bytes", {}),
            5 * kMiB);
  EXPECT_EQ(
      scrape.Value("poolscope_cgroup_memory_events_total", {{"event", "max"}}),
      "3");
  EXPECT_EQ(scrape.Value("poolscope_memory_stalled_seconds_total",
                         {{"scope", "some"}}),
            "2.5");
  // The pool's own limit is nearer once it is nearly used up, in the very next
  // scrape.
  std::vector<void*> blocks;
  for (int i = 0; i < 31; ++i) blocks.push_back(pool_->Allocate(8 * kMiB));
  scrape = Scrape();
  EXPECT_EQ(scrape.Sum("poolscope_headroom_bytes", {}),
            scrape.Sum("poolscope_direct_memory_limit_bytes", {}) -
                scrape.Sum("poolscope_direct_memory_used_bytes", {}));
  EXPECT_LT(scrape.Sum("poolscope_headroom_bytes", {}), 15 * kMiB);
  for (void* block : blocks) pool_->Free(block);
}

TEST_F(SidecarProcessTest, SamplesGoOn) {
  SidecarOptions options;
  options.sample_interval = absl::Milliseconds(1);
  const std::string root = testing::TempDir() + "/sidecar_process_samples";
  std::filesystem::create_directories(root + "/proc/pressure");
  options.system_root = root;
  Start(options);
  const auto stalled = [&] {
    return Scrape().Value("poolscope_memory_stalled_seconds_total",
                          {{"scope", "some"}});
  };
  EXPECT_EQ(stalled(), "");
  std::ofstream(root + "/proc/pressure/memory")
      << "some total=2500000\nfull total=0\n";
  while (stalled() != "2.5") {
  }
}

TEST_F(SidecarProcessTest, SamplingCanBeSwitchedOff) {
  SidecarOptions options;
  options.sample_interval = absl::ZeroDuration();
  Start(options);
  const Exposition scrape = Scrape();
  EXPECT_EQ(scrape.types.count("poolscope_malloc_info"), 0u);
  EXPECT_EQ(scrape.types.count("poolscope_cgroup_memory_usage_bytes"), 0u);
  EXPECT_EQ(scrape.Sum("poolscope_headroom_bytes", {}), 256 * kMiB);
}

TEST_F(SidecarProcessTest, TrimGivesBackThePoolsMemoryAndMallocs) {
  Start(SidecarOptions());
  EXPECT_EQ(Scrape().Value("poolscope_trims_total", {{"result", "freed"}}),
            "0");
  std::vector<void*> blocks;
  for (int i = 0; i < 64; ++i) {
    blocks.push_back(pool_->Allocate(kMiB / 2));
    std::memset(blocks.back(), 1, kMiB / 2);
  }
  for (void* block : blocks) pool_->Free(block);
  // Small blocks below one that stays: malloc keeps their pages.
  std::vector<std::unique_ptr<char[]>> small;
  for (int i = 0; i < 16384; ++i) {
    small.emplace_back(new char[1024]);
    std::memset(small.back().get(), 1, 1024);
  }
  const auto last = std::move(small.back());
  small.clear();
  const uint64_t used_before =
      Scrape().Sum("poolscope_direct_memory_used_bytes", {});

  const HttpReply reply = Post("/-/trim?format=json");
  EXPECT_EQ(reply.status, 200);
  const absl::StatusOr<Json> json = ParseJson(reply.body);
  ASSERT_TRUE(json.ok()) << json.status() << reply.body;
  const Json& pool = (*json)["allocators"].elements[0];
  const Json& malloc = (*json)["malloc"];
  EXPECT_EQ(pool["allocator"].text, "default");
  EXPECT_GE(pool["trimmed_bytes"].Integer(), 28 * kMiB);
  EXPECT_LE(Scrape().Sum("poolscope_direct_memory_used_bytes", {}),
            used_before - 28 * kMiB);
  EXPECT_EQ(malloc["implementation"].text, kMalloc);
  if (kMalloc == absl::string_view("glibc")) {
    EXPECT_EQ(malloc["trimmed"].text, "true");
    EXPECT_GE(malloc["trimmed_bytes"].Integer(), 12 * kMiB);
    EXPECT_GE((*json)["resident_before_bytes"].Integer(),
              (*json)["resident_after_bytes"].Integer() + 40 * kMiB);
  }
  EXPECT_EQ(
      (*json)["trimmed_bytes"].Integer(),
      pool["trimmed_bytes"].Integer() + malloc["trimmed_bytes"].Integer());
  const Exposition scrape = Scrape();
  EXPECT_EQ(scrape.Value("poolscope_trims_total", {{"result", "freed"}}), "1");
  EXPECT_EQ(scrape.Sum("poolscope_trimmed_bytes_total", {}),
            (*json)["trimmed_bytes"].Integer());
}

TEST_F(SidecarProcessTest, TrimIsForPostFromTheSameOrigin) {
  Start(SidecarOptions());
  const HttpReply get = Get(sidecar_->port(), "/-/trim");
  EXPECT_EQ(get.status, 405);
  EXPECT_EQ(get.headers.at("allow"), "POST");
  EXPECT_EQ(Post("/-/trim", "Origin: http://evil.example\r\n").status, 403);
  EXPECT_EQ(Post("/-/trim?format=xml").status, 400);
  EXPECT_EQ(Scrape().Sum("poolscope_trims_total", {}), 0u);
  EXPECT_EQ(Scrape().Value("poolscope_http_requests_total",
                           {{"handler", "/-/trim"}, {"code", "403"}}),
            "1");
}

TEST_F(SidecarProcessTest, AnUnregisteredAllocatorIsNotTrimmed) {
  Start(SidecarOptions());
  sidecar_->UnregisterAllocator(pool_.get());
  pool_.reset();
  const absl::StatusOr<Json> json = ParseJson(Post("/-/trim?format=json").body);
  ASSERT_TRUE(json.ok()) << json.status();
  EXPECT_TRUE((*json)["allocators"].elements.empty());
}

}  // namespace
}  // namespace poolscope
