// What the server does where there is no room for more, over real sockets.

#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "poolscope/exporter/http_message.h"
#include "poolscope/exporter/http_server.h"
#include "poolscope/exporter/http_service.h"
#include "poolscope/exporter/listen_address.h"
#include "poolscope/tests/exporter/http_client.h"

namespace poolscope {
namespace {

constexpr absl::string_view kRequest = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

// Holds requests for "/" until it is told otherwise. Answers say how many came
// before.
class HoldingService : public HttpService {
 public:
  HttpResponse Serve(const HttpRequest& request) override {
    if (request.path == "/") {
      ++held;
      gate_.wait();
    }
    HttpResponse response;
    if (request.path == "/large") {
      response.body = large;
    } else {
      response.SetBody(absl::StrCat(served++));
    }
    return response;
  }
  void Served(absl::string_view, int, absl::Duration) override { ++counted; }

  void LetGo() { open_.set_value(); }

  const std::string large = std::string(32 << 20, 'x');
  std::atomic<int> held = 0;
  std::atomic<int> served = 0;
  std::atomic<int> counted = 0;

 private:
  std::promise<void> open_;
  const std::shared_future<void> gate_ = open_.get_future().share();
};

class HttpBoundsTest : public testing::Test {
 protected:
  void Start(HttpServerOptions options) {
    options.address = *ParseListenAddress("127.0.0.1:0");
    // Nobody is closed for being slow.
    options.request_timeout = absl::Minutes(10);
    server_ = *HttpServer::Start(options, &service_);
    port_ = server_->port();
  }

  // Connects, and returns once the server has it.
  std::unique_ptr<HttpClient> Connect() {
    const uint64_t before = server_->stats().accepted;
    auto client = std::make_unique<HttpClient>(port_);
    EXPECT_TRUE(client->connected());
    while (server_->stats().accepted == before) std::this_thread::yield();
    return client;
  }
  // Connects, and returns once its request is being served.
  std::unique_ptr<HttpClient> ConnectAndHold() {
    const int before = service_.held;
    std::unique_ptr<HttpClient> client = Connect();
    client->Send(kRequest);
    while (service_.held == before) std::this_thread::yield();
    return client;
  }

