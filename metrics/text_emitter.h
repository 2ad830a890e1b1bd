// TextEmitter: a report for a person at a terminal.
//
// Fields are "key: value" lines, indented by two for each level; an element of
// an array begins with "- "; tables have a line of column names and aligned
// columns, numbers to the right. A control character within a text, which could
// end its line, is shown as '?'.
//
// Thread safety: thread-compatible.
#ifndef POOLSCOPE_METRICS_TEXT_EMITTER_H_
#define POOLSCOPE_METRICS_TEXT_EMITTER_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "poolscope/metrics/report_emitter.h"

namespace poolscope {

class TextEmitter final : public ReportEmitter {
 public:
  // Appends to `out`, which is not owned.
  explicit TextEmitter(std::string* out) : out_(out) {}

  void BeginObject(absl::string_view key) override;
  void EndObject() override;
  void BeginArray(absl::string_view key) override;
  void EndArray() override;
  void BeginTable(absl::string_view key) override;
  void EndTable() override;
  void BeginRow() override;
  void EndRow() override;

 private:
  struct Column {
    std::string name;
    size_t width = 0;
    bool right = false;  // numbers
  };

  void EmitField(absl::string_view key, absl::string_view text,
                 FieldKind kind) override;
  // The beginning of a line, with the dash of an element that begins in it.
  void Indent();
  void Heading(absl::string_view key);
  // One line of the table; `cell(column)` is its text there.
  template <typename Cell>
  void AppendTableLine(Cell cell);

  std::string* const out_;
  std::vector<bool> levels_;  // of each open level: it is an array's element
  size_t depth_ = 0;          // in steps of two blanks
  bool dash_ = false;         // the next line begins an element

  // The table that is open.
  bool in_table_ = false;
  size_t column_ = 0;  // the next field's
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_TEXT_EMITTER_H_
