// The pool in a shared object that is loaded while threads run. This program
// is not linked with the pool.
#include <dlfcn.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "poolscope/tests/allocator/pool/stress/pool_plugin.h"
#include "poolscope/tests/allocator/pool/stress/threads.h"

namespace poolscope {
namespace {

constexpr char kPath[] = "tests/allocator/pool/stress/libpool_plugin.so";

class DlopenTest : public testing::Test {
 protected:
  void Open() {
    library_ = dlopen(kPath, RTLD_NOW | RTLD_LOCAL);
    ASSERT_NE(library_, nullptr) << dlerror();
    plugin_ =
        static_cast<const PoolPlugin*>(dlsym(library_, kPoolPluginSymbol));
    ASSERT_NE(plugin_, nullptr) << dlerror();
  }

  std::vector<void*> AllocateSome(void* pool) {
    std::vector<void*> blocks;
    for (size_t size : {1, 100, 14336, 1 << 20, 5 << 20}) {
      for (int i = 0; i < 3; ++i) {
        void* block = plugin_->allocate(pool, size);
        EXPECT_NE(block, nullptr);
        if (block == nullptr) continue;
        std::memset(block, 0x5a, size);
        blocks.push_back(block);
      }
    }
    return blocks;
  }

  void FreeAll(std::vector<void*>* blocks) {
    for (void* block : *blocks) plugin_->free_block(block);
    blocks->clear();
  }

  void* library_ = nullptr;
  const PoolPlugin* plugin_ = nullptr;
};

TEST_F(DlopenTest, ThreadsOfBeforeAndAfterUseThePoolAndOutliveTheLibrary) {
  WorkerThread before;
  before.Run([] {});  // runs by the time the library comes
  Open();
  ASSERT_FALSE(HasFatalFailure());
  WorkerThread after;
  for (int round = 0; round < 20; ++round) {
    void* pool = plugin_->create(256 << 20);
    ASSERT_NE(pool, nullptr);
    std::vector<void*> of_before;
    std::vector<void*> of_after;
    std::vector<void*> mine = AllocateSome(pool);
    before.Run([&] { of_before = AllocateSome(pool); });
    after.Run([&] { of_after = AllocateSome(pool); });
    EXPECT_EQ(plugin_->active_blocks(pool), 45);
    EXPECT_EQ(plugin_->thread_caches(pool), 3);
    std::thread([&] { FreeAll(&mine); }).join();
    before.Run([&] { FreeAll(&of_after); });
    after.Run([&] { FreeAll(&of_before); });
    EXPECT_EQ(plugin_->active_blocks(pool), 0);
    EXPECT_EQ(plugin_->thread_caches(pool), 3);
    EXPECT_TRUE(plugin_->invariants_hold(pool));
    plugin_->destroy(pool);
  }
  // A pool that stays, with blocks and caches of both threads.
  void* pool = plugin_->create(256 << 20);
  ASSERT_NE(pool, nullptr);
  std::vector<void*> left;
  before.Run([&] { left = AllocateSome(pool); });
  after.Run([&] { FreeAll(&left); });
  EXPECT_EQ(dlclose(library_), 0);
  // Its code is still there for the threads that exit now.
  before.Exit();
  after.Exit();
  EXPECT_EQ(plugin_->thread_caches(pool), 0);
  plugin_->destroy(pool);
}

TEST_F(DlopenTest, OpeningAgainFindsTheSamePool) {
  Open();
  ASSERT_FALSE(HasFatalFailure());
  const PoolPlugin* first = plugin_;
  void* pool = plugin_->create(64 << 20);
  ASSERT_NE(pool, nullptr);
  void* block = plugin_->allocate(pool, 100);
  EXPECT_EQ(dlclose(library_), 0);
  Open();
  ASSERT_FALSE(HasFatalFailure());
  EXPECT_EQ(plugin_, first);
  plugin_->free(pool, block);
  EXPECT_EQ(plugin_->active_blocks(pool), 0);
  plugin_->destroy(pool);
  EXPECT_EQ(dlclose(library_), 0);
}

}  // namespace
}  // namespace poolscope
