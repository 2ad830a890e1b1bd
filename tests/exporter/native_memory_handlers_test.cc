#include "poolscope/exporter/native_memory_handlers.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "poolscope/exporter/router.h"
#include "poolscope/tests/exporter/json.h"
#include "poolscope/tests/metrics/native_memory/sample_native_memory.h"

namespace poolscope {
namespace {

class NativeMemoryHandlersTest : public testing::Test {
 protected:
  NativeMemoryHandlersTest() {
    const NativeMemorySource source = [this](bool mappings) {
      asked_for_mappings_.push_back(mappings);
      NativeMemoryStats stats =
          later_ ? LaterNativeMemory() : SampleNativeMemory();
      if (!mappings) stats.mappings.clear();
      return broken_ ? absl::StatusOr<NativeMemoryStats>(
                           absl::UnavailableError("/proc/self/smaps: gone"))
                     : stats;
    };
    router_.AddGet("/debug/memory", "",
                   std::make_unique<NativeMemoryHandler>(source, &baseline_));
    router_.AddPost("/-/baseline", "",
                    std::make_unique<BaselineHandler>(source, &baseline_));
  }

  HttpResponse Get(absl::string_view query, absl::string_view accept = "") {
    HttpRequest request;
    request.method = "GET";
    request.path = "/debug/memory";
    request.query = query;
    request.headers = {{"Accept", accept}};
    return router_.Serve(request);
  }
  HttpResponse Post(absl::string_view query,
                    std::vector<HttpHeader> headers = {}) {
    HttpRequest request;
    request.method = "POST";
    request.path = "/-/baseline";
    request.query = query;
    request.headers = std::move(headers);
    return router_.Serve(request);
  }

