// A sidecar without a server of its own, in a civetweb server that has pages
// besides.

#include "poolscope/exporter/civetweb/civetweb_mount.h"

#include <memory>
#include <new>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "civetweb.h"
#include "gtest/gtest.h"
#include "poolscope/exporter/http_message.h"
#include "poolscope/exporter/http_service.h"
#include "poolscope/exporter/sidecar.h"
#include "poolscope/exporter/sidecar_options.h"
#include "poolscope/tests/exporter/http_client.h"

namespace poolscope {
namespace {

int Own(mg_connection* connection, void*) {
  mg_printf(connection,
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n"
            "Connection: close\r\n\r\nown");
  return 200;
}

class CivetwebMountTest : public testing::Test {
 protected:
  void SetUp() override {
    SidecarOptions options;
    options.listen_address = "";
    absl::StatusOr<std::unique_ptr<Sidecar>> sidecar = Sidecar::Start(options);
    ASSERT_TRUE(sidecar.ok()) << sidecar.status();
    sidecar_ = *std::move(sidecar);
    const char* settings[] = {
        "listening_ports",   "127.0.0.1:0", "num_threads", "2",
        "enable_keep_alive", "yes",         nullptr};
    const mg_callbacks callbacks{};
    context_ = mg_start(&callbacks, nullptr, settings);
    ASSERT_NE(context_, nullptr);
    mg_server_port port;
    ASSERT_EQ(mg_get_server_ports(context_, 1, &port), 1);
    port_ = port.port;
    MountOn(context_, sidecar_->service());
  }
  void TearDown() override { mg_stop(context_); }

  std::unique_ptr<Sidecar> sidecar_;
  mg_context* context_ = nullptr;
  int port_ = 0;
};

TEST_F(CivetwebMountTest, AnswersForTheSidecar) {
  EXPECT_EQ(sidecar_->port(), 0);
  EXPECT_EQ(sidecar_->url(), "");
  for (const char* path : {"/", "/metrics", "/healthz", "/debug/memory",
                           "/debug/arenas", "/ui/main.js"}) {
    const HttpReply reply = Get(port_, path);
    EXPECT_EQ(reply.status, 200) << path;
    EXPECT_FALSE(reply.body.empty()) << path;
    EXPECT_EQ(reply.headers.at("x-content-type-options"), "nosniff");
    EXPECT_EQ(reply.headers.at("connection"), "close");
  }
  HttpClient head(port_);
  EXPECT_EQ(head.Request("HEAD", "/healthz").status, 200);
  EXPECT_TRUE(head.AtEnd());
  HttpClient post(port_);
  EXPECT_EQ(post.Request("POST", "/-/baseline").status, 200);
  EXPECT_EQ(Get(port_, "/-/baseline").status, 405);
  // The headers arrive, and the path as it was, not cleaned up.
  HttpClient foreign(port_);
  EXPECT_EQ(
      foreign.Request("POST", "/-/baseline", "Origin: http://other.example\r\n")
          .status,
      403);
  EXPECT_EQ(Get(port_, "/debug/../metrics").status, 404);
  // The query arrives, and what no route has is said by the sidecar.
  EXPECT_TRUE(
      absl::StrContains(Get(port_, "/debug/memory?view=x").body, "view"));
  EXPECT_EQ(Get(port_, "/debug/nothing").status, 404);
}

TEST_F(CivetwebMountTest, CountsWhatItAnswered) {
  Get(port_, "/healthz");
  std::string page;
  while (!absl::StrContains(
      page,
      "poolscope_http_requests_total{handler=\"/healthz\",code=\"200\"} 1")) {
    page = Get(port_, "/metrics").body;
    ASSERT_FALSE(page.empty());
  }
}

TEST_F(CivetwebMountTest, LeavesTheServersOwnPagesAlone) {
  mg_set_request_handler(context_, "/orders", &Own, nullptr);
  mg_set_request_handler(context_, "/", &Own, nullptr);
  EXPECT_EQ(Get(port_, "/orders").body, "own");
  EXPECT_EQ(Get(port_, "/").body, "own");
  EXPECT_EQ(Get(port_, "/healthz").body, "ok\n");
}

class ServiceWithoutMemory final : public HttpService {
 public:
  HttpResponse Serve(const HttpRequest&) override { throw std::bad_alloc(); }
  void Served(absl::string_view, int status, absl::Duration) override {
    EXPECT_EQ(status, 503);
  }
};

TEST_F(CivetwebMountTest, WithoutMemoryItSaysSoAndGoesOn) {
  ServiceWithoutMemory service;
  MountOn(context_, &service);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(Get(port_, "/metrics").status, 503);
  UnmountFrom(context_);
}

TEST_F(CivetwebMountTest, IsGoneOnceUnmounted) {
  EXPECT_EQ(Get(port_, "/healthz").status, 200);
  UnmountFrom(context_);
  sidecar_.reset();
  EXPECT_EQ(Get(port_, "/healthz").status, 404);
  EXPECT_EQ(Get(port_, "/metrics").status, 404);
}

}  // namespace
}  // namespace poolscope
