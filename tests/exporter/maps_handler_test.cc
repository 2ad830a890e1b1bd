#include "poolscope/exporter/maps_handler.h"

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "poolscope/exporter/http_message.h"
#include "poolscope/metrics/native_memory/native_memory_stats.h"

namespace poolscope {
namespace {

class MapsHandlerTest : public testing::Test {
 protected:
  MapsHandlerTest() {
    auto stats = std::make_shared<NativeMemoryStats>();
    stats->walk_id = 7;
    for (uint64_t i = 1; i <= 2000; ++i) {
      stats->mappings.push_back(
          {i << 12, (i + 1) << 12, "rw-p", "", i << 2, "Unknown", ""});
    }
    stats_ = stats;
  }

  HttpResponse Get(absl::string_view query, absl::string_view accept = "") {
    HttpRequest request;
    request.method = "GET";
    request.path = "/debug/maps";
    request.query = query;
    request.headers.push_back({"Accept", accept});
    return handler_.Handle(request);
  }

  std::shared_ptr<const NativeMemoryStats> stats_;
  absl::Status status_;
  int walks_ = 0;
  MapsHandler handler_{
      [this]() -> absl::StatusOr<std::shared_ptr<const NativeMemoryStats>> {
        ++walks_;
        if (!status_.ok()) return status_;
        return stats_;
      }};
};

TEST_F(MapsHandlerTest, ShowsTheLargestThousand) {
  const HttpResponse response = Get("");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "text/plain; charset=utf-8");
  EXPECT_TRUE(absl::StrContains(response.body, "mappings: 2000\n"));
  EXPECT_TRUE(absl::StrContains(response.body, "shown: 1000\n"));
  EXPECT_TRUE(absl::StrContains(response.body, "0x0000007d0000"));
  EXPECT_FALSE(absl::StrContains(response.body, "0x000000001000"));
}

TEST_F(MapsHandlerTest, IsJsonForWhoAsks) {
  for (const HttpResponse& response :
       {Get("format=json"), Get("", "application/json")}) {
    EXPECT_EQ(response.content_type, "application/json");
    EXPECT_TRUE(absl::StartsWith(response.body, "{\"walk_id\":7,"));
  }
  EXPECT_FALSE(
      absl::StartsWith(Get("format=text", "application/json").body, "{"));
}

TEST_F(MapsHandlerTest, ShowsThePageAskedFor) {
  const HttpResponse response =
      Get("sort=address&offset=1&limit=1&format=json");
  EXPECT_TRUE(absl::StrContains(response.body, "0x000000002000"));
  EXPECT_FALSE(absl::StrContains(response.body, "0x000000001000"));
  EXPECT_FALSE(absl::StrContains(response.body, "0x000000003000"));
}

TEST_F(MapsHandlerTest, RefusesWhatItDoesNotKnowWithoutAWalk) {
  for (const char* query :
       {"limit=0", "limit=10001", "limit=-1", "limit=x", "limit=", "offset=-1",
        "offset=x", "sort=size", "format=xml", "depth=1", "limit=%zz",
        "limit=1&limit=2", "limit=%201", "offset=%2b1"}) {
    const HttpResponse response = Get(query);
    EXPECT_EQ(response.status, 400) << query;
    EXPECT_EQ(response.body.find('\n'), response.body.size() - 1) << query;
  }
  EXPECT_EQ(walks_, 0);
  EXPECT_EQ(Get("limit=1").status, 200);
  EXPECT_EQ(Get("limit=10000").status, 200);
}

TEST_F(MapsHandlerTest, SaysWhyThereIsNoWalk) {
  status_ = absl::NotFoundError("cannot open /proc/self/smaps: no such file");
  const HttpResponse response = Get("");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.body, "cannot open /proc/self/smaps: no such file\n");
}

}  // namespace
}  // namespace poolscope
