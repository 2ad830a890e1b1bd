#include "poolscope/exporter/nmt/http_fetch.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "poolscope/exporter/nmt/http_url.h"

namespace poolscope {
namespace {

TEST(HttpFetchTest, AnAnswerThatNeverEndsIsLeftWhenTheTimeIsUp) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(listener, 1), 0);
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  std::thread server([&] {
    const int connection = accept(listener, nullptr, nullptr);
    while (send(connection, "x", 1, MSG_NOSIGNAL) == 1) {
    }
    close(connection);
  });
  HttpUrl url;
  url.host = "127.0.0.1";
  url.port = absl::StrCat(ntohs(address.sin_port));
  const absl::Status status =
      FetchHttp(url, "GET", "/", "", absl::Milliseconds(200)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(absl::StrContains(status.message(), "no answer in time"))
      << status;
  server.join();
  close(listener);
}

}  // namespace
}  // namespace poolscope
