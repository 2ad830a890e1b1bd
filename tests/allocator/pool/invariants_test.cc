// CheckInvariants(): what it says of a pool whose books were damaged on
// purpose, before it looks or while it does.
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/base/clock.h"
#include "poolscope/allocator/pool/address_table.h"
#include "poolscope/allocator/pool/owner.h"
#include "poolscope/allocator/pool/pool_options.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/allocator/pool/segment.h"
#include "poolscope/allocator/pool/size_classes.h"
#include "poolscope/allocator/pool/thread_cache.h"
#include "poolscope/tests/allocator/pool/both_layouts.h"
#include "poolscope/tests/allocator/pool/test_pool.h"

namespace poolscope {
namespace {

using pool_internal::AddressTable;
using pool_internal::Bin;
using pool_internal::ClassOfBin;
using pool_internal::OwnerDirectory;
using pool_internal::PageWord;
using pool_internal::ThreadCache;
using testing::HasSubstr;

// Each reading runs `on_read`: a snapshot reads the clock as the last thing,
// for the age of the oldest sample.
class ClockWithHook final : public Clock {
 public:
  int64_t NowNanos() const override {
    if (on_read) on_read();
    return 1'000'000'000;
  }
  std::function<void()> on_read;
};

// A pool with one sample, and one block in the calling thread's cache.
class InvariantsTest : public testing::TestWithParam<ChunkLayout> {
 protected:
  InvariantsTest() {
    PoolOptions options = Quiet(GetParam());
    options.clock = &clock_;
    options.sampling = true;  // of huge blocks; the interval hides the others
    options.sample_interval_bytes = uint64_t{1} << 40;
    absl::StatusOr<std::unique_ptr<PooledAllocator>> pool =
        PooledAllocator::Create(std::move(options));
    EXPECT_TRUE(pool.ok()) << pool.status();
    pool_ = *std::move(pool);
    huge_ = pool_->Allocate(64 << 20);
    void* block = pool_->Allocate(100);
    const uintptr_t address = reinterpret_cast<uintptr_t>(block);
    const PageWord word = AddressTable::Find(address)->WordAt(address);
    bin_ = static_cast<ThreadCache*>(OwnerDirectory::Find(word.owner()))
               ->bin(ClassOfBin(word.bin_offset()));
    pool_->Free(block);
  }
  ~InvariantsTest() override {
    clock_.on_read = nullptr;
    pool_->Free(huge_);
    EXPECT_EQ(pool_->CheckInvariants(), absl::OkStatus());
  }

  // Blocks that nobody took count as allocated, which no cache can see: more
  // bytes in users' hands than in runs.
  void CountUnseenAllocations(int64_t count) {
    bin_->pops += count;
    bin_->fill += count;
    bin_->full_at -= count;
  }

  ClockWithHook clock_;
  std::unique_ptr<PooledAllocator> pool_;
  void* huge_ = nullptr;
  Bin* bin_ = nullptr;
};
INSTANTIATE_TEST_SUITE_P(Layouts, InvariantsTest, BothLayouts(),
                         LayoutTestName);

TEST_P(InvariantsTest, HoldInAPoolInUse) {
  EXPECT_EQ(pool_->CheckInvariants(), absl::OkStatus());
}

TEST_P(InvariantsTest, DamagedCacheIsReported) {
  ++bin_->full_at;
  const absl::Status status = pool_->CheckInvariants();
  --bin_->full_at;
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(status.message(), HasSubstr("full at the wrong place"));
}

TEST_P(InvariantsTest, MoreBytesPinnedThanUsedAreReported) {
  CountUnseenAllocations(1'000'000);
  const absl::Status status = pool_->CheckInvariants();
  CountUnseenAllocations(-1'000'000);
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(status.message(), HasSubstr("bytes pinned"));
}

// The caches are checked once more before the sums are called wrong.
TEST_P(InvariantsTest, CacheDamagedBeforeTheSecondLookIsReported) {
  CountUnseenAllocations(1'000'000);
  int64_t damage = 0;
  clock_.on_read = [&] {
    if (damage > 0) return;
    damage = 1;
    bin_->full_at += damage;
  };
  const absl::Status status = pool_->CheckInvariants();
  bin_->full_at -= damage;
  CountUnseenAllocations(-1'000'000);
  EXPECT_EQ(damage, 1) << "a snapshot reads the clock";
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(status.message(), HasSubstr("full at the wrong place"));
}

}  // namespace
}  // namespace poolscope
