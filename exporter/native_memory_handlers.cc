#include "poolscope/exporter/native_memory_handlers.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "poolscope/exporter/query.h"
#include "poolscope/exporter/report_query.h"
#include "poolscope/metrics/json_emitter.h"
#include "poolscope/metrics/native_memory/nmt_report.h"
#include "poolscope/metrics/native_memory/nmt_view.h"

namespace poolscope {
namespace {

struct NativeMemoryQuery {
  NmtView view = NmtView::kSummary;
  NmtTextOptions text;
  bool json = false;
};

absl::StatusOr<NativeMemoryQuery> ParseNativeMemoryQuery(
    const HttpRequest& request) {
  const absl::StatusOr<QueryParameters> parameters = ParseQuery(request.query);
  if (!parameters.ok()) return parameters.status();
  NativeMemoryQuery query;
  query.json = PrefersJson(request);
  for (const auto& [name, value] : *parameters) {
    if (name == "view") {
      const absl::StatusOr<NmtView> view = ParseNmtView(value);
      if (!view.ok()) return view.status();
      query.view = *view;
    } else if (name == "scale") {
      const absl::StatusOr<NmtScale> scale = ParseNmtScale(value);
      if (!scale.ok()) return scale.status();
      query.text.scale = *scale;
    } else if (name == "peaks" && (value == "0" || value == "1")) {
      query.text.peaks = value == "1";
    } else if (name == "peaks") {
      return absl::InvalidArgumentError(
          absl::StrCat("peaks=", absl::CHexEscape(value), ": must be 0 or 1"));
    } else if (name == "format") {
      const absl::StatusOr<bool> json = ParseFormat(value);
      if (!json.ok()) return json.status();
      query.json = *json;
    } else {
      return absl::InvalidArgumentError(absl::StrCat(
          absl::CHexEscape(name),
          ": no such parameter; there are view, scale, peaks and format"));
    }
  }
  return query;
}

// Whether a baseline is to have the mappings.
absl::StatusOr<bool> ParseBaselineQuery(const HttpRequest& request) {
  const absl::StatusOr<QueryParameters> parameters = ParseQuery(request.query);
  if (!parameters.ok()) return parameters.status();
  bool detailed = true;
  for (const auto& [name, value] : *parameters) {
    if (name != "view") {
      return absl::InvalidArgumentError(absl::StrCat(
          absl::CHexEscape(name), ": no such parameter; there is view"));
    }
    if (value != "summary" && value != "detail") {
      return absl::InvalidArgumentError(
          absl::StrCat("view=", absl::CHexEscape(value),
                       ": a baseline is a summary or a detail"));
    }
    detailed = value == "detail";
  }
  return detailed;
}

HttpResponse BadRequest(const absl::Status& status) {
  return LineResponse(400, std::string(status.message()));
}

HttpResponse Unavailable(const absl::Status& status) {
  return LineResponse(
      503, absl::StrCat("native memory was not read: ", status.message()));
}

}  // namespace

HttpResponse NativeMemoryHandler::Handle(const HttpRequest& request) {
  const absl::StatusOr<NativeMemoryQuery> query =
      ParseNativeMemoryQuery(request);
  if (!query.ok()) return BadRequest(query.status());
  std::shared_ptr<const NativeMemoryBaseline::Figures> baseline;
  if (IsDiff(query->view)) {
    baseline = baseline_->Get();
    if (baseline == nullptr) {
      return LineResponse(400, std::string(kNoBaseline));
    }
    if (IsDetail(query->view) && !baseline->detailed) {
      return LineResponse(400, std::string(kNoDetailBaseline));
    }
  }
  const absl::StatusOr<NativeMemoryStats> stats =
      source_(IsDetail(query->view));
  if (!stats.ok()) return Unavailable(stats.status());
  const NmtReport report = MakeNmtReport(
      *stats, baseline == nullptr ? nullptr : &baseline->stats, query->view);
  HttpResponse response;
  if (!query->json) {
    response.SetBody(NmtReportText(report, query->text));
    return response;
  }
  std::string body;
  response.content_type = kJsonType;
  JsonEmitter emitter(&body);
  EmitNmtReport(report, emitter);
  body.push_back('\n');
  response.SetBody(std::move(body));
  return response;
}

HttpResponse BaselineHandler::Handle(const HttpRequest& request) {
  const absl::StatusOr<bool> detailed = ParseBaselineQuery(request);
  if (!detailed.ok()) return BadRequest(detailed.status());
  absl::StatusOr<NativeMemoryStats> stats = source_(*detailed);
  if (!stats.ok()) return Unavailable(stats.status());
  auto figures = std::make_shared<NativeMemoryBaseline::Figures>();
  figures->stats = *std::move(stats);
  figures->detailed = *detailed;
  baseline_->Set(std::move(figures));
  return LineResponse(200, "Baseline taken");
}

}  // namespace poolscope
