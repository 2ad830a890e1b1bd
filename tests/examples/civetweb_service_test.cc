// The example that mounts poolscope's pages in a CivetServer of its own.
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdint>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "poolscope/tests/examples/example_service.h"
#include "poolscope/tests/exporter/http_client.h"

namespace poolscope {
namespace {

HttpReply Post(int port, const std::string& body) {
  HttpClient client(port);
  client.Send(absl::StrCat("POST /echo HTTP/1.1\r\nHost: localhost\r\n",
                           "Connection: close\r\nContent-Length: ", body.size(),
                           "\r\n\r\n", body));
  return client.Receive();
}

TEST(CivetwebServiceTest, ItsPagesAndPoolscopesComeFromOneServer) {
  ExampleService service("examples/civetweb_service");
  ASSERT_EQ(service.port(), service.metrics_port());
  for (const size_t size : {1, 1000, 1 << 20}) {
    const std::string body(size, 'x');
    const HttpReply reply = Post(service.port(), body);
    EXPECT_EQ(reply.status, 200) << size;
    EXPECT_EQ(reply.body, body) << size;
  }
  EXPECT_EQ(Post(service.port(), std::string((1 << 20) + 1, 'x')).status, 413);

  const Exposition scrape = service.Scrape();
  EXPECT_EQ(scrape.Sum("poolscope_arena_allocations_total", {}), 3u);
  EXPECT_GE(scrape.Sum("poolscope_arena_allocated_bytes_total", {}),
            (uint64_t{1} << 20) + 1001);
  EXPECT_TRUE(absl::StrContains(Get(service.port(), "/").body, "<title>"));
  EXPECT_TRUE(absl::StrContains(Get(service.port(), "/debug/arenas").body,
                                "allocator"));
  EXPECT_EQ(Get(service.port(), "/nothing").status, 404);
  EXPECT_EQ(service.End(SIGTERM), 0) << service.errors();
}

}  // namespace
}  // namespace poolscope
