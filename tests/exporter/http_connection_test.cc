// One connection, over a transport and at times of the test's own.

#include "poolscope/exporter/http_connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "poolscope/exporter/http_exchange.h"
#include "poolscope/exporter/http_message.h"
#include "poolscope/exporter/transport.h"
#include "poolscope/tests/exporter/scripted_client.h"

namespace poolscope {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using State = HttpConnection::State;

constexpr absl::string_view kRequest = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
constexpr seconds kTimeout(2);

class HttpConnectionTest : public testing::Test {
 protected:
  HttpConnectionTest() {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    other_end_ = ends[1];
    HttpConnection::Limits limits;
    limits.timeout = kTimeout;
    limits.max_head_bytes = 16384;
    connection_ = std::make_unique<HttpConnection>(
        7, ends[0], std::make_unique<ScriptedTransport>(&client_), limits,
        &service_, start_);
  }
  ~HttpConnectionTest() override { close(other_end_); }

  std::unique_ptr<HttpExchange> Advance(SteadyTime now) {
    return connection_->Advance(now);
  }
  // Serves the next request with `body`.
  void Serve(SteadyTime now, const std::string& body) {
    std::unique_ptr<HttpExchange> exchange = Advance(now);
    ASSERT_NE(exchange, nullptr);
    exchange->response = HttpResponse();
    exchange->response.SetBody(body);
    connection_->Answer(std::move(exchange), now);
    next_ = Advance(now);
  }

