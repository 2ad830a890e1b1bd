#include "poolscope/exporter/index_handler.h"

#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "poolscope/exporter/health_handlers.h"
#include "poolscope/exporter/http_message.h"
#include "poolscope/exporter/router.h"
#include "poolscope/metrics/metric_registry.h"
#include "poolscope/tests/metrics/sample_stats.h"

namespace poolscope {
namespace {

class IndexHandlerTest : public testing::Test {
 protected:
  IndexHandlerTest() {
    router_.AddGet("/", "",
                   std::make_unique<IndexHandler>(&router_, &registry_));
    router_.AddGet("/healthz", "alive", std::make_unique<HealthHandler>());
    router_.AddGet("/hidden", "", std::make_unique<HealthHandler>());
    router_.AddPost("/-/act", "acts", std::make_unique<HealthHandler>());
  }

  HttpResponse Page() {
    HttpRequest request;
    request.method = "GET";
    request.path = "/";
    return router_.Serve(request);
  }

  MetricRegistry registry_{MetricRegistryOptions{}};
  Router router_;
};

TEST_F(IndexHandlerTest, NamesPagesAsLinksAndActionsAsSuch) {
  const HttpResponse page = Page();
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.content_type, "text/html; charset=utf-8");
  EXPECT_TRUE(absl::StrContains(
      page.body, "<a href=\"/healthz\">/healthz</a> &ndash; alive"));
  EXPECT_TRUE(absl::StrContains(page.body, "POST /-/act"));
  EXPECT_FALSE(absl::StrContains(page.body, "href=\"/-/act"));
  EXPECT_FALSE(absl::StrContains(page.body, "/hidden"));
}

TEST_F(IndexHandlerTest, TellsWhatIsRegistered) {
  EXPECT_TRUE(absl::StrContains(Page().body, "Allocators registered: 0."));
  for (const char* name : {"one", "two"}) {
    ASSERT_TRUE(
        registry_.AddAllocator(name, [](bool) { return SampleStats(); }).ok());
  }
  const HttpResponse page = Page();
  EXPECT_TRUE(absl::StrContains(page.body, "Allocators registered: 2."));
  EXPECT_TRUE(absl::StrContains(page.body, "Outbound channels: none."));
  EXPECT_FALSE(absl::StrContains(page.body, "{{"));
}

TEST_F(IndexHandlerTest, AllowsPartsOfThisServerAlone) {
  const HttpResponse page = Page();
  for (const char* part :
       {"default-src 'none'; ", "script-src 'self'; ", "style-src 'self'; ",
        "connect-src 'self'; ", "frame-ancestors 'none'"}) {
    EXPECT_TRUE(absl::StrContains(page.content_security_policy, part)) << part;
  }
  for (const char* word : {"unsafe", "*", "data:", "http"}) {
    EXPECT_FALSE(absl::StrContains(page.content_security_policy, word)) << word;
  }
}

// The policy would have a browser refuse them.
TEST_F(IndexHandlerTest, HasNothingInlineAndNothingOfOtherSites) {
  const HttpResponse page = Page();
  for (const char* part : {"style=", "<style", "onclick", "onload",
                           "http:", "https:", "src=\"//", "javascript:"}) {
    EXPECT_FALSE(absl::StrContains(page.body, part)) << part;
  }
  absl::string_view rest = page.body;
  for (size_t at = rest.find("<script"); at != absl::string_view::npos;
       at = rest.find("<script")) {
    rest.remove_prefix(at);
    const absl::string_view script = rest.substr(0, rest.find("</script>"));
    EXPECT_TRUE(absl::StartsWith(script, "<script src=\"/ui/")) << script;
    EXPECT_TRUE(absl::EndsWith(script, ">")) << script;
    rest.remove_prefix(1);
  }
}

}  // namespace
}  // namespace poolscope