  NativeMemoryBaseline baseline_;
  Router router_;
  bool later_ = false;
  bool broken_ = false;
  std::vector<bool> asked_for_mappings_;
};

TEST_F(NativeMemoryHandlersTest, SummaryInKilobytesUnlessAskedOtherwise) {
  const HttpResponse response = Get("");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "text/plain; charset=utf-8");
  EXPECT_TRUE(absl::StartsWith(
      response.body,
      "\nNative Memory Tracking:\n\n(Omitting categories weighting less than "
      "1KB)\n\nTotal: reserved=98306KB, committed=23754KB\n"))
      << response.body;
  EXPECT_EQ(Get("view=summary&scale=kb&peaks=0&format=text").body,
            response.body);
  EXPECT_FALSE(absl::StrContains(response.body, "peak"));
  EXPECT_TRUE(absl::StrContains(Get("peaks=1").body, "(peak committed=9216KB"));
  EXPECT_TRUE(absl::StrContains(Get("scale=b").body,
                                "Total: reserved=100665343, committed="));
}

TEST_F(NativeMemoryHandlersTest, MappingsAreReadForDetailAlone) {
  EXPECT_FALSE(absl::StrContains(Get("view=summary").body, "memory map"));
  EXPECT_TRUE(absl::StrContains(Get("view=detail").body,
                                "Virtual memory map:\n\n[0x00007f0000000000 "));
  EXPECT_EQ(asked_for_mappings_, (std::vector<bool>{false, true}));
}

TEST_F(NativeMemoryHandlersTest, JsonHasTheSameFigures) {
  for (const HttpResponse& response :
       {Get("format=json"), Get("", "application/json")}) {
    EXPECT_EQ(response.content_type, "application/json");
    EXPECT_TRUE(ParseJson(response.body).ok()) << response.body;
    EXPECT_TRUE(absl::StrContains(response.body,
                                  "\"total\":{\"reserved_bytes\":100665343,"));
  }
  EXPECT_EQ(Get("format=text", "application/json").content_type,
            "text/plain; charset=utf-8");
}

TEST_F(NativeMemoryHandlersTest, DifferencesNeedABaseline) {
  for (const char* view : {"view=summary.diff", "view=detail.diff"}) {
    const HttpResponse response = Get(view);
    EXPECT_EQ(response.status, 400);
    EXPECT_EQ(response.body, "No baseline for comparison\n");
  }
  EXPECT_EQ(Post("view=summary").body, "Baseline taken\n");
  EXPECT_EQ(Get("view=summary.diff").status, 200);
  EXPECT_EQ(Get("view=detail.diff").status, 400);
  EXPECT_EQ(Get("view=detail.diff").body,
            "No detail baseline for comparison\n");
  EXPECT_EQ(Post("").body, "Baseline taken\n");
  EXPECT_EQ(Get("view=detail.diff").status, 200);
  EXPECT_TRUE(asked_for_mappings_.back());
}

TEST_F(NativeMemoryHandlersTest, DifferencesShowWhereItGrewAndNothingElse) {
  EXPECT_EQ(Post("view=detail").status, 200);
  const HttpResponse same = Get("view=summary.diff");
  EXPECT_FALSE(absl::StrContains(same.body, " +")) << same.body;
  EXPECT_EQ(same.body, Get("view=summary").body);
  later_ = true;
  const HttpResponse grown = Get("view=summary.diff");
  EXPECT_TRUE(absl::StrContains(
      grown.body,
      "-                Glibc Heap (reserved=9216KB +1024KB, committed=8192KB "
      "+1024KB)\n"));
  EXPECT_TRUE(absl::StrContains(
      grown.body,
      "-             Thread Stacks (reserved=24576KB, committed=200KB)\n"));
  // A new baseline takes the old one's place.
  EXPECT_EQ(Post("").status, 200);
  EXPECT_FALSE(absl::StrContains(Get("view=detail.diff").body, " +"));
}

TEST_F(NativeMemoryHandlersTest, BadQueriesAreRefusedInOneLine) {
  const struct {
    const char* query;
    const char* line;
  } kCases[] = {
      {"scale=TB", "Incorrect scale value: TB; give B, KB, MB or GB\n"},
      {"scale=", "Incorrect scale value: ; give B, KB, MB or GB\n"},
      {"scale=%0AKB", "Incorrect scale value: \\nKB; give B, KB, MB or GB\n"},
      {"view=baseline",
       "Incorrect view value: baseline; give summary, detail, summary.diff or "
       "detail.diff\n"},
      {"peaks=2", "peaks=2: must be 0 or 1\n"},
      {"format=xml", "format=xml: must be text or json\n"},
      {"depth=3",
       "depth: no such parameter; there are view, scale, peaks and format\n"},
      {"scale=KB&scale=MB", "the query has \"scale\" twice\n"},
  };
  for (const auto& c : kCases) {
    const HttpResponse response = Get(c.query);
    EXPECT_EQ(response.status, 400) << c.query;
    EXPECT_EQ(response.body, c.line);
  }
  EXPECT_EQ(Post("view=detail.diff").body,
            "view=detail.diff: a baseline is a summary or a detail\n");
  EXPECT_EQ(Post("scale=KB").body, "scale: no such parameter; there is view\n");
  EXPECT_EQ(baseline_.Get(), nullptr);
  EXPECT_TRUE(asked_for_mappings_.empty());
}

TEST_F(NativeMemoryHandlersTest, ABaselineIsTakenByPostFromItsOwnOrigin) {
  HttpRequest request;
  request.method = "GET";
  request.path = "/-/baseline";
  EXPECT_EQ(router_.Serve(request).status, 405);
  EXPECT_EQ(
      Post("", {{"Host", "localhost:9464"}, {"Origin", "http://other.example"}})
          .status,
      403);
  EXPECT_EQ(baseline_.Get(), nullptr);
  EXPECT_EQ(Post("", {{"Host", "localhost:9464"},
                      {"Origin", "http://localhost:9464"}})
                .status,
            200);
  EXPECT_NE(baseline_.Get(), nullptr);
}

TEST_F(NativeMemoryHandlersTest, AWalkThatFailsIsAnsweredWithItsReason) {
  broken_ = true;
  for (const HttpResponse& response : {Get(""), Post("")}) {
    EXPECT_EQ(response.status, 503);
    EXPECT_EQ(response.body,
              "native memory was not read: /proc/self/smaps: gone\n");
  }
  EXPECT_EQ(baseline_.Get(), nullptr);
}

}  // namespace
}  // namespace poolscope
