#include "poolscope/exporter/nmt/nmt_command.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "poolscope/exporter/nmt/http_fetch.h"
#include "poolscope/metrics/native_memory/nmt_view.h"

namespace poolscope {
namespace {

constexpr absl::Duration kPatience = absl::Minutes(1);
// In the environment: what is in the command line is for everybody to see.
constexpr char kPasswordVariable[] = "POOLSCOPE_PASSWORD";
constexpr absl::string_view kReportBegins = "\nNative Memory Tracking:\n";
constexpr absl::string_view kBaselineTaken = "Baseline taken\n";

absl::string_view FirstLine(absl::string_view text) {
  return text.substr(0, std::min<size_t>(text.find_first_of("\r\n"), 1000));
}

NmtResult Failure(absl::string_view message, int exit_code) {
  NmtResult result;
  result.error = absl::StrCat(
      "poolscope-nmt: ", absl::StripTrailingAsciiWhitespace(message), "\n");
  result.exit_code = exit_code;
  return result;
}

}  // namespace

const absl::string_view kNmtUsage =
    R"(usage: poolscope-nmt URL [VIEW] [scale=B|KB|MB|GB] [peaks=1] [user=NAME]

Prints the native memory of the service whose sidecar is at URL, by category,
as `jcmd PID VM.native_memory` prints that of a JVM. Without a port, 9464.

  summary       reserved, committed and resident bytes; the default
  detail        and every mapping
  baseline      keeps the figures of this moment, to compare with
  summary.diff  the summary, with what changed since the baseline
  detail.diff   and the mappings that changed

With user=NAME, the password is in the environment, as POOLSCOPE_PASSWORD.

Exit code 1: the service did not answer, or not with a report; 2: the command
line is wrong.
)";

absl::StatusOr<NmtCommand> ParseNmtCommand(
    const std::vector<std::string>& arguments) {
  NmtCommand command;
  for (const std::string& argument : arguments) {
    if (argument == "--help" || argument == "-h") {
      command.help = true;
      return command;
    }
  }
  if (arguments.empty()) {
    return absl::InvalidArgumentError(
        "name the URL of a sidecar, such as http://127.0.0.1:9464; --help says "
        "more");
  }
  absl::StatusOr<HttpUrl> url = ParseHttpUrl(arguments[0]);
  if (!url.ok()) return url.status();
  command.url = *std::move(url);
  std::string view;
  std::string options;
  for (size_t i = 1; i < arguments.size(); ++i) {
    absl::string_view argument = arguments[i];
    if (absl::ConsumePrefix(&argument, "scale=")) {
      const absl::StatusOr<NmtScale> scale = ParseNmtScale(argument);
      if (!scale.ok()) return scale.status();
      absl::StrAppend(&options, "&", arguments[i]);
    } else if (absl::ConsumePrefix(&argument, "user=")) {
      command.user = std::string(argument);
    } else if (argument == "peaks=1" || argument == "peaks=0") {
      absl::StrAppend(&options, "&", argument);
    } else if (!view.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "\"", absl::CHexEscape(argument), "\": there is a view, ", view,
          ", already; --help says more"));
    } else if (argument == "baseline" || ParseNmtView(argument).ok()) {
      view = std::string(argument);
    } else {
      return absl::InvalidArgumentError(absl::StrCat(
          "\"", absl::CHexEscape(argument),
          "\": give summary, detail, baseline, summary.diff or detail.diff; "
          "--help says more"));
    }
  }
  if (view == "baseline") {
    if (!options.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", options.substr(1),
                       "\": a baseline prints no figures; leave it out"));
    }
    command.method = "POST";
    command.target = "/-/baseline";
  } else {
    command.target = absl::StrCat(
        "/debug/memory?view=", view.empty() ? "summary" : view, options);
  }
  return command;
}

NmtResult RunNmtCommand(const std::vector<std::string>& arguments) {
  const absl::StatusOr<NmtCommand> command = ParseNmtCommand(arguments);
  if (!command.ok()) return Failure(command.status().message(), 2);
  NmtResult result;
  if (command->help) {
    result.output = std::string(kNmtUsage);
    return result;
  }
  std::string credentials;
  if (!command->user.empty()) {
    const char* const password = std::getenv(kPasswordVariable);
    if (password == nullptr) {
      return Failure(
          absl::StrCat("user=", absl::CHexEscape(command->user), " has no ",
                       "password: put it into the environment as ",
                       kPasswordVariable),
          2);
    }
    credentials = absl::StrCat(command->user, ":", password);
  }
  absl::StatusOr<HttpAnswer> answer = FetchHttp(
      command->url, command->method, command->target, credentials, kPatience);
  if (!answer.ok()) return Failure(answer.status().message(), 1);
  const std::string page = absl::StrCat("http://", command->url.Authority(),
                                        command->url.prefix, command->target);
  if (answer->status == 200) {
    if (!absl::StartsWith(answer->body, kReportBegins) &&
        !absl::StartsWith(answer->body, kBaselineTaken)) {
      return Failure(absl::StrCat(page,
                                  ": the answer is no report; is this a "
                                  "sidecar's address?"),
                     1);
    }
    result.output = std::move(answer->body);
    return result;
  }
  if (answer->status == 404) {
    return Failure(
        absl::StrCat(page, ": no such page; is this a sidecar's address?"), 1);
  }
  // One line of the server's, which says what is wrong.
  const absl::string_view line = FirstLine(answer->body);
  return Failure(line.empty()
                     ? absl::StrCat("the service answered ", answer->status)
                     : absl::CHexEscape(line),
                 1);
}

}  // namespace poolscope
