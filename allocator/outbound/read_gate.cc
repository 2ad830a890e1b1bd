#include "poolscope/allocator/outbound/read_gate.h"

namespace poolscope {

bool ReadGate::Pause(PauseReason reason) {
  const bool was_reading = reading();
  reasons_ |= static_cast<uint8_t>(reason);
  return was_reading;
}

bool ReadGate::Resume(PauseReason reason) {
  const bool was_reading = reading();
  reasons_ &= ~static_cast<uint8_t>(reason);
  return !was_reading && reading();
}

bool ReadGate::paused_by(PauseReason reason) const {
  return (reasons_ & static_cast<uint8_t>(reason)) != 0;
}

}  // namespace poolscope