  const SteadyTime start_ = SteadyTime() + seconds(1000);
  ScriptedClient client_;
  CountingService service_;
  int other_end_;
  std::unique_ptr<HttpConnection> connection_;
  std::unique_ptr<HttpExchange> next_;
};

TEST_F(HttpConnectionTest, HandsOutARequestOnceItIsWhole) {
  client_.sent = std::string(kRequest.substr(0, 10));
  EXPECT_EQ(Advance(start_), nullptr);
  EXPECT_EQ(connection_->state(), State::kReading);
  EXPECT_EQ(connection_->poll_events(), POLLIN);
  EXPECT_TRUE(connection_->is_idle());
  client_.sent = std::string(kRequest.substr(10));
  const std::unique_ptr<HttpExchange> exchange = Advance(start_);
  ASSERT_NE(exchange, nullptr);
  EXPECT_EQ(exchange->connection, 7u);
  EXPECT_EQ(exchange->parsed.request.path, "/a");
  EXPECT_EQ(connection_->state(), State::kServing);
  EXPECT_EQ(connection_->poll_events(), POLLRDHUP);
  EXPECT_EQ(connection_->deadline(), SteadyTime::max());
  EXPECT_FALSE(connection_->is_idle());
}

TEST_F(HttpConnectionTest, ADrippingRequestKeepsItsDeadline) {
  EXPECT_EQ(Advance(start_), nullptr);
  SteadyTime now = start_ + milliseconds(50);
  for (const char c : kRequest.substr(0, 20)) {
    client_.sent = std::string(1, c);
    EXPECT_EQ(Advance(now), nullptr);
    EXPECT_EQ(connection_->deadline(), start_ + kTimeout);
    now += milliseconds(90);
  }
  EXPECT_TRUE(connection_->Expire(start_ + kTimeout));
  EXPECT_EQ(Advance(start_ + kTimeout), nullptr);
  EXPECT_TRUE(absl::StartsWith(client_.received, "HTTP/1.1 408 "));
  EXPECT_EQ(service_.statuses, std::vector<int>{408});
}

TEST_F(HttpConnectionTest, RefusalsHaveABodyButToAHead) {
  client_.sent = "GET /a HTTP/1.1\r\n\r\n";
  EXPECT_EQ(Advance(start_), nullptr);
  EXPECT_TRUE(absl::StartsWith(client_.received, "HTTP/1.1 400 "));
  EXPECT_TRUE(absl::EndsWith(client_.received, "\r\n\r\nthere is no Host\n"));
}

TEST_F(HttpConnectionTest, ARefusedHeadHasNoBody) {
  client_.sent = "\r\nHEAD /a HTTP/1.1\r\n\r\n";
  EXPECT_EQ(Advance(start_), nullptr);
  EXPECT_TRUE(absl::StartsWith(client_.received, "HTTP/1.1 400 "));
  EXPECT_TRUE(absl::StrContains(client_.received, "\r\nContent-Length: 17\r"));
  EXPECT_TRUE(absl::EndsWith(client_.received, "\r\n\r\n"));
}

TEST_F(HttpConnectionTest, AHeadThatEndsInTheMiddleHasNoBodyEither) {
  client_.sent = "HEAD /a HTTP";
  EXPECT_EQ(Advance(start_), nullptr);
  EXPECT_TRUE(connection_->Expire(start_ + kTimeout));
  EXPECT_EQ(Advance(start_ + kTimeout), nullptr);
  EXPECT_TRUE(absl::StartsWith(client_.received, "HTTP/1.1 408 "));
  EXPECT_TRUE(absl::EndsWith(client_.received, "\r\n\r\n"));
}

TEST_F(HttpConnectionTest, ASilentOneIsClosedWithoutAWord) {
  EXPECT_EQ(Advance(start_), nullptr);
  EXPECT_TRUE(connection_->Expire(start_ + kTimeout));
  EXPECT_EQ(connection_->state(), State::kClosed);
  EXPECT_EQ(client_.received, "");
  EXPECT_TRUE(service_.statuses.empty());
}

TEST_F(HttpConnectionTest, ALaterRequestHasTheTimeoutFromItsFirstByte) {
  client_.sent = std::string(kRequest);
  Serve(start_, "x");
  EXPECT_EQ(connection_->state(), State::kReading);
  EXPECT_EQ(connection_->deadline(), start_ + kTimeout);
  const SteadyTime later = start_ + milliseconds(1500);
  client_.sent = "G";
  EXPECT_EQ(Advance(later), nullptr);
  EXPECT_EQ(connection_->deadline(), later + kTimeout);
  client_.sent = "E";
  EXPECT_EQ(Advance(later + seconds(1)), nullptr);
  EXPECT_EQ(connection_->deadline(), later + kTimeout);
}

TEST_F(HttpConnectionTest, AnswersMustBeTakenFastEnough) {
  client_.sent = std::string(kRequest);
  client_.takes = 0;
  Serve(start_, std::string(1 << 20, 'x'));
  EXPECT_EQ(connection_->state(), State::kWriting);
  EXPECT_EQ(connection_->poll_events(), POLLOUT);
  client_.takes = HttpConnection::kMinProgressBytes;
  EXPECT_EQ(Advance(start_ + seconds(1)), nullptr);
  EXPECT_FALSE(connection_->Expire(start_ + kTimeout));
  EXPECT_EQ(connection_->deadline(), start_ + 2 * kTimeout);
  client_.takes = HttpConnection::kMinProgressBytes - 1;
  EXPECT_EQ(Advance(start_ + kTimeout + seconds(1)), nullptr);
  EXPECT_TRUE(service_.statuses.empty());
  EXPECT_TRUE(connection_->Expire(start_ + 2 * kTimeout));
  EXPECT_EQ(connection_->state(), State::kClosed);
  EXPECT_EQ(service_.statuses, std::vector<int>{200});
}

TEST_F(HttpConnectionTest, PipelinedRequestsAreTakenOneByOne) {
  for (int i = 0; i < 3; ++i) client_.sent.append(std::string(kRequest));
  client_.sent.append("bad\r\n\r\n");
  Serve(start_, "1");
  for (const char* body : {"2", "3"}) {
    ASSERT_NE(next_, nullptr);
    next_->response.SetBody(body);
    connection_->Answer(std::move(next_), start_);
    next_ = Advance(start_);
  }
  EXPECT_EQ(next_, nullptr);
  EXPECT_EQ(service_.statuses, (std::vector<int>{200, 200, 200, 400}));
  EXPECT_EQ(connection_->state(), State::kLingering);
}

TEST_F(HttpConnectionTest, WhoHasFinishedSendingIsAnsweredAllTheSame) {
  client_.sent = std::string(kRequest);
  client_.ended = true;
  std::unique_ptr<HttpExchange> exchange = Advance(start_);
  ASSERT_NE(exchange, nullptr);
  EXPECT_FALSE(connection_->is_hung_up());
  connection_->HangUp();
  EXPECT_TRUE(connection_->is_hung_up());
  EXPECT_EQ(connection_->poll_events(), 0);
  exchange->response.SetBody("done");
  connection_->Answer(std::move(exchange), start_);
  EXPECT_FALSE(connection_->is_hung_up());
  EXPECT_EQ(Advance(start_), nullptr);
  EXPECT_TRUE(absl::EndsWith(client_.received, "\r\n\r\ndone"));
  EXPECT_EQ(connection_->state(), State::kClosed);
}

TEST_F(HttpConnectionTest, LingersSoThatTheAnswerArrives) {
  client_.sent =
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" +
      std::string(100000, 'x');
  Serve(start_, "done");
  EXPECT_TRUE(absl::EndsWith(client_.received, "\r\n\r\ndone"));
  EXPECT_TRUE(client_.told_of_end);
  EXPECT_EQ(client_.sent, "");
  EXPECT_EQ(connection_->state(), State::kLingering);
  EXPECT_EQ(connection_->deadline(), start_ + kTimeout);
  EXPECT_TRUE(connection_->is_idle());
  client_.ended = true;
  EXPECT_EQ(Advance(start_), nullptr);
  EXPECT_EQ(connection_->state(), State::kClosed);
}

TEST_F(HttpConnectionTest, LingersForAWhileOnly) {
  client_.sent = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n" +
                 std::string(2 * HttpConnection::kMaxLingerBytes, 'x');
  Serve(start_, "done");
  EXPECT_EQ(connection_->state(), State::kClosed);
  EXPECT_GT(client_.sent.size(), HttpConnection::kMaxLingerBytes / 2);
}

TEST_F(HttpConnectionTest, WaitsForWhatTheHandshakeWaitsFor) {
  client_.handshake = IoStatus::kWantsToWrite;
  EXPECT_EQ(Advance(start_), nullptr);
  EXPECT_EQ(connection_->poll_events(), POLLOUT);
  client_.handshake = IoStatus::kWantsToRead;
  EXPECT_EQ(Advance(start_), nullptr);
  EXPECT_EQ(connection_->poll_events(), POLLIN);
  client_.handshake = IoStatus::kDone;
  EXPECT_EQ(Advance(start_ + seconds(1)), nullptr);
  EXPECT_EQ(connection_->state(), State::kReading);
  EXPECT_EQ(connection_->deadline(), start_ + seconds(1) + kTimeout);
}

TEST_F(HttpConnectionTest, AnAnswerIsTimedFromItsWholeRequestOn) {
  client_.sent = std::string(kRequest.substr(0, 10));
  EXPECT_EQ(Advance(start_), nullptr);
  client_.sent = std::string(kRequest.substr(10));
  std::unique_ptr<HttpExchange> exchange = Advance(start_ + seconds(1));
  ASSERT_NE(exchange, nullptr);
  client_.takes = 0;
  connection_->Answer(std::move(exchange), start_ + seconds(10));
  EXPECT_EQ(Advance(start_ + seconds(10)), nullptr);
  client_.takes = 1 << 20;
  EXPECT_EQ(Advance(start_ + seconds(11)), nullptr);
  EXPECT_EQ(service_.statuses, std::vector<int>{200});
  EXPECT_EQ(service_.took, absl::Seconds(10));
}

// A child that is forked has each socket of its parent too.
TEST_F(HttpConnectionTest, ClosingTellsTheClientThoughAChildHasTheSocketToo) {
  const int of_child = dup(connection_->fd());
  connection_->Close(start_);
  char byte;
  EXPECT_EQ(recv(other_end_, &byte, 1, MSG_DONTWAIT), 0);
  close(of_child);
}

TEST_F(HttpConnectionTest, WithoutATransportItIsClosed) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  HttpConnection connection(8, ends[0], nullptr, {kTimeout, 1024}, &service_,
                            start_);
  EXPECT_EQ(connection.state(), State::kClosed);
  EXPECT_EQ(connection.Advance(start_), nullptr);
  close(ends[1]);
}

TEST_F(HttpConnectionTest, AFailedHandshakeCloses) {
  client_.handshake = IoStatus::kFailed;
  EXPECT_EQ(Advance(start_), nullptr);
  EXPECT_EQ(connection_->state(), State::kClosed);
}

}  // namespace
}  // namespace poolscope
