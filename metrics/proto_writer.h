// ProtoWriter: appends the fields of a Protocol Buffers message, as bytes.
//
//   std::string bytes;
//   ProtoWriter writer(&bytes);
//   writer.Integer(9, time_nanos);
//   writer.Message(1, [&](ProtoWriter& type) { type.Integer(1, name); });
//
// The wire format has four kinds of field; a profile needs the two below, each
// behind a key that says number and kind:
//
//   varint      key, seven bits a byte, the lowest first
//   delimited   key, length as a varint, the bytes: of a string, a message, or
//               a row of varints ("packed")
//
// As proto3 has it, a field left out reads as zero, so zeros are left out.
//
// Thread safety: thread-compatible.
#ifndef POOLSCOPE_METRICS_PROTO_WRITER_H_
#define POOLSCOPE_METRICS_PROTO_WRITER_H_

#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace poolscope {

class ProtoWriter {
 public:
  // Appends to `out`, which is not owned. Field numbers are 1 to 2^29 - 1.
  explicit ProtoWriter(std::string* out) : out_(out) {}

  // int64, uint64 or bool; negative ones in two's complement.
  void Integer(int field, uint64_t value);
  // Repeated integers; none when there are none.
  void PackedIntegers(int field, absl::Span<const uint64_t> values);
  // Written when it is empty too: an element of a repeated field may be.
  void String(int field, absl::string_view text);
  // The message that `write` writes.
  void Message(int field, absl::FunctionRef<void(ProtoWriter&)> write);

 private:
  void Varint(uint64_t value);
  void Key(int field, int kind);

  std::string* const out_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_PROTO_WRITER_H_
