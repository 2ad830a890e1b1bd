#include "poolscope/exporter/router.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "poolscope/exporter/authenticator.h"
#include "poolscope/exporter/host_names.h"
#include "poolscope/exporter/http_message.h"
#include "poolscope/exporter/role.h"
#include "poolscope/tests/exporter/sample_users.h"

namespace poolscope {
namespace {

class Echo : public HttpHandler {
 public:
  HttpResponse Handle(const HttpRequest& request) override {
    return LineResponse(200, std::string(request.query));
  }
};

class RouterTest : public testing::Test {
 protected:
  RouterTest() { router_.AddGet("/a", "", std::make_unique<Echo>()); }

  HttpResponse Serve(absl::string_view method, absl::string_view path,
                     absl::string_view query = "") {
    HttpRequest request;
    request.method = method;
    request.path = path;
    request.query = query;
    return router_.Serve(request);
  }

  HttpResponse ServeFrom(absl::string_view method, absl::string_view path,
                         std::vector<HttpHeader> headers) {
    HttpRequest request;
    request.method = method;
    request.path = path;
    request.headers = std::move(headers);
    return router_.Serve(request);
  }

  Router router_;
};

TEST_F(RouterTest, FindsTheHandler) {
  const HttpResponse response = Serve("GET", "/a", "x=1");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "x=1\n");
  EXPECT_EQ(response.handler, "/a");
}

TEST_F(RouterTest, AFolderTakesWhatIsBelowItUnderItsOwnName) {
  router_.AddGet("/f/", "", std::make_unique<Echo>());
  for (const char* path : {"/f/", "/f/x", "/f/x/y", "/f/../a"}) {
    EXPECT_EQ(Serve("GET", path).status, 200) << path;
    EXPECT_EQ(Serve("GET", path).handler, "/f/") << path;
  }
  for (const char* path : {"/f", "/ff/", "/F/x", "//f/x", "/a/"}) {
    EXPECT_EQ(Serve("GET", path).status, 404) << path;
  }
}

TEST_F(RouterTest, TheRootIsNoFolder) {
  router_.AddGet("/", "", std::make_unique<Echo>());
  EXPECT_EQ(Serve("GET", "/").status, 200);
  EXPECT_EQ(Serve("GET", "/b").status, 404);
}

TEST_F(RouterTest, HeadWorksWhereGetDoes) {
  EXPECT_EQ(Serve("HEAD", "/a").status, 200);
  EXPECT_EQ(Serve("HEAD", "/b").status, 404);
}

TEST_F(RouterTest, AnActionTakesPostAlone) {
  router_.AddPost("/do", "", std::make_unique<Echo>());
  EXPECT_EQ(Serve("POST", "/do", "x=1").body, "x=1\n");
  for (const char* method : {"GET", "HEAD", "PUT", "post"}) {
    const HttpResponse response = Serve(method, "/do");
    EXPECT_EQ(response.status, 405) << method;
    EXPECT_EQ(response.allow, "POST");
    EXPECT_EQ(response.handler, "/do");
  }
}

TEST_F(RouterTest, AnActionIsRefusedToPagesOfOtherSites) {
  router_.AddPost("/do", "", std::make_unique<Echo>());
  router_.set_host_names(HostNames({"metrics.example"}));
  const auto status = [&](const char* origin, const char* host,
                          const char* fetch_site = "") {
    return ServeFrom("POST", "/do",
                     {{"Origin", origin},
                      {"Host", host},
                      {"Sec-Fetch-Site", fetch_site}})
        .status;
  };
  EXPECT_EQ(status("http://127.0.0.1:9464", "127.0.0.1:9464"), 200);
  EXPECT_EQ(status("https://metrics.example", "metrics.example"), 200);
  EXPECT_EQ(status("", "127.0.0.1:9464"), 200) << "no browser";
  EXPECT_EQ(status("", ""), 200) << "no browser";
  EXPECT_EQ(status("http://127.0.0.1:80", "127.0.0.1:9464"), 403);
  EXPECT_EQ(status("http://other.example", "127.0.0.1:9464"), 403);
  EXPECT_EQ(status("null", "127.0.0.1:9464"), 403);
  EXPECT_EQ(status("http://", ""), 403);
  // What a browser says where it names no origin.
  EXPECT_EQ(status("", "127.0.0.1:9464", "same-origin"), 200);
  EXPECT_EQ(status("", "127.0.0.1:9464", "none"), 200);
  EXPECT_EQ(status("", "127.0.0.1:9464", "same-site"), 403);
  EXPECT_EQ(status("", "127.0.0.1:9464", "cross-site"), 403);
}

// A name of somebody else's that points to this server: to a browser its page
// and this server are one site.
TEST_F(RouterTest, AForeignNameGetsNeitherActionsNorPages) {
  router_.AddPost("/do", "", std::make_unique<Echo>());
  router_.AddGet("/figures", "", std::make_unique<Echo>(), Role::kScrape);
  router_.AddOpen("/health", "", std::make_unique<Echo>());
  const auto status = [&](const char* method, const char* path) {
    return ServeFrom(method, path,
                     {{"Origin", "http://evil.example:9464"},
                      {"Host", "evil.example:9464"}})
        .status;
  };
  EXPECT_EQ(status("POST", "/do"), 403);
  EXPECT_EQ(status("GET", "/a"), 403);
  EXPECT_EQ(status("HEAD", "/a"), 403);
  EXPECT_EQ(status("GET", "/figures"), 200);
  EXPECT_EQ(status("GET", "/health"), 200);
  router_.set_host_names(HostNames({"evil.example"}));
  EXPECT_EQ(status("POST", "/do"), 200);
  EXPECT_EQ(status("GET", "/a"), 200);
}

// As a picture, a script, or in a frame.
TEST_F(RouterTest, PagesAreNotMadeForPagesOfOtherSites) {
  router_.AddGet("/figures", "", std::make_unique<Echo>(), Role::kScrape);
  router_.AddOpen("/health", "", std::make_unique<Echo>());
  const auto status = [&](const char* path, const char* site, const char* mode,
                          const char* dest) {
    return ServeFrom("GET", path,
                     {{"Host", "127.0.0.1:9464"},
                      {"Sec-Fetch-Site", site},
                      {"Sec-Fetch-Mode", mode},
                      {"Sec-Fetch-Dest", dest}})
        .status;
  };
  for (const char* site : {"cross-site", "same-site"}) {
    EXPECT_EQ(status("/a", site, "no-cors", "image"), 403) << site;
    EXPECT_EQ(status("/a", site, "cors", "empty"), 403) << site;
    EXPECT_EQ(status("/a", site, "navigate", "iframe"), 403) << site;
    EXPECT_EQ(status("/a", site, "navigate", "object"), 403) << site;
    EXPECT_EQ(status("/a", site, "navigate", "document"), 200) << site;
    EXPECT_EQ(status("/figures", site, "cors", "empty"), 200) << site;
    EXPECT_EQ(status("/health", site, "cors", "empty"), 200) << site;
  }
  EXPECT_EQ(status("/a", "same-origin", "cors", "empty"), 200);
  EXPECT_EQ(status("/a", "none", "navigate", "document"), 200);
}

TEST_F(RouterTest, PagesBehindAPasswordAreNotMadeForThemEither) {
  const std::unique_ptr<Authenticator> authenticator =
      *Authenticator::Create(SampleUsers());
  router_.set_authenticator(authenticator.get());
  const std::string alice = BasicAuth("alice", "act-me");
  EXPECT_EQ(ServeFrom("GET", "/a",
                      {{"Host", "db1:9464"},
                       {"Authorization", alice},
                       {"Sec-Fetch-Site", "cross-site"},
                       {"Sec-Fetch-Mode", "no-cors"},
                       {"Sec-Fetch-Dest", "image"}})
                .status,
            403);
}

TEST_F(RouterTest, ARefusalShowsTheHostAndTheRemedy) {
  EXPECT_EQ(ServeFrom("GET", "/a", {{"Host", "evil\x1b"}}).body,
            "\"evil\\x1b\" is not a name of this server: ask by its address, "
            "or give it the name in SidecarOptions::hosts\n");
}

// A page by another name has no password to send.
TEST_F(RouterTest, PagesBehindAPasswordAreShownByAnyName) {
  router_.AddPost("/do", "", std::make_unique<Echo>());
  const std::unique_ptr<Authenticator> authenticator =
      *Authenticator::Create(SampleUsers());
  router_.set_authenticator(authenticator.get());
  const std::string alice = BasicAuth("alice", "act-me");
  const auto status = [&](const char* method, const char* path) {
    return ServeFrom(method, path,
                     {{"Host", "db1:9464"}, {"Authorization", alice}})
        .status;
  };
  EXPECT_EQ(status("GET", "/a"), 200);
  EXPECT_EQ(status("POST", "/do"), 403);
  router_.set_host_names(HostNames({"db1"}));
  EXPECT_EQ(status("POST", "/do"), 200);
}

TEST_F(RouterTest, UnknownPathsAre404) {
  for (const char* path :
       {"/b", "", "/a/", "/A", "//a", "/a%00", "/%61", "/x/../a", "*"}) {
    const HttpResponse response = Serve("GET", path);
    EXPECT_EQ(response.status, 404) << path;
    EXPECT_EQ(response.handler, Router::kOther);
  }
}

TEST_F(RouterTest, OtherMethodsAre405WithAllow) {
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "get"}) {
    const HttpResponse response = Serve(method, "/a");
    EXPECT_EQ(response.status, 405) << method;
    EXPECT_EQ(response.allow, "GET, HEAD");
    EXPECT_EQ(response.handler, "/a");
  }
}

TEST_F(RouterTest, LongUrisAre414) {
  EXPECT_EQ(
      Serve("GET", "/a", std::string(Router::kMaxUriBytes - 2, 'q')).status,
      200);
  EXPECT_EQ(
      Serve("GET", "/a", std::string(Router::kMaxUriBytes - 1, 'q')).status,
      414);
}

TEST(HttpRequestTest, HeaderNamesHaveNoCase) {
  HttpRequest request;
  request.headers = {{"accept", "1"}, {"Accept", "2"}};
  EXPECT_EQ(request.Header("ACCEPT"), "1");
  EXPECT_EQ(request.Header("Host"), "");
}

}  // namespace
}  // namespace poolscope
