#include "poolscope/metrics/process/thread_anchors.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <future>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace poolscope {
namespace {

const ThreadAnchor* Find(const std::vector<ThreadAnchor>& anchors,
                         int64_t thread_id) {
  const auto found = std::find_if(
      anchors.begin(), anchors.end(),
      [&](const ThreadAnchor& a) { return a.thread_id == thread_id; });
  return found == anchors.end() ? nullptr : &*found;
}

TEST(ThreadAnchorsTest, LieInTheDescriptorOfEachThread) {
  std::promise<int64_t> started;
  std::promise<void> done;
  std::thread thread([&] {
    started.set_value(gettid());
    done.get_future().wait();
  });
  const int64_t thread_id = started.get_future().get();
  const std::vector<ThreadAnchor> anchors = ReadThreadAnchors("/proc");
  const ThreadAnchor* other = Find(anchors, thread_id);
  ASSERT_NE(other, nullptr);
  EXPECT_EQ(other->descriptor, static_cast<uint64_t>(thread.native_handle()));
  EXPECT_GT(other->address, other->descriptor);
  EXPECT_LT(other->address, other->descriptor + 4096);
  EXPECT_FALSE(other->main_thread);
  const ThreadAnchor* own = Find(anchors, getpid());
  ASSERT_NE(own, nullptr);
  EXPECT_EQ(own->descriptor, static_cast<uint64_t>(pthread_self()));
  EXPECT_TRUE(own->main_thread);
  done.set_value();
  thread.join();
  EXPECT_EQ(Find(ReadThreadAnchors("/proc"), thread_id), nullptr);
}

TEST(ThreadAnchorsTest, AreNoneWhereThreadsCannotBeListed) {
  EXPECT_TRUE(ReadThreadAnchors("/nonexistent").empty());
}

}  // namespace
}  // namespace poolscope
