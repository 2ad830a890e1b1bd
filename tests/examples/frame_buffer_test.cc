#include "poolscope/examples/demo/frame_buffer.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/allocator/pool/pool_options.h"
#include "poolscope/allocator/pool/pooled_allocator.h"

namespace poolscope::demo {
namespace {

class FrameBufferTest : public testing::Test {
 protected:
  void SetUp() override {
    PoolOptions options;
    options.max_direct_memory_bytes = 4 << 20;
    auto pool = PooledAllocator::Create(options);
    ASSERT_TRUE(pool.ok()) << pool.status();
    pool_ = *std::move(pool);
    allocator_ = BufferAllocator::Pooled(pool_.get());
  }

  std::unique_ptr<PooledAllocator> pool_;
  std::unique_ptr<BufferAllocator> allocator_;
};

TEST_F(FrameBufferTest, ItsReadableBytesAreThePayloadUntilItIsSealed) {
  absl::StatusOr<Buffer> frame = AllocateFrame(*allocator_, 5);
  ASSERT_TRUE(frame.ok()) << frame.status();
  EXPECT_EQ(frame->readable_bytes(), 0u);
  EXPECT_EQ(frame->writable_bytes(), 5u);
  frame->WriteBytes("hello");
  EXPECT_EQ(frame->Copy()->ReadString(5), "hello");
}

TEST_F(FrameBufferTest, SealedItIsTheFrameOnTheWire) {
  absl::StatusOr<Buffer> frame = AllocateFrame(*allocator_, 5);
  ASSERT_TRUE(frame.ok()) << frame.status();
  frame->WriteBytes("hello");
  const FrameHeader header{5, FrameKind::kAnswer, FrameStatus::kOk, 7, 9};
  SealFrame(header, &*frame);
  const EncodedHeader bytes = EncodeHeader(header);
  EXPECT_EQ(frame->Copy()->ReadString(29),
            std::string(bytes.data(), bytes.size()) + "hello");
  // Once more, as a frame that goes on to another connection.
  const FrameHeader again{5, FrameKind::kAnswer, FrameStatus::kOk, 8, 9};
  SealFrame(again, &*frame);
  EXPECT_EQ(frame->GetU8(8), 8);
  EXPECT_EQ(frame->readable_bytes(), 29u);
}

TEST_F(FrameBufferTest, WithoutMemoryItSaysSo) {
  EXPECT_TRUE(
      absl::IsResourceExhausted(AllocateFrame(*allocator_, 5 << 20).status()));
}

}  // namespace
}  // namespace poolscope::demo
