// How a number lies in bytes: BigEndian<T> and LittleEndian<T>.
//
//   uint8_t bytes[4];
//   BigEndian<uint32_t>::Store(bytes, 1);                  // 0 0 0 1
//   uint32_t value = LittleEndian<U24>::Load(bytes);       // three bytes
//
// T is an integer of 8 to 64 bits, float or double (IEEE 754), or one of the
// tags U24 and I24 for integers of three bytes, whose values are uint32_t and
// int32_t. I24 extends the sign; both store the low 24 bits and drop the rest.
//
// Thread safety: immutable.
#ifndef POOLSCOPE_ALLOCATOR_BUFFER_ENDIAN_H_
#define POOLSCOPE_ALLOCATOR_BUFFER_ENDIAN_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace poolscope {

struct U24 {};
struct I24 {};

namespace buffer_internal {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);

inline uint8_t SwapBytes(uint8_t value) { return value; }
inline uint16_t SwapBytes(uint16_t value) { return __builtin_bswap16(value); }
inline uint32_t SwapBytes(uint32_t value) { return __builtin_bswap32(value); }
inline uint64_t SwapBytes(uint64_t value) { return __builtin_bswap64(value); }

template <size_t bytes>
struct Unsigned;
template <>
struct Unsigned<1> {
  using Type = uint8_t;
};
template <>
struct Unsigned<2> {
  using Type = uint16_t;
};
template <>
struct Unsigned<4> {
  using Type = uint32_t;
};
template <>
struct Unsigned<8> {
  using Type = uint64_t;
};

template <typename T, bool big>
struct Codec {
  static_assert(std::is_arithmetic_v<T>);
  using Value = T;
  using Bits = typename Unsigned<sizeof(T)>::Type;
  static constexpr size_t kBytes = sizeof(T);

  static Value Load(const uint8_t* bytes) {
    Bits bits;
    std::memcpy(&bits, bytes, sizeof(bits));
    if constexpr (big) bits = SwapBytes(bits);
    Value value;
    std::memcpy(&value, &bits, sizeof(value));
    return value;
  }
  static void Store(uint8_t* bytes, Value value) {
    Bits bits;
    std::memcpy(&bits, &value, sizeof(bits));
    if constexpr (big) bits = SwapBytes(bits);
    std::memcpy(bytes, &bits, sizeof(bits));
  }
};

template <bool big>
struct Codec<U24, big> {
  using Value = uint32_t;
  static constexpr size_t kBytes = 3;

  static Value Load(const uint8_t* bytes) {
    return bytes[big ? 2 : 0] | uint32_t{bytes[1]} << 8 |
           uint32_t{bytes[big ? 0 : 2]} << 16;
  }
  static void Store(uint8_t* bytes, Value value) {
    bytes[big ? 2 : 0] = static_cast<uint8_t>(value);
    bytes[1] = static_cast<uint8_t>(value >> 8);
    bytes[big ? 0 : 2] = static_cast<uint8_t>(value >> 16);
  }
};

template <bool big>
struct Codec<I24, big> {
  using Value = int32_t;
  static constexpr size_t kBytes = 3;

  static Value Load(const uint8_t* bytes) {
    const uint32_t bits = Codec<U24, big>::Load(bytes);
    constexpr uint32_t kSign = 1u << 23;
    return static_cast<int32_t>(bits ^ kSign) - static_cast<int32_t>(kSign);
  }
  static void Store(uint8_t* bytes, Value value) {
    Codec<U24, big>::Store(bytes, static_cast<uint32_t>(value));
  }
};

}  // namespace buffer_internal

template <typename T>
using BigEndian = buffer_internal::Codec<T, true>;
template <typename T>
using LittleEndian = buffer_internal::Codec<T, false>;

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_BUFFER_ENDIAN_H_
