#include "poolscope/exporter/blackbox/black_box_command.h"

#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "poolscope/exporter/blackbox/black_box_reader.h"
#include "poolscope/metrics/history/exposition_split.h"
#include "poolscope/metrics/history/metric_history.h"
#include "poolscope/metrics/history/openmetrics_text.h"
#include "poolscope/metrics/history/trend.h"
#include "poolscope/metrics/native_memory/native_memory_text.h"
#include "poolscope/metrics/native_memory/nmt_report.h"

namespace poolscope {
namespace {

int Fail(absl::string_view message, int exit_code, std::ostream& error) {
  error << "poolscope-blackbox: " << message << "\n";
  return exit_code;
}

std::string TimeText(absl::Time time) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%E3S UTC", time, absl::UTCTimeZone());
}

// To the millisecond.
std::string DurationText(absl::Duration duration) {
  return absl::FormatDuration(absl::Trunc(duration, absl::Milliseconds(1)));
}

// What is not there, a line each; empty when all is.
std::string Losses(const BlackBox& box) {
  std::string text;
  if (box.torn) {
    absl::StrAppend(&text,
                    "the record behind the last one is not whole, and is left "
                    "out\n");
  }
  if (box.missing > 0) {
    absl::StrAppend(&text, box.missing,
                    " records are damaged, or their names are, and are left "
                    "out\n");
  }
  if (box.found_bytes < box.file_bytes) {
    absl::StrAppend(&text, "the file was cut short, to ", box.found_bytes,
                    " of ", box.file_bytes,
                    " bytes: later records may be lost\n");
  }
  return text;
}

// The records of `last` before the last one. Where the clock was set back some
// have later times than that: they are left out as well.
void AddTo(MetricHistory& history, BlackBox& box, absl::Duration last) {
  const absl::Time end = box.records.back().taken;
  for (BlackBoxRecord& record : box.records) {
    if (record.taken < end - last || record.taken > end) continue;
    history.Add(absl::ToUnixNanos(record.taken), record.names,
                std::move(record.values));
  }
}

void PrintNativeMemory(const BlackBoxRecord& record, const NmtScale& scale,
                       std::ostream& output) {
  const absl::StatusOr<NativeMemoryStats> stats =
      ParseNativeMemoryText(record.native);
  if (!stats.ok() || stats->walk_id == 0) {
    output << "\nNative memory: no walk over the mappings before the last "
              "record.\n";
    return;
  }
  const absl::Time walked = absl::FromUnixNanos(stats->walked_at_unix_nanos);
  output << "\nNative memory as of " << TimeText(walked) << ", "
         << DurationText(record.taken - walked) << " before the last record:\n"
         << NmtReportText(MakeNmtReport(*stats, nullptr, NmtView::kSummary),
                          {scale, /*peaks=*/true});
}

// False, and nothing is printed, where no record has values for its names.
bool PrintReport(BlackBox& box, const BlackBoxCommand& command,
                 std::ostream& output) {
  // Its values go into the history.
  const BlackBoxRecord& record = box.records.back();
  MetricHistory history;
  AddTo(history, box, command.last);
  if (history.times().empty()) return false;
  output << "Black box of " << absl::CHexEscape(box.program) << ", process "
         << box.pid << ", started " << TimeText(box.started) << "\n"
         << "Last record: " << TimeText(record.taken) << ", after "
         << DurationText(record.taken - box.started) << "\n"
         << (record.last
                 ? "Its sidecar was stopped then.\n"
                 : "Its sidecar was not stopped: it was killed, it crashed, or "
                   "it still runs.\n")
         << Losses(box) << "\nTrend over "
         << DurationText(absl::Nanoseconds(history.times().back() -
                                           history.times().front()))
         << ", " << history.times().size() << " records:\n\n"
         << TrendText(MakeTrends(history), command.scale);
  PrintNativeMemory(record, command.scale, output);
  return true;
}

// The same.
bool PrintMetrics(const BlackBoxRecord& record, std::ostream& output) {
  const std::optional<std::string> text =
      JoinExposition(*record.names, record.values);
  if (text.has_value()) output << *text;
  return text.has_value();
}

bool PrintOpenMetrics(BlackBox& box, absl::Duration last,
                      std::ostream& output) {
  MetricHistory history;
  AddTo(history, box, last);
  if (history.times().empty()) return false;
  WriteOpenMetricsText(history,
                       [&](absl::string_view text) { output << text; });
  return true;
}

}  // namespace

