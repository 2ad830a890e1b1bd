#include "poolscope/allocator/leak/leak_scope.h"

#include <utility>

namespace poolscope {

LeakScope::LeakScope(std::shared_ptr<LeakDetector> detector)
    : detector_(std::move(detector)),
      dropped_before_(detector_->Stats().dropped_blocks),
      first_(detector_->BeginScope()) {}

LeakScope::~LeakScope() { End(); }

std::vector<LeakReport> LeakScope::End() {
  if (ended_) return {};
  ended_ = true;
  return detector_->EndScope(first_);
}

uint64_t LeakScope::untracked() const {
  return detector_->Stats().dropped_blocks - dropped_before_;
}

}  // namespace poolscope
