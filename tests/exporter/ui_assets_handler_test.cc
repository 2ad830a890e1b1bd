#include "poolscope/exporter/ui_assets_handler.h"

#include <set>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "poolscope/exporter/http_message.h"
#include "poolscope/exporter/ui/ui_assets.h"

namespace poolscope {
namespace {

HttpResponse Get(absl::string_view path, absl::string_view if_none_match = "") {
  UiAssetsHandler handler;
  HttpRequest request;
  request.method = "GET";
  request.path = path;
  if (!if_none_match.empty()) {
    request.headers = {{"if-none-match", if_none_match}};
  }
  return handler.Handle(request);
}

std::string Etag(const HttpResponse& response) {
  for (const HttpHeader& header : response.headers) {
    if (header.name == "ETag") return std::string(header.value);
  }
  return "";
}

TEST(UiAssetsHandlerTest, EachIsServedWithItsType) {
  for (const auto& [path, type] :
       {std::pair("/ui/ui.css", "text/css; charset=utf-8"),
        std::pair("/ui/main.js", "text/javascript; charset=utf-8"),
        std::pair("/ui/dygraph.min.js", "text/javascript; charset=utf-8"),
        std::pair("/ui/icon.svg", "image/svg+xml")}) {
    const HttpResponse response = Get(path);
    EXPECT_EQ(response.status, 200) << path;
    EXPECT_EQ(response.content_type, type) << path;
    EXPECT_FALSE(response.body.empty()) << path;
  }
}

TEST(UiAssetsHandlerTest, MayBeKeptAndIsAskedForEachTime) {
  const HttpResponse response = Get("/ui/ui.css");
  EXPECT_EQ(response.cache_control, "no-cache");
  EXPECT_EQ(response.content_security_policy, kNothingAllowedPolicy);
  EXPECT_FALSE(Etag(response).empty());
}

TEST(UiAssetsHandlerTest, EachHasAnEtagOfItsOwn) {
  std::set<absl::string_view> etags;
  for (const UiAsset& asset : UiAssets()) {
    // Weak: the text goes out compressed, or not.
    EXPECT_TRUE(absl::StartsWith(asset.etag, "W/\"")) << asset.etag;
    EXPECT_TRUE(absl::EndsWith(asset.etag, "\"")) << asset.etag;
    EXPECT_TRUE(etags.insert(asset.etag).second) << asset.name;
  }
  EXPECT_GT(etags.size(), 10u);
}

TEST(UiAssetsHandlerTest, WhoHasItIsToldSo) {
  const std::string etag = Etag(Get("/ui/ui.css"));
  const std::string strong = etag.substr(2);
  for (const std::string& names :
       {etag, strong, absl::StrCat("\"a\", ", etag),
        absl::StrCat("\"a\" ,", strong, ",\"b\""), std::string("*")}) {
    const HttpResponse response = Get("/ui/ui.css", names);
    EXPECT_EQ(response.status, 304) << names;
    EXPECT_EQ(response.body, "");
    EXPECT_EQ(Etag(response), etag);
    EXPECT_EQ(response.vary, "Accept-Encoding");
    EXPECT_EQ(response.cache_control, "no-cache");
  }
}

TEST(UiAssetsHandlerTest, WhoHasAnotherGetsIt) {
  const std::string other = Etag(Get("/ui/main.js"));
  for (const std::string& names :
       {other, std::string("W/\"\""), std::string("x")}) {
    EXPECT_EQ(Get("/ui/ui.css", names).status, 200) << names;
  }
}

TEST(UiAssetsHandlerTest, OtherNamesAre404) {
  for (const char* path :
       {"/ui/", "/ui/index.html", "/ui/ui.css/", "/ui/UI.CSS",
        "/ui/../ui/ui.css", "/ui//ui/ui.css"}) {
    EXPECT_EQ(Get(path).status, 404) << path;
  }
}

}  // namespace
}  // namespace poolscope
