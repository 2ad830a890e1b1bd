// The named accessors of a Buffer: GetU32, SetU32Le, ReadDouble, WriteI24, ...
//
//              offset given   at the reader   at the writer
//   load       Get            Read
//   store      Set                            Write
//
//   U8 I8 U16 I16 U24 I24 U32 I32 U64 I64 Float Double, big endian; with the
//   suffix Le little endian.
//
// Each is one of Buffer's four templates with a codec of endian.h, as
// Get<BigEndian<uint32_t>>(offset); their contracts are in buffer.h. An I is
// signed, a U24 or I24 has three bytes and drops what is above.
//
// Thread safety: that of the buffer.
#ifndef POOLSCOPE_ALLOCATOR_BUFFER_ACCESSORS_H_
#define POOLSCOPE_ALLOCATOR_BUFFER_ACCESSORS_H_

#include <cstddef>
#include <cstdint>

#include "poolscope/allocator/buffer/endian.h"

namespace poolscope {
namespace buffer_internal {

template <typename Derived>
class Accessors {
 public:
  uint8_t GetU8(size_t offset) const {
    return GetAs<BigEndian<uint8_t>>(offset);
  }
  int8_t GetI8(size_t offset) const { return GetAs<BigEndian<int8_t>>(offset); }
  uint16_t GetU16(size_t offset) const {
    return GetAs<BigEndian<uint16_t>>(offset);
  }
  int16_t GetI16(size_t offset) const {
    return GetAs<BigEndian<int16_t>>(offset);
  }
  uint32_t GetU24(size_t offset) const { return GetAs<BigEndian<U24>>(offset); }
  int32_t GetI24(size_t offset) const { return GetAs<BigEndian<I24>>(offset); }
  uint32_t GetU32(size_t offset) const {
    return GetAs<BigEndian<uint32_t>>(offset);
  }
  int32_t GetI32(size_t offset) const {
    return GetAs<BigEndian<int32_t>>(offset);
  }
  uint64_t GetU64(size_t offset) const {
    return GetAs<BigEndian<uint64_t>>(offset);
  }
  int64_t GetI64(size_t offset) const {
    return GetAs<BigEndian<int64_t>>(offset);
  }
  float GetFloat(size_t offset) const {
    return GetAs<BigEndian<float>>(offset);
  }
  double GetDouble(size_t offset) const {
    return GetAs<BigEndian<double>>(offset);
  }
  uint16_t GetU16Le(size_t offset) const {
    return GetAs<LittleEndian<uint16_t>>(offset);
  }
  int16_t GetI16Le(size_t offset) const {
    return GetAs<LittleEndian<int16_t>>(offset);
  }
  uint32_t GetU24Le(size_t offset) const {
    return GetAs<LittleEndian<U24>>(offset);
  }
  int32_t GetI24Le(size_t offset) const {
    return GetAs<LittleEndian<I24>>(offset);
  }
  uint32_t GetU32Le(size_t offset) const {
    return GetAs<LittleEndian<uint32_t>>(offset);
  }
  int32_t GetI32Le(size_t offset) const {
    return GetAs<LittleEndian<int32_t>>(offset);
  }
  uint64_t GetU64Le(size_t offset) const {
    return GetAs<LittleEndian<uint64_t>>(offset);
  }
  int64_t GetI64Le(size_t offset) const {
    return GetAs<LittleEndian<int64_t>>(offset);
  }
  float GetFloatLe(size_t offset) const {
    return GetAs<LittleEndian<float>>(offset);
  }
  double GetDoubleLe(size_t offset) const {
    return GetAs<LittleEndian<double>>(offset);
  }

  void SetU8(size_t offset, uint8_t value) {
    SetAs<BigEndian<uint8_t>>(offset, value);
  }
  void SetI8(size_t offset, int8_t value) {
    SetAs<BigEndian<int8_t>>(offset, value);
  }
  void SetU16(size_t offset, uint16_t value) {
    SetAs<BigEndian<uint16_t>>(offset, value);
  }
  void SetI16(size_t offset, int16_t value) {
    SetAs<BigEndian<int16_t>>(offset, value);
  }
  void SetU24(size_t offset, uint32_t value) {
    SetAs<BigEndian<U24>>(offset, value);
  }
  void SetI24(size_t offset, int32_t value) {
    SetAs<BigEndian<I24>>(offset, value);
  }
  void SetU32(size_t offset, uint32_t value) {
    SetAs<BigEndian<uint32_t>>(offset, value);
  }
  void SetI32(size_t offset, int32_t value) {
    SetAs<BigEndian<int32_t>>(offset, value);
  }
  void SetU64(size_t offset, uint64_t value) {
    SetAs<BigEndian<uint64_t>>(offset, value);
  }
  void SetI64(size_t offset, int64_t value) {
    SetAs<BigEndian<int64_t>>(offset, value);
  }
  void SetFloat(size_t offset, float value) {
    SetAs<BigEndian<float>>(offset, value);
  }
  void SetDouble(size_t offset, double value) {
    SetAs<BigEndian<double>>(offset, value);
  }
  void SetU16Le(size_t offset, uint16_t value) {
    SetAs<LittleEndian<uint16_t>>(offset, value);
  }
  void SetI16Le(size_t offset, int16_t value) {
    SetAs<LittleEndian<int16_t>>(offset, value);
  }
  void SetU24Le(size_t offset, uint32_t value) {
    SetAs<LittleEndian<U24>>(offset, value);
  }
  void SetI24Le(size_t offset, int32_t value) {
    SetAs<LittleEndian<I24>>(offset, value);
  }
  void SetU32Le(size_t offset, uint32_t value) {
    SetAs<LittleEndian<uint32_t>>(offset, value);
  }
  void SetI32Le(size_t offset, int32_t value) {
    SetAs<LittleEndian<int32_t>>(offset, value);
  }
  void SetU64Le(size_t offset, uint64_t value) {
    SetAs<LittleEndian<uint64_t>>(offset, value);
  }
  void SetI64Le(size_t offset, int64_t value) {
    SetAs<LittleEndian<int64_t>>(offset, value);
  }
  void SetFloatLe(size_t offset, float value) {
    SetAs<LittleEndian<float>>(offset, value);
  }
  void SetDoubleLe(size_t offset, double value) {
    SetAs<LittleEndian<double>>(offset, value);
  }

