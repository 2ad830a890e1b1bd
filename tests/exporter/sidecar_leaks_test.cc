// Leaks over real HTTP: what a service forgot, and the level from outside.
#include <memory>
#include <string>
#include <utility>

#include "absl/base/attributes.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/base/clock.h"
#include "poolscope/allocator/leak/creation_hint.h"
#include "poolscope/allocator/leak/leak_detector.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/exporter/sidecar.h"
#include "poolscope/tests/exporter/http_client.h"
#include "poolscope/tests/exporter/json.h"

namespace poolscope {

ABSL_ATTRIBUTE_NOINLINE void* ForgetMessage(PooledAllocator* pool) {
  void* block = pool->Allocate(14336);
  asm volatile("");
  return block;
}

namespace {

struct Watched {
  std::shared_ptr<LeakDetector> detector;
  std::unique_ptr<PooledAllocator> pool;
};

class SidecarLeaksTest : public testing::Test {
 protected:
  void SetUp() override {
    SidecarOptions options;
    options.listen_address = "127.0.0.1:0";
    // Reading a page looks for suspects itself.
    options.maintain_interval = absl::ZeroDuration();
    sidecar_ = Sidecar::Start(options).value();
  }

  Watched Watch(const std::string& name, LeakLevel level) {
    LeakDetectorOptions options;
    options.allocator = name;
    options.level = level;
    options.clock = &clock_;
    options.log = [](absl::string_view) {};
    Watched watched;
    watched.detector = LeakDetector::Create(options).value();
    PoolOptions pool_options;
    pool_options.name = name;
    pool_options.clock = &clock_;
    pool_options.max_direct_memory_bytes = 256 << 20;
    pool_options.observer = watched.detector;
    watched.pool = PooledAllocator::Create(pool_options).value();
    watched.detector->ControlSampling(
        [pool = watched.pool.get()](size_t interval_bytes) {
          pool->SetSampleInterval(interval_bytes);
        });
    const absl::Status status =
        sidecar_->RegisterAllocator(watched.pool.get(), watched.detector);
    EXPECT_TRUE(status.ok()) << status;
    return watched;
  }

  HttpReply Post(absl::string_view target, absl::string_view headers = "") {
    HttpClient client(sidecar_->port());
    return client.Request("POST", target, headers);
  }
  bool Shows(absl::string_view line) {
    return absl::StrContains(Get(sidecar_->port(), "/metrics").body,
                             absl::StrCat("\n", line, "\n"));
  }

