// The heap profile over real HTTP, of real pools.
#include <cstdint>
#include <memory>
#include <string>

#include "absl/base/attributes.h"
#include "absl/debugging/symbolize.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/leak/leak_detector.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/bench/gunzip.h"
#include "poolscope/exporter/sidecar.h"
#include "poolscope/tests/exporter/http_client.h"
#include "poolscope/tests/metrics/pprof_reader.h"

namespace poolscope {

// With linkage, so that the symbolizer knows no other name of it.
ABSL_ATTRIBUTE_NOINLINE void* KeepReply(PooledAllocator* pool) {
  void* const block = pool->Allocate(14336);
  asm volatile("");  // so that the call is no jump
  return block;
}

namespace {

constexpr char kPath[] = "/debug/pprof/heap";

// A pool that records every block, and its detector.
struct Watched {
  explicit Watched(const std::string& name) {
    LeakDetectorOptions detector_options;
    detector_options.allocator = name;
    detector_options.level = LeakLevel::kSimple;
    detector_options.log = [](absl::string_view) {};
    detector = LeakDetector::Create(detector_options).value();
    PoolOptions options;
    options.name = name;
    options.max_direct_memory_bytes = 256 << 20;
    options.sample_interval_bytes = 1;
    options.observer = detector;
    pool = PooledAllocator::Create(options).value();
  }

  std::shared_ptr<LeakDetector> detector;
  std::unique_ptr<PooledAllocator> pool;
};

class SidecarHeapProfileTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { absl::InitializeSymbolizer("/proc/self/exe"); }

  void SetUp() override {
    SidecarOptions options;
    options.listen_address = "127.0.0.1:0";
    sidecar_ = Sidecar::Start(options).value();
    for (Watched* watched : {&one_, &two_}) {
      ASSERT_TRUE(
          sidecar_->RegisterAllocator(watched->pool.get(), watched->detector)
              .ok());
    }
  }
  void TearDown() override { sidecar_->Stop(); }

  PprofProfile Profile(const std::string& query = "") {
    const HttpReply reply = Get(sidecar_->port(), kPath + query);
    EXPECT_EQ(reply.status, 200) << reply.body;
    const absl::StatusOr<std::string> bytes = bench::Gunzip(reply.body);
    EXPECT_TRUE(bytes.ok()) << bytes.status();
    if (!bytes.ok()) return PprofProfile();
    const absl::StatusOr<PprofProfile> profile = DecodePprof(*bytes);
    EXPECT_TRUE(profile.ok()) << profile.status();
    return profile.ok() ? *profile : PprofProfile();
  }

  Watched one_{"one"};
  Watched two_{"two"};
  std::unique_ptr<Sidecar> sidecar_;
};

TEST_F(SidecarHeapProfileTest, ShowsWhoHoldsWhatOfWhichAllocator) {
  void* const first = KeepReply(one_.pool.get());
  void* const second = KeepReply(two_.pool.get());
  void* const third = KeepReply(two_.pool.get());
  const PprofProfile both = Profile();
  EXPECT_EQ(both.Total(1), 3 * 14336);
  EXPECT_EQ(both.Total(0, "two"), 2);
  EXPECT_EQ(both.Top(1), "poolscope::KeepReply()");
  EXPECT_EQ(Profile("?allocator=one").Total(1), 14336);

  one_.pool->Free(first);
  two_.pool->Free(second);
  EXPECT_EQ(Profile().Total(1), 14336);
  two_.pool->Free(third);
  EXPECT_TRUE(Profile().samples.empty());
}

TEST_F(SidecarHeapProfileTest, IsTheSameFileWhateverTheClientTakes) {
  void* const block = KeepReply(one_.pool.get());
  for (const char* accept :
       {"", "Accept-Encoding: gzip\r\n", "Accept-Encoding: identity\r\n"}) {
    const HttpReply reply = Get(sidecar_->port(), kPath, accept);
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.headers.at("content-type"), "application/octet-stream");
    EXPECT_EQ(reply.headers.at("content-disposition"),
              "attachment; filename=\"heap.pb.gz\"");
    EXPECT_EQ(reply.headers.count("content-encoding"), 0u);
    EXPECT_TRUE(bench::Gunzip(reply.body).ok()) << accept;
  }
  one_.pool->Free(block);
}

TEST_F(SidecarHeapProfileTest, TakesGetAndHeadOnly) {
  HttpClient client(sidecar_->port());
  client.Send(
      absl::StrCat("HEAD ", kPath, " HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  const HttpReply head = client.Receive(/*has_body=*/false);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.headers.at("content-type"), "application/octet-stream");
  EXPECT_NE(head.headers.at("content-length"), "0");
  const HttpReply post = HttpClient(sidecar_->port()).Request("POST", kPath);
  EXPECT_EQ(post.status, 405);
  EXPECT_EQ(post.headers.at("allow"), "GET, HEAD");
}

TEST_F(SidecarHeapProfileTest, WithDetectionDisabledItSaysSo) {
  one_.detector->SetLevel(LeakLevel::kDisabled);
  const HttpReply reply =
      Get(sidecar_->port(), absl::StrCat(kPath, "?allocator=one"));
  EXPECT_EQ(reply.status, 404);
  EXPECT_EQ(reply.headers.at("x-go-pprof"), "1");
  EXPECT_TRUE(absl::StrContains(reply.body, "/-/leak-level")) << reply.body;
  // The other goes on.
  const PprofProfile profile = Profile();
  ASSERT_EQ(profile.comments.size(), 1u);
  EXPECT_TRUE(absl::StrContains(profile.comments[0], "allocator one "));
}

}  // namespace
}  // namespace poolscope
