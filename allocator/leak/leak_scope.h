// LeakScope: nothing that is allocated within it may be alive at its end.
//
//   LeakScope scope(detector);
//   HandleRequest();
//   for (const LeakReport& leak : scope.End()) LOG << LeakText(leak);
//
// While it lives the detector's level is paranoid. What is alive at its end, of
// any thread's, is also reported by the detector as leaked. For that the pool
// must sample every block: let the detector control it
// (LeakDetector::ControlSampling), else the scope sees what happens to be
// sampled. For tests: see expect_no_leaks.h for GoogleTest's.
//
// Scopes of one detector may nest and overlap.
//
// Thread safety: belongs to the thread that made it. Holds the detector.
#ifndef POOLSCOPE_ALLOCATOR_LEAK_LEAK_SCOPE_H_
#define POOLSCOPE_ALLOCATOR_LEAK_LEAK_SCOPE_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "poolscope/allocator/leak/leak_detector.h"
#include "poolscope/allocator/leak/leak_report.h"

namespace poolscope {

class LeakScope {
 public:
  explicit LeakScope(std::shared_ptr<LeakDetector> detector);
  // Ends it, if End() has not.
  ~LeakScope();
  LeakScope(const LeakScope&) = delete;
  LeakScope& operator=(const LeakScope&) = delete;

  // One report a creation stack. Empty the second time.
  std::vector<LeakReport> End();

  // Blocks that the detector had no place for since the scope began: it cannot
  // answer for these.
  uint64_t untracked() const;

 private:
  std::shared_ptr<LeakDetector> detector_;
  const uint64_t dropped_before_;
  const uint64_t first_;
  bool ended_ = false;
};

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_LEAK_LEAK_SCOPE_H_
