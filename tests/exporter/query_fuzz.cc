// What a request may ask for, as a target of libFuzzer: `./dev fuzz query`.
//
// The input is a query, an Accept and an Accept-Encoding header, with a byte 0
// between them. These end it, besides the sanitizers: parameters that are
// others once they are written out and parsed again, a name twice, a number
// beyond its bounds, an error of more than one printable line, a weight that is
// none, an encoding that was refused while another was not.
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "poolscope/exporter/http_message.h"
#include "poolscope/exporter/query.h"
#include "poolscope/exporter/report_query.h"
#include "poolscope/tests/fuzz/fuzz_input.h"

namespace poolscope {
namespace {

// As a client would write it that trusts no character.
std::string Escaped(absl::string_view text) {
  std::string escaped;
  for (const unsigned char c : text) {
    absl::StrAppend(&escaped, "%", absl::Hex(c, absl::kZeroPad2));
  }
  return escaped;
}

// It is sent as the answer's only line.
void CheckError(const absl::Status& status) {
  FuzzCheck(absl::IsInvalidArgument(status), "the error is the client's");
  FuzzCheck(!status.message().empty(), "an error says something");
  for (const unsigned char c : status.message()) {
    FuzzCheck(absl::ascii_isprint(c), "an error is one printable line");
  }
}

void CheckQuery(absl::string_view query) {
  const absl::StatusOr<QueryParameters> parameters = ParseQuery(query);
  if (!parameters.ok()) return CheckError(parameters.status());
  std::string again;
  std::set<std::string> names;
  for (const auto& [name, value] : *parameters) {
    FuzzCheck(names.insert(name).second, "a name comes once");
    FuzzCheck(name.size() + value.size() <= query.size(), "nothing grows");
    absl::StrAppend(&again, Escaped(name), "=", Escaped(value), "&");
  }
  const absl::StatusOr<QueryParameters> same = ParseQuery(again);
  FuzzCheck(same.ok() && *same == *parameters, "escapes change nothing");
  for (const auto& [name, value] : *parameters) {
    const absl::StatusOr<uint64_t> number = ParseNumber("top", value, 1, 1000);
    uint64_t expected = 0;
    if (number.ok()) {
      FuzzCheck(*number >= 1 && *number <= 1000, "a number in its bounds");
      FuzzCheck(absl::SimpleAtoi(value, &expected) && *number == expected,
                "the number that was written");
    } else {
      CheckError(number.status());
    }
  }
}

void CheckReports(const HttpRequest& request) {
  const absl::StatusOr<ReportQuery> report = ParseReportQuery(request);
  const absl::StatusOr<ChannelsQuery> channels = ParseChannelsQuery(request);
  if (!report.ok()) CheckError(report.status());
  if (!channels.ok()) CheckError(channels.status());
  if (channels.ok()) {
    FuzzCheck(channels->top >= 1 && channels->top <= 1000, "top in its bounds");
  }
  // What both take is no more than a format.
  if (report.ok() && channels.ok()) {
    FuzzCheck(report->json == channels->json, "two pages, one format");
    FuzzCheck(report->allocator.empty() && channels->top == 20,
              "no parameter of one page is taken by the other");
  }
}

bool Names(absl::string_view header, absl::string_view word) {
  return absl::StrContains(absl::AsciiStrToLower(header), word);
}

void CheckHeaders(absl::string_view accept, absl::string_view encoding) {
  for (const char* type : {"application/json", "text/plain", "*/*"}) {
    const double quality = AcceptQuality(accept, type);
    FuzzCheck(quality >= 0 && quality <= 1, "a weight is 0 to 1");
    FuzzCheck(quality == 0 || Names(accept, type),
              "what is not named has no weight");
  }
  const EncodingChoice choice = ChooseEncoding(encoding);
  FuzzCheck(!choice.gzip || Names(encoding, "gzip") || Names(encoding, "*"),
            "gzip for those who take it");
  FuzzCheck(
      choice.identity || Names(encoding, "identity") || Names(encoding, "*"),
      "plain for all who do not refuse it");
}

}  // namespace
}  // namespace poolscope

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  poolscope::FuzzInput input(data, size);
  poolscope::HttpRequest request;
  request.method = "GET";
  request.query = input.Text();
  const absl::string_view accept = input.Text();
  const absl::string_view encoding = input.Text();
  request.headers = {{"Accept", accept}, {"Accept-Encoding", encoding}};
  poolscope::CheckQuery(request.query);
  poolscope::CheckReports(request);
  poolscope::CheckHeaders(accept, encoding);
  return 0;
}
