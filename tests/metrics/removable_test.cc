#include "poolscope/metrics/removable.h"

#include <atomic>
#include <functional>
#include <future>
#include <thread>

#include "gtest/gtest.h"

namespace poolscope {
namespace {

using Source = Removable<std::function<int()>>;

int Ask(const Source& source) {
  int answer = -1;
  source.With([&](const auto& function) { answer = function(); });
  return answer;
}

TEST(RemovableTest, HoldsOneUntilItIsRemoved) {
  Source source;
  EXPECT_FALSE(source.set());
  EXPECT_EQ(Ask(source), -1);
  EXPECT_TRUE(source.Set([] { return 1; }));
  EXPECT_TRUE(source.set());
  EXPECT_FALSE(source.Set([] { return 2; }));
  EXPECT_EQ(Ask(source), 1);
  source.Remove();
  source.Remove();
  EXPECT_FALSE(source.set());
  EXPECT_EQ(Ask(source), -1);
  EXPECT_TRUE(source.Set([] { return 3; }));
  EXPECT_EQ(Ask(source), 3);
}

TEST(RemovableTest, RemoveWaitsForTheCallThatRuns) {
  std::promise<void> entered;
  std::promise<void> go_on;
  std::atomic<bool> alive = true;
  std::atomic<bool> used_after_end = false;
  Source source([&] {
    entered.set_value();
    go_on.get_future().wait();
    if (!alive) used_after_end = true;
    return 0;
  });
  std::thread caller([&] { Ask(source); });
  entered.get_future().wait();
  std::thread remover([&] {
    source.Remove();
    alive = false;
  });
  // Gone at once, though the call still runs.
  while (source.set()) std::this_thread::yield();
  EXPECT_TRUE(alive);
  go_on.set_value();
  caller.join();
  remover.join();
  EXPECT_FALSE(used_after_end);
}

}  // namespace
}  // namespace poolscope
