// The command against a server that speaks as the sidecar does.
#include "poolscope/exporter/nmt/nmt_command.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "poolscope/exporter/authenticator.h"
#include "poolscope/exporter/http_server.h"
#include "poolscope/exporter/native_memory_handlers.h"
#include "poolscope/exporter/router.h"
#include "poolscope/tests/exporter/sample_users.h"
#include "poolscope/tests/metrics/native_memory/sample_native_memory.h"

namespace poolscope {
namespace {

TEST(NmtCommandTest, MeansWhatJcmdsWordsMean) {
  const struct {
    std::vector<std::string> arguments;
    const char* method;
    const char* target;
  } kCases[] = {
      {{"host"}, "GET", "/debug/memory?view=summary"},
      {{"host", "summary"}, "GET", "/debug/memory?view=summary"},
      {{"host", "detail", "scale=MB"},
       "GET",
       "/debug/memory?view=detail&scale=MB"},
      {{"host", "scale=k", "peaks=1", "summary.diff"},
       "GET",
       "/debug/memory?view=summary.diff&scale=k&peaks=1"},
      {{"host", "detail.diff"}, "GET", "/debug/memory?view=detail.diff"},
      {{"host", "baseline"}, "POST", "/-/baseline"},
  };
  for (const auto& c : kCases) {
    const absl::StatusOr<NmtCommand> command = ParseNmtCommand(c.arguments);
    ASSERT_TRUE(command.ok()) << command.status();
    EXPECT_FALSE(command->help);
    EXPECT_EQ(command->method, c.method);
    EXPECT_EQ(command->target, c.target);
  }
}

TEST(NmtCommandTest, NamesWhatIsWrongInOneLine) {
  const struct {
    std::vector<std::string> arguments;
    const char* line;
  } kCases[] = {
      {{},
       "name the URL of a sidecar, such as http://127.0.0.1:9464; --help says "
       "more"},
      {{"http://"},
       "\"http://\": it names no host; give the sidecar's URL, such as "
       "http://127.0.0.1:9464"},
      {{"host", "all"},
       "\"all\": give summary, detail, baseline, summary.diff or detail.diff; "
       "--help says more"},
      {{"host", "detail", "summary"},
       "\"summary\": there is a view, detail, already; --help says more"},
      {{"host", "scale=TB"}, "Incorrect scale value: TB; give B, KB, MB or GB"},
      {{"host", "baseline", "scale=MB"},
       "\"scale=MB\": a baseline prints no figures; leave it out"},
      {{"host", "peaks=2"},
       "\"peaks=2\": give summary, detail, baseline, summary.diff or "
       "detail.diff; --help says more"},
  };
  for (const auto& c : kCases) {
    const NmtResult result = RunNmtCommand(c.arguments);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_EQ(result.error, absl::StrCat("poolscope-nmt: ", c.line, "\n"));
    EXPECT_EQ(result.output, "");
  }
}

TEST(NmtCommandTest, HelpIsOutput) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"--help"}, {"host", "-h"}}) {
    const NmtResult result = RunNmtCommand(arguments);
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_EQ(result.output, kNmtUsage);
    EXPECT_EQ(result.error, "");
  }
}

class Service final : public HttpService {
 public:
  // With passwords, for SampleUsers() alone.
  explicit Service(bool with_passwords = false) {
    if (with_passwords) router_.set_authenticator(authenticator_.get());
    const NativeMemorySource source = [this](bool) {
      return later ? LaterNativeMemory() : SampleNativeMemory();
    };
    router_.AddGet("/debug/memory", "",
                   std::make_unique<NativeMemoryHandler>(source, &baseline_));
    router_.AddPost("/-/baseline", "",
                    std::make_unique<BaselineHandler>(source, &baseline_));
    HttpServerOptions options;
    options.address = ParseListenAddress("127.0.0.1:0").value();
    options.threads = 2;
    server_ = HttpServer::Start(options, this).value();
  }

  HttpResponse Serve(const HttpRequest& request) override {
    return router_.Serve(request);
  }
  void Served(absl::string_view, int, absl::Duration) override {}

  NmtResult Run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(),
                     absl::StrCat("http://127.0.0.1:", server_->port()));
    return RunNmtCommand(arguments);
  }
  std::string url() const {
    return absl::StrCat("http://127.0.0.1:", server_->port());
  }

  std::atomic<bool> later{false};

 private:
  NativeMemoryBaseline baseline_;
  const std::unique_ptr<Authenticator> authenticator_ =
      *Authenticator::Create(SampleUsers());
  Router router_;
  std::unique_ptr<HttpServer> server_;
};

