// Broken rules, and what is said of them.
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "poolscope/allocator/buffer/buffer.h"
#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/allocator/buffer/byte_cursor.h"
#include "poolscope/allocator/buffer/composite_buffer.h"
#include "poolscope/allocator/buffer/const_buffer.h"
#include "poolscope/allocator/buffer/sent_buffer.h"
#include "poolscope/tests/allocator/buffer/buffer_kinds.h"

namespace poolscope {
namespace {

constexpr char kNotOpen[] = "of a buffer that is not open: buffer 0x";

class BufferMisuseDeathTest : public testing::TestWithParam<BufferKind> {
 protected:
  Buffer Make(size_t size) { return GetParam().make(maker_, size); }

  BufferMaker maker_;
};

INSTANTIATE_TEST_SUITE_P(Kinds, BufferMisuseDeathTest, testing::ValuesIn([] {
                           std::vector<BufferKind> few;
                           for (BufferKind& kind : ExactBufferKinds()) {
                             const absl::string_view name = kind.name;
                             if (name == "pooled" || name == "unpooled" ||
                                 name == "composite" ||
                                 name == "rest_of_a_split") {
                               few.push_back(kind);
                             }
                           }
                           return few;
                         }()),
                         BufferKindName);

TEST_P(BufferMisuseDeathTest, NamesTheBuffer) {
  Buffer buffer = Make(16);
  buffer.WriteBytes("abcdef");
  buffer.SkipReadable(2);
  EXPECT_DEATH(buffer.GetU32(13),
               "poolscope: Get of 4 bytes at offset 13 is out of bounds: "
               "buffer 0x[0-9a-f]+ at .*\\(open.*; capacity 16, reader 2, "
               "writer 6\\)");
}

TEST_P(BufferMisuseDeathTest, OffsetsOutOfBoundsDie) {
  Buffer buffer = Make(8);
  const size_t beyond = 9;
  buffer.SkipWritable(4);
  buffer.SkipReadable(2);
  uint8_t bytes[9] = {};
  EXPECT_DEATH(buffer.GetU8(8), "Get of 1 bytes at offset 8 is out");
  EXPECT_DEATH(buffer.GetU64(1), "Get of 8 bytes at offset 1 is out");
  EXPECT_DEATH(buffer.GetU8(SIZE_MAX), "out of bounds");
  EXPECT_DEATH(buffer.SetU16(7, 0), "Set of 2 bytes at offset 7 is out");
  EXPECT_DEATH(buffer.SetU32(SIZE_MAX - 1, 0), "Set of 4 bytes at offset");
  EXPECT_DEATH(buffer.ReadU24(), "Read of 3 bytes at offset 2 is out");
  EXPECT_DEATH(buffer.ReadString(3), "ReadString of 3 bytes at offset 2");
  EXPECT_DEATH(buffer.WriteU64(0), "Write of 8 bytes at offset 4 is out");
  EXPECT_DEATH(buffer.WriteBytes("12345"), "Write of 5 bytes at offset 4");
  EXPECT_DEATH(buffer.GetBytes(0, absl::MakeSpan(bytes)), "Get of 9 bytes");
  EXPECT_DEATH(buffer.SetBytes(1, absl::MakeConstSpan(bytes)), "Set of 9");
  EXPECT_DEATH(buffer.SkipReadable(3), "SkipReadable of 3 bytes");
  EXPECT_DEATH(buffer.SkipWritable(5), "SkipWritable of 5 bytes");
  EXPECT_DEATH(buffer.set_reader_offset(5), "set_reader_offset");
  EXPECT_DEATH(buffer.set_writer_offset(1), "set_writer_offset");
  EXPECT_DEATH(buffer.set_writer_offset(beyond), "set_writer_offset");
  EXPECT_DEATH(buffer.set_implicit_growth_limit(7), "implicit_growth_limit");
  EXPECT_DEATH(buffer.Split(beyond), "Split of 0 bytes at offset 9");
  EXPECT_DEATH(buffer.ReadSplit(7), "ReadSplit of 7 bytes at offset 2");
  EXPECT_DEATH(buffer.WriteSplit(5), "WriteSplit of 5 bytes at offset 4");
  EXPECT_DEATH(buffer.WriteSplit(SIZE_MAX), "WriteSplit of");
  EXPECT_DEATH((void)buffer.Copy(7, 2), "Copy of 2 bytes at offset 7");
  EXPECT_DEATH(buffer.OpenCursor(8, 1), "OpenCursor of 1 bytes at offset 8");
  EXPECT_DEATH(buffer.OpenReverseCursor(9, 0), "OpenReverseCursor of 0 bytes");
  EXPECT_DEATH(buffer.Contiguous(beyond), "Contiguous");
  Buffer other = Make(4);
  EXPECT_DEATH(buffer.CopyInto(0, &other, 0, 5), "CopyInto of 5 bytes");
  EXPECT_DEATH(buffer.CopyInto(5, &other, 0, 4), "CopyInto of 4 bytes");
  EXPECT_DEATH(buffer.CopyInto(0, &other, SIZE_MAX, 1), "CopyInto of 1 bytes");
}

TEST_P(BufferMisuseDeathTest, WritingToAReadOnlyBufferDies) {
  Buffer buffer = Make(16);
  buffer.WriteBytes("abcd");
  buffer.MakeReadOnly();
  EXPECT_DEATH(buffer.SetU8(0, 1),
               "Set of a read-only buffer: buffer .*read-only");
  EXPECT_DEATH(buffer.WriteU8(1), "Write of a read-only buffer");
  EXPECT_DEATH(buffer.WriteBytes("x"), "Write of a read-only buffer");
  EXPECT_DEATH(buffer.SetBytes(0, ""), "Set of a read-only buffer");
  EXPECT_DEATH(buffer.Fill(0), "Fill of a read-only buffer");
  EXPECT_DEATH(buffer.Compact(), "Compact of a read-only buffer");
  EXPECT_DEATH((void)buffer.EnsureWritable(0), "EnsureWritable of a read-only");
  EXPECT_DEATH(buffer.SkipWritable(0), "SkipWritable of a read-only");
  EXPECT_DEATH(buffer.set_writer_offset(4), "set_writer_offset of a read-only");
  EXPECT_DEATH(buffer.ResetOffsets(), "ResetOffsets of a read-only");
  EXPECT_DEATH(buffer.MutableContiguous(0), "MutableContiguous of a read-only");
  EXPECT_DEATH(buffer.CopyInto(0, &buffer, 1, 1), "CopyInto of a read-only");
  EXPECT_EQ(buffer.ForEachWritable([](absl::Span<uint8_t>) { return true; }),
            0);
}

void ExpectInaccessible(Buffer& buffer, const char* state) {
  const std::string message = std::string(kNotOpen) + ".*\\(" + state;
  uint8_t byte = 0;
  EXPECT_DEATH(buffer.GetU8(0), "Get " + message);
  EXPECT_DEATH(buffer.SetU8(0, 1), "Set " + message);
  EXPECT_DEATH(buffer.ReadU32(), "Read " + message);
  EXPECT_DEATH(buffer.WriteU32(1), "Write " + message);
  EXPECT_DEATH(buffer.GetBytes(0, {}), message);
  EXPECT_DEATH(buffer.WriteBytes(""), message);
  EXPECT_DEATH(buffer.ReadBytes(absl::MakeSpan(&byte, 0)), message);
  EXPECT_DEATH(buffer.SkipReadable(0), message);
  EXPECT_DEATH(buffer.set_reader_offset(0), message);
  EXPECT_DEATH((void)buffer.EnsureWritable(0), message);
  EXPECT_DEATH(buffer.Compact(), message);
  EXPECT_DEATH(buffer.Split(), message);
  EXPECT_DEATH(buffer.ReadSplit(0), message);
  EXPECT_DEATH((void)buffer.Copy(), message);
  EXPECT_DEATH(buffer.Fill(0), message);
  EXPECT_DEATH((void)buffer.BytesBefore('a'), message);
  EXPECT_DEATH(buffer.MakeReadOnly(), message);
  EXPECT_DEATH(buffer.Send(), "Send " + message);
  EXPECT_DEATH(buffer.OpenCursor(), message);
  EXPECT_DEATH(
      buffer.ForEachReadable([](absl::Span<const uint8_t>) { return true; }),
      message);
  EXPECT_DEATH(buffer.CountComponents(), message);
  EXPECT_DEATH(CompositeBuffer composite(std::move(buffer)), kNotOpen);
  buffer.Close();  // may be
  EXPECT_EQ(buffer.capacity(), 0);
  EXPECT_EQ(buffer.writable_bytes(), 0);
  EXPECT_EQ(buffer.readable_bytes(), 0);
  EXPECT_FALSE(buffer.is_open());
}

TEST_P(BufferMisuseDeathTest, UseAfterMoveDies) {
  Buffer buffer = Make(16);
  Buffer other = std::move(buffer);
  ExpectInaccessible(buffer, "empty: moved from or never set; capacity 16");
}

TEST_P(BufferMisuseDeathTest, UseAfterSendDies) {
  Buffer buffer = Make(16);
  SentBuffer sent = buffer.Send();
  ExpectInaccessible(buffer, "sent; capacity 16, reader 0, writer 0");
  sent.Discard();
}

TEST_P(BufferMisuseDeathTest, UseAfterCloseDies) {
  Buffer buffer = Make(16);
  buffer.Close();
  ExpectInaccessible(buffer, "closed; capacity 16");
}

TEST(BufferDeathTest, UseOfOneNeverSetDies) {
  Buffer buffer;
  ExpectInaccessible(buffer, "empty");
}

TEST_P(BufferMisuseDeathTest, MovingMemoryUnderACursorDies) {
  Buffer buffer = Make(16);
  buffer.WriteBytes("abcdef");
  const char* const message = "of a buffer that a cursor or a visit uses";
  {
    ByteCursor cursor = buffer.OpenCursor();
    EXPECT_DEATH(buffer.Close(), message);
    EXPECT_DEATH(buffer.Compact(), message);
    EXPECT_DEATH(buffer.Split(1), message);
    EXPECT_DEATH(buffer.Send(), message);
    EXPECT_DEATH((void)buffer.EnsureWritable(0), message);
    EXPECT_DEATH(Buffer other = std::move(buffer), message);
    EXPECT_DEATH(buffer = Make(1), message);
    buffer.WriteU8('g');  // moves nothing
    buffer.SkipReadable(1);
    ASSERT_TRUE(cursor.ReadByte());
    EXPECT_EQ(cursor.byte(), 'a');
  }
  EXPECT_DEATH(buffer.ForEachReadable([&](absl::Span<const uint8_t>) {
    buffer.Close();
    return true;
  }),
               message);
  buffer.Compact();
  EXPECT_EQ(ReadableOf(buffer), "bcdefg");
}

TEST_P(BufferMisuseDeathTest, DestructionUnderACursorDies) {
  EXPECT_DEATH(
      {
        std::optional<Buffer> buffer = Make(16);
        ByteCursor cursor = buffer->OpenCursor();
        buffer.reset();
      },
      "destruction of a buffer that a cursor or a visit uses");
}

TEST_P(BufferMisuseDeathTest, GrowingByAWriteUnderACursorDies) {
  Buffer buffer = Make(16);
  buffer.set_implicit_growth_limit(100);
  buffer.SkipWritable(16);
  ByteCursor cursor = buffer.OpenCursor();
  EXPECT_DEATH(buffer.WriteU8(1), "Write that grows of a buffer that a cursor");
}

TEST_P(BufferMisuseDeathTest, GrowingByAWriteDiesWhenMemoryIsRefused) {
  Buffer buffer = Make(16);
  buffer.set_implicit_growth_limit(100);
  buffer.SkipWritable(16);
  maker_.pooled().Close();
  maker_.unpooled().Close();
  EXPECT_DEATH(buffer.WriteU8(1),
               "Write that grows: allocator [a-z]+ is closed: buffer 0x");
}

TEST_P(BufferMisuseDeathTest, ReceivingTwiceDies) {
  SentBuffer sent = Make(16).Send();
  Buffer received = sent.Receive();
  EXPECT_DEATH((void)sent.Receive(),
               "Receive of sent buffer 0x[0-9a-f]+, which was received");
}

TEST(SentBufferDeathTest, ReceivingWhatIsNotPendingDies) {
  BufferMaker maker;
  SentBuffer empty;
  EXPECT_DEATH((void)empty.Receive(), "which is empty");
  SentBuffer sent = Must(maker.pooled().Allocate(8)).Send();
  empty = std::move(sent);
  EXPECT_DEATH((void)sent.Receive(), "which is empty");
  empty.Discard();
  EXPECT_DEATH((void)empty.Receive(), "which was discarded");
}

TEST(CompositeBufferDeathTest, UseOfAnotherKindAsCompositeDies) {
  BufferMaker maker;
  EXPECT_DEATH(CompositeBuffer(Must(maker.pooled().Allocate(8))),
               "CompositeBuffer of buffer 0x[0-9a-f]+, which is not composite");
  CompositeBuffer composite = Must(maker.pooled().Compose());
  static_cast<Buffer&>(composite) = Must(maker.pooled().Allocate(8));
  EXPECT_DEATH(composite.Decompose(), "which is not composite");
  EXPECT_DEATH((void)composite.ExtendWith(Buffer()), "which is not composite");
}

TEST(CompositeBufferDeathTest, SplittingBeyondTheCapacityDies) {
  BufferMaker maker;
  CompositeBuffer composite = Must(maker.pooled().Compose(
      Must(maker.pooled().Allocate(8)), Must(maker.pooled().Allocate(8))));
  for (size_t offset : {size_t{17}, SIZE_MAX}) {  // the latter is -1
    EXPECT_DEATH(composite.SplitComponentsFloor(offset), "out of bounds");
    EXPECT_DEATH(composite.SplitComponentsCeil(offset), "out of bounds");
  }
  EXPECT_DEATH((void)composite.ExtendWith(Buffer()), "by one that is not open");
}

TEST(ConstBufferDeathTest, GetAfterMoveDies) {
  BufferMaker maker;
  ConstBuffer constant = Must(maker.pooled().MakeConst("abc"));
  ConstBuffer moved = std::move(constant);
  EXPECT_DEATH(constant.Get(), "Get of const buffer 0x[0-9a-f]+, which was");
}

TEST(ConstBufferDeathTest, WritingToASharedConstantDies) {
  BufferMaker maker;
  ConstBuffer constant = Must(maker.pooled().MakeConst("abc"));
  Buffer one = constant.Get();
  EXPECT_DEATH(one.SetU8(0, 'x'), "Set of a read-only buffer");
  EXPECT_DEATH((void)one.EnsureWritable(1), "EnsureWritable of a read-only");
}

}  // namespace
}  // namespace poolscope
