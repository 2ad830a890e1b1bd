// Writability: whether a channel takes more, by the bytes that wait in it.
//
//             pending > high, or a user flag is off
//    writable ----------------------------------------> unwritable
//             <----------------------------------------
//             pending < low, and every user flag is on
//
// Between the watermarks the state stays what it was, so that a channel at one
// of them does not flap. The comparisons are strict, as Netty's are: a channel
// with exactly `high` bytes is writable, one with exactly `low` stays
// unwritable.
//
// Pure: it holds numbers, calls nobody, and says after each step whether the
// state has changed by it. Thread-compatible.
#ifndef POOLSCOPE_ALLOCATOR_OUTBOUND_WRITABILITY_H_
#define POOLSCOPE_ALLOCATOR_OUTBOUND_WRITABILITY_H_

#include <cstdint>
#include <limits>

#include "absl/base/optimization.h"
#include "absl/status/status.h"

namespace poolscope {

// In bytes as Writability counts them. The defaults are Netty's.
struct Watermarks {
  static constexpr uint64_t kOff = std::numeric_limits<uint64_t>::max();

  uint64_t low_bytes = 32 << 10;
  uint64_t high_bytes = 64 << 10;

  // Never unwritable by its bytes.
  static constexpr Watermarks Off() { return {kOff, kOff}; }
  constexpr bool off() const { return high_bytes == kOff; }
};

// InvalidArgumentError unless 0 < low <= high. At low = 0 nothing would ever
// be below it.
absl::Status ValidateWatermarks(const Watermarks& watermarks);

enum class WritabilityChange : uint8_t { kNone, kUnwritable, kWritable };

class Writability {
 public:
  static constexpr int kFirstUserFlag = 1;
  static constexpr int kLastUserFlag = 31;

  explicit Writability(Watermarks watermarks) : watermarks_(watermarks) {}

  // Bytes that begin to wait, and bytes that do so no longer: at most those
  // that were added, else fatal.
  WritabilityChange Add(uint64_t bytes) {
    pending_bytes_ += bytes;
    if (ABSL_PREDICT_TRUE(pending_bytes_ <= watermarks_.high_bytes)) {
      return WritabilityChange::kNone;
    }
    return SetFlags(unwritable_ | kWatermarkBit);
  }
  WritabilityChange Remove(uint64_t bytes) {
    if (ABSL_PREDICT_FALSE(bytes > pending_bytes_)) DieOfTooMany(bytes);
    pending_bytes_ -= bytes;
    if (pending_bytes_ >= watermarks_.low_bytes) {
      return WritabilityChange::kNone;
    }
    return SetFlags(unwritable_ & ~kWatermarkBit);
  }

  // A reason of the user's to take no more: one of 31 flags, all on at first.
  // Fatal for another index.
  WritabilityChange SetUserFlag(int index, bool writable);
  bool user_flag(int index) const;

  bool writable() const { return unwritable_ == 0; }
  uint64_t pending_bytes() const { return pending_bytes_; }
  const Watermarks& watermarks() const { return watermarks_; }

  // How many more make it unwritable; 0 when it is, kOff when none would.
  uint64_t BytesBeforeUnwritable() const;
  // How many must go until the bytes are no reason any more; 0 when writable.
  uint64_t BytesBeforeWritable() const;

 private:
  static constexpr uint32_t kWatermarkBit = 1;

  static uint32_t UserBit(int index);
  [[noreturn]] void DieOfTooMany(uint64_t bytes) const;

  WritabilityChange SetFlags(uint32_t unwritable) {
    const bool was_writable = writable();
    unwritable_ = unwritable;
    if (writable() == was_writable) return WritabilityChange::kNone;
    return was_writable ? WritabilityChange::kUnwritable
                        : WritabilityChange::kWritable;
  }

  const Watermarks watermarks_;
  uint64_t pending_bytes_ = 0;
  // Bit 0: the watermark. Bits 1 to 31: user flags that are off.
  uint32_t unwritable_ = 0;
};

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_OUTBOUND_WRITABILITY_H_