TEST(NmtCommandTest, PrintsWhatTheServiceAnswers) {
  Service service;
  const NmtResult summary = service.Run({"summary", "scale=MB"});
  EXPECT_EQ(summary.exit_code, 0) << summary.error;
  EXPECT_TRUE(absl::StrContains(summary.output,
                                "\nTotal: reserved=96MB, committed=23MB\n"));
  EXPECT_EQ(summary.error, "");

  NmtResult diff = service.Run({"summary.diff"});
  EXPECT_EQ(diff.exit_code, 1);
  EXPECT_EQ(diff.error, "poolscope-nmt: No baseline for comparison\n");
  EXPECT_EQ(diff.output, "");
  EXPECT_EQ(service.Run({"baseline"}).output, "Baseline taken\n");
  service.later = true;
  diff = service.Run({"detail.diff", "scale=KB"});
  EXPECT_EQ(diff.exit_code, 0) << diff.error;
  EXPECT_TRUE(absl::StrContains(diff.output, "malloc=6144KB +1024KB #30 +30"));
}

TEST(NmtCommandTest, GivesThePasswordThatTheEnvironmentHas) {
  Service service(/*with_passwords=*/true);
  unsetenv("POOLSCOPE_PASSWORD");
  NmtResult result = service.Run({"summary"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.error, "poolscope-nmt: a user and a password, please\n");
  result = service.Run({"user=alice"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.error,
            "poolscope-nmt: user=alice has no password: put it into the "
            "environment as POOLSCOPE_PASSWORD\n");
  setenv("POOLSCOPE_PASSWORD", "act-me", /*overwrite=*/1);
  EXPECT_EQ(service.Run({"user=alice"}).exit_code, 0);
  EXPECT_EQ(service.Run({"baseline", "user=alice"}).exit_code, 0);
  setenv("POOLSCOPE_PASSWORD", "wrong", /*overwrite=*/1);
  result = service.Run({"user=alice"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_FALSE(absl::StrContains(result.error, "wrong")) << result.error;
  unsetenv("POOLSCOPE_PASSWORD");
}

TEST(NmtCommandTest, SaysWhenItIsNoSidecar) {
  Service service;
  const std::string elsewhere = absl::StrCat(service.url(), "/elsewhere");
  const NmtResult result = RunNmtCommand({elsewhere});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.error,
            absl::StrCat("poolscope-nmt: ", elsewhere,
                         "/debug/memory?view=summary: no such page; is this a "
                         "sidecar's address?\n"));
}

// Answers one connection with `bytes`, or with none when there are none.
class OneAnswer {
 public:
  explicit OneAnswer(std::string bytes) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
    listen(listener_, 1);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    url_ = absl::StrCat("http://127.0.0.1:", ntohs(address.sin_port));
    thread_ = std::thread([this, bytes = std::move(bytes)] {
      const int connection = accept(listener_, nullptr, nullptr);
      char request[4096];
      EXPECT_GT(recv(connection, request, sizeof(request), 0), 0);
      send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      close(connection);
    });
  }
  ~OneAnswer() {
    thread_.join();
    close(listener_);
  }

  const std::string& url() const { return url_; }

 private:
  int listener_;
  std::string url_;
  std::thread thread_;
};

TEST(NmtCommandTest, AnAnswerThatIsNoneIsSaidToBeNone) {
  const struct {
    const char* bytes;
    const char* why;
  } kCases[] = {
      {"", "what answers there does not speak HTTP"},
      {"220 mail ready\r\n", "what answers there does not speak HTTP"},
      {"HTTP/1.1\r\n\r\n", "what answers there does not speak HTTP"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
       "the answer ended after 5 of 10 bytes"},
  };
  for (const auto& c : kCases) {
    OneAnswer server(c.bytes);
    const NmtResult result = RunNmtCommand({server.url()});
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_EQ(result.error,
              absl::StrCat("poolscope-nmt: ", server.url(), ": ", c.why, "\n"));
  }
}

TEST(NmtCommandTest, AnotherPageIsNotPrinted) {
  OneAnswer server("HTTP/1.0 200 OK\r\n\r\n<html>hello</html>");
  const NmtResult result = RunNmtCommand({server.url()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.output, "");
  EXPECT_EQ(result.error,
            absl::StrCat("poolscope-nmt: ", server.url(),
                         "/debug/memory?view=summary: the answer is no report; "
                         "is this a sidecar's address?\n"));
}

TEST(NmtCommandTest, OfAnErrorOneLineIsShownWithoutControlCharacters) {
  OneAnswer server("HTTP/1.0 500 Oops\r\n\r\nbad \x1b[31m\nsecond line\n");
  const NmtResult result = RunNmtCommand({server.url()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.error, "poolscope-nmt: bad \\x1b[31m\n");
}

TEST(NmtCommandTest, AServerThatIsNotThereIsNamed) {
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  bind(listener, reinterpret_cast<sockaddr*>(&address), size);
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  // Bound and not listened on: nobody else gets the port meanwhile.
  const std::string url =
      absl::StrCat("http://127.0.0.1:", ntohs(address.sin_port));
  const NmtResult result = RunNmtCommand({url, "detail"});
  close(listener);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.error,
            absl::StrCat("poolscope-nmt: ", url, ": Connection refused\n"));
}

}  // namespace
}  // namespace poolscope
