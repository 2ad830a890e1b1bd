// The page over made-up blocks, without a socket.
#include "poolscope/exporter/heap_profile_handler.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/debugging/symbolize.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/leak/leak_level.h"
#include "poolscope/allocator/leak/leak_stats.h"
#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/bench/gunzip.h"
#include "poolscope/exporter/content_encoder.h"
#include "poolscope/exporter/http_message.h"
#include "poolscope/metrics/leak_source.h"
#include "poolscope/metrics/metric_registry.h"
#include "poolscope/tests/metrics/live_allocations.h"
#include "poolscope/tests/metrics/pprof_reader.h"

namespace poolscope {

namespace {

// An address in the function that calls it.
__attribute__((noinline)) void* Here() { return __builtin_return_address(0); }

class HeapProfileHandlerTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { absl::InitializeSymbolizer("/proc/self/exe"); }

  void Add(const std::string& allocator, LeakLevel level,
           const std::vector<MadeUpBlock>& blocks = {}) {
    AddWithoutDetector(allocator);
    LeakSource source;
    source.stats = [level] {
      LeakStats stats;
      stats.level = level;
      return stats;
    };
    source.live = [blocks] { return MakeLive(blocks); };
    registry_.AddLeakDetector(allocator, source);
  }
  void AddWithoutDetector(const std::string& allocator) {
    const auto no_stats = [](bool) { return AllocatorStats(); };
    ASSERT_TRUE(registry_.AddAllocator(allocator, no_stats).ok());
  }

  HttpResponse Serve(absl::string_view query = "") {
    HeapProfileHandler handler(&registry_, "/proc");
    HttpRequest request;
    request.query = query;
    return handler.Handle(request);
  }

  PprofProfile Profile(absl::string_view query = "") {
    const HttpResponse response = Serve(query);
    EXPECT_EQ(response.status, 200) << response.body;
    const absl::StatusOr<std::string> bytes = bench::Gunzip(response.body);
    EXPECT_TRUE(bytes.ok()) << bytes.status();
    if (!bytes.ok()) return PprofProfile();
    const absl::StatusOr<PprofProfile> profile = DecodePprof(*bytes);
    EXPECT_TRUE(profile.ok()) << profile.status();
    return profile.ok() ? *profile : PprofProfile();
  }

  MetricRegistry registry_{MetricRegistryOptions{}};
};

std::string Header(const HttpResponse& response, absl::string_view name) {
  for (const HttpHeader& header : response.headers) {
    if (header.name == name) return std::string(header.value);
  }
  return "";
}

TEST_F(HeapProfileHandlerTest, IsAFileThatIsGzippedOnce) {
  Add("rpc", LeakLevel::kSimple, {{1, 1, 64, {Here()}}});
  HttpResponse response = Serve();
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "application/octet-stream");
  EXPECT_EQ(Header(response, "Content-Disposition"),
            "attachment; filename=\"heap.pb.gz\"");
  const std::string sent(response.body);
  ContentEncoder encoder;
  HttpRequest request;
  request.headers = {{"Accept-Encoding", "gzip"}};
  encoder.Encode(request, response);
  EXPECT_EQ(response.content_encoding, "");
  EXPECT_EQ(response.body, sent);
}