  SimulatedClock clock_;
  std::unique_ptr<Sidecar> sidecar_;
};

TEST_F(SidecarLeaksTest, NamesWhoForgotABlock) {
  const Watched rpc = Watch("rpc", LeakLevel::kParanoid);
  void* forgotten;
  {
    CreationHint hint("GET \"/orders\"");
    forgotten = ForgetMessage(rpc.pool.get());
  }
  rpc.detector->Touch(PooledAllocator::SampleId(forgotten), "queued");
  EXPECT_EQ(Get(sidecar_->port(), "/debug/leaks").body,
            "allocator rpc: level paranoid, 1 block tracked\n"
            "  leaked: 0 blocks in 0 reports; suspect: 0 blocks in 0 "
            "reports\n");
  EXPECT_TRUE(
      Shows("poolscope_leaks_total{allocator=\"rpc\",verdict=\"suspect\"} 0"));
  clock_.Advance(absl::Seconds(31));

  const HttpReply text = Get(sidecar_->port(), "/debug/leaks");
  EXPECT_EQ(text.status, 200);
  EXPECT_TRUE(absl::StrContains(
      text.body,
      "suspect: 1 block in 1 report\n\nLEAK: allocator rpc: 1 block (14336 "
      "bytes asked for, 1 live) suspect: "))
      << text.body;
  EXPECT_TRUE(absl::StrContains(text.body, "#1:\n\tHint: queued\n"));
  EXPECT_TRUE(absl::StrContains(text.body,
                                "Created at:\n\tHint: GET \"/orders\"\n"
                                "\tpoolscope::ForgetMessage() ("))
      << text.body;

  const HttpReply reply = Get(sidecar_->port(), "/debug/leaks?format=json");
  EXPECT_EQ(reply.headers.at("content-type"), "application/json");
  const absl::StatusOr<Json> json = ParseJson(reply.body);
  ASSERT_TRUE(json.ok()) << json.status() << reply.body;
  EXPECT_TRUE(
      absl::StrContains(reply.body, "\"hint\":\"GET \\\"/orders\\\"\""));
  EXPECT_TRUE(absl::StrContains(reply.body,
                                "\"frame\":\"poolscope::ForgetMessage() ("));
  EXPECT_TRUE(absl::StrContains(
      reply.body, "\"verdict\":\"suspect\",\"cause\":\"older than"));

  EXPECT_TRUE(
      Shows("poolscope_leaks_total{allocator=\"rpc\",verdict=\"suspect\"} 1"));
  EXPECT_TRUE(Shows(
      "poolscope_leak_reports_total{allocator=\"rpc\",verdict=\"suspect\"} 1"));
  EXPECT_TRUE(
      Shows("poolscope_leaks_total{allocator=\"rpc\",verdict=\"leaked\"} 0"));
  EXPECT_TRUE(Shows("poolscope_leak_tracked_buffers{allocator=\"rpc\"} 1"));
  EXPECT_TRUE(Shows("poolscope_leak_sampling_ratio{allocator=\"rpc\"} 1"));
  rpc.pool->Free(forgotten);
  EXPECT_TRUE(absl::StrContains(Get(sidecar_->port(), "/debug/leaks").body,
                                "1 block (14336 bytes asked for, 0 live)"));
  sidecar_->UnregisterAllocator(rpc.pool.get());
}

TEST_F(SidecarLeaksTest, SetsTheLevelOfAllOrOfOne) {
  const Watched one = Watch("one", LeakLevel::kSimple);
  const Watched two = Watch("two", LeakLevel::kSimple);
  HttpReply reply = Post("/-/leak-level?level=paranoid");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "one: paranoid\ntwo: paranoid\n");
  EXPECT_EQ(one.detector->level(), LeakLevel::kParanoid);
  void* block = two.pool->Allocate(100);
  EXPECT_NE(PooledAllocator::SampleId(block), 0u) << "it holds at once";
  two.pool->Free(block);
  reply = Post("/-/leak-level?level=disabled&allocator=two");
  EXPECT_EQ(reply.body, "two: disabled\n");
  EXPECT_EQ(one.detector->level(), LeakLevel::kParanoid);
  EXPECT_EQ(two.detector->level(), LeakLevel::kDisabled);
  for (LeakLevel level : kLeakLevels) {
    EXPECT_TRUE(Shows(absl::StrCat(
        "poolscope_leak_detection_level{allocator=\"two\",level=\"",
        LeakLevelName(level), "\"} ", level == LeakLevel::kDisabled ? 1 : 0)));
  }
}

TEST_F(SidecarLeaksTest, BadRequestsAreAnsweredWithWhatWasWrong) {
  EXPECT_EQ(Post("/-/leak-level?level=simple").status, 400) << "nobody there";
  EXPECT_EQ(Get(sidecar_->port(), "/debug/leaks").body,
            "no leak detector is registered\n");
  const Watched one = Watch("one", LeakLevel::kSimple);
  const struct {
    const char* target;
    const char* line;
  } kCases[] = {
      {"/-/leak-level?level=loud",
       "leak detection level is \"loud\": give disabled, simple, advanced or "
       "paranoid\n"},
      {"/-/leak-level",
       "leak detection level is \"\": give disabled, simple, advanced or "
       "paranoid\n"},
      {"/-/leak-level?level=simple&allocator=three",
       "allocator=three: no leak detector is registered for it\n"},
      {"/-/leak-level?level=simple&allocator=",
       "allocator=: must be an allocator's name\n"},
      {"/-/leak-level?level=simple&depth=3",
       "depth: no such parameter; there are level and allocator\n"},
  };
  for (const auto& c : kCases) {
    const HttpReply reply = Post(c.target);
    EXPECT_EQ(reply.status, 400) << c.target;
    EXPECT_EQ(reply.body, c.line);
  }
  EXPECT_EQ(one.detector->level(), LeakLevel::kSimple);
  EXPECT_EQ(Get(sidecar_->port(), "/debug/leaks?allocator=three").status, 400);
  EXPECT_EQ(Get(sidecar_->port(), "/debug/leaks?format=xml").status, 400);
}

TEST_F(SidecarLeaksTest, TheLevelIsChangedByPostAlone) {
  const Watched one = Watch("one", LeakLevel::kSimple);
  const HttpReply reply = Get(sidecar_->port(), "/-/leak-level?level=paranoid");
  EXPECT_EQ(reply.status, 405);
  EXPECT_EQ(reply.headers.at("allow"), "POST");
  EXPECT_EQ(Post("/debug/leaks").status, 405);
  EXPECT_EQ(one.detector->level(), LeakLevel::kSimple);
}

// What a page of another site makes a browser send.
TEST_F(SidecarLeaksTest, AForeignOriginMayNotChangeTheLevel) {
  const Watched one = Watch("one", LeakLevel::kSimple);
  EXPECT_EQ(
      Post("/-/leak-level?level=paranoid", "Origin: http://evil.example\r\n")
          .status,
      403);
  EXPECT_EQ(Post("/-/leak-level?level=paranoid", "Origin: null\r\n").status,
            403);
  EXPECT_EQ(one.detector->level(), LeakLevel::kSimple);
}

TEST_F(SidecarLeaksTest, AnUnregisteredDetectorIsNotShown) {
  const Watched one = Watch("one", LeakLevel::kSimple);
  EXPECT_TRUE(Shows("poolscope_leak_tracked_buffers{allocator=\"one\"} 0"));
  sidecar_->UnregisterAllocator(one.pool.get());
  EXPECT_EQ(Get(sidecar_->port(), "/debug/leaks").body,
            "no leak detector is registered\n");
}

}  // namespace
}  // namespace poolscope
