// ExpectNoLeaks: fails a GoogleTest when a block survives it.
//
//   TEST(RelayTest, AnswersAndForgets) {
//     ExpectNoLeaks no_leaks(detector);
//     relay.Answer(request);
//   }  // a block that is alive here is a failure that shows who created it
//
// Thread safety: belongs to the thread that made it.
#ifndef POOLSCOPE_ALLOCATOR_LEAK_EXPECT_NO_LEAKS_H_
#define POOLSCOPE_ALLOCATOR_LEAK_EXPECT_NO_LEAKS_H_

#include <memory>
#include <utility>

#include "gtest/gtest.h"
#include "poolscope/allocator/leak/leak_report.h"
#include "poolscope/allocator/leak/leak_scope.h"

namespace poolscope {

class ExpectNoLeaks {
 public:
  explicit ExpectNoLeaks(std::shared_ptr<LeakDetector> detector)
      : scope_(std::move(detector)) {}
  ~ExpectNoLeaks() {
    for (const LeakReport& leak : scope_.End()) ADD_FAILURE() << LeakText(leak);
    EXPECT_EQ(scope_.untracked(), 0u)
        << "blocks that the leak detector had no place for";
  }

 private:
  LeakScope scope_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_LEAK_EXPECT_NO_LEAKS_H_
