// What buffers tell the leak detector.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/allocator/leak/leak_detector.h"
#include "poolscope/tests/allocator/buffer/buffer_kinds.h"
#include "poolscope/tests/allocator/pool/test_pool.h"

namespace poolscope {
namespace {

class BufferLeakTest : public testing::Test {
 protected:
  BufferLeakTest() {
    LeakDetectorOptions leak_options;
    leak_options.allocator = "test";
    leak_options.level = LeakLevel::kParanoid;
    leak_options.log = [this](absl::string_view text) {
      log_ += std::string(text);
    };
    leaks_ = Must(LeakDetector::Create(leak_options));
    PoolOptions options = Quiet();
    options.sampling = true;
    options.sample_interval_bytes = 1;
    options.observer = leaks_;
    pool_ = Must(PooledAllocator::Create(options));
    allocator_ = BufferAllocator::Pooled(pool_.get(), leaks_);
  }

  std::string log_;
  std::shared_ptr<LeakDetector> leaks_;
  std::unique_ptr<PooledAllocator> pool_;
  std::unique_ptr<BufferAllocator> allocator_;
};

TEST_F(BufferLeakTest, ADroppedSendIsALeak) {
  { SentBuffer dropped = Must(allocator_->Allocate(100)).Send(); }
  const std::vector<LeakReport> reports = leaks_->Reports();
  ASSERT_EQ(reports.size(), 1);
  EXPECT_EQ(reports[0].cause, LeakCause::kSendDropped);
}

TEST_F(BufferLeakTest, ADroppedPartIsNoLeakWhileAnotherLives) {
  Buffer rest = Must(allocator_->Allocate(100));
  { SentBuffer dropped = rest.Split(50).Send(); }
  EXPECT_TRUE(leaks_->Reports().empty());
  { SentBuffer dropped = rest.Send(); }
  EXPECT_EQ(leaks_->Reports().size(), 1);
}

TEST_F(BufferLeakTest, WhatIsReceivedOrDiscardedIsNone) {
  SentBuffer received = Must(allocator_->Allocate(100)).Send();
  Buffer buffer = received.Receive();
  SentBuffer discarded = Must(allocator_->Allocate(100)).Send();
  SentBuffer moved = std::move(discarded);
  moved.Discard();
  EXPECT_TRUE(leaks_->Reports().empty());
}

TEST_F(BufferLeakTest, TouchIsShownWithTheLeak) {
  Buffer plain = Must(allocator_->Allocate(100));
  plain.Touch("on its own");
  Buffer whole = Must(allocator_->Allocate(100));
  Buffer part = whole.Split(50);
  part.Touch("as a part");
  Buffer composite =
      Must(allocator_->Compose(Must(allocator_->Allocate(8)), std::move(part)));
  composite.Touch("composed");
  whole.Close();
  { SentBuffer dropped = plain.Send(); }
  { SentBuffer dropped = composite.Send(); }
  EXPECT_NE(log_.find("on its own"), std::string::npos) << log_;
  EXPECT_NE(log_.find("as a part"), std::string::npos) << log_;
  EXPECT_NE(log_.find("composed"), std::string::npos) << log_;
}

// It would take the pool's ids for its own allocator's.
TEST_F(BufferLeakTest, AnotherAllocatorsDetectorIsFatal) {
  const auto other = Must(LeakDetector::Create(LeakDetectorOptions{}));
  EXPECT_DEATH(BufferAllocator::Pooled(pool_.get(), other),
               "buffers of allocator test given a leak detector that is not");
}

TEST_F(BufferLeakTest, TouchWithoutADetectorDoesNothing) {
  auto without = BufferAllocator::Pooled(pool_.get());
  Must(without->Allocate(100)).Touch("nowhere");
  auto unpooled = Must(BufferAllocator::Unpooled(UnpooledOptions{}));
  Buffer buffer = Must(unpooled->Allocate(100));
  buffer.Touch();
  { SentBuffer dropped = buffer.Send(); }
  { SentBuffer dropped = Must(without->Allocate(100)).Send(); }
  EXPECT_TRUE(leaks_->Reports().empty());
  EXPECT_EQ(log_, "");
}

}  // namespace
}  // namespace poolscope
