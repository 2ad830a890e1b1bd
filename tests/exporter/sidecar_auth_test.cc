// Who may ask a sidecar for what, over real sockets.

#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "poolscope/exporter/sidecar.h"
#include "poolscope/exporter/sidecar_options.h"
#include "poolscope/tests/exporter/http_client.h"
#include "poolscope/tests/exporter/sample_users.h"

namespace poolscope {
namespace {

class SidecarAuthTest : public testing::Test {
 protected:
  SidecarAuthTest() {
    SidecarOptions options;
    options.listen_address = "127.0.0.1:0";
    options.users = SampleUsers();
    absl::StatusOr<std::unique_ptr<Sidecar>> sidecar = Sidecar::Start(options);
    EXPECT_TRUE(sidecar.ok()) << sidecar.status();
    sidecar_ = *std::move(sidecar);
  }

  HttpReply Ask(absl::string_view method, absl::string_view target,
                absl::string_view headers) {
    HttpClient client(sidecar_->port());
    return client.Request(method, target, headers);
  }

  std::unique_ptr<Sidecar> sidecar_;
};

TEST_F(SidecarAuthTest, EachRoleMayDoWhatItSays) {
  // Whether scrape, debug and act may.
  for (const auto& [method, target, scrape, debug, act] : {
           std::tuple("GET", "/metrics", true, true, true),
           std::tuple("GET", "/", false, true, true),
           std::tuple("GET", "/ui/main.js", false, true, true),
           std::tuple("GET", "/debug/arenas", false, true, true),
           std::tuple("GET", "/debug/channels", false, true, true),
           std::tuple("GET", "/debug/leaks", false, true, true),
           std::tuple("GET", "/debug/maps", false, true, true),
           std::tuple("GET", "/debug/memory", false, true, true),
           std::tuple("GET", "/debug/pprof/heap", false, true, true),
           std::tuple("POST", "/-/baseline", false, false, true),
           std::tuple("POST", "/-/trim", false, false, true),
           std::tuple("POST", "/-/leak-level", false, false, true),
           std::tuple("GET", "/-/trim", false, false, true),
           std::tuple("POST", "/metrics", true, true, true),
           std::tuple("GET", "/nothing", true, true, true),
           std::tuple("GET", "/healthz", true, true, true),
       }) {
    // What the page itself answers is its own affair.
    const auto may = [&, method = method, target = target](
                         const char* name, const char* password) {
      const int status = Ask(method, target, AuthHeader(name, password)).status;
      EXPECT_NE(status, 0);
      EXPECT_NE(status, 401);
      return status != 403;
    };
    EXPECT_EQ(may("prometheus", "scrape-me"), scrape) << method << target;
    EXPECT_EQ(may("grace", "debug-me"), debug) << method << target;
    EXPECT_EQ(may("alice", "act-me"), act) << method << target;
  }
  const std::string alice = AuthHeader("alice", "act-me");
  EXPECT_EQ(Ask("GET", "/metrics", alice).status, 200);
  EXPECT_EQ(Ask("GET", "/", alice).status, 200);
  EXPECT_EQ(Ask("POST", "/-/baseline", alice).status, 200);
  EXPECT_EQ(Ask("GET", "/-/trim", alice).status, 405);
  EXPECT_EQ(Ask("GET", "/nothing", alice).status, 404);
}

TEST_F(SidecarAuthTest, WithoutPasswordOnlyHealthIsAnswered) {
  for (const std::string& headers :
       {std::string(), AuthHeader("alice", "wrong"),
        AuthHeader("mallory", "act-me"),
        std::string("Authorization: Bearer act-me\r\n")}) {
    // No path tells whether it exists.
    for (const char* target :
         {"/", "/metrics", "/debug/memory", "/ui/main.js", "/nothing"}) {
      const HttpReply reply = Ask("GET", target, headers);
      EXPECT_EQ(reply.status, 401) << target;
      EXPECT_EQ(reply.reason, "Unauthorized");
      EXPECT_EQ(reply.headers.at("www-authenticate"),
                "Basic realm=\"poolscope\", charset=\"UTF-8\"");
      EXPECT_EQ(reply.body, "a user and a password, please\n");
    }
    EXPECT_EQ(Ask("POST", "/-/trim", headers).status, 401);
    EXPECT_EQ(Ask("GET", "/healthz", headers).status, 200);
    EXPECT_EQ(Ask("GET", "/-/ready", headers).status, 503);
  }
}

TEST_F(SidecarAuthTest, ARefusalNamesTheRoleThatIsMissing) {
  EXPECT_EQ(Ask("POST", "/-/trim", AuthHeader("grace", "debug-me")).body,
            "this needs the role act; you have debug\n");
}

TEST_F(SidecarAuthTest, NoSecretIsShownAgain) {
  Ask("GET", "/metrics", AuthHeader("alice", "wrong"));
  const std::string auth = AuthHeader("alice", "act-me");
  for (const char* target : {"/metrics", "/", "/debug/memory?view=detail",
                             "/debug/leaks", "/no?x=1"}) {
    const std::string body = Ask("GET", target, auth).body;
    for (const char* secret : {"act-me", "wrong", "$2y$", "YWxpY2U6"}) {
      EXPECT_FALSE(absl::StrContains(body, secret)) << target << secret;
    }
  }
}

TEST_F(SidecarAuthTest, RefusalsAreCounted) {
  Ask("GET", "/metrics", "");
  // An answer is counted once it has been sent, so a scrape may overtake that.
  std::string page;
  for (int scrape = 0; scrape < 1000; ++scrape) {
    page = Ask("GET", "/metrics", AuthHeader("prometheus", "scrape-me")).body;
    if (absl::StrContains(
            page,
            "poolscope_http_requests_total{handler=\"/metrics\",code=\"401\"} "
            "1\n")) {
      return;
    }
  }
  FAIL() << page;
}

TEST(SidecarUsersTest, AUserThatCannotBeIsRefused) {
  SidecarOptions options;
  options.listen_address = "127.0.0.1:0";
  options.users = {{"alice", "act-me", Role::kAct}};
  const absl::Status status = Sidecar::Start(options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(absl::StrContains(status.message(), "\"alice\"")) << status;
  EXPECT_FALSE(absl::StrContains(status.message(), "act-me")) << status;
}

TEST(SidecarHostsTest, AForeignNameActsOnNothing) {
  SidecarOptions options;
  options.listen_address = "127.0.0.1:0";
  options.hosts = {"metrics.example"};
  const std::unique_ptr<Sidecar> sidecar = *Sidecar::Start(options);
  const auto status = [&](const char* method, const char* target,
                          const char* host) {
    HttpClient client(sidecar->port());
    client.Send(absl::StrCat(method, " ", target, " HTTP/1.1\r\nHost: ", host,
                             "\r\n\r\n"));
    return client.Receive().status;
  };
  for (const char* host : {"localhost", "127.0.0.1:80", "metrics.example"}) {
    EXPECT_EQ(status("POST", "/-/baseline", host), 200) << host;
    EXPECT_EQ(status("GET", "/", host), 200) << host;
  }
  EXPECT_EQ(status("POST", "/-/baseline", "evil.example"), 403);
  EXPECT_EQ(status("GET", "/", "evil.example"), 403);
  EXPECT_EQ(status("GET", "/debug/memory", "evil.example"), 403);
  EXPECT_EQ(status("GET", "/metrics", "evil.example"), 200);
  EXPECT_EQ(status("GET", "/healthz", "evil.example"), 200);
  options.hosts = {"http://metrics.example"};
  EXPECT_EQ(Sidecar::Start(options).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(SidecarUsersTest, PasswordsDoNotLeaveTheMachineUnencryptedUnlessToldSo) {
  SidecarOptions options;
  // From the range for documentation: no interface has it.
  options.listen_address = "192.0.2.1:0";
  options.users = SampleUsers();
  const absl::Status status = Sidecar::Start(options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_TRUE(absl::StrContains(status.message(), "nothing is encrypted"))
      << status;
  EXPECT_TRUE(absl::StrContains(status.message(), "allow_remote")) << status;
  options.allow_remote = true;
  EXPECT_EQ(Sidecar::Start(options).status().code(),
            absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace poolscope
