#include "poolscope/exporter/exposition_choice.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "poolscope/exporter/query.h"

namespace poolscope {
namespace {

// How closely an element of Accept fits a format.
enum Fit { kNone, kAnything, kAnySubtype, kNamed, kVersion };

struct Candidate {
  absl::string_view type;     // "text/plain"
  absl::string_view any;      // "text/*"
  absl::string_view version;  // "0.0.4"
  Fit fit = kNone;
  double quality = 0;
};

// The version that an element asks for; empty for any.
absl::string_view VersionOf(const std::vector<absl::string_view>& parts) {
  for (size_t i = 1; i < parts.size(); ++i) {
    absl::string_view parameter = absl::StripAsciiWhitespace(parts[i]);
    if (!absl::StartsWithIgnoreCase(parameter, "version=")) continue;
    parameter.remove_prefix(sizeof("version=") - 1);
    if (absl::ConsumePrefix(&parameter, "\"")) {
      absl::ConsumeSuffix(&parameter, "\"");
    }
    return parameter;
  }
  return "";
}

void Weigh(absl::string_view element, Candidate& candidate) {
  const std::vector<absl::string_view> parts = absl::StrSplit(element, ';');
  const absl::string_view type = absl::StripAsciiWhitespace(parts[0]);
  Fit fit = kNone;
  if (absl::EqualsIgnoreCase(type, candidate.type)) {
    const absl::string_view version = VersionOf(parts);
    if (version.empty()) fit = kNamed;
    if (version == candidate.version) fit = kVersion;
  } else if (absl::EqualsIgnoreCase(type, candidate.any)) {
    fit = kAnySubtype;
  } else if (type == "*/*") {
    fit = kAnything;
  }
  if (fit == kNone || fit < candidate.fit) return;
  const double quality = QualityOf(element);
  candidate.quality =
      fit > candidate.fit ? quality : std::max(candidate.quality, quality);
  candidate.fit = fit;
}

}  // namespace

ExpositionFormat ChooseExposition(absl::string_view accept) {
  Candidate text{"text/plain", "text/*", "0.0.4"};
  Candidate open{"application/openmetrics-text", "application/*", "1.0.0"};
  for (const absl::string_view element : absl::StrSplit(accept, ',')) {
    Weigh(element, text);
    Weigh(element, open);
  }
  const bool likes_open =
      open.quality > text.quality ||
      (open.quality == text.quality && open.quality > 0 && open.fit >= kNamed);
  return likes_open ? ExpositionFormat::kOpenMetrics : ExpositionFormat::kText;
}

absl::string_view ContentTypeOf(ExpositionFormat format) {
  return format == ExpositionFormat::kOpenMetrics
             ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
             : "text/plain; version=0.0.4; charset=utf-8";
}

}  // namespace poolscope
