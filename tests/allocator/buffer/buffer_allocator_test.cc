#include "poolscope/allocator/buffer/buffer_allocator.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "poolscope/tests/allocator/buffer/buffer_kinds.h"
#include "poolscope/tests/allocator/pool/stress/stats_identities.h"
#include "poolscope/tests/allocator/pool/test_pool.h"

namespace poolscope {
namespace {

constexpr size_t kLimit = 64 << 20;

enum class Source { kPooled, kUnpooled };

class BufferAllocatorTest : public testing::TestWithParam<Source> {
 protected:
  BufferAllocatorTest() : pool_(LimitedPool()) {
    if (GetParam() == Source::kPooled) {
      allocator_ = BufferAllocator::Pooled(pool_.get());
    } else {
      UnpooledOptions options;
      options.name = "test";
      options.max_direct_memory_bytes = kLimit;
      allocator_ = Must(BufferAllocator::Unpooled(options));
    }
  }
  static PoolOptions LimitedPool() {
    PoolOptions options = Quiet();
    options.max_direct_memory_bytes = kLimit;
    return options;
  }
  KindCounts counts(Kind kind) const {
    return allocator_->Stats().arenas[0].by_kind[static_cast<int>(kind)];
  }

  TestPool pool_;
  std::unique_ptr<BufferAllocator> allocator_;
};

INSTANTIATE_TEST_SUITE_P(Sources, BufferAllocatorTest,
                         testing::Values(Source::kPooled, Source::kUnpooled),
                         [](const testing::TestParamInfo<Source>& info) {
                           return info.param == Source::kPooled ? "pooled"
                                                                : "unpooled";
                         });

TEST_P(BufferAllocatorTest, GivesExactlyTheBytesAskedFor) {
  for (size_t size : {0, 1, 15, 16, 17, 28672, 28673, 4 << 20, (4 << 20) + 1}) {
    Buffer buffer = Must(allocator_->Allocate(size));
    EXPECT_EQ(buffer.capacity(), size);
    EXPECT_EQ(buffer.reader_offset(), 0);
    EXPECT_EQ(buffer.writer_offset(), 0);
    EXPECT_FALSE(buffer.read_only());
    EXPECT_EQ(buffer.CountComponents(), 1);
    buffer.Fill(1);
  }
}

TEST_P(BufferAllocatorTest, CountsByKind) {
  EXPECT_EQ(allocator_->name(), "test");
  std::vector<Buffer> buffers;
  for (size_t size : {1, 28672, 28673, 4 << 20, (4 << 20) + 1}) {
    buffers.push_back(Must(allocator_->Allocate(size)));
  }
  EXPECT_EQ(counts(Kind::kSmall).active, 2);
  EXPECT_EQ(counts(Kind::kNormal).active, 2);
  EXPECT_EQ(counts(Kind::kHuge).active, 1);
  const AllocatorStats stats = allocator_->Stats();
  EXPECT_EQ(stats.name, "test");
  EXPECT_EQ(stats.requested_bytes, 1 + 28672 + 28673 + (8 << 20) + 1);
  EXPECT_EQ(stats.direct_limit_bytes, kLimit);
  EXPECT_GE(stats.direct_used_bytes, stats.requested_bytes);
  EXPECT_GE(stats.huge_used_bytes, (4 << 20) + 1);
  EXPECT_GE(stats.pinned_bytes, 1 + 28672 + 28673 + (4 << 20));
  EXPECT_EQ(BrokenIdentity(stats), "");
  EXPECT_GT(allocator_->Stats().snapshot_id, stats.snapshot_id);
  buffers.clear();
  EXPECT_EQ(counts(Kind::kSmall).deallocations, 2);
  EXPECT_EQ(counts(Kind::kNormal).deallocations, 2);
  EXPECT_EQ(counts(Kind::kHuge).active, 0);
  EXPECT_EQ(allocator_->Stats().pinned_bytes, 0);
  EXPECT_GE(allocator_->Stats().direct_peak_bytes, stats.direct_used_bytes);
}

TEST_P(BufferAllocatorTest, SaysWhyItRefuses) {
  Buffer most = Must(allocator_->Allocate(kLimit - (8 << 20)));
  const absl::Status refused = allocator_->Allocate(9 << 20).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_NE(std::string(refused.message()).find("9437184"), std::string::npos)
      << refused;
  EXPECT_EQ(allocator_->Stats().allocation_failures_limit, 1);
  EXPECT_EQ(allocator_->Allocate(SIZE_MAX).status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(most.EnsureWritable(kLimit, 0, false).code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(most.capacity(), kLimit - (8 << 20));
  EXPECT_EQ(most.Copy(0, 9 << 20).status().code(),
            absl::StatusCode::kResourceExhausted);
}

TEST_P(BufferAllocatorTest, CopiesWhatItIsGiven) {
  Buffer buffer = Must(allocator_->CopyOf("hello"));
  EXPECT_EQ(buffer.capacity(), 5);
  EXPECT_EQ(ReadableOf(buffer), "hello");
  EXPECT_EQ(Must(allocator_->CopyOf("")).capacity(), 0);
  const std::vector<uint8_t> bytes = {1, 2, 3};
  EXPECT_EQ(Must(allocator_->CopyOf(bytes)).GetU24(0), 0x010203u);
}

TEST_P(BufferAllocatorTest, RefusesEverythingOnceClosed) {
  Buffer buffer = Must(allocator_->CopyOf("hello"));
  allocator_->Close();
  allocator_->Close();
  const absl::Status status = allocator_->Allocate(8).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(status.message(), "allocator test is closed");
  EXPECT_EQ(allocator_->CopyOf("x").status().code(), status.code());
  EXPECT_EQ(allocator_->MakeConst("x").status().code(), status.code());
  EXPECT_EQ(allocator_->Compose().status().code(), status.code());
  EXPECT_EQ(buffer.EnsureWritable(1).code(), status.code());
  EXPECT_EQ(buffer.ReadString(5), "hello");
  EXPECT_EQ(counts(Kind::kSmall).allocations, 1);
}

TEST_P(BufferAllocatorTest, BuffersOutliveIt) {
  Buffer buffer = Must(allocator_->CopyOf("hello"));
  Buffer part = buffer.Split(2);
  ConstBuffer constant = Must(allocator_->MakeConst("const"));
  Buffer composite =
      Must(allocator_->Compose(Must(allocator_->CopyOf("composite"))));
  Buffer empty = Must(allocator_->Compose());
  allocator_.reset();
  EXPECT_EQ(ReadableOf(part), "he");
  part.Close();
  EXPECT_EQ(ReadableOf(buffer), "llo");
  EXPECT_EQ(buffer.EnsureWritable(10).code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(composite.EnsureWritable(10).code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(empty.EnsureWritable(10).code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReadableOf(constant.Get()), "const");
}

TEST(PooledBufferAllocatorTest, BuffersOutliveThePool) {
  Buffer buffer;
  Buffer composite;
  {
    auto pool = Must(PooledAllocator::Create(Quiet()));
    auto allocator = BufferAllocator::Pooled(pool.get());
    buffer = Must(allocator->CopyOf("hello"));
    composite = Must(allocator->Compose(Must(allocator->CopyOf("parts"))));
  }
  EXPECT_EQ(buffer.EnsureWritable(10).code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(buffer.Copy().status().message(), "allocator test is closed");
  EXPECT_EQ(composite.Copy().status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReadableOf(buffer), "hello");
  EXPECT_EQ(ReadableOf(composite), "parts");
}

TEST(PooledBufferAllocatorTest, SharesAPoolWithOthers) {
  TestPool pool;
  auto one = BufferAllocator::Pooled(pool.get());
  auto two = BufferAllocator::Pooled(pool.get());
  Buffer buffer = Must(one->Allocate(8));
  one.reset();
  Buffer other = Must(two->Allocate(8));
  EXPECT_EQ(pool.counts(Kind::kSmall).active, 2);
}

TEST(UnpooledBufferAllocatorTest, NamesABadOption) {
  UnpooledOptions options;
  options.name = "a name";
  EXPECT_EQ(BufferAllocator::Unpooled(options).status().code(),
            absl::StatusCode::kInvalidArgument);
  options.name = "name";
  options.max_direct_memory_bytes = 4095;
  EXPECT_EQ(BufferAllocator::Unpooled(options).status().code(),
            absl::StatusCode::kInvalidArgument);
  options.max_direct_memory_bytes = 4096;
  EXPECT_TRUE(BufferAllocator::Unpooled(options).ok());
}

TEST(UnpooledBufferAllocatorTest, CountsRightUnderLoad) {
  auto allocator = Must(BufferAllocator::Unpooled(UnpooledOptions{}));
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&, i] {
      while (!stop.load()) {
        Buffer small = Must(allocator->Allocate(100 + i));
        Buffer normal = Must(allocator->Allocate(100'000));
      }
    });
  }
  for (int i = 0; i < 2000; ++i) {
    EXPECT_EQ(BrokenIdentity(allocator->Stats()), "");
  }
  stop.store(true);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(allocator->Stats().direct_used_bytes, 0);
}

}  // namespace
}  // namespace poolscope
