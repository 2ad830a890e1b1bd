// What holds for every kind of buffer.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/buffer/buffer.h"
#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/allocator/buffer/byte_cursor.h"
#include "poolscope/tests/allocator/buffer/buffer_kinds.h"

namespace poolscope {
namespace {

using testing::ElementsAre;

class BufferContractTest : public testing::TestWithParam<BufferKind> {
 protected:
  Buffer Make(size_t size) { return GetParam().make(maker_, size); }
  Buffer MakeFilled(absl::string_view bytes, size_t reader = 0) {
    return GetParam().MakeFilled(maker_, bytes, reader);
  }

  BufferMaker maker_;
};

// Kinds that can be written, of any size.
class WritableBufferTest : public BufferContractTest {};
// Those whose capacity is what was asked for.
class ExactBufferTest : public BufferContractTest {};

INSTANTIATE_TEST_SUITE_P(Kinds, BufferContractTest, AllKinds(), BufferKindName);
INSTANTIATE_TEST_SUITE_P(Kinds, WritableBufferTest, WritableKinds(),
                         BufferKindName);
INSTANTIATE_TEST_SUITE_P(Kinds, ExactBufferTest, ExactKinds(), BufferKindName);

// ------------------------------------------------------------------ reading

TEST_P(BufferContractTest, AnswersQuestions) {
  Buffer buffer = MakeFilled("abcdef", 2);
  EXPECT_TRUE(buffer.is_open());
  EXPECT_EQ(buffer.capacity(), 8 + GetParam().extra);
  EXPECT_EQ(buffer.reader_offset(), 2);
  EXPECT_EQ(buffer.writer_offset(), 8);
  EXPECT_EQ(buffer.readable_bytes(), 6);
  EXPECT_EQ(buffer.writable_bytes(), buffer.read_only() ? 0 : GetParam().extra);
  EXPECT_EQ(ReadableOf(buffer), "abcdef");
}

TEST_P(BufferContractTest, ReadsWhatWasWritten) {
  Buffer buffer = MakeFilled("\x01\x02\x03hello world");
  EXPECT_EQ(buffer.ReadU8(), 1);
  EXPECT_EQ(buffer.ReadU16(), 0x0203);
  EXPECT_EQ(buffer.ReadString(5), "hello");
  uint8_t rest[6];
  buffer.ReadBytes(absl::MakeSpan(rest));
  EXPECT_EQ(std::string(rest, rest + 6), " world");
  EXPECT_EQ(buffer.readable_bytes(), 0);
  EXPECT_EQ(buffer.ReadString(0), "");
}

TEST_P(BufferContractTest, GetMovesNoOffset) {
  Buffer buffer = MakeFilled("\x01\x02\x03\x04\x05\x06\x07\x08\x09");
  EXPECT_EQ(buffer.GetU64(1), 0x0203040506070809u);
  EXPECT_EQ(buffer.GetU64Le(1), 0x0908070605040302u);
  EXPECT_EQ(buffer.GetU24(6), 0x070809u);
  EXPECT_EQ(buffer.reader_offset(), 0);
  uint8_t bytes[3];
  buffer.GetBytes(3, absl::MakeSpan(bytes));
  EXPECT_THAT(bytes, ElementsAre(4, 5, 6));
  EXPECT_EQ(buffer.reader_offset(), 0);
}

TEST_P(BufferContractTest, SkipsAndResetsTheReader) {
  Buffer buffer = MakeFilled("abcdef");
  buffer.SkipReadable(2);
  EXPECT_EQ(ReadableOf(buffer), "cdef");
  buffer.SkipReadable(4);
  EXPECT_EQ(buffer.readable_bytes(), 0);
  buffer.set_reader_offset(5);
  EXPECT_EQ(ReadableOf(buffer), "f");
}

TEST_P(BufferContractTest, FindsBytes) {
  Buffer buffer = MakeFilled("xabcabdabcabc", 3);
  buffer.SkipReadable(1);
  EXPECT_EQ(buffer.BytesBefore('a'), 0);
  EXPECT_EQ(buffer.BytesBefore('d'), 5);
  EXPECT_EQ(buffer.BytesBefore('x'), std::nullopt);  // read already
  EXPECT_EQ(buffer.BytesBefore("abd"), 3);
  EXPECT_EQ(buffer.BytesBefore("abcabc"), 6);
  EXPECT_EQ(buffer.BytesBefore("cabc"), 8);
  EXPECT_EQ(buffer.BytesBefore("abcabcx"), std::nullopt);
  EXPECT_EQ(buffer.BytesBefore("abcabdabcabc"), 0);
  EXPECT_EQ(buffer.BytesBefore("abcabdabcabc-"), std::nullopt);
  EXPECT_EQ(buffer.BytesBefore(""), 0);
}

TEST_P(BufferContractTest, CopiesTheReadableBytes) {
  Buffer buffer = MakeFilled("abcdef", 3);
  Buffer copy = Must(buffer.Copy());
  EXPECT_EQ(copy.capacity(), 6);
  EXPECT_EQ(ReadableOf(copy), "abcdef");
  EXPECT_FALSE(copy.read_only());
  copy.SetU8(0, 'X');
  EXPECT_EQ(ReadableOf(buffer), "abcdef");
  Buffer middle = Must(buffer.Copy(4, 3));
  EXPECT_EQ(ReadableOf(middle), "bcd");
  EXPECT_EQ(Must(buffer.Copy(4, 0)).capacity(), 0);
}

TEST_P(BufferContractTest, CopiesIntoAnother) {
  Buffer buffer = MakeFilled("abcdef", 3);
  Buffer other = Must(maker_.pooled().CopyOf("123456789"));
  buffer.CopyInto(4, &other, 2, 3);
  EXPECT_EQ(ReadableOf(other), "12bcd6789");
  EXPECT_EQ(buffer.reader_offset(), 3);
  buffer.CopyInto(9, &other, 9, 0);
  EXPECT_EQ(ReadableOf(other), "12bcd6789");
}

TEST_P(BufferContractTest, ShowsReadablePieces) {
  Buffer buffer = MakeFilled("abcdefghijklmnopq", 2);
  std::string seen;
  int pieces = buffer.ForEachReadable([&](absl::Span<const uint8_t> piece) {
    EXPECT_GT(piece.size(), 0);
    seen.append(piece.begin(), piece.end());
    return true;
  });
  EXPECT_EQ(seen, "abcdefghijklmnopq");
  EXPECT_EQ(pieces, buffer.CountReadableComponents());
  EXPECT_LE(buffer.CountReadableComponents(), buffer.CountComponents());
  EXPECT_EQ(
      buffer.ForEachReadable([](absl::Span<const uint8_t>) { return false; }),
      -1);
  buffer.SkipReadable(17);
  EXPECT_EQ(buffer.CountReadableComponents(), 0);
  EXPECT_EQ(
      buffer.ForEachReadable([](absl::Span<const uint8_t>) { return false; }),
      0);
}

TEST_P(BufferContractTest, FillsIovecs) {
  Buffer buffer = MakeFilled("abcdefghijklmnopq");
  std::vector<iovec> pieces(100);
  const size_t count = buffer.ReadableIovecs(absl::MakeSpan(pieces));
  ASSERT_EQ(count, buffer.CountReadableComponents());
  std::string seen;
  for (size_t i = 0; i < count; ++i) {
    seen.append(static_cast<char*>(pieces[i].iov_base), pieces[i].iov_len);
  }
  EXPECT_EQ(seen, "abcdefghijklmnopq");
  EXPECT_EQ(buffer.ReadableIovecs(absl::MakeSpan(pieces).first(1)), 1);
  EXPECT_EQ(buffer.ReadableIovecs({}), 0);
}

TEST_P(BufferContractTest, CursorGoesForward) {
  Buffer buffer = MakeFilled("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a", 1);
  ByteCursor cursor = buffer.OpenCursor();
  EXPECT_EQ(cursor.byte(), 0);
  EXPECT_EQ(cursor.bytes_left(), 10);
  ASSERT_TRUE(cursor.ReadByte());
  EXPECT_EQ(cursor.byte(), 1);
  EXPECT_EQ(cursor.offset(), 2);
  ASSERT_TRUE(cursor.ReadU64());
  EXPECT_EQ(cursor.u64(), 0x0203040506070809u);
  EXPECT_EQ(cursor.byte(), 1);
  EXPECT_EQ(cursor.bytes_left(), 1);
  EXPECT_FALSE(cursor.ReadU64());
  ASSERT_TRUE(cursor.ReadByte());
  EXPECT_EQ(cursor.byte(), 10);
  EXPECT_FALSE(cursor.ReadByte());
  EXPECT_EQ(cursor.offset(), 11);
  EXPECT_EQ(buffer.reader_offset(), 1);
}

TEST_P(BufferContractTest, CursorGoesBackward) {
  Buffer buffer = MakeFilled("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a", 1);
  ByteCursor cursor = buffer.OpenReverseCursor();
  ASSERT_TRUE(cursor.ReadByte());
  EXPECT_EQ(cursor.byte(), 10);
  EXPECT_EQ(cursor.offset(), 10);
  ASSERT_TRUE(cursor.ReadU64());
  EXPECT_EQ(cursor.u64(), 0x0908070605040302u);
  ASSERT_TRUE(cursor.ReadByte());
  EXPECT_EQ(cursor.byte(), 1);
  EXPECT_FALSE(cursor.ReadByte());
  EXPECT_EQ(cursor.offset(), 1);
}

TEST_P(BufferContractTest, CursorKeepsToItsRange) {
  Buffer buffer = MakeFilled("abcdefghijkl");
  std::string forward;
  std::string reverse;
  for (ByteCursor c = buffer.OpenCursor(2, 5); c.ReadByte();) {
    forward += c.byte();
  }
  for (ByteCursor c = buffer.OpenReverseCursor(2, 5); c.ReadByte();) {
    reverse += c.byte();
  }
  EXPECT_EQ(forward, "cdefg");
  EXPECT_EQ(reverse, "gfedc");
  EXPECT_FALSE(buffer.OpenCursor(12, 0).ReadByte());
  EXPECT_FALSE(buffer.OpenReverseCursor(0, 0).ReadByte());
  ByteCursor eight = buffer.OpenCursor(2, 8);
  EXPECT_TRUE(eight.ReadU64());
  ByteCursor seven = buffer.OpenCursor(2, 7);
  EXPECT_FALSE(seven.ReadU64());
}

TEST_P(BufferContractTest, PiecesCoverTheCapacity) {
  Buffer buffer = MakeFilled("abcdefghijkl");
  size_t offset = 0;
  while (offset < buffer.capacity()) {
    const size_t size = buffer.Contiguous(offset).size();
    ASSERT_GT(size, 0);
    EXPECT_EQ(buffer.ContiguousBefore(offset + size).size(), size);
    offset += size;
  }
  EXPECT_EQ(offset, buffer.capacity());
  EXPECT_TRUE(buffer.Contiguous(buffer.capacity()).empty());
  EXPECT_TRUE(buffer.ContiguousBefore(0).empty());
}

TEST_P(BufferContractTest, SplitsAtTheWriter) {
  Buffer buffer = MakeFilled("abcdef", 2);
  buffer.SkipReadable(1);
  Buffer head = buffer.Split();
  EXPECT_EQ(head.capacity(), 8);
  EXPECT_EQ(ReadableOf(head), "bcdef");
  EXPECT_EQ(head.reader_offset(), 3);
  EXPECT_EQ(buffer.capacity(), GetParam().extra);
  EXPECT_EQ(buffer.reader_offset(), 0);
  EXPECT_EQ(buffer.writer_offset(), 0);
  EXPECT_EQ(head.read_only(), buffer.read_only());
}

TEST_P(BufferContractTest, SplitPartsAreOnTheirOwn) {
  for (size_t at = 0; at <= 8; ++at) {
    Buffer buffer = MakeFilled("abcdef", 2);
    Buffer head = buffer.Split(at);
    EXPECT_EQ(head.capacity(), at);
    EXPECT_EQ(head.reader_offset(), std::min<size_t>(at, 2));
    EXPECT_EQ(head.writer_offset(), at);
    EXPECT_EQ(ReadableOf(head) + ReadableOf(buffer), "abcdef");
    if (at % 2 == 0) {
      head.Close();
      EXPECT_EQ(ReadableOf(buffer),
                std::string("..abcdef").substr(std::max<size_t>(at, 2)));
    } else {
      buffer.Close();
      EXPECT_EQ(ReadableOf(head), std::string("..abcdef")
                                      .substr(0, at)
                                      .substr(std::min<size_t>(at, 2)));
    }
  }
}

TEST_P(BufferContractTest, PartsCanBeSplitAgain) {
  Buffer buffer = MakeFilled("abcdefghijkl");
  std::string seen;
  std::vector<Buffer> parts;
  while (buffer.readable_bytes() > 0) parts.push_back(buffer.ReadSplit(2));
  buffer.Close();
  for (Buffer& part : parts) seen += part.ReadString(2);
  EXPECT_EQ(seen, "abcdefghijkl");
}

TEST_P(BufferContractTest, SendMovesEverything) {
  Buffer buffer = MakeFilled("abcdef", 2);
  const bool read_only = buffer.read_only();
  SentBuffer sent = buffer.Send();
  EXPECT_FALSE(buffer.is_open());
  EXPECT_EQ(buffer.capacity(), 0);
  EXPECT_EQ(buffer.readable_bytes(), 0);
  Buffer received = sent.Receive();
  EXPECT_EQ(ReadableOf(received), "abcdef");
  EXPECT_EQ(received.reader_offset(), 2);
  EXPECT_EQ(received.read_only(), read_only);
  EXPECT_FALSE(sent.is_pending());
}

TEST_P(BufferContractTest, MovingLeavesAnEmptyBuffer) {
  Buffer buffer = MakeFilled("abcdef", 2);
  Buffer other = std::move(buffer);
  EXPECT_FALSE(buffer.is_open());
  EXPECT_FALSE(buffer.read_only());
  EXPECT_FALSE(buffer.is_composite());
  EXPECT_EQ(buffer.capacity(), 0);
  EXPECT_EQ(buffer.implicit_growth_limit(), 0);
  EXPECT_EQ(ReadableOf(other), "abcdef");
  buffer = std::move(other);  // may be assigned to
  EXPECT_EQ(ReadableOf(buffer), "abcdef");
  Buffer& same = buffer;
  buffer = std::move(same);
  EXPECT_EQ(ReadableOf(buffer), "abcdef");
}

TEST_P(BufferContractTest, ClosingTwiceIsOnce) {
  Buffer buffer = MakeFilled("abcdef");
  buffer.Close();
  EXPECT_FALSE(buffer.is_open());
  EXPECT_EQ(buffer.capacity(), 0);
  buffer.Close();
}

// ------------------------------------------------------------------ writing

template <typename Value>
void WriteThenRead(Buffer* buffer, Value value, void (Buffer::*write)(Value),
                   Value (Buffer::*read)(), void (Buffer::*set)(size_t, Value),
                   Value (Buffer::*get)(size_t) const,
                   const std::vector<uint8_t>& bytes) {
  for (size_t shift = 0; shift < 5; ++shift) {
    buffer->ResetOffsets();
    buffer->Fill(0xee);
    buffer->SkipWritable(shift);
    buffer->SkipReadable(shift);
    (buffer->*write)(value);
    EXPECT_EQ(buffer->readable_bytes(), bytes.size());
    EXPECT_EQ(ReadableOf(*buffer), std::string(bytes.begin(), bytes.end()));
    EXPECT_EQ((buffer->*get)(shift), value);
    EXPECT_EQ((buffer->*read)(), value);
    EXPECT_EQ(buffer->readable_bytes(), 0);
    buffer->Fill(0xee);
    (buffer->*set)(shift, value);
    EXPECT_EQ((buffer->*get)(shift), value);
    EXPECT_EQ(buffer->GetU8(shift + bytes.size()), 0xee);
    EXPECT_EQ(buffer->GetU8(shift == 0 ? bytes.size() : shift - 1), 0xee);
  }
}

TEST_P(WritableBufferTest, WritesNumbersOfBothByteOrders) {
  Buffer buffer = Make(16);
  using Bytes = std::vector<uint8_t>;
  auto check = [&](auto value, auto write, auto read, auto set, auto get,
                   const Bytes& bytes) {
    WriteThenRead<decltype(value)>(&buffer, value, write, read, set, get,
                                   bytes);
  };
  using B = Buffer;
  check(uint8_t{0xfe}, &B::WriteU8, &B::ReadU8, &B::SetU8, &B::GetU8, {0xfe});
  check(int8_t{-2}, &B::WriteI8, &B::ReadI8, &B::SetI8, &B::GetI8, {0xfe});
  check(uint16_t{0xfe01}, &B::WriteU16, &B::ReadU16, &B::SetU16, &B::GetU16,
        {0xfe, 0x01});
  check(uint16_t{0xfe01}, &B::WriteU16Le, &B::ReadU16Le, &B::SetU16Le,
        &B::GetU16Le, {0x01, 0xfe});
  check(int16_t{-2}, &B::WriteI16, &B::ReadI16, &B::SetI16, &B::GetI16,
        {0xff, 0xfe});
  check(int16_t{-2}, &B::WriteI16Le, &B::ReadI16Le, &B::SetI16Le, &B::GetI16Le,
        {0xfe, 0xff});
  check(uint32_t{0xfe0102}, &B::WriteU24, &B::ReadU24, &B::SetU24, &B::GetU24,
        {0xfe, 0x01, 0x02});
  check(uint32_t{0xfe0102}, &B::WriteU24Le, &B::ReadU24Le, &B::SetU24Le,
        &B::GetU24Le, {0x02, 0x01, 0xfe});
  check(int32_t{-2}, &B::WriteI24, &B::ReadI24, &B::SetI24, &B::GetI24,
        {0xff, 0xff, 0xfe});
  check(int32_t{-8388608}, &B::WriteI24Le, &B::ReadI24Le, &B::SetI24Le,
        &B::GetI24Le, {0x00, 0x00, 0x80});
  check(int32_t{8388607}, &B::WriteI24, &B::ReadI24, &B::SetI24, &B::GetI24,
        {0x7f, 0xff, 0xff});
  check(uint32_t{0xfe010203}, &B::WriteU32, &B::ReadU32, &B::SetU32, &B::GetU32,
        {0xfe, 0x01, 0x02, 0x03});
  check(uint32_t{0xfe010203}, &B::WriteU32Le, &B::ReadU32Le, &B::SetU32Le,
        &B::GetU32Le, {0x03, 0x02, 0x01, 0xfe});
  check(int32_t{-2}, &B::WriteI32, &B::ReadI32, &B::SetI32, &B::GetI32,
        {0xff, 0xff, 0xff, 0xfe});
  check(int32_t{-2}, &B::WriteI32Le, &B::ReadI32Le, &B::SetI32Le, &B::GetI32Le,
        {0xfe, 0xff, 0xff, 0xff});
  check(uint64_t{0xfe01020304050607}, &B::WriteU64, &B::ReadU64, &B::SetU64,
        &B::GetU64, {0xfe, 1, 2, 3, 4, 5, 6, 7});
  check(uint64_t{0xfe01020304050607}, &B::WriteU64Le, &B::ReadU64Le,
        &B::SetU64Le, &B::GetU64Le, {7, 6, 5, 4, 3, 2, 1, 0xfe});
  check(int64_t{-2}, &B::WriteI64, &B::ReadI64, &B::SetI64, &B::GetI64,
        {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe});
  check(int64_t{-2}, &B::WriteI64Le, &B::ReadI64Le, &B::SetI64Le, &B::GetI64Le,
        {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff});
  check(1.5f, &B::WriteFloat, &B::ReadFloat, &B::SetFloat, &B::GetFloat,
        {0x3f, 0xc0, 0, 0});
  check(1.5f, &B::WriteFloatLe, &B::ReadFloatLe, &B::SetFloatLe, &B::GetFloatLe,
        {0, 0, 0xc0, 0x3f});
  check(-2.5, &B::WriteDouble, &B::ReadDouble, &B::SetDouble, &B::GetDouble,
        {0xc0, 0x04, 0, 0, 0, 0, 0, 0});
  check(-2.5, &B::WriteDoubleLe, &B::ReadDoubleLe, &B::SetDoubleLe,
        &B::GetDoubleLe, {0, 0, 0, 0, 0, 0, 0x04, 0xc0});
}

TEST_P(WritableBufferTest, DropsWhatIsAbove24Bits) {
  Buffer buffer = Make(8);
  buffer.Fill(0);
  buffer.SetU24(0, 0xaabbccdd);
  EXPECT_EQ(buffer.GetU32(0), 0xbbccdd00u);
  buffer.SetI24(0, -8388609);
  EXPECT_EQ(buffer.GetI24(0), 8388607);
}

TEST_P(WritableBufferTest, KeepsEveryBitOfANan) {
  Buffer buffer = Make(8);
  buffer.SetU64(0, 0x7ff0000000000001);
  EXPECT_TRUE(std::isnan(buffer.GetDouble(0)));
  EXPECT_EQ(buffer.GetU64(0), 0x7ff0000000000001u);
}

TEST_P(WritableBufferTest, SetMovesNoOffset) {
  Buffer buffer = Make(16);
  const size_t last = buffer.capacity() - 4;
  buffer.SetU32(last, 7);
  buffer.SetBytes(0, "abc");
  EXPECT_EQ(buffer.writer_offset(), 0);
  EXPECT_EQ(buffer.GetU32(last), 7);
  EXPECT_EQ(buffer.GetU8(2), 'c');
}

TEST_P(WritableBufferTest, FillsTheWholeCapacity) {
  Buffer buffer = Make(16);
  buffer.SkipWritable(4);
  buffer.SkipReadable(2);
  buffer.Fill(0x5a);
  for (size_t i : {size_t{0}, size_t{1}, size_t{8}, buffer.capacity() - 1}) {
    EXPECT_EQ(buffer.GetU8(i), 0x5a);
  }
  EXPECT_EQ(buffer.readable_bytes(), 2);
}

TEST_P(WritableBufferTest, ShowsWritablePieces) {
  Buffer buffer = Make(16);
  buffer.Fill(0);
  buffer.WriteBytes("abc");
  size_t bytes = 0;
  const int pieces = buffer.ForEachWritable([&](absl::Span<uint8_t> piece) {
    std::fill(piece.begin(), piece.end(), 'w');
    bytes += piece.size();
    return true;
  });
  EXPECT_EQ(bytes, buffer.writable_bytes());
  EXPECT_EQ(pieces, buffer.CountWritableComponents());
  EXPECT_EQ(ReadableOf(buffer), "abc");
  EXPECT_EQ(buffer.writer_offset(), 3);
  buffer.SkipWritable(2);
  EXPECT_EQ(ReadableOf(buffer), "abcww");
  EXPECT_EQ(buffer.ForEachWritable([](absl::Span<uint8_t>) { return false; }),
            -1);
  std::vector<iovec> iovecs(100);
  EXPECT_EQ(buffer.WritableIovecs(absl::MakeSpan(iovecs)),
            buffer.CountWritableComponents());
}

TEST_P(WritableBufferTest, CopiesWithinItself) {
  for (auto [from, to] : {std::pair{0, 4}, {4, 0}, {2, 3}, {3, 2}, {5, 5}}) {
    std::string model = "0123456789abcdef";
    Buffer buffer = MakeFilled(model);
    buffer.CopyInto(from, &buffer, to, 9);
    model.replace(to, 9, std::string("0123456789abcdef").substr(from, 9));
    EXPECT_EQ(ReadableOf(buffer), model) << from << " to " << to;
  }
}

TEST_P(WritableBufferTest, CompactsToTheBeginning) {
  Buffer buffer = MakeFilled("0123456789abcdef");
  const size_t capacity = buffer.capacity();
  buffer.Compact();
  EXPECT_EQ(ReadableOf(buffer), "0123456789abcdef");
  buffer.SkipReadable(5);
  buffer.Compact();
  EXPECT_EQ(buffer.reader_offset(), 0);
  EXPECT_EQ(ReadableOf(buffer), "56789abcdef");
  EXPECT_EQ(buffer.capacity(), capacity);
  buffer.SkipReadable(11);
  buffer.Compact();
  EXPECT_EQ(buffer.writer_offset(), 0);
}

TEST_P(WritableBufferTest, EnsureWritableDoesNothingWhereThereIsRoom) {
  Buffer buffer = Make(16);
  const size_t capacity = buffer.capacity();
  buffer.WriteBytes("abc");
  buffer.SkipReadable(1);
  ASSERT_TRUE(buffer.EnsureWritable(capacity - 3).ok());
  EXPECT_EQ(buffer.capacity(), capacity);
  EXPECT_EQ(buffer.reader_offset(), 1);
  ASSERT_TRUE(buffer.EnsureWritable(0, 0, false).ok());
}

TEST_P(WritableBufferTest, EnsureWritableGrowsAndKeepsEveryByte) {
  Buffer buffer = MakeFilled("abcdef", 2);
  buffer.SetBytes(0, "12");
  const size_t capacity = buffer.capacity();
  ASSERT_TRUE(buffer.EnsureWritable(capacity, 5, false).ok());
  EXPECT_EQ(buffer.capacity(), 8 + capacity);
  EXPECT_EQ(ReadableOf(buffer), "abcdef");
  EXPECT_EQ(buffer.GetU16(0), '1' << 8 | '2');
  buffer.SkipWritable(capacity - 2);
  buffer.WriteBytes("yz");
  EXPECT_EQ(buffer.GetU8(7 + capacity), 'z');
}

TEST_P(WritableBufferTest, EnsureWritableWithOneArgumentDoublesOrCompacts) {
  Buffer buffer = Make(16);
  const size_t capacity = buffer.capacity();
  buffer.SkipWritable(capacity);
  ASSERT_TRUE(buffer.EnsureWritable(1).ok());
  EXPECT_EQ(buffer.capacity(), 2 * capacity);
  buffer.SkipWritable(capacity);
  buffer.SkipReadable(3);
  ASSERT_TRUE(buffer.EnsureWritable(3).ok());
  EXPECT_EQ(buffer.capacity(), 2 * capacity);
  EXPECT_EQ(buffer.reader_offset(), 0);
  EXPECT_EQ(buffer.writable_bytes(), 3);
}

TEST_P(WritableBufferTest, EnsureWritableIsRefusedByAClosedAllocator) {
  Buffer buffer = MakeFilled("abcdef");
  const size_t capacity = buffer.capacity();
  maker_.pooled().Close();
  maker_.unpooled().Close();
  const absl::Status status = buffer.EnsureWritable(capacity + 1);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(buffer.Copy().status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReadableOf(buffer), "abcdef");
  EXPECT_EQ(buffer.capacity(), capacity);
  Buffer head = buffer.Split(2);  // takes none of the allocator's memory
  EXPECT_EQ(ReadableOf(head), "ab");
}

TEST_P(WritableBufferTest, EnsureWritableRefusesWhatNoBufferHas) {
  Buffer buffer = Make(16);
  for (size_t size : {size_t{1} << 46, std::numeric_limits<size_t>::max()}) {
    EXPECT_EQ(buffer.EnsureWritable(size).code(),
              absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(buffer.EnsureWritable(buffer.capacity() + 1, size, true).code(),
              absl::StatusCode::kResourceExhausted);
  }
  EXPECT_EQ(buffer.capacity(), 16 + GetParam().extra);
}

TEST_P(WritableBufferTest, GrowsByItselfUpToItsLimit) {
  Buffer buffer = Make(4);
  const size_t capacity = buffer.capacity();
  EXPECT_EQ(buffer.implicit_growth_limit(), capacity);
  buffer.set_implicit_growth_limit(capacity + 9);
  buffer.SkipWritable(capacity);
  buffer.WriteU8(1);
  EXPECT_LE(buffer.capacity(), capacity + 9);
  buffer.WriteU64(2);
  EXPECT_EQ(buffer.capacity(), capacity + 9);
  EXPECT_EQ(buffer.GetU64(capacity + 1), 2);
  EXPECT_EQ(buffer.implicit_growth_limit(), capacity + 9);
  EXPECT_DEATH(buffer.WriteU8(3), "Write of 1 bytes at offset [0-9]+ is out");
  // EnsureWritable is not held to it.
  ASSERT_TRUE(buffer.EnsureWritable(1, 0, false).ok());
  buffer.WriteU8(3);
  EXPECT_EQ(buffer.implicit_growth_limit(), capacity + 10);
}

// ------------------------------------------------- figures of Netty's tests

TEST_P(ExactBufferTest, ReadSplitCountsFromTheReader) {
  Buffer buffer = Make(3);
  buffer.WriteBytes("abc");
  buffer.SkipReadable(1);
  Buffer split = buffer.ReadSplit(2);
  EXPECT_EQ(split.capacity(), 3);
  EXPECT_EQ(ReadableOf(split), "bc");
  EXPECT_EQ(buffer.capacity(), 0);
}

TEST_P(ExactBufferTest, WriteSplitCountsFromTheWriter) {
  Buffer buffer = Make(5);
  buffer.WriteBytes("abc");
  buffer.SkipReadable(1);
  Buffer split = buffer.WriteSplit(1);
  EXPECT_EQ(split.capacity(), 4);
  EXPECT_EQ(split.writable_bytes(), 1);
  EXPECT_EQ(ReadableOf(split), "bc");
  EXPECT_EQ(buffer.capacity(), 1);
}

TEST_P(ExactBufferTest, CompactsBeforeItGrows) {
  Buffer buffer = Make(16);
  buffer.SkipWritable(12);
  buffer.SkipReadable(12);
  ASSERT_TRUE(buffer.EnsureWritable(8, 32, true).ok());
  EXPECT_EQ(buffer.capacity(), 16);
  EXPECT_EQ(buffer.writer_offset(), 0);
  buffer.WriteU8(1);
  ASSERT_TRUE(buffer.EnsureWritable(16, 32, true).ok());
  EXPECT_EQ(buffer.capacity(), 48);
}

}  // namespace
}  // namespace poolscope
