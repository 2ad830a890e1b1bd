// What somebody may do to a sidecar who can reach its port, and wishes it ill:
// meanwhile the health listener answers at once, and a scrape in time.
//
// POOLSCOPE_ABUSE_REQUESTS is the number of malformed requests, instead of some
// that fit a test.

#include <arpa/inet.h>
#include <malloc.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "poolscope/exporter/sidecar.h"
#include "poolscope/exporter/sidecar_options.h"
#include "poolscope/tests/exporter/http_client.h"

namespace poolscope {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// A connection that says a part of a request at most, and is opened again when
// the server has closed it.
class SlowConnection {
 public:
  ~SlowConnection() { Close(); }

  void Open(int port) {
    Close();
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    [[maybe_unused]] const int result = connect(
        fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  }

  bool IsClosed() const {
    char byte;
    const ssize_t got = recv(fd_, &byte, 1, MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno != EAGAIN && errno != ENOTCONN &&
                        errno != EINPROGRESS);
  }

  void Send(absl::string_view bytes) const {
    [[maybe_unused]] const ssize_t sent =
        send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }

 private:
  void Close() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }

  int fd_ = -1;
};

// Longest of the answers so far.
class Stopwatch {
 public:
  template <typename Run>
  void Time(Run run) {
    const steady_clock::time_point start = steady_clock::now();
    run();
    took_.push_back(steady_clock::now() - start);
  }
  double LongestMillis() const {
    return std::chrono::duration<double, std::milli>(
               *std::max_element(took_.begin(), took_.end()))
        .count();
  }
  double MedianMillis() {
    std::sort(took_.begin(), took_.end());
    return std::chrono::duration<double, std::milli>(took_[took_.size() / 2])
        .count();
  }
  size_t count() const { return took_.size(); }

 private:
  std::vector<steady_clock::duration> took_;
};

// In use of malloc; nothing under a sanitizer, whose leak check tells instead.
uint64_t UsedBytes() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

// What scrapes keep for the next one, and this test notes.
constexpr uint64_t kKeptBytes = 4 << 20;

class HttpAbuseTest : public testing::Test {
 protected:
  void SetUp() override {
    // The attackers' ends are in this process too.
    rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = std::min<rlim_t>(files.rlim_max, 8192);
    setrlimit(RLIMIT_NOFILE, &files);
    ASSERT_GE(files.rlim_cur, 2048u);
    SidecarOptions options;
    options.listen_address = "127.0.0.1:0";
    options.health_listen = "127.0.0.1:0";
    sidecar_ = *Sidecar::Start(options);
    Scrape();
  }

  void Probe() {
    health_.Time([&] {
      EXPECT_EQ(Get(sidecar_->health_port(), "/healthz").status, 200);
    });
  }
  // Who is pushed out before it has spoken comes again, in the same time.
  void Scrape() {
    metrics_.Time([&] {
      int status = 0;
      while (status == 0) status = Get(sidecar_->port(), "/metrics").status;
      EXPECT_EQ(status, 200);
    });
  }

  // Generous: the machine may be busy.
  void ExpectAnswersInTime() {
    std::printf(
        "%zu probes: median %.2f ms, longest %.2f ms; "
        "%zu scrapes: median %.2f ms, longest %.2f ms\n",
        health_.count(), health_.MedianMillis(), health_.LongestMillis(),
        metrics_.count(), metrics_.MedianMillis(), metrics_.LongestMillis());
    EXPECT_LT(health_.MedianMillis(), 100);
    EXPECT_LT(health_.LongestMillis(), 1000);
    EXPECT_LT(metrics_.LongestMillis(), 10000);
  }

  std::unique_ptr<Sidecar> sidecar_;
  Stopwatch health_;
  Stopwatch metrics_;
};

TEST_F(HttpAbuseTest, AThousandSlowConnectionsHeldAndOpenedAgain) {
  constexpr int kConnections = 1000;
  const uint64_t used_before = UsedBytes();
  std::atomic<bool> stop = false;
  std::atomic<int> reopened = 0;
  std::thread attacker([&] {
    std::vector<SlowConnection> slow(kConnections);
    for (SlowConnection& each : slow) each.Open(sidecar_->port());
    while (!stop) {
      for (size_t i = 0; i < slow.size(); ++i) {
        if (slow[i].IsClosed()) {
          slow[i].Open(sidecar_->port());
          ++reopened;
        } else if (i % 4 == 1) {
          slow[i].Send("GET / HTTP/1.1\r\nHost: x\r\nX: ");
        } else if (i % 4 == 2) {
          slow[i].Send("x");
        }
      }
      std::this_thread::yield();
    }
  });
  while (reopened < kConnections) Probe();
  for (int i = 0; i < 20; ++i) {
    Probe();
    Scrape();
  }
  stop = true;
  attacker.join();
  ExpectAnswersInTime();
  Scrape();
  EXPECT_LT(UsedBytes(), used_before + kKeptBytes);
}

TEST_F(HttpAbuseTest, MalformedRequests) {
  const char* const asked = std::getenv("POOLSCOPE_ABUSE_REQUESTS");
  const int count = asked == nullptr ? 2000 : std::atoi(asked);
  const std::string bad[] = {
      "\r\n\r\n",
      "GET\r\n\r\n",
      "GET / HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.1\nHost: x\n\n",
      "GET / HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
      "GET / HTTP/3.0\r\nHost: x\r\n\r\n",
      "POST /-/trim HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
      "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n",
      absl::StrCat("GET /", std::string(30000, 'a'), " HTTP/1.1\r\n\r\n"),
      absl::StrCat("GET / HTTP/1.1\r\nHost: x\r\nA: ", std::string(30000, 'a'),
                   "\r\n\r\n"),
      "\x16\x03\x01\x02\x01\x01\xfc\x03\x03\n",
  };
  const uint64_t used_before = UsedBytes();
  for (int i = 0; i < count; ++i) {
    HttpClient client(sidecar_->port());
    client.Send(bad[i % std::size(bad)]);
    const HttpReply reply = client.Receive();
    EXPECT_GE(reply.status, 400) << bad[i % std::size(bad)].substr(0, 60);
    EXPECT_EQ(client.Receive().status, 0);
    if (i % 100 == 0) {
      Probe();
      Scrape();
    }
  }
  ExpectAnswersInTime();
  EXPECT_LT(UsedBytes(), used_before + kKeptBytes);
}

}  // namespace
}  // namespace poolscope
