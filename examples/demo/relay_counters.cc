#include "poolscope/examples/demo/relay_counters.h"

namespace poolscope::demo {

void RelayCounters::NoteRefusal(const absl::Status& reason) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (first_refusal_.empty()) first_refusal_ = std::string(reason.message());
}

void RelayCounters::NoteBroken(const absl::Status& reason) {
  Add(broken_connections);
  const std::lock_guard<std::mutex> lock(mutex_);
  if (first_broken_.empty()) first_broken_ = std::string(reason.message());
}

std::string RelayCounters::first_refusal() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return first_refusal_;
}

std::string RelayCounters::first_broken() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return first_broken_;
}

}  // namespace poolscope::demo
