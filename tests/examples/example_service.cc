#include "poolscope/tests/examples/example_service.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "poolscope/tests/examples/http_get.h"

namespace poolscope {
namespace {

// The port behind `prefix` in the next line; 0, and a failed test, without.
int ReadPort(Subprocess& process, absl::string_view prefix) {
  const std::string line = process.ReadLine().value_or("");
  absl::string_view rest = line;
  EXPECT_TRUE(absl::ConsumePrefix(&rest, prefix)) << line;
  return std::atoi(std::string(rest).c_str());
}

}  // namespace

ExampleService::ExampleService(const std::string& program)
    : process_({program}),
      port_(ReadPort(process_, "serves 127.0.0.1:")),
      metrics_port_(ReadPort(process_, "metrics http://127.0.0.1:")) {
  EXPECT_NE(port_, 0);
  EXPECT_NE(metrics_port_, 0);
}

Exposition ExampleService::Scrape() const {
  const HttpResponse response = HttpGet(metrics_port_, "/metrics");
  EXPECT_EQ(response.status, 200) << response.headers;
  absl::StatusOr<Exposition> scrape = ParseExposition(response.body);
  EXPECT_TRUE(scrape.ok()) << scrape.status();
  if (!scrape.ok()) return Exposition();
  EXPECT_TRUE(CheckIdentities(*scrape).ok()) << CheckIdentities(*scrape);
  return *std::move(scrape);
}

void ExampleService::AwaitScrape(
    const std::function<bool(const Exposition&)>& good) const {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!good(Scrape())) {
    if (testing::Test::HasFailure()) return;
    ASSERT_LT(std::chrono::steady_clock::now(), end);
  }
}

int ExampleService::End(int signal) {
  process_.Signal(signal);
  const int status = process_.Wait();
  EXPECT_EQ(process_.output(), "");
  return status;
}

TcpClient::TcpClient(int port)
    : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const timeval patience{20, 0};
  for (const int way : {SO_RCVTIMEO, SO_SNDTIMEO}) {
    setsockopt(socket_, SOL_SOCKET, way, &patience, sizeof(patience));
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(socket_, reinterpret_cast<const sockaddr*>(&address),
                    sizeof(address)),
            0);
}

TcpClient::~TcpClient() { close(socket_); }

bool TcpClient::Send(const std::string& bytes) {
  return send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(bytes.size());
}

size_t TcpClient::SendSome(const std::string& bytes) {
  const ssize_t n =
      send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return n > 0 ? n : 0;
}

std::string TcpClient::Receive(size_t size) {
  std::string bytes(size, '\0');
  const ssize_t n = recv(socket_, bytes.data(), size, MSG_WAITALL);
  EXPECT_TRUE(n >= 0 || errno != EAGAIN) << "nothing came for 20 s";
  bytes.resize(n > 0 ? n : 0);
  return bytes;
}

void TcpClient::FinishSending() { shutdown(socket_, SHUT_WR); }

}  // namespace poolscope
