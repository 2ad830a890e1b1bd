// FirstReason: why something failed the first time; later reasons, mostly the
// same, are dropped.
//
// Thread-safe.
#ifndef POOLSCOPE_EXAMPLES_DEMO_FIRST_REASON_H_
#define POOLSCOPE_EXAMPLES_DEMO_FIRST_REASON_H_

#include <mutex>
#include <string>

#include "absl/strings/string_view.h"

namespace poolscope::demo {

class FirstReason {
 public:
  void Note(absl::string_view reason) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (text_.empty()) text_ = std::string(reason);
  }

  // Empty when there was none.
  std::string text() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return text_;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;  // guarded by mutex_
};

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_FIRST_REASON_H_
