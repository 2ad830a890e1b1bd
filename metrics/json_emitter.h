// JsonEmitter: a report as JSON (RFC 8259), without white space.
//
// Thread safety: thread-compatible.
#ifndef POOLSCOPE_METRICS_JSON_EMITTER_H_
#define POOLSCOPE_METRICS_JSON_EMITTER_H_

#include <string>

#include "absl/strings/string_view.h"
#include "poolscope/metrics/report_emitter.h"

namespace poolscope {

class JsonEmitter final : public ReportEmitter {
 public:
  // Appends to `out`, which is not owned.
  explicit JsonEmitter(std::string* out) : out_(out) {}

  void BeginObject(absl::string_view key) override { Open(key, '{'); }
  void EndObject() override { Close('}'); }
  void BeginArray(absl::string_view key) override { Open(key, '['); }
  void EndArray() override { Close(']'); }
  void BeginTable(absl::string_view key) override { Open(key, '['); }
  void EndTable() override { Close(']'); }
  void BeginRow() override { Open("", '{'); }
  void EndRow() override { Close('}'); }

 private:
  void EmitField(absl::string_view key, absl::string_view text,
                 FieldKind kind) override;
  void Open(absl::string_view key, char bracket);
  void Close(char bracket);
  // The comma that is due, and the key unless it is empty.
  void BeginValue(absl::string_view key);
  void AppendString(absl::string_view text);

  std::string* const out_;
  bool comma_ = false;  // a value stands before, on the same level
};

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_JSON_EMITTER_H_