TEST_F(HeapProfileHandlerTest, NamesWhoHoldsWhat) {
  Add("rpc", LeakLevel::kSimple, {{1, 2, 1024, {Here()}}, {2, 1, 512, {}}});
  Add("cache", LeakLevel::kSimple, {{1, 1, 16, {Here()}}});
  const int64_t before = absl::ToUnixNanos(absl::Now());
  const PprofProfile profile = Profile();
  EXPECT_GE(profile.time_nanos, before);
  EXPECT_LE(profile.time_nanos, absl::ToUnixNanos(absl::Now()));
  EXPECT_EQ(profile.Total(1, "rpc"), 2560);
  EXPECT_EQ(profile.Total(1, "cache"), 16);
  EXPECT_EQ(profile.Flat(0).at("[stack not recorded]"), 1);
  EXPECT_TRUE(absl::StrContains(profile.Top(1), "NamesWhoHoldsWhat"))
      << profile.Top(1);
  ASSERT_FALSE(profile.mappings.empty());
  EXPECT_TRUE(
      absl::EndsWith(profile.mappings[0].path, "/heap_profile_handler_test"));
  EXPECT_EQ(profile.samples[0].stack[0].mapping.path, profile.mappings[0].path);
  EXPECT_TRUE(profile.comments.empty());
}

TEST_F(HeapProfileHandlerTest, OfOneAllocator) {
  Add("rpc", LeakLevel::kSimple, {{1, 1, 1024, {Here()}}});
  Add("cache", LeakLevel::kSimple, {{1, 1, 16, {Here()}}});
  const PprofProfile profile = Profile("allocator=cache");
  EXPECT_EQ(profile.Total(1), 16);
  EXPECT_EQ(profile.Total(1, "cache"), 16);
}

TEST_F(HeapProfileHandlerTest, NothingAliveIsAnEmptyProfile) {
  Add("rpc", LeakLevel::kSimple);
  EXPECT_TRUE(Profile().samples.empty());
}

TEST_F(HeapProfileHandlerTest, SaysWhichAllocatorsAreLeftOut) {
  Add("rpc", LeakLevel::kSimple, {{1, 1, 1024, {Here()}}});
  AddWithoutDetector("cache");
  Add("disk", LeakLevel::kDisabled, {{1, 1, 64, {Here()}}});
  const PprofProfile profile = Profile();
  EXPECT_EQ(profile.Total(1), 1024);
  ASSERT_EQ(profile.comments.size(), 2u);
  EXPECT_TRUE(absl::StrContains(profile.comments[0], "allocator cache "));
  EXPECT_TRUE(absl::StrContains(profile.comments[1], "allocator disk "));
}

TEST_F(HeapProfileHandlerTest, WithoutStacksThereIsNoProfileButARemedy) {
  AddWithoutDetector("cache");
  Add("disk", LeakLevel::kDisabled);
  for (const auto& [query, remedy] :
       {std::pair("allocator=cache", "Sidecar::RegisterAllocator"),
        std::pair("allocator=disk", "/-/leak-level"),
        std::pair("", "Sidecar::RegisterAllocator")}) {
    const HttpResponse response = Serve(query);
    EXPECT_EQ(response.status, 404) << query;
    EXPECT_TRUE(absl::StrContains(response.body, remedy)) << response.body;
    EXPECT_EQ(response.body.find('\n'), response.body.size() - 1);
    // Else `go tool pprof` would not print it.
    EXPECT_EQ(Header(response, "X-Go-Pprof"), "1");
  }
}

TEST_F(HeapProfileHandlerTest, WithoutAllocatorsThereIsNone) {
  EXPECT_EQ(Serve().status, 404);
}

TEST_F(HeapProfileHandlerTest, RefusesBadQueriesInOneLine) {
  Add("rpc", LeakLevel::kSimple);
  for (const auto& [query, word] :
       {std::pair("seconds=5", "-diff_base"), std::pair("gc=1", "gc"),
        std::pair("allocator=", "allocator="),
        std::pair("allocator=other", "other"),
        std::pair("allocator=%0a", "\\n"), std::pair("a=%zz", "%"),
        std::pair("allocator=rpc&allocator=rpc", "twice")}) {
    const HttpResponse response = Serve(query);
    EXPECT_EQ(response.status, 400) << query;
    EXPECT_TRUE(absl::StrContains(response.body, word)) << response.body;
    EXPECT_EQ(response.body.find('\n'), response.body.size() - 1);
  }
}

}  // namespace
}  // namespace poolscope
