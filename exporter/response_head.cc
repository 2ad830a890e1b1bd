#include "poolscope/exporter/response_head.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace poolscope {
namespace {

absl::string_view ReasonPhrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 411:
      return "Length Required";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 417:
      return "Expectation Failed";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return status < 500 ? "Client Error" : "Internal Server Error";
  }
}

}  // namespace

std::string ResponseHead(const HttpResponse& response, bool keep_alive,
                         absl::Time now) {
  std::string head = absl::StrCat(
      "HTTP/1.1 ", response.status, " ", ReasonPhrase(response.status),
      "\r\nDate: ",
      absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT", now, absl::UTCTimeZone()));
  // What these say of a 304 would be of the page that the client has.
  if (response.status != 304) {
    absl::StrAppend(&head, "\r\nContent-Type: ", response.content_type,
                    "\r\nContent-Length: ", response.body.size());
  }
  if (!response.allow.empty()) {
    absl::StrAppend(&head, "\r\nAllow: ", response.allow);
  }
  if (!response.content_encoding.empty()) {
    absl::StrAppend(&head, "\r\nContent-Encoding: ", response.content_encoding);
  }
  if (!response.vary.empty()) {
    absl::StrAppend(&head, "\r\nVary: ", response.vary);
  }
  for (const HttpHeader& header : response.headers) {
    absl::StrAppend(&head, "\r\n", header.name, ": ", header.value);
  }
  absl::StrAppend(&head, "\r\nCache-Control: ", response.cache_control,
                  "\r\nX-Content-Type-Options: nosniff"
                  "\r\nContent-Security-Policy: ",
                  response.content_security_policy,
                  "\r\nReferrer-Policy: no-referrer"
                  "\r\nConnection: ",
                  keep_alive ? "keep-alive" : "close", "\r\n\r\n");
  return head;
}

}  // namespace poolscope