const absl::string_view kBlackBoxUsage =
    R"(usage: poolscope-blackbox FILE [--metrics | --openmetrics]
                          [--last=15m] [scale=B|KB|MB|GB]

Prints what a service wrote into its black box before it ended: when that was,
how the memory went, and who held it, as poolscope-nmt would have printed it.

  --metrics      /metrics as it was at the last record, instead
  --openmetrics  every record as OpenMetrics with times, instead; load it with
                 promtool tsdb create-blocks-from openmetrics OUTPUT DIRECTORY
  --last=TIME    of the records those of so long before the last one

Exit code 1: the file cannot be read, is no black box, or has no whole record;
2: the command line is wrong.
)";

absl::StatusOr<BlackBoxCommand> ParseBlackBoxCommand(
    const std::vector<std::string>& arguments) {
  BlackBoxCommand command;
  using Output = BlackBoxCommand::Output;
  for (const std::string& argument : arguments) {
    absl::string_view value = argument;
    if (argument == "--help" || argument == "-h") {
      command.help = true;
      return command;
    }
    if (argument == "--metrics" || argument == "--openmetrics") {
      if (command.output != Output::kReport) {
        return absl::InvalidArgumentError(
            "give --metrics or --openmetrics, not both");
      }
      command.output =
          argument == "--metrics" ? Output::kMetrics : Output::kOpenMetrics;
    } else if (absl::ConsumePrefix(&value, "--last=")) {
      if (!absl::ParseDuration(value, &command.last) ||
          command.last <= absl::ZeroDuration()) {
        return absl::InvalidArgumentError(
            absl::StrCat("\"", absl::CHexEscape(value),
                         "\": --last takes a time above 0, such as 90s or "
                         "15m"));
      }
    } else if (absl::ConsumePrefix(&value, "scale=")) {
      const absl::StatusOr<NmtScale> scale = ParseNmtScale(value);
      if (!scale.ok()) return scale.status();
      command.scale = *scale;
    } else if (command.path.empty() && !absl::StartsWith(value, "-") &&
               !value.empty()) {
      command.path = argument;
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", absl::CHexEscape(value),
                       "\": one FILE and options; --help says more"));
    }
  }
  if (command.path.empty()) {
    return absl::InvalidArgumentError(
        "name the file of a black box; --help says more");
  }
  return command;
}

int RunBlackBoxCommand(const std::vector<std::string>& arguments,
                       std::ostream& output, std::ostream& error) {
  const absl::StatusOr<BlackBoxCommand> command =
      ParseBlackBoxCommand(arguments);
  if (!command.ok()) return Fail(command.status().message(), 2, error);
  if (command->help) {
    output << kBlackBoxUsage;
    return 0;
  }
  absl::StatusOr<BlackBox> box = ReadBlackBox(command->path);
  if (!box.ok()) return Fail(box.status().message(), 1, error);
  if (box->records.empty()) {
    return Fail(absl::StrCat(command->path, ": no whole record"), 1, error);
  }
  bool printed = false;
  switch (command->output) {
    case BlackBoxCommand::Output::kReport:
      printed = PrintReport(*box, *command, output);
      break;
    case BlackBoxCommand::Output::kMetrics:
      error << Losses(*box);
      printed = PrintMetrics(box->records.back(), output);
      break;
    case BlackBoxCommand::Output::kOpenMetrics:
      error << Losses(*box);
      printed = PrintOpenMetrics(*box, command->last, output);
      break;
  }
  if (printed) return 0;
  return Fail(
      absl::StrCat(command->path, ": the values do not belong to the names"), 1,
      error);
}

}  // namespace poolscope
