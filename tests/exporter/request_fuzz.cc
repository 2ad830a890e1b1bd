// What a client may send, as a target of libFuzzer: `./dev fuzz request`.
//
// The first byte of the input says into pieces of how many bytes the rest is
// cut, which goes through a connection, its parser, the router and the parsing
// of queries. These end it, besides the sanitizers: pieces that are answered
// otherwise than the whole, a request with what none may have, an answer that
// is not well-formed, or more of them than there were requests.
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "poolscope/exporter/http_connection.h"
#include "poolscope/exporter/http_exchange.h"
#include "poolscope/exporter/http_message.h"
#include "poolscope/exporter/http_service.h"
#include "poolscope/exporter/query.h"
#include "poolscope/exporter/report_query.h"
#include "poolscope/exporter/role.h"
#include "poolscope/exporter/router.h"
#include "poolscope/exporter/transport.h"

namespace poolscope {
namespace {

void Check(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "request_fuzz: %s\n", what);
  std::abort();
}

// Bytes of the client, in pieces; keeps what the server sends.
class PieceTransport final : public Transport {
 public:
  PieceTransport(absl::string_view sent, size_t piece, std::string* received)
      : sent_(sent), piece_(piece), received_(received) {}

  IoStatus Handshake() override { return IoStatus::kDone; }
  IoResult Read(char* into, size_t size) override {
    if (sent_.empty()) return {IoStatus::kEnded};
    // Now and then there is nothing yet.
    waits_ = !waits_;
    if (waits_) return {IoStatus::kWantsToRead};
    size = std::min({size, piece_, sent_.size()});
    std::memcpy(into, sent_.data(), size);
    sent_.remove_prefix(size);
    return {IoStatus::kDone, size};
  }
  IoResult Write(absl::string_view bytes) override {
    const size_t size = std::min(bytes.size(), piece_);
    received_->append(bytes.data(), size);
    return {IoStatus::kDone, size};
  }
  void ShutDown() override {}

 private:
  absl::string_view sent_;
  const size_t piece_;
  std::string* const received_;
  bool waits_ = false;
};

// Reads the query and the Accept headers, as handlers do.
class QueryHandler final : public HttpHandler {
 public:
  HttpResponse Handle(const HttpRequest& request) override {
    const absl::StatusOr<ReportQuery> report = ParseReportQuery(request);
    const absl::StatusOr<ChannelsQuery> channels = ParseChannelsQuery(request);
    const double quality = AcceptQuality(request.Header("Accept"), kJsonType);
    Check(quality >= 0 && quality <= 1, "a quality that is none");
    const EncodingChoice choice =
        ChooseEncoding(request.Header("Accept-Encoding"));
    Check(!request.Header("Accept-Encoding").empty() ||
              (choice.identity && !choice.gzip),
          "an encoding that nobody asked for");
    return LineResponse(
        report.ok() ? 200 : 400,
        absl::StrCat(report.ok() ? report->allocator
                                 : std::string(report.status().message()),
                     channels.ok() ? channels->top : 0));
  }
};

std::unique_ptr<Router> MakeRouter() {
  auto router = std::make_unique<Router>();
  router->AddGet("/", "", std::make_unique<QueryHandler>());
  router->AddGet("/metrics", "", std::make_unique<QueryHandler>(),
                 Role::kScrape);
  router->AddGet("/ui/", "", std::make_unique<QueryHandler>());
  router->AddPost("/-/trim", "", std::make_unique<QueryHandler>());
  router->AddOpen("/healthz", "", std::make_unique<QueryHandler>());
  return router;
}

class RouterService final : public HttpService {
 public:
  HttpResponse Serve(const HttpRequest& request) override {
    static const Router* const router = MakeRouter().release();
    CheckRequest(request);
    ++served;
    return router->Serve(request);
  }
  void Served(absl::string_view, int, absl::Duration) override { ++answered; }

  int served = 0;
  int answered = 0;

