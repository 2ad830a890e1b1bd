#include "poolscope/metrics/report_emitter.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "poolscope/metrics/number_format.h"

namespace poolscope {

void ReportEmitter::Field(absl::string_view key, uint64_t value) {
  EmitField(key, NumberText(value).view(), FieldKind::kNumber);
}

void ReportEmitter::Field(absl::string_view key, int64_t value) {
  EmitField(key, absl::StrCat(value), FieldKind::kNumber);
}

void ReportEmitter::Field(absl::string_view key, double value) {
  if (!std::isfinite(value)) {
    EmitField(key, "null", FieldKind::kWord);  // JSON has no word for these
    return;
  }
  char text[kMaxNumberLength];
  const char* end = FormatReal(value, text);
  EmitField(key, absl::string_view(text, end - text), FieldKind::kNumber);
}

void ReportEmitter::Field(absl::string_view key, absl::string_view value) {
  EmitField(key, value, FieldKind::kText);
}

void ReportEmitter::Field(absl::string_view key, bool value) {
  EmitField(key, value ? "true" : "false", FieldKind::kWord);
}

}  // namespace poolscope
