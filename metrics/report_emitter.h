// ReportEmitter: one walk over the values of a report, as text or as JSON.
//
// The walk says what there is; the emitter says how it looks:
//
//   emitter.BeginObject("");
//   emitter.Field("snapshot_id", uint64_t{17});
//   emitter.BeginTable("chunks");            // JSON: an array of objects
//   emitter.BeginRow();
//   emitter.Field("list", "q050");
//   emitter.Field("used_bytes", uint64_t{8192});
//   emitter.EndRow();
//   emitter.EndTable();
//   emitter.EndObject();
//
//   {"snapshot_id":17,"chunks":[{"list":"q050","used_bytes":8192}]}
//
//   snapshot_id: 17
//   chunks:
//     list  used_bytes
//     q050        8192
//
// Rows hold fields only, and those of one table the same ones in the same
// order. Keys are empty for the outermost object and for elements of an array.
// Integers are exact in both forms.
//
// Thread safety: thread-compatible.
#ifndef POOLSCOPE_METRICS_REPORT_EMITTER_H_
#define POOLSCOPE_METRICS_REPORT_EMITTER_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace poolscope {

class ReportEmitter {
 public:
  virtual ~ReportEmitter() = default;

  virtual void BeginObject(absl::string_view key) = 0;
  virtual void EndObject() = 0;
  virtual void BeginArray(absl::string_view key) = 0;
  virtual void EndArray() = 0;
  virtual void BeginTable(absl::string_view key) = 0;
  virtual void EndTable() = 0;
  virtual void BeginRow() = 0;
  virtual void EndRow() = 0;

  void Field(absl::string_view key, uint64_t value);
  void Field(absl::string_view key, int64_t value);
  void Field(absl::string_view key, double value);
  void Field(absl::string_view key, absl::string_view value);
  void Field(absl::string_view key, const char* value) {
    Field(key, absl::string_view(value));
  }
  void Field(absl::string_view key, bool value);

 protected:
  enum class FieldKind { kNumber, kText, kWord };

  // `text` is a number, true or false as both forms spell it, or any text.
  virtual void EmitField(absl::string_view key, absl::string_view text,
                         FieldKind kind) = 0;
};

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_REPORT_EMITTER_H_
