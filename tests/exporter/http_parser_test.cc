#include "poolscope/exporter/http_parser.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace poolscope {
namespace {

constexpr size_t kMaxBytes = 4096;

// 0 where it is taken.
int StatusOf(absl::string_view head, ParsedHead* parsed) {
  HeadScanner scanner(kMaxBytes);
  const HeadScanner::Result scan = scanner.Scan(head);
  if (scan.state == HeadScanner::State::kRefused) return scan.refusal.status;
  if (scan.state == HeadScanner::State::kIncomplete) return -1;
  EXPECT_EQ(scan.end, head.size());
  const std::optional<HttpRefusal> refusal =
      ParseHead(head.substr(scan.begin, scan.end - scan.begin), parsed);
  return refusal ? refusal->status : 0;
}

int StatusOf(absl::string_view head) {
  ParsedHead parsed;
  return StatusOf(head, &parsed);
}

int WithHeaders(absl::string_view headers, ParsedHead* parsed) {
  return StatusOf(
      absl::StrCat("GET / HTTP/1.1\r\nHost: x\r\n", headers, "\r\n"), parsed);
}

int WithHeaders(absl::string_view headers) {
  ParsedHead parsed;
  return WithHeaders(headers, &parsed);
}

TEST(HttpParserTest, TakesARequestApart) {
  const std::string head =
      "GET /a/b%2f?c=d&e HTTP/1.1\r\nHost: x:1\r\naccept:\t text/plain \t\r\n"
      "X-Empty:\r\n\r\n";
  ParsedHead parsed;
  ASSERT_EQ(StatusOf(head, &parsed), 0);
  EXPECT_EQ(parsed.request.method, "GET");
  EXPECT_EQ(parsed.request.path, "/a/b%2f");
  EXPECT_EQ(parsed.request.query, "c=d&e");
  EXPECT_EQ(parsed.request.Header("host"), "x:1");
  EXPECT_EQ(parsed.request.Header("Accept"), "text/plain");
  EXPECT_EQ(parsed.request.headers.size(), 3u);
  EXPECT_EQ(parsed.request.headers[2].value, "");
  EXPECT_TRUE(parsed.keep_alive);
  EXPECT_FALSE(parsed.has_body);
}

TEST(HttpParserTest, RequestLines) {
  const std::pair<absl::string_view, int> lines[] = {
      {"GET / HTTP/1.1", 0},
      {"GET / HTTP/1.2", 0},
      {"HEAD /? HTTP/1.1", 0},
      {"OPTIONS * HTTP/1.1", 0},
      {"DELETE /x HTTP/1.1", 0},
      {"GET http://a.example HTTP/1.1", 0},
      {"", 400},
      {"GET", 400},
      {"GET /", 400},
      {"GET  HTTP/1.1", 400},
      {"GET / HTTP/1.1 ", 400},
      {" GET / HTTP/1.1", 400},
      {"GET  / HTTP/1.1", 400},
      {"GET /a b HTTP/1.1", 400},
      {"GET /\t HTTP/1.1", 400},
      {"GET /\x7f HTTP/1.1", 400},
      {"GET /\xc3\xa4 HTTP/1.1", 400},
      {"GET /a#b HTTP/1.1", 400},
      {"GET a HTTP/1.1", 400},
      {"GET * HTTP/1.1", 400},
      {"GET http:// HTTP/1.1", 400},
      {"GET http:///x HTTP/1.1", 400},
      {"GET ftp://a/x HTTP/1.1", 400},
      {"GET / http/1.1", 400},
      {"GET / HTTP/1", 400},
      {"GET / HTTP/11", 400},
      {"GET / HTTP/1.10", 400},
      {"GET / HTTP/x.1", 400},
      {"G(T / HTTP/1.1", 400},
      {"get / HTTP/1.1", 501},
      {"FLY / HTTP/1.1", 501},
      {"CONNECT a:80 HTTP/1.1", 501},
      {"GET / HTTP/2.0", 505},
      {"PRI * HTTP/2.0", 505},
      {"GET / HTTP/0.9", 505},
  };
  for (const auto& [line, status] : lines) {
    EXPECT_EQ(StatusOf(absl::StrCat(line, "\r\nHost: x\r\n\r\n")), status)
        << line;
  }
}

TEST(HttpParserTest, Headers) {
  const std::pair<absl::string_view, int> headers[] = {
      {"A: b\r\n", 0},
      {"A: \xc3\xa4 b\r\n", 0},
      {"!#$%&'*+-.^_`|~09: b\r\n", 0},
      {"A : b\r\n", 400},
      {"A\t: b\r\n", 400},
      {": b\r\n", 400},
      {"A\r\n", 400},
      {" A: b\r\n", 400},
      {"A: b\r\n c\r\n", 400},
      {"A: b\r\n\tc: d\r\n", 400},
      {"A: b\rB: c\r\n", 400},
      {"A: b\nB: c\r\n", 400},
      {"A: b\n\r\n", 400},
      {"A: b\r\r\n", 400},
      {"A: b\x01\r\n", 400},
      {"A: b\x7f\r\n", 400},
      {"A(: b\r\n", 400},
      {"H\xc3\xa4: b\r\n", 400},
  };
  for (const auto& [text, status] : headers) {
    EXPECT_EQ(WithHeaders(text), status) << text;
  }
  EXPECT_EQ(WithHeaders(absl::string_view("A: b\0c\r\n", 8)), 400);
  EXPECT_EQ(WithHeaders(absl::string_view("A\0: b\r\n", 7)), 400);
}

// What two parties may measure in two ways is how a request is smuggled.
TEST(HttpParserTest, BodiesAreMeasuredInOneWayOrRefused) {
  const std::pair<absl::string_view, int> headers[] = {
      {"Content-Length: 0\r\n", 0},
      {"Content-Length: 5\r\nContent-Length: 5\r\n", 0},
      {"Content-Length: 99999999999999999999999999\r\n", 0},
      {"Transfer-Encoding: chunked\r\n", 0},
      {"Transfer-Encoding: identity\r\n", 0},
      {"Content-Length: 5\r\ncontent-length: 6\r\n", 400},
      {"Content-Length: 5, 5\r\n", 400},
      {"Content-Length: 0x5\r\n", 400},
      {"Content-Length: +5\r\n", 400},
      {"Content-Length: -5\r\n", 400},
      {"Content-Length: 5 5\r\n", 400},
      {"Content-Length:\r\n", 400},
      {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400},
      {"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", 400},
  };
  for (const auto& [text, status] : headers) {
    ParsedHead parsed;
    EXPECT_EQ(WithHeaders(text, &parsed), status) << text;
    EXPECT_EQ(parsed.has_body, status == 0) << text;
  }
  EXPECT_EQ(StatusOf("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
            400);
}

TEST(HttpParserTest, HostsAreThereOnce) {
  EXPECT_EQ(StatusOf("GET / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(StatusOf("GET / HTTP/1.1\r\nA: b\r\n\r\n"), 400);
  EXPECT_EQ(StatusOf("GET / HTTP/1.0\r\n\r\n"), 0);
  EXPECT_EQ(StatusOf("GET / HTTP/1.1\r\nHost:\r\n\r\n"), 0);
  EXPECT_EQ(WithHeaders("Host: x\r\n"), 400);
  EXPECT_EQ(StatusOf("GET / HTTP/1.0\r\nHost: x\r\nhost: y\r\n\r\n"), 400);
}

TEST(HttpParserTest, WhoAsksFromWhereIsSaidOnce) {
  for (const absl::string_view name :
       {"Origin", "Authorization", "Sec-Fetch-Site"}) {
    const std::string once = absl::StrCat(name, ": x\r\n");
    EXPECT_EQ(WithHeaders(once), 0) << name;
    EXPECT_EQ(WithHeaders(absl::StrCat(once, "A: b\r\n", once)), 400) << name;
    EXPECT_EQ(
        WithHeaders(absl::StrCat(once, absl::AsciiStrToLower(name), ":\r\n")),
        400)
        << name;
  }
}

TEST(HttpParserTest, TheHostOfTheTargetIsTheHost) {
  ParsedHead parsed;
  const std::string head =
      "GET HTTP://a.example:80/x?y HTTP/1.1\r\nHost: b.example\r\n\r\n";
  ASSERT_EQ(StatusOf(head, &parsed), 0);
  EXPECT_EQ(parsed.request.path, "/x");
  EXPECT_EQ(parsed.request.query, "y");
  EXPECT_EQ(parsed.request.Header("Host"), "a.example:80");
  ParsedHead old;
  const std::string old_head = "GET https://a.example?y HTTP/1.0\r\n\r\n";
  ASSERT_EQ(StatusOf(old_head, &old), 0);
  EXPECT_EQ(old.request.path, "/");
  EXPECT_EQ(old.request.query, "y");
  EXPECT_EQ(old.request.Header("Host"), "a.example");
}

TEST(HttpParserTest, ConnectionsAreKeptAsTheClientSays) {
  const struct {
    absl::string_view version;
    absl::string_view connection;
    bool keep_alive;
  } cases[] = {
      {"1.1", "", true},
      {"1.1", "Connection: close\r\n", false},
      {"1.1", "Connection: x, CLOSE\r\n", false},
      {"1.1", "Connection: x\r\nConnection: close\r\n", false},
      {"1.1", "Connection: keep-alive, close\r\n", false},
      {"1.1", "Connection: upgrade\r\n", true},
      {"1.0", "", false},
      {"1.0", "Connection: Keep-Alive\r\n", true},
      {"1.0", "Connection: keep-alive, close\r\n", false},
  };
  for (const auto& each : cases) {
    ParsedHead parsed;
    const std::string head =
        absl::StrCat("GET / HTTP/", each.version, "\r\nHost: x\r\n",
                     each.connection, "\r\n");
    ASSERT_EQ(StatusOf(head, &parsed), 0) << head;
    EXPECT_EQ(parsed.keep_alive, each.keep_alive) << head;
  }
}

TEST(HttpParserTest, TheNumberOfHeadersIsBounded) {
  std::string headers;
  for (size_t i = 1; i < kMaxFields; ++i) absl::StrAppend(&headers, "A: b\r\n");
  EXPECT_EQ(WithHeaders(headers), 0);  // with the Host
  EXPECT_EQ(WithHeaders(absl::StrCat(headers, "A: b\r\n")), 431);
}

TEST(HeadScannerTest, FindsTheEndHoweverTheTextArrives) {
  const std::string text =
      "\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\nGET /next HTTP/1.1\r\n";
  const size_t end = text.find("\r\n\r\n") + 4;
  for (size_t step = 1; step <= text.size(); ++step) {
    HeadScanner scanner(kMaxBytes);
    for (size_t size = step; true; size += step) {
      const absl::string_view part =
          absl::string_view(text).substr(0, std::min(size, text.size()));
      const HeadScanner::Result result = scanner.Scan(part);
      if (part.size() < end) {
        ASSERT_EQ(result.state, HeadScanner::State::kIncomplete);
        continue;
      }
      ASSERT_EQ(result.state, HeadScanner::State::kComplete);
      EXPECT_EQ(result.begin, 2u);
      EXPECT_EQ(result.end, end);
      break;
    }
  }
}

TEST(HeadScannerTest, StartsAgain) {
  HeadScanner scanner(kMaxBytes);
  const std::string text = "GET / HTTP/1.1\r\n\r\n";
  for (int i = 0; i < 2; ++i) {
    const HeadScanner::Result result = scanner.Scan(text);
    EXPECT_EQ(result.state, HeadScanner::State::kComplete);
    EXPECT_EQ(result.end, text.size());
    scanner.Restart();
  }
}

TEST(HeadScannerTest, RefusesBeforeTheEnd) {
  for (const absl::string_view text :
       {"\n", "GET / HTTP/1.1\n", "GET / HTTP/1.1\r\nA: b\n", "\r\n\r\n"}) {
    HeadScanner scanner(kMaxBytes);
    const HeadScanner::Result result = scanner.Scan(text);
    EXPECT_EQ(result.state, HeadScanner::State::kRefused) << text;
    EXPECT_EQ(result.refusal.status, 400) << text;
  }
}

TEST(HeadScannerTest, TheLimitIsExact) {
  for (int excess : {-1, 0, 1}) {
    for (const absl::string_view end : {"\r\n\r\n", ""}) {
      HeadScanner scanner(100);
      std::string text = "GET / HTTP/1.1\r\nA: ";
      text.append(100 + excess - text.size() - end.size(), 'x');
      text.append(end.data(), end.size());
      const HeadScanner::Result result = scanner.Scan(text);
      if (excess <= 0) {
        EXPECT_EQ(result.state, end.empty() ? HeadScanner::State::kIncomplete
                                            : HeadScanner::State::kComplete);
      } else {
        EXPECT_EQ(result.state, HeadScanner::State::kRefused);
        EXPECT_EQ(result.refusal.status, 431);
      }
    }
  }
  for (int excess : {0, 1}) {
    HeadScanner scanner(100);
    const HeadScanner::Result result =
        scanner.Scan(absl::StrCat("GET /", std::string(95 + excess, 'x')));
    EXPECT_EQ(result.state, excess == 0 ? HeadScanner::State::kIncomplete
                                        : HeadScanner::State::kRefused);
    EXPECT_EQ(result.refusal.status, excess == 0 ? 400 : 414);
  }
}

}  // namespace
}  // namespace poolscope
