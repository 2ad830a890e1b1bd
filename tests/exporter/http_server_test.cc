// The server over real sockets, with services made for the purpose.

#include "poolscope/exporter/http_server.h"

#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/base/mutex.h"
#include "poolscope/exporter/http_message.h"
#include "poolscope/exporter/listen_address.h"
#include "poolscope/tests/exporter/http_client.h"
#include "poolscope/tests/exporter/thread_shortage.h"

namespace poolscope {
namespace {

class TestService : public HttpService {
 public:
  HttpResponse Serve(const HttpRequest& request) override {
    ++served;
    if (serve != nullptr) return serve(request);
    return LineResponse(200, absl::StrCat(request.method, " ", request.path,
                                          " ", request.query));
  }
  void Served(absl::string_view, int status, absl::Duration) override {
    MutexLock lock(&mutex);
    statuses.push_back(status);
    if (on_served != nullptr) on_served();
  }

  std::function<HttpResponse(const HttpRequest&)> serve;
  std::function<void()> on_served;
  std::atomic<int> served = 0;
  Mutex mutex;
  std::vector<int> statuses;
};

class HttpServerTest : public testing::Test {
 protected:
  void Start(HttpServerOptions options = HttpServerOptions()) {
    if (options.address.host.empty()) {
      options.address = *ParseListenAddress("127.0.0.1:0");
    }
    absl::StatusOr<std::unique_ptr<HttpServer>> server =
        HttpServer::Start(options, &service_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    port_ = server_->port();
    ASSERT_GT(port_, 0);
  }

  TestService service_;
  std::unique_ptr<HttpServer> server_;
  int port_ = 0;
};

TEST_F(HttpServerTest, AnswersWithItsHeaders) {
  Start();
  const HttpReply reply = Get(port_, "/a/b?c=d");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "GET /a/b c=d\n");
  EXPECT_EQ(reply.headers.at("content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(reply.headers.at("content-length"), "13");
  EXPECT_EQ(reply.headers.at("cache-control"), "no-store");
  EXPECT_EQ(reply.headers.at("x-content-type-options"), "nosniff");
  EXPECT_NE(
      reply.headers.at("content-security-policy").find("default-src 'none'"),
      std::string::npos);
  EXPECT_EQ(reply.headers.count("date"), 1u);
  EXPECT_EQ(reply.headers.count("server"), 0u);
}

TEST_F(HttpServerTest, HandlersMayHavePoliciesOfTheirOwn) {
  service_.serve = [](const HttpRequest&) {
    HttpResponse response = LineResponse(200, "page");
    response.cache_control = "no-cache";
    response.content_security_policy = "default-src 'self'";
    return response;
  };
  Start();
  const HttpReply reply = Get(port_, "/");
  EXPECT_EQ(reply.headers.at("cache-control"), "no-cache");
  EXPECT_EQ(reply.headers.at("content-security-policy"), "default-src 'self'");
  EXPECT_EQ(reply.headers.at("x-content-type-options"), "nosniff");
}

TEST_F(HttpServerTest, NotModifiedHasNoBodyAndKeepsTheConnection) {
  service_.serve = [](const HttpRequest&) {
    HttpResponse response;
    response.status = 304;
    return response;
  };
  Start();
  HttpClient client(port_);
  for (int i = 0; i < 2; ++i) {
    const HttpReply reply = client.Request("GET", "/");
    EXPECT_EQ(reply.status, 304);
    EXPECT_EQ(reply.headers.count("content-length"), 0u);
    EXPECT_EQ(reply.headers.count("content-type"), 0u);
    EXPECT_EQ(reply.headers.at("connection"), "keep-alive");
  }
}

TEST_F(HttpServerTest, KeepsAConnectionForTheNextRequest) {
  Start();
  HttpClient client(port_);
  const HttpReply first = client.Request("GET", "/1");
  EXPECT_EQ(first.headers.at("connection"), "keep-alive");
  EXPECT_EQ(first.body, "GET /1 \n");
  EXPECT_EQ(client.Request("GET", "/2").body, "GET /2 \n");
  // Two at once, answered in their order.
  client.Send(
      "GET /3 HTTP/1.1\r\nHost: x\r\n\r\nGET /4 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(client.Receive().body, "GET /3 \n");
  EXPECT_EQ(client.Receive().body, "GET /4 \n");
  const HttpReply last = client.Request("GET", "/5", "Connection: close\r\n");
  EXPECT_EQ(last.headers.at("connection"), "close");
  EXPECT_TRUE(client.AtEnd());
}

TEST_F(HttpServerTest, Http10ClosesUnlessAskedToKeep) {
  Start();
  HttpClient closing(port_);
  closing.Send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_EQ(closing.Receive().headers["connection"], "close");
  EXPECT_TRUE(closing.AtEnd());
  HttpClient keeping(port_);
  keeping.Send("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
  EXPECT_EQ(keeping.Receive().headers["connection"], "keep-alive");
  EXPECT_EQ(keeping.Request("GET", "/").status, 200);
}

TEST_F(HttpServerTest, HeadHasTheLengthButNoBody) {
  Start();
  HttpClient client(port_);
  const HttpReply head = client.Request("HEAD", "/a");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.headers.at("content-length"), "9");
  EXPECT_EQ(client.Request("GET", "/a").body, "GET /a \n");
}

TEST_F(HttpServerTest, SendsLargeBodiesWhole) {
  std::string large(3 << 20, 'x');
  for (size_t i = 0; i < large.size(); i += 997) large[i] = 'y';
  service_.serve = [&](const HttpRequest&) {
    HttpResponse response;
    response.SetBody(large);
    return response;
  };
  Start();
  HttpClient client(port_);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(client.Request("GET", "/").body == large);
  }
}

TEST_F(HttpServerTest, KeepsTheBodyUntilItIsSent) {
  std::atomic<bool> sent_from_dead_buffer = false;
  std::weak_ptr<const void> last;
  service_.serve = [&](const HttpRequest&) {
    if (!last.expired()) sent_from_dead_buffer = true;
    HttpResponse response;
    response.SetBody("body");
    last = response.body_owner;
    return response;
  };
  Start();
  HttpClient client(port_);
  EXPECT_EQ(client.Request("GET", "/").body, "body");
  EXPECT_EQ(client.Request("GET", "/").body, "body");
  // The owner of the first body was let go before the second request.
  EXPECT_FALSE(sent_from_dead_buffer);
}

TEST_F(HttpServerTest, PathsArriveAsSent) {
  Start();
  for (const char* path : {"/a%2fb", "/a/../b", "//x", "/%00"}) {
    EXPECT_EQ(Get(port_, path).body, absl::StrCat("GET ", path, " \n"));
  }
}

TEST_F(HttpServerTest, NothingIsServedFromFiles) {
  service_.serve = [](const HttpRequest&) { return LineResponse(404, "no"); };
  Start();
  for (const char* path :
       {"/WORKSPACE", "/etc/passwd", "/../etc/passwd", "/."}) {
    EXPECT_EQ(Get(port_, path).status, 404) << path;
  }
  EXPECT_EQ(service_.served, 4);
}

TEST_F(HttpServerTest, RequestsTooLargeAreRefusedAndCounted) {
  HttpServerOptions options;
  options.max_request_bytes = 2048;
  Start(options);
  for (int size : {2048, 200000}) {
    const std::string filler(size, 'x');
    const HttpReply header =
        Get(port_, "/", absl::StrCat("X: ", filler, "\r\n"));
    EXPECT_EQ(header.status, 431);
    const HttpReply uri = Get(port_, absl::StrCat("/", filler));
    EXPECT_EQ(uri.status, 414);
    EXPECT_EQ(uri.headers.at("x-content-type-options"), "nosniff");
    EXPECT_EQ(uri.headers.at("connection"), "close");
  }
  EXPECT_EQ(service_.served, 0);
  EXPECT_EQ(Get(port_, "/").status, 200);
  server_.reset();
  MutexLock lock(&service_.mutex);
  std::sort(service_.statuses.begin(), service_.statuses.end());
  EXPECT_EQ(service_.statuses, (std::vector<int>{200, 414, 414, 431, 431}));
}

TEST_F(HttpServerTest, TheLimitIsExact) {
  HttpServerOptions options;
  options.max_request_bytes = 1024;
  Start(options);
  const std::string rest = "GET / HTTP/1.1\r\nHost: \r\n\r\n";
  for (int excess : {0, 1}) {
    HttpClient client(port_);
    client.Send(absl::StrCat("GET / HTTP/1.1\r\nHost: ",
                             std::string(1024 - rest.size() + excess, 'x'),
                             "\r\n\r\n"));
    EXPECT_EQ(client.Receive().status, excess == 0 ? 200 : 431);
  }
}

TEST_F(HttpServerTest, MalformedRequestsAreRefusedAndTheNextIsServed) {
  Start();
  for (const char* bytes :
       {"\r\n\r\n\r\n", "GET\r\n\r\n", "GET /\r\n\r\n", "x y z\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n", "FLY / HTTP/1.1\r\nHost: x\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"}) {
    HttpClient client(port_);
    client.Send(bytes);
    const HttpReply reply = client.Receive();
    EXPECT_TRUE(reply.status == 0 || reply.status >= 400)
        << bytes << reply.status;
  }
  EXPECT_EQ(service_.served, 0);
  EXPECT_EQ(Get(port_, "/").status, 200);
}

TEST_F(HttpServerTest, BodiesAreNotReadAndEndTheConnection) {
  Start();
  HttpClient client(port_);
  client.Send(
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\nabc");
  const HttpReply reply = client.Receive();
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.headers.at("connection"), "close");
}

TEST_F(HttpServerTest, NoRequestIsSmuggledBehindAnOddContentLength) {
  Start();
  for (const char* headers :
       {"Content-Length: 0\r\nContent-Length: 38\r\n",
        "Content-Length: 0x26\r\n", "Content-Length: +38\r\n",
        "Content-Length: 0\r\n", "Transfer-Encoding: identity\r\n"}) {
    HttpClient client(port_);
    client.Send(absl::StrCat("GET /outer HTTP/1.1\r\nHost: x\r\n", headers,
                             "\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_EQ(client.Receive().headers["connection"], "close") << headers;
    EXPECT_EQ(client.Receive().status, 0) << headers;
  }
  const int answered = service_.served;
  EXPECT_EQ(Get(port_, "/").status, 200);
  EXPECT_EQ(service_.served, answered + 1);
}

TEST_F(HttpServerTest, AbsoluteUrisAreAnswered) {
  Start();
  for (const char* host : {"127.0.0.1", "localhost", "proxied.example"}) {
    const std::string authority = absl::StrCat(host, ":", port_);
    const HttpReply reply =
        Get(port_, absl::StrCat("http://", authority, "/a?b"));
    EXPECT_EQ(reply.status, 200) << authority;
    EXPECT_EQ(reply.body, "GET /a b\n") << authority;
  }
}

TEST_F(HttpServerTest, AClientThatDoesNotReadIsGivenUpAfterTheTimeout) {
  HttpServerOptions options;
  options.request_timeout = absl::Milliseconds(50);
  const std::string large(32 << 20, 'x');  // more than the sockets hold
  service_.serve = [&](const HttpRequest&) {
    HttpResponse response;
    response.body = large;
    return response;
  };
  std::promise<void> first_failed;
  std::atomic<int> ended = 0;
  service_.on_served = [&] {
    if (++ended == 1) first_failed.set_value();
  };
  Start(options);
  HttpClient deaf(port_);
  for (int i = 0; i < 200; ++i) {
    deaf.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  }
  first_failed.get_future().wait();
  // What was on its way, and no second answer behind it.
  EXPECT_EQ(deaf.Receive().status, 0);
  EXPECT_EQ(service_.served, 1);
}

TEST_F(HttpServerTest, KeptConnectionsTakeNoThread) {
  HttpServerOptions options;
  options.threads = 1;
  // Longer than a client of the test waits: no connection ends by it.
  options.request_timeout = absl::Seconds(60);
  Start(options);
  std::vector<std::unique_ptr<HttpClient>> talkers;
  for (int i = 0; i < 20; ++i) {
    talkers.push_back(std::make_unique<HttpClient>(port_));
    EXPECT_EQ(talkers.back()->Request("GET", "/").headers["connection"],
              "keep-alive");
  }
  for (const auto& talker : talkers) {
    EXPECT_EQ(talker->Request("GET", "/").status, 200);
  }
}

TEST_F(HttpServerTest, ASlowRequestDoesNotHoldUpOthers) {
  std::promise<void> entered;
  std::promise<void> go_on;
  std::shared_future<void> gate = go_on.get_future().share();
  service_.serve = [&](const HttpRequest& request) {
    if (request.path == "/slow") {
      entered.set_value();
      gate.wait();
    }
    return LineResponse(200, "done");
  };
  Start();
  std::thread slow([&] { EXPECT_EQ(Get(port_, "/slow").status, 200); });
  entered.get_future().wait();
  EXPECT_EQ(Get(port_, "/healthz").status, 200);
  go_on.set_value();
  slow.join();
}

TEST_F(HttpServerTest, IdleAndUnfinishedConnectionsAreClosed) {
  HttpServerOptions options;
  options.request_timeout = absl::Milliseconds(50);
  options.threads = 1;
  Start(options);
  HttpClient silent(port_);
  HttpClient unfinished(port_);
  unfinished.Send("GET / HTTP/1.1\r\nHost: x\r\n");
  HttpClient idle(port_);
  EXPECT_EQ(idle.Request("GET", "/").status, 200);
  EXPECT_EQ(unfinished.Receive().status, 408);
  EXPECT_TRUE(silent.AtEnd());
  EXPECT_TRUE(unfinished.AtEnd());
  EXPECT_TRUE(idle.AtEnd());
}

TEST_F(HttpServerTest, ListensOnIpv6) {
  HttpServerOptions options;
  options.address = *ParseListenAddress("[::1]:0");
  Start(options);
  HttpClient client(port_, /*ipv6=*/true);
  ASSERT_TRUE(client.connected());
  EXPECT_EQ(client.Request("GET", "/").status, 200);
  EXPECT_FALSE(HttpClient(port_).connected());
}

TEST_F(HttpServerTest, NamesThePortThatIsTaken) {
  Start();
  HttpServerOptions options;
  options.address = *ParseListenAddress(absl::StrCat("127.0.0.1:", port_));
  const absl::Status status = HttpServer::Start(options, &service_).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(status.message(),
            absl::StrCat("cannot listen on 127.0.0.1:", port_,
                         ": Address already in use; choose another address, "
                         "or port 0 for any free one"));
}

TEST_F(HttpServerTest, NamesAnAddressThatIsNotOurs) {
  HttpServerOptions options;
  options.address = *ParseListenAddress("192.0.2.1:0");
  const absl::Status status = HttpServer::Start(options, &service_).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(status.message().find("Cannot assign requested address"),
            absl::string_view::npos)
      << status;
}

TEST_F(HttpServerTest, LeavesSignalsToTheService) {
  struct sigaction before;
  sigaction(SIGPIPE, nullptr, &before);
  std::atomic<int> unblocked = 0;
  service_.serve = [&](const HttpRequest&) {
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    for (int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGCHLD, SIGUSR1}) {
      if (sigismember(&mask, signal) != 1) ++unblocked;
    }
    return LineResponse(200, "");
  };
  Start();
  struct sigaction after;
  sigaction(SIGPIPE, nullptr, &after);
  EXPECT_EQ(before.sa_handler, after.sa_handler);
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  EXPECT_EQ(sigismember(&mask, SIGINT), 0);
  EXPECT_EQ(Get(port_, "/").status, 200);
  EXPECT_EQ(unblocked, 0);
}

TEST_F(HttpServerTest, StoppingFreesThePortWhileAConnectionIsIdle) {
  Start();
  HttpClient idle(port_);
  EXPECT_EQ(idle.Request("GET", "/").status, 200);
  const int port = port_;
  server_.reset();
  EXPECT_FALSE(HttpClient(port).connected());
  HttpServerOptions options;
  options.address = *ParseListenAddress(absl::StrCat("127.0.0.1:", port));
  Start(options);
  EXPECT_EQ(Get(port, "/").status, 200);
}

TEST_F(HttpServerTest, WithoutThreadsItSaysSoAndServesOnceTheyAreThere) {
  {
    const ThreadShortage shortage;
    HttpServerOptions options;
    options.address = *ParseListenAddress("127.0.0.1:0");
    EXPECT_EQ(HttpServer::Start(options, &service_).status().code(),
              absl::StatusCode::kResourceExhausted);
  }
  Start();
  EXPECT_EQ(Get(port_, "/").status, 200);
}

TEST_F(HttpServerTest, StopsAtOnceWithConnectionsOpen) {
  HttpServerOptions options;
  options.request_timeout = absl::Minutes(10);  // nobody is closed by it
  const std::string large(32 << 20, 'x');       // more than the sockets hold
  service_.serve = [&](const HttpRequest&) {
    HttpResponse response;
    response.body = large;
    return response;
  };
  Start(options);
  HttpClient silent(port_);
  HttpClient unfinished(port_);
  unfinished.Send("GET / HTTP/1.1\r\nHo");
  HttpClient deaf(port_);
  deaf.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  while (service_.served == 0) std::this_thread::yield();
  const auto start = std::chrono::steady_clock::now();
  server_.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
  EXPECT_TRUE(silent.AtEnd());
  EXPECT_TRUE(unfinished.AtEnd());
}

TEST_F(HttpServerTest, StoppingWaitsForTheRequestBeingServed) {
  std::promise<void> entered;
  std::promise<void> go_on;
  service_.serve = [&](const HttpRequest&) {
    entered.set_value();
    go_on.get_future().wait();
    return LineResponse(200, "done");
  };
  Start();
  HttpClient client(port_);
  client.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  entered.get_future().wait();
  std::thread stopping([&] { server_.reset(); });
  while (HttpClient(port_).connected()) std::this_thread::yield();
  go_on.set_value();
  EXPECT_EQ(client.Receive().body, "done\n");
  stopping.join();
}

TEST_F(HttpServerTest, StopsWithoutAThreadToSpare) {
  Start();
  EXPECT_EQ(Get(port_, "/").status, 200);
  const ThreadShortage shortage;
  server_.reset();
  EXPECT_FALSE(HttpClient(port_).connected());
}

}  // namespace
}  // namespace poolscope
