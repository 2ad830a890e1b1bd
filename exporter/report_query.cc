#include "poolscope/exporter/report_query.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "poolscope/exporter/query.h"

namespace poolscope {
namespace {

constexpr int kMaxTop = 1000;

bool PrefersJson(const HttpRequest& request) {
  const absl::string_view accept = request.Header("Accept");
  const double json = AcceptQuality(accept, kJsonType);
  return json > 0 && json >= AcceptQuality(accept, "text/plain");
}

absl::Status ParseFormat(absl::string_view value, bool* json) {
  if (value != "json" && value != "text") {
    return absl::InvalidArgumentError(absl::StrCat(
        "format=", absl::CHexEscape(value), ": must be text or json"));
  }
  *json = value == "json";
  return absl::OkStatus();
}

absl::Status ParseTop(absl::string_view value, int* top) {
  // A number's first character: SimpleAtoi() takes blanks and signs too.
  if (value.empty() || !absl::ascii_isdigit(value.front()) ||
      !absl::ascii_isdigit(value.back()) || !absl::SimpleAtoi(value, top) ||
      *top < 1 || *top > kMaxTop) {
    return absl::InvalidArgumentError(
        absl::StrCat("top=", absl::CHexEscape(value),
                     ": must be a number from 1 to ", kMaxTop));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ReportQuery> ParseReportQuery(const HttpRequest& request) {
  const absl::StatusOr<QueryParameters> parameters = ParseQuery(request.query);
  if (!parameters.ok()) return parameters.status();
  ReportQuery query;
  query.json = PrefersJson(request);
  for (const auto& [name, value] : *parameters) {
    if (name == "format") {
      absl::Status status = ParseFormat(value, &query.json);
      if (!status.ok()) return status;
    } else if (name == "allocator") {
      absl::StatusOr<std::string> allocator = ParseAllocatorName(value);
      if (!allocator.ok()) return allocator.status();
      query.allocator = *std::move(allocator);
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat(absl::CHexEscape(name),
                       ": no such parameter; there are format and allocator"));
    }
  }
  return query;
}

absl::StatusOr<ChannelsQuery> ParseChannelsQuery(const HttpRequest& request) {
  const absl::StatusOr<QueryParameters> parameters = ParseQuery(request.query);
  if (!parameters.ok()) return parameters.status();
  ChannelsQuery query;
  query.json = PrefersJson(request);
  for (const auto& [name, value] : *parameters) {
    absl::Status status;
    if (name == "format") {
      status = ParseFormat(value, &query.json);
    } else if (name == "top") {
      status = ParseTop(value, &query.top);
    } else {
      status = absl::InvalidArgumentError(
          absl::StrCat(absl::CHexEscape(name),
                       ": no such parameter; there are format and top"));
    }
    if (!status.ok()) return status;
  }
  return query;
}

absl::StatusOr<std::string> ParseAllocatorName(absl::string_view value) {
  if (value.empty()) {
    return absl::InvalidArgumentError(
        "allocator=: must be an allocator's name");
  }
  return std::string(value);
}

HttpResponse NoSuchAllocator(absl::string_view allocator) {
  return LineResponse(
      400, absl::StrCat("allocator=", absl::CHexEscape(allocator),
                        ": no allocator of this name is registered"));
}

}  // namespace poolscope