 private:
  static bool IsOneLine(absl::string_view text) {
    return text.find_first_of(absl::string_view("\r\n\0", 3)) ==
           absl::string_view::npos;
  }
  static void CheckRequest(const HttpRequest& request) {
    Check(absl::StartsWith(request.path, "/") || request.path == "*",
          "a path that is none");
    Check(!request.method.empty() && IsOneLine(request.method), "no method");
    Check(IsOneLine(request.path) && IsOneLine(request.query),
          "a target of two lines");
    int hosts = 0;
    for (const HttpHeader& header : request.headers) {
      Check(!header.name.empty() && IsOneLine(header.name), "a bad name");
      Check(IsOneLine(header.value), "a value of two lines");
      if (absl::EqualsIgnoreCase(header.name, "Host")) ++hosts;
    }
    Check(hosts <= 1, "two Hosts");
  }
};

// All that is answered to `sent`, but for the dates.
std::string Talk(absl::string_view sent, size_t piece) {
  int ends[2];
  Check(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "no sockets");
  std::string received;
  RouterService service;
  HttpConnection::Limits limits;
  limits.timeout = std::chrono::seconds(2);
  limits.max_head_bytes = 512;
  const SteadyTime now = SteadyTime() + std::chrono::seconds(1000);
  HttpConnection connection(
      1, ends[0], std::make_unique<PieceTransport>(sent, piece, &received),
      limits, &service, now);
  while (connection.state() != HttpConnection::State::kClosed) {
    std::unique_ptr<HttpExchange> exchange = connection.Advance(now);
    if (exchange == nullptr) continue;
    exchange->response = service.Serve(exchange->parsed.request);
    connection.Answer(std::move(exchange), now);
  }
  close(ends[1]);
  Check(service.answered == service.served ||
            service.answered == service.served + 1,
        "more or fewer answers than requests and a refusal");
  return received;
}

std::string WithoutDates(std::string answers) {
  const std::string date = "\r\nDate: ";
  for (size_t at = 0; (at = answers.find(date, at)) != std::string::npos;) {
    at += date.size();
    answers.erase(at, answers.find('\r', at) - at);
  }
  return answers;
}

bool BeginsAnswer(absl::string_view text) {
  return text.empty() || absl::StartsWith(text, "HTTP/1.1 ");
}

// Each begins where the body of the one before it ends, which a HEAD's has not.
void CheckAnswers(absl::string_view answers) {
  constexpr absl::string_view kLength = "\r\nContent-Length: ";
  while (!answers.empty()) {
    int status = 0;
    size_t length = 0;
    const size_t end = answers.find("\r\n\r\n");
    Check(end != absl::string_view::npos, "half an answer");
    const absl::string_view head = answers.substr(0, end);
    const size_t at = head.find(kLength);
    Check(BeginsAnswer(head) && at != absl::string_view::npos &&
              absl::SimpleAtoi(head.substr(9, 3), &status) && status >= 200 &&
              status <= 599,
          "an answer that is none");
    const absl::string_view number = head.substr(at + kLength.size());
    Check(absl::SimpleAtoi(number.substr(0, number.find('\r')), &length),
          "an answer without a length");
    answers.remove_prefix(end + 4);
    if (length <= answers.size() && BeginsAnswer(answers.substr(length))) {
      answers.remove_prefix(length);
    }
    Check(BeginsAnswer(answers), "a body that is too long or too short");
  }
}

}  // namespace
}  // namespace poolscope

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const absl::string_view sent(reinterpret_cast<const char*>(data) + 1,
                               size - 1);
  const std::string whole =
      poolscope::WithoutDates(poolscope::Talk(sent, sent.size() + 1));
  poolscope::CheckAnswers(whole);
  poolscope::Check(poolscope::WithoutDates(
                       poolscope::Talk(sent, data[0] + size_t{1})) == whole,
                   "pieces were answered otherwise");
  static_cast<void>(poolscope::ParseQuery(sent));
  return 0;
}