  HoldingService service_;
  std::unique_ptr<HttpServer> server_;
  int port_ = 0;
};

TEST_F(HttpBoundsTest, TheOneThatIsSilentLongestGoes) {
  HttpServerOptions options;
  options.max_connections = 3;
  Start(options);
  const std::unique_ptr<HttpClient> first = Connect();
  const std::unique_ptr<HttpClient> second = Connect();
  const std::unique_ptr<HttpClient> third = Connect();
  // It has spoken since: the second has waited longest now.
  EXPECT_EQ(first->Request("GET", "/x").status, 200);
  EXPECT_EQ(server_->stats().closed_for_room, 0u);
  const std::unique_ptr<HttpClient> fourth = Connect();
  EXPECT_TRUE(second->AtEnd());
  for (HttpClient* each : {first.get(), third.get(), fourth.get()}) {
    EXPECT_EQ(each->Request("GET", "/x").status, 200);
  }
  EXPECT_EQ(server_->stats().closed_for_room, 1u);
  EXPECT_EQ(server_->stats().refused, 0u);
}

TEST_F(HttpBoundsTest, AQuarterOfTheDescriptorsIsTheMost) {
  rlimit before;
  getrlimit(RLIMIT_NOFILE, &before);
  rlimit few = before;
  few.rlim_cur = 100;
  setrlimit(RLIMIT_NOFILE, &few);
  Start(HttpServerOptions());
  setrlimit(RLIMIT_NOFILE, &before);
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (int i = 0; i < 25; ++i) clients.push_back(Connect());
  EXPECT_EQ(server_->stats().closed_for_room, 0u);
  clients.push_back(Connect());
  EXPECT_TRUE(clients.front()->AtEnd());
  EXPECT_EQ(clients.back()->Request("GET", "/x").status, 200);
  EXPECT_EQ(server_->stats().closed_for_room, 1u);
}

TEST_F(HttpBoundsTest, OneAddressHasABoundOfItsOwn) {
  HttpServerOptions options;
  options.max_connections_per_address = 2;
  Start(options);
  const std::unique_ptr<HttpClient> first = Connect();
  const std::unique_ptr<HttpClient> second = Connect();
  EXPECT_EQ(server_->stats().closed_for_room, 0u);
  const std::unique_ptr<HttpClient> third = Connect();
  EXPECT_TRUE(first->AtEnd());
  EXPECT_EQ(second->Request("GET", "/x").status, 200);
  EXPECT_EQ(third->Request("GET", "/x").status, 200);
}

TEST_F(HttpBoundsTest, WhoIsServedDoesNotGoForANewOne) {
  HttpServerOptions options;
  options.max_connections = 2;
  Start(options);
  const std::unique_ptr<HttpClient> first = ConnectAndHold();
  const std::unique_ptr<HttpClient> second = ConnectAndHold();
  HttpClient third(port_);
  EXPECT_TRUE(third.AtEnd());
  EXPECT_EQ(server_->stats().refused, 1u);
  service_.LetGo();
  EXPECT_EQ(first->Receive().status, 200);
  EXPECT_EQ(second->Receive().status, 200);
}

TEST_F(HttpBoundsTest, ManyThatWaitAreToldToComeAgain) {
  HttpServerOptions options;
  options.threads = 1;
  options.max_waiting_requests = 1;
  Start(options);
  const std::unique_ptr<HttpClient> served = ConnectAndHold();
  const std::unique_ptr<HttpClient> one = Connect();
  const std::unique_ptr<HttpClient> other = Connect();
  one->Send(kRequest);
  other->Send(kRequest);
  while (server_->stats().turned_away == 0) std::this_thread::yield();
  service_.LetGo();
  EXPECT_EQ(served->Receive().status, 200);
  HttpReply replies[] = {one->Receive(), other->Receive()};
  if (replies[0].status != 200) std::swap(replies[0], replies[1]);
  EXPECT_EQ(replies[0].status, 200);
  EXPECT_EQ(replies[1].status, 503);
  EXPECT_EQ(replies[1].headers["retry-after"], "1");
  EXPECT_EQ(replies[1].headers["connection"], "keep-alive");
  EXPECT_EQ(server_->stats().turned_away, 1u);
}

TEST_F(HttpBoundsTest, WhoWaitsLongestIsServedNext) {
  HttpServerOptions options;
  options.threads = 1;
  Start(options);
  const std::unique_ptr<HttpClient> served = ConnectAndHold();
  const std::unique_ptr<HttpClient> second = Connect();
  while (server_->stats().open_connections < 2) std::this_thread::yield();
  // From now on what it sends is read before the next one is accepted.
  second->Send("GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::unique_ptr<HttpClient> third = Connect();
  third->Send("GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
  service_.LetGo();
  EXPECT_EQ(served->Receive().body, "0");
  EXPECT_EQ(second->Receive().body, "1");
  EXPECT_EQ(third->Receive().body, "2");
}

TEST_F(HttpBoundsTest, WhoIsGoneMakesRoomWhileItIsServedAndIsCounted) {
  Start(HttpServerOptions());
  std::unique_ptr<HttpClient> gone = Connect();
  gone->Send("GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
  gone->Send(kRequest);
  while (service_.held == 0) std::this_thread::yield();
  while (server_->stats().open_connections == 0) std::this_thread::yield();
  // One that ends with an answer unread is reset, and no more half open.
  gone.reset();
  while (server_->stats().open_connections > 0) std::this_thread::yield();
  EXPECT_EQ(service_.counted, 1);
  service_.LetGo();
  while (service_.counted < 2) std::this_thread::yield();
}

TEST_F(HttpBoundsTest, NobodyBeginsWithWhatAClientThatHasGoneAskedFor) {
  HttpServerOptions options;
  options.threads = 1;
  Start(options);
  const std::unique_ptr<HttpClient> served = ConnectAndHold();
  {
    const std::unique_ptr<HttpClient> gone = Connect();
    gone->Send(kRequest);
  }
  while (server_->stats().turned_away == 0) std::this_thread::yield();
  service_.LetGo();
  EXPECT_EQ(served->Receive().status, 200);
  EXPECT_EQ(Get(port_, "/x").status, 200);
  EXPECT_EQ(service_.held, 1);
}

TEST_F(HttpBoundsTest, WhoWaitsWithItsSideClosedIsToldToComeAgain) {
  HttpServerOptions options;
  options.threads = 1;
  Start(options);
  const std::unique_ptr<HttpClient> served = ConnectAndHold();
  const std::unique_ptr<HttpClient> waiting = Connect();
  waiting->Send(kRequest);
  waiting->FinishSending();
  EXPECT_EQ(waiting->Receive().status, 503);
  EXPECT_TRUE(waiting->AtEnd());
  // With whom a worker has begun is answered.
  served->FinishSending();
  service_.LetGo();
  EXPECT_EQ(served->Receive().status, 200);
}

TEST_F(HttpBoundsTest, AClientThatHasGoneGivesItsPlaceWhileItIsServed) {
  HttpServerOptions options;
  options.threads = 2;
  options.max_connections_per_address = 1;
  Start(options);
  ConnectAndHold().reset();
  EXPECT_EQ(Get(port_, "/x").status, 200);
  EXPECT_EQ(server_->stats().refused, 0u);
  service_.LetGo();
}

// Each was answered from inside the one before it, until the stack was full.
TEST_F(HttpBoundsTest, ManyRequestsAtOnceAreTurnedAwayOneByOne) {
  constexpr int kRequests = 20000;
  HttpServerOptions options;
  options.max_waiting_requests = 0;
  Start(options);
  HttpClient client(port_);
  std::thread sender([&] {
    std::string requests;
    for (int i = 0; i < kRequests; ++i) requests.append(std::string(kRequest));
    client.Send(requests);
  });
  int turned_away = 0;
  while (turned_away < kRequests && client.Receive().status == 503) {
    ++turned_away;
  }
  EXPECT_EQ(turned_away, kRequests);
  sender.join();
}

TEST_F(HttpBoundsTest, AnswersThatNobodyTakesGoForNewOnes) {
  HttpServerOptions options;
  options.max_unsent_bytes = 40 << 20;  // one of the large ones
  Start(options);
  const std::unique_ptr<HttpClient> deaf = Connect();
  deaf->Send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
  HttpClient small(port_);
  EXPECT_EQ(small.Request("GET", "/x").status, 200);
  EXPECT_EQ(server_->stats().closed_for_room, 0u);
  HttpClient reader(port_);
  EXPECT_TRUE(reader.Request("GET", "/large").body == service_.large);
  EXPECT_EQ(deaf->Receive().status, 0);
  EXPECT_EQ(server_->stats().closed_for_room, 1u);
}

// Takes all descriptors but one, and gives them back.
class DescriptorShortage {
 public:
  DescriptorShortage() {
    getrlimit(RLIMIT_NOFILE, &before_);
    rlimit few = before_;
    few.rlim_cur = 200;
    setrlimit(RLIMIT_NOFILE, &few);
    for (int fd; (fd = dup(STDERR_FILENO)) >= 0;) taken_.push_back(fd);
    EXPECT_FALSE(taken_.empty());
    close(taken_.back());
    taken_.pop_back();
  }
  ~DescriptorShortage() {
    for (const int fd : taken_) close(fd);
    setrlimit(RLIMIT_NOFILE, &before_);
  }

 private:
  rlimit before_;
  std::vector<int> taken_;
};

TEST_F(HttpBoundsTest, AnIdleConnectionGivesItsDescriptor) {
  Start(HttpServerOptions());
  const std::unique_ptr<HttpClient> idle = Connect();
  {
    const DescriptorShortage shortage;
    HttpClient client(port_);  // takes the last one
    ASSERT_TRUE(client.connected());
    EXPECT_EQ(client.Request("GET", "/x").status, 200);
    EXPECT_TRUE(idle->AtEnd());
  }
  EXPECT_EQ(Get(port_, "/x").status, 200);
}

TEST_F(HttpBoundsTest, AcceptsAgainOnceThereAreDescriptors) {
  Start(HttpServerOptions());
  auto shortage = std::make_unique<DescriptorShortage>();
  HttpClient client(port_);  // takes the last one
  ASSERT_TRUE(client.connected());
  client.Send("GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_FALSE(client.AnswersWithin(absl::Milliseconds(50)));
  EXPECT_EQ(server_->stats().accepted, 0u);
  shortage.reset();
  EXPECT_EQ(client.Receive().status, 200);
}

}  // namespace
}  // namespace poolscope
