#include "poolscope/allocator/buffer/sent_buffer.h"

#include <atomic>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/allocator/buffer/byte_cursor.h"
#include "poolscope/tests/allocator/buffer/buffer_kinds.h"

namespace poolscope {
namespace {

class SentBufferTest : public testing::TestWithParam<BufferKind> {
 protected:
  Buffer Make(size_t size) { return GetParam().make(maker_, size); }

  BufferMaker maker_;
};

INSTANTIATE_TEST_SUITE_P(Kinds, SentBufferTest, WritableKinds(),
                         BufferKindName);

TEST_P(SentBufferTest, GoesToAnotherThread) {
  Buffer buffer = Make(16);
  buffer.WriteBytes("there");
  SentBuffer sent = buffer.Send();
  EXPECT_TRUE(sent.is_pending());
  SentBuffer back;
  std::thread([&] {
    Buffer received = sent.Receive();
    EXPECT_EQ(received.ReadString(5), "there");
    received.ResetOffsets();
    received.WriteBytes("back");
    ASSERT_TRUE(received.EnsureWritable(100).ok());
    back = received.Send();
  }).join();
  buffer = back.Receive();
  EXPECT_EQ(ReadableOf(buffer), "back");
}

TEST_P(SentBufferTest, ClosesWhatNobodyReceives) {
  { SentBuffer sent = Make(16).Send(); }
  SentBuffer discarded = Make(16).Send();
  discarded.Discard();
  discarded.Discard();
  SentBuffer overwritten = Make(16).Send();
  overwritten = Make(16).Send();
  SentBuffer moved = std::move(overwritten);
  EXPECT_FALSE(overwritten.is_pending());
  EXPECT_TRUE(moved.is_pending());
  SentBuffer& same = moved;
  moved = std::move(same);
  EXPECT_TRUE(moved.is_pending());
  // That all of it is given back is seen by the maker.
}

TEST_P(SentBufferTest, PartsOfASplitEndOnDifferentThreads) {
  for (int round = 0; round < 50; ++round) {
    Buffer buffer = Make(32);
    buffer.Fill('x');
    buffer.SkipWritable(32);
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([sent = buffer.ReadSplit(8).Send()]() mutable {
        Buffer part = sent.Receive();
        EXPECT_EQ(part.ReadString(8), "xxxxxxxx");
        part.Fill('y');
      });
    }
    EXPECT_EQ(buffer.ReadString(8), "xxxxxxxx");
    buffer.Fill('z');
    buffer.Close();
    for (std::thread& thread : threads) thread.join();
  }
}

TEST_P(SentBufferTest, OneOfManyDiscardersCloses) {
  for (int round = 0; round < 20; ++round) {
    SentBuffer sent = Make(16).Send();
    std::atomic<bool> go{false};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        while (!go.load()) std::this_thread::yield();
        sent.Discard();
      });
    }
    go.store(true);
    for (std::thread& thread : threads) thread.join();
    EXPECT_FALSE(sent.is_pending());
  }
}

TEST_P(SentBufferTest, IsReadByManyThreadsAtOnce) {
  Buffer buffer = Make(64);
  buffer.Fill(7);
  buffer.SkipWritable(64);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&buffer] {
      uint64_t sum = 0;
      for (size_t at = 0; at < 64; ++at) sum += buffer.GetU8(at);
      for (ByteCursor c = buffer.OpenCursor(); c.ReadByte();) sum += c.byte();
      EXPECT_EQ(sum, 2 * 64 * 7);
      EXPECT_EQ(buffer.BytesBefore(8), std::nullopt);
    });
  }
  for (std::thread& thread : threads) thread.join();
  buffer.Close();
}

TEST(ConstBufferTest, GivesReadOnlyBuffersOnAnyThread) {
  BufferMaker maker;
  std::vector<Buffer> kept(4);
  {
    ConstBuffer constant = Must(maker.pooled().MakeConst("\r\n"));
    EXPECT_EQ(constant.size(), 2);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&, i] {
        for (int round = 0; round < 100; ++round) {
          Buffer buffer = constant.Get();
          EXPECT_TRUE(buffer.read_only());
          EXPECT_EQ(buffer.ReadString(2), "\r\n");
          if (round == 99) kept[i] = std::move(buffer);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(maker.pool().counts(Kind::kSmall).active, 1);
    maker.pooled().Close();
    EXPECT_EQ(ReadableOf(constant.Get()), "\r\n");
  }
  // They outlive the constant, with offsets of their own.
  kept[0].set_reader_offset(1);
  EXPECT_EQ(ReadableOf(kept[0]), "\n");
  EXPECT_EQ(ReadableOf(kept[1]), "");
  EXPECT_EQ(kept[1].Split(1).capacity(), 1);
}

TEST(ConstBufferTest, MovesAndMayBeEmpty) {
  BufferMaker maker;
  ConstBuffer one = Must(maker.unpooled().MakeConst("one"));
  ConstBuffer two = Must(maker.unpooled().MakeConst(""));
  EXPECT_EQ(two.Get().capacity(), 0);
  two = std::move(one);
  EXPECT_EQ(ReadableOf(two.Get()), "one");
}

}  // namespace
}  // namespace poolscope
