#include "poolscope/metrics/text_emitter.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace poolscope {
namespace {

bool IsControl(char c) { return absl::ascii_iscntrl(c); }

}  // namespace

void TextEmitter::Indent() {
  out_->append(2 * (dash_ ? depth_ - 1 : depth_), ' ');
  if (dash_) out_->append("- ");
  dash_ = false;
}

void TextEmitter::Heading(absl::string_view key) {
  Indent();
  absl::StrAppend(out_, key, ":\n");
}

void TextEmitter::BeginObject(absl::string_view key) {
  // The outermost object has neither key nor indentation.
  const bool outermost = levels_.empty();
  const bool is_element = key.empty() && !outermost;
  if (!key.empty()) Heading(key);
  if (is_element) dash_ = true;
  if (!outermost) ++depth_;
  levels_.push_back(is_element);
}

void TextEmitter::EndObject() {
  levels_.pop_back();
  if (!levels_.empty()) --depth_;
}

void TextEmitter::BeginArray(absl::string_view key) {
  Heading(key);
  ++depth_;
  levels_.push_back(false);
}

void TextEmitter::EndArray() {
  levels_.pop_back();
  --depth_;
}

void TextEmitter::BeginTable(absl::string_view key) {
  Heading(key);
  in_table_ = true;
}

void TextEmitter::BeginRow() {
  rows_.emplace_back();
  column_ = 0;
}

void TextEmitter::EndRow() {}

void TextEmitter::EmitField(absl::string_view key, absl::string_view raw,
                            FieldKind kind) {
  std::string text(raw);
  std::replace_if(text.begin(), text.end(), IsControl, '?');
  if (!in_table_) {
    Indent();
    absl::StrAppend(out_, key, ": ", text, "\n");
    return;
  }
  if (rows_.size() == 1) {
    columns_.push_back(
        {std::string(key), key.size(), kind == FieldKind::kNumber});
  }
  columns_[column_].width = std::max(columns_[column_].width, text.size());
  rows_.back().push_back(std::move(text));
  ++column_;
}

template <typename Cell>
void TextEmitter::AppendTableLine(Cell cell) {
  Indent();
  out_->append(2, ' ');
  for (size_t i = 0; i < columns_.size(); ++i) {
    const absl::string_view text = cell(i);
    const size_t padding = columns_[i].width - text.size();
    if (columns_[i].right) out_->append(padding, ' ');
    absl::StrAppend(out_, text);
    if (i + 1 == columns_.size()) break;
    if (!columns_[i].right) out_->append(padding, ' ');
    out_->append(2, ' ');
  }
  // Where the last cells are empty.
  out_->erase(out_->find_last_not_of(' ') + 1);
  out_->push_back('\n');
}

void TextEmitter::EndTable() {
  if (rows_.empty()) {
    Indent();
    out_->append("  none\n");
  } else {
    AppendTableLine(
        [&](size_t i) -> absl::string_view { return columns_[i].name; });
    for (const std::vector<std::string>& row : rows_) {
      AppendTableLine([&](size_t i) -> absl::string_view { return row[i]; });
    }
  }
  in_table_ = false;
  columns_.clear();
  rows_.clear();
}

}  // namespace poolscope
