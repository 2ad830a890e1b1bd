#include "poolscope/metrics/process/thread_anchors.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <future>
#include <new>
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

struct Waiter {
  std::promise<int64_t> started;
  std::promise<void> done;
};

void* RunWaiter(void* argument) {
  Waiter& waiter = *static_cast<Waiter*>(argument);
  waiter.started.set_value(gettid());
  waiter.done.get_future().wait();
  return nullptr;
}

// What another thread than the main one is told of one with `attributes`.
ThreadAnchor AnchorOf(const pthread_attr_t& attributes) {
  Waiter waiter;
  pthread_t thread;
  EXPECT_EQ(pthread_create(&thread, &attributes, RunWaiter, &waiter), 0);
  const int64_t thread_id = waiter.started.get_future().get();
  ThreadAnchor result;
  std::thread([&] {
    const std::vector<ThreadAnchor> anchors = ReadThreadAnchors("/proc");
    const ThreadAnchor* found = Find(anchors, thread_id);
    if (found != nullptr) result = *found;
  }).join();
  waiter.done.set_value();
  pthread_join(thread, nullptr);
  return result;
}

TEST(ThreadAnchorsTest, TellTheBoundsOfAStackThatGlibcMapped) {
  // A stack kept from a thread of the default size would be too large for it.
  constexpr uint64_t kBytes = 1 << 20;
  for (const uint64_t guard_bytes : {uint64_t{0}, uint64_t{4096}}) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, kBytes);
    pthread_attr_setguardsize(&attributes, guard_bytes);
    const ThreadAnchor anchor = AnchorOf(attributes);
    pthread_attr_destroy(&attributes);
    // Some versions of glibc take the guard from the stack, some add it.
    EXPECT_GE(anchor.stack_end - anchor.stack_start, kBytes) << guard_bytes;
    EXPECT_LE(anchor.stack_end - anchor.stack_start, kBytes + guard_bytes);
    EXPECT_GT(anchor.stack_end, anchor.descriptor);
    EXPECT_LT(anchor.stack_end, anchor.descriptor + 8192);
  }
}

TEST(ThreadAnchorsTest, TellTheBoundsOfAStackThatTheProgramGave) {
  // Aligned to nothing much.
  std::vector<char> memory(4 << 20);
  char* const stack = memory.data() + 192 * 1024 + 64;
  constexpr uint64_t kBytes = 2 << 20;  // sanitizers need most of it
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  ASSERT_EQ(pthread_attr_setstack(&attributes, stack, kBytes), 0);
  const ThreadAnchor anchor = AnchorOf(attributes);
  pthread_attr_destroy(&attributes);
  EXPECT_EQ(anchor.stack_start, reinterpret_cast<uint64_t>(stack));
  EXPECT_EQ(anchor.stack_end, anchor.stack_start + kBytes);
}

TEST(ThreadAnchorsTest, LeaveOutAListOfRobustMutexesThatIsNotGlibcs) {
  // Amid words that would be the bounds of a stack elsewhere.
  static std::array<uint64_t, 1024> words;
  words.fill(4096);
  robust_list_head& list = *new (&words[words.size() / 2]) robust_list_head{};
  list.list.next = &list.list;
  Waiter waiter;
  std::thread thread([&] {
    syscall(SYS_set_robust_list, &list, sizeof(list));
    RunWaiter(&waiter);
  });
  const int64_t thread_id = waiter.started.get_future().get();
  std::thread([&] {
    EXPECT_EQ(Find(ReadThreadAnchors("/proc"), thread_id), nullptr);
  }).join();
  waiter.done.set_value();
  thread.join();
}

TEST(ThreadAnchorsTest, AreNoneWhereThreadsCannotBeListed) {
  EXPECT_TRUE(ReadThreadAnchors("/nonexistent").empty());
}

}  // namespace
}  // namespace poolscope
