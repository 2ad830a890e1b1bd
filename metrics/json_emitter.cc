#include "poolscope/metrics/json_emitter.h"

#include "absl/strings/str_format.h"

namespace poolscope {

void JsonEmitter::AppendString(absl::string_view text) {
  out_->push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out_->push_back('\\');
      out_->push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppendFormat(out_, "\\u%04x", static_cast<unsigned char>(c));
    } else {
      out_->push_back(c);
    }
  }
  out_->push_back('"');
}

void JsonEmitter::BeginValue(absl::string_view key) {
  if (comma_) out_->push_back(',');
  comma_ = true;
  if (key.empty()) return;
  AppendString(key);
  out_->push_back(':');
}

void JsonEmitter::Open(absl::string_view key, char bracket) {
  BeginValue(key);
  out_->push_back(bracket);
  comma_ = false;
}

void JsonEmitter::Close(char bracket) {
  out_->push_back(bracket);
  comma_ = true;
}

void JsonEmitter::EmitField(absl::string_view key, absl::string_view text,
                            FieldKind kind) {
  BeginValue(key);
  if (kind == FieldKind::kText) {
    AppendString(text);
  } else {
    out_->append(text.data(), text.size());
  }
}

}  // namespace poolscope
