#include "poolscope/allocator/outbound/writability.h"

#include <cinttypes>

#include "absl/strings/str_format.h"
#include "poolscope/allocator/base/fatal.h"

namespace poolscope {

absl::Status ValidateWatermarks(const Watermarks& watermarks) {
  if (watermarks.low_bytes > 0 &&
      watermarks.low_bytes <= watermarks.high_bytes) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrFormat(
      "watermarks of %d and %d bytes: the low one must be above 0 and at most "
      "the high one",
      watermarks.low_bytes, watermarks.high_bytes));
}

WritabilityChange Writability::SetUserFlag(int index, bool writable) {
  const uint32_t bit = UserBit(index);
  return SetFlags(writable ? unwritable_ & ~bit : unwritable_ | bit);
}

bool Writability::user_flag(int index) const {
  return (unwritable_ & UserBit(index)) == 0;
}

uint64_t Writability::BytesBeforeUnwritable() const {
  if (!writable()) return 0;
  if (watermarks_.off()) return Watermarks::kOff;
  return watermarks_.high_bytes - pending_bytes_ + 1;
}

uint64_t Writability::BytesBeforeWritable() const {
  if ((unwritable_ & kWatermarkBit) == 0) return 0;
  return pending_bytes_ - watermarks_.low_bytes + 1;
}

uint32_t Writability::UserBit(int index) {
  if (index < kFirstUserFlag || index > kLastUserFlag) {
    Fatal("user flag %d of writability: there are %d to %d", index,
          kFirstUserFlag, kLastUserFlag);
  }
  return uint32_t{1} << index;
}

void Writability::DieOfTooMany(uint64_t bytes) const {
  Fatal("%" PRIu64 " bytes no longer wait, of %" PRIu64 " that do", bytes,
        pending_bytes_);
}

}  // namespace poolscope
