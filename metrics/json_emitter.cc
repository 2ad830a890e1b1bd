#include "poolscope/metrics/json_emitter.h"

#include <algorithm>

#include "absl/strings/str_format.h"

namespace poolscope {

namespace {

// Bytes of the UTF-8 character that `text` begins with (RFC 3629), or 0 when it
// begins with none.
size_t CharacterBytes(absl::string_view text) {
  const auto byte = [&](size_t i) {
    return static_cast<unsigned char>(text[i]);
  };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const size_t bytes = first < 0xc2   ? 0
                       : first < 0xe0 ? 2
                       : first < 0xf0 ? 3
                       : first < 0xf5 ? 4
                                      : 0;
  if (bytes == 0 || bytes > text.size()) return 0;
  for (size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  // Neither longer than need be, nor a surrogate, nor beyond U+10FFFF.
  const unsigned char second = byte(1);
  if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
      (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f)) {
    return 0;
  }
  return bytes;
}

}  // namespace

void JsonEmitter::AppendString(absl::string_view text) {
  out_->push_back('"');
  while (!text.empty()) {
    const size_t bytes = CharacterBytes(text);
    const char c = text.front();
    if (bytes == 0) {
      out_->append("\\ufffd");
    } else if (bytes > 1) {
      out_->append(text.data(), bytes);
    } else if (c == '"' || c == '\\') {
      out_->push_back('\\');
      out_->push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppendFormat(out_, "\\u%04x", static_cast<unsigned char>(c));
    } else {
      out_->push_back(c);
    }
    text.remove_prefix(std::max<size_t>(bytes, 1));
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