  uint8_t ReadU8() { return ReadAs<BigEndian<uint8_t>>(); }
  int8_t ReadI8() { return ReadAs<BigEndian<int8_t>>(); }
  uint16_t ReadU16() { return ReadAs<BigEndian<uint16_t>>(); }
  int16_t ReadI16() { return ReadAs<BigEndian<int16_t>>(); }
  uint32_t ReadU24() { return ReadAs<BigEndian<U24>>(); }
  int32_t ReadI24() { return ReadAs<BigEndian<I24>>(); }
  uint32_t ReadU32() { return ReadAs<BigEndian<uint32_t>>(); }
  int32_t ReadI32() { return ReadAs<BigEndian<int32_t>>(); }
  uint64_t ReadU64() { return ReadAs<BigEndian<uint64_t>>(); }
  int64_t ReadI64() { return ReadAs<BigEndian<int64_t>>(); }
  float ReadFloat() { return ReadAs<BigEndian<float>>(); }
  double ReadDouble() { return ReadAs<BigEndian<double>>(); }
  uint16_t ReadU16Le() { return ReadAs<LittleEndian<uint16_t>>(); }
  int16_t ReadI16Le() { return ReadAs<LittleEndian<int16_t>>(); }
  uint32_t ReadU24Le() { return ReadAs<LittleEndian<U24>>(); }
  int32_t ReadI24Le() { return ReadAs<LittleEndian<I24>>(); }
  uint32_t ReadU32Le() { return ReadAs<LittleEndian<uint32_t>>(); }
  int32_t ReadI32Le() { return ReadAs<LittleEndian<int32_t>>(); }
  uint64_t ReadU64Le() { return ReadAs<LittleEndian<uint64_t>>(); }
  int64_t ReadI64Le() { return ReadAs<LittleEndian<int64_t>>(); }
  float ReadFloatLe() { return ReadAs<LittleEndian<float>>(); }
  double ReadDoubleLe() { return ReadAs<LittleEndian<double>>(); }

  void WriteU8(uint8_t value) { WriteAs<BigEndian<uint8_t>>(value); }
  void WriteI8(int8_t value) { WriteAs<BigEndian<int8_t>>(value); }
  void WriteU16(uint16_t value) { WriteAs<BigEndian<uint16_t>>(value); }
  void WriteI16(int16_t value) { WriteAs<BigEndian<int16_t>>(value); }
  void WriteU24(uint32_t value) { WriteAs<BigEndian<U24>>(value); }
  void WriteI24(int32_t value) { WriteAs<BigEndian<I24>>(value); }
  void WriteU32(uint32_t value) { WriteAs<BigEndian<uint32_t>>(value); }
  void WriteI32(int32_t value) { WriteAs<BigEndian<int32_t>>(value); }
  void WriteU64(uint64_t value) { WriteAs<BigEndian<uint64_t>>(value); }
  void WriteI64(int64_t value) { WriteAs<BigEndian<int64_t>>(value); }
  void WriteFloat(float value) { WriteAs<BigEndian<float>>(value); }
  void WriteDouble(double value) { WriteAs<BigEndian<double>>(value); }
  void WriteU16Le(uint16_t value) { WriteAs<LittleEndian<uint16_t>>(value); }
  void WriteI16Le(int16_t value) { WriteAs<LittleEndian<int16_t>>(value); }
  void WriteU24Le(uint32_t value) { WriteAs<LittleEndian<U24>>(value); }
  void WriteI24Le(int32_t value) { WriteAs<LittleEndian<I24>>(value); }
  void WriteU32Le(uint32_t value) { WriteAs<LittleEndian<uint32_t>>(value); }
  void WriteI32Le(int32_t value) { WriteAs<LittleEndian<int32_t>>(value); }
  void WriteU64Le(uint64_t value) { WriteAs<LittleEndian<uint64_t>>(value); }
  void WriteI64Le(int64_t value) { WriteAs<LittleEndian<int64_t>>(value); }
  void WriteFloatLe(float value) { WriteAs<LittleEndian<float>>(value); }
  void WriteDoubleLe(double value) { WriteAs<LittleEndian<double>>(value); }

 private:
  template <typename Codec>
  typename Codec::Value GetAs(size_t offset) const {
    return static_cast<const Derived*>(this)->template Get<Codec>(offset);
  }
  template <typename Codec>
  void SetAs(size_t offset, typename Codec::Value value) {
    static_cast<Derived*>(this)->template Set<Codec>(offset, value);
  }
  template <typename Codec>
  typename Codec::Value ReadAs() {
    return static_cast<Derived*>(this)->template Read<Codec>();
  }
  template <typename Codec>
  void WriteAs(typename Codec::Value value) {
    static_cast<Derived*>(this)->template Write<Codec>(value);
  }
};

}  // namespace buffer_internal
}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_BUFFER_ACCESSORS_H_
