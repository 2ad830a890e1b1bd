#include "poolscope/exporter/report_query.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "poolscope/exporter/query.h"

namespace poolscope {

constexpr uint64_t kMaxTop = 1000;

bool PrefersJson(const HttpRequest& request) {
  const absl::string_view accept = request.Header("Accept");
  const double json = AcceptQuality(accept, kJsonType);
  return json > 0 && json >= AcceptQuality(accept, "text/plain");
}

absl::StatusOr<bool> ParseFormat(absl::string_view value) {
  if (value == "json") return true;
  if (value == "text") return false;
  return absl::InvalidArgumentError(absl::StrCat(
      "format=", absl::CHexEscape(value), ": must be text or json"));
}

absl::StatusOr<uint64_t> ParseNumber(absl::string_view name,
                                     absl::string_view value, uint64_t least,
                                     uint64_t most) {
  uint64_t number = 0;
  // SimpleAtoi() takes blanks and a sign too.
  const bool digits =
      std::all_of(value.begin(), value.end(), absl::ascii_isdigit);
  if (!digits || !absl::SimpleAtoi(value, &number) || number < least ||
      number > most) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, "=", absl::CHexEscape(value),
                     ": must be a number from ", least, " to ", most));
  }
  return number;
}

absl::StatusOr<ReportQuery> ParseReportQuery(const HttpRequest& request) {
  const absl::StatusOr<QueryParameters> parameters = ParseQuery(request.query);
  if (!parameters.ok()) return parameters.status();
  ReportQuery query;
  query.json = PrefersJson(request);
  for (const auto& [name, value] : *parameters) {
    if (name == "format") {
      const absl::StatusOr<bool> json = ParseFormat(value);
      if (!json.ok()) return json.status();
      query.json = *json;
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
    if (name == "format") {
      const absl::StatusOr<bool> json = ParseFormat(value);
      if (!json.ok()) return json.status();
      query.json = *json;
    } else if (name == "top") {
      const absl::StatusOr<uint64_t> top = ParseNumber(name, value, 1, kMaxTop);
      if (!top.ok()) return top.status();
      query.top = static_cast<int>(*top);
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat(absl::CHexEscape(name),
                       ": no such parameter; there are format and top"));
    }
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
