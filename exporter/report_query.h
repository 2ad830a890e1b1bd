// What the pages under /debug are asked for.
//
//   ?format=text|json   else JSON where Accept prefers application/json
//   ?allocator=NAME     one allocator instead of all
//   ?top=N              of channels instead: how many, 1 to 1000
#ifndef POOLSCOPE_EXPORTER_REPORT_QUERY_H_
#define POOLSCOPE_EXPORTER_REPORT_QUERY_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "poolscope/exporter/http_message.h"

namespace poolscope {

inline constexpr absl::string_view kJsonType = "application/json";

struct ReportQuery {
  bool json = false;
  std::string allocator;  // empty: all
};

// For the page on channels, which belong to no allocator.
struct ChannelsQuery {
  bool json = false;
  int top = 20;
};

// Whether the Accept header prefers JSON to text.
bool PrefersJson(const HttpRequest& request);

// The value of `format=`, text or json: whether it is JSON;
// InvalidArgumentError for any other.
absl::StatusOr<bool> ParseFormat(absl::string_view value);

// The value of `name=`, of digits alone; InvalidArgumentError names the bounds
// where it is not within them.
absl::StatusOr<uint64_t> ParseNumber(absl::string_view name,
                                     absl::string_view value, uint64_t least,
                                     uint64_t most);

// InvalidArgumentError says in one line what is wrong with the query.
absl::StatusOr<ReportQuery> ParseReportQuery(const HttpRequest& request);
absl::StatusOr<ChannelsQuery> ParseChannelsQuery(const HttpRequest& request);

// The value of `allocator=`; InvalidArgumentError where it is empty.
absl::StatusOr<std::string> ParseAllocatorName(absl::string_view value);

// 400: no allocator of that name is registered.
HttpResponse NoSuchAllocator(absl::string_view allocator);

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_REPORT_QUERY_H_
