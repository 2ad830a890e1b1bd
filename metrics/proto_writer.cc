#include "poolscope/metrics/proto_writer.h"

namespace poolscope {
namespace {

constexpr int kVarint = 0;
constexpr int kDelimited = 2;

}  // namespace

void ProtoWriter::Varint(uint64_t value) {
  for (; value >= 0x80; value >>= 7) {
    out_->push_back(static_cast<char>(value | 0x80));
  }
  out_->push_back(static_cast<char>(value));
}

void ProtoWriter::Key(int field, int kind) {
  Varint(static_cast<uint64_t>(field) << 3 | kind);
}

void ProtoWriter::Integer(int field, uint64_t value) {
  if (value == 0) return;
  Key(field, kVarint);
  Varint(value);
}

void ProtoWriter::PackedIntegers(int field, absl::Span<const uint64_t> values) {
  if (values.empty()) return;
  std::string packed;
  ProtoWriter writer(&packed);
  for (const uint64_t value : values) writer.Varint(value);
  String(field, packed);
}

void ProtoWriter::String(int field, absl::string_view text) {
  Key(field, kDelimited);
  Varint(text.size());
  out_->append(text.data(), text.size());
}

void ProtoWriter::Message(int field,
                          absl::FunctionRef<void(ProtoWriter&)> write) {
  std::string bytes;
  ProtoWriter writer(&bytes);
  write(writer);
  String(field, bytes);
}

}  // namespace poolscope
