#include "poolscope/allocator/buffer/composite_buffer.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/allocator/buffer/sent_buffer.h"
#include "poolscope/tests/allocator/buffer/buffer_kinds.h"

namespace poolscope {
namespace {

class CompositeBufferTest : public testing::Test {
 protected:
  // `read` bytes that were read, then `readable`, then `room` to write.
  Buffer Piece(size_t read, absl::string_view readable, size_t room) {
    Buffer piece =
        Must(maker_.pooled().Allocate(read + readable.size() + room));
    piece.SkipWritable(read);
    piece.SkipReadable(read);
    piece.WriteBytes(readable);
    return piece;
  }
  template <typename... Pieces>
  CompositeBuffer Compose(Pieces... pieces) {
    return Must(maker_.pooled().Compose(std::move(pieces)...));
  }

  BufferMaker maker_;
};

void ExpectOffsets(const Buffer& buffer, size_t reader, size_t writer,
                   size_t capacity) {
  EXPECT_EQ(buffer.reader_offset(), reader);
  EXPECT_EQ(buffer.writer_offset(), writer);
  EXPECT_EQ(buffer.capacity(), capacity);
}

TEST_F(CompositeBufferTest, HidesTheGapBetweenReadableBytes) {
  CompositeBuffer composite = Compose(Piece(1, "abc", 2), Piece(3, "de", 4));
  ExpectOffsets(composite, 1, 6, 10);
  EXPECT_EQ(ReadableOf(composite), "abcde");
  EXPECT_EQ(composite.CountComponents(), 2);
}

TEST_F(CompositeBufferTest, TrimsBothEndsOfAMiddleComponent) {
  CompositeBuffer composite =
      Compose(Piece(0, "a", 0), Piece(3, "bc", 4), Piece(5, "d", 1));
  ExpectOffsets(composite, 0, 4, 5);
  EXPECT_EQ(ReadableOf(composite), "abcd");
}

TEST_F(CompositeBufferTest, ConcatenatesReadAndWritableEnds) {
  CompositeBuffer composite = Compose(Piece(2, "", 0), Piece(1, "ab", 0),
                                      Piece(0, "", 4), Piece(0, "", 5));
  ExpectOffsets(composite, 3, 5, 14);
  EXPECT_EQ(composite.CountComponents(), 4);
  EXPECT_EQ(composite.CountReadableComponents(), 1);
  EXPECT_EQ(composite.CountWritableComponents(), 2);
}

TEST_F(CompositeBufferTest, DropsRoomBeforeReadableBytes) {
  CompositeBuffer composite = Compose(Piece(0, "", 8), Piece(0, "ab", 1));
  ExpectOffsets(composite, 0, 2, 3);
  EXPECT_EQ(composite.CountComponents(), 1);
  CompositeBuffer read = Compose(Piece(2, "", 3), Piece(1, "ab", 1));
  ExpectOffsets(read, 3, 5, 6);
}

TEST_F(CompositeBufferTest, RoomThatIsDroppedIsNoLeaveToGrow) {
  CompositeBuffer composite = Compose(Piece(0, "", 8), Piece(0, "ab", 1));
  EXPECT_EQ(composite.implicit_growth_limit(), 3);
  ASSERT_TRUE(composite.ExtendWith(Piece(0, "cde", 0)).ok());
  EXPECT_EQ(composite.implicit_growth_limit(), 5);
  composite.set_implicit_growth_limit(100);
  ASSERT_TRUE(composite.ExtendWith(Piece(0, "f", 0)).ok());
  EXPECT_EQ(composite.implicit_growth_limit(), 100);
}

TEST_F(CompositeBufferTest, DropsWhatWasReadBehindRoom) {
  CompositeBuffer composite = Compose(Piece(2, "", 6), Piece(3, "", 4));
  ExpectOffsets(composite, 2, 2, 12);
  CompositeBuffer all_read = Compose(Piece(0, "", 6), Piece(3, "", 0));
  ExpectOffsets(all_read, 0, 0, 6);
}

TEST_F(CompositeBufferTest, OfNothingIsEmpty) {
  CompositeBuffer composite = Compose();
  ExpectOffsets(composite, 0, 0, 0);
  EXPECT_EQ(composite.CountComponents(), 0);
  EXPECT_TRUE(composite.is_composite());
  EXPECT_FALSE(composite.read_only());
  ASSERT_TRUE(composite.EnsureWritable(3, 0, true).ok());
  composite.WriteBytes("abc");
  EXPECT_EQ(ReadableOf(composite), "abc");
}

TEST_F(CompositeBufferTest, FlattensNestedOnes) {
  CompositeBuffer inner = Compose(Piece(0, "ab", 0), Piece(0, "cd", 3));
  CompositeBuffer outer =
      Compose(Piece(0, "1", 9), std::move(inner), Piece(0, "2", 0));
  EXPECT_EQ(outer.CountComponents(), 4);
  EXPECT_EQ(ReadableOf(outer), "1abcd2");
  EXPECT_EQ(outer.capacity(), 6);
}

TEST_F(CompositeBufferTest, IsAsExtendedOneByOne) {
  CompositeBuffer extended = Compose();
  std::vector<Buffer> pieces;
  for (int i = 0; i < 2; ++i) {
    for (size_t read : {0, 2}) {
      for (const char* readable : {"", "xy"}) {
        for (size_t room : {0, 3}) {
          pieces.push_back(Piece(read, readable, room));
          ASSERT_TRUE(extended.ExtendWith(Piece(read, readable, room)).ok());
        }
      }
    }
  }
  Buffer composed = Must(maker_.pooled().Compose(std::move(pieces)));
  ExpectOffsets(extended, composed.reader_offset(), composed.writer_offset(),
                composed.capacity());
  EXPECT_EQ(ReadableOf(extended), ReadableOf(composed));
  EXPECT_EQ(ReadableOf(extended), "xyxyxyxyxyxyxyxy");
}

TEST_F(CompositeBufferTest, ReceivesWhatItIsExtendedWith) {
  CompositeBuffer composite = Compose(Piece(0, "ab", 0));
  ASSERT_TRUE(composite.ExtendWith(Piece(0, "cd", 0).Send()).ok());
  EXPECT_EQ(ReadableOf(composite), "abcd");
  std::vector<SentBuffer> sent;
  sent.push_back(Piece(0, "ef", 0).Send());
  sent.push_back(std::move(composite).Send());
  Buffer both = Must(maker_.pooled().Compose(std::move(sent)));
  EXPECT_EQ(ReadableOf(both), "efabcd");
}

TEST_F(CompositeBufferTest, RefusesReadOnlyBesideWritable) {
  Buffer read_only = Piece(0, "ab", 0);
  read_only.MakeReadOnly();
  std::vector<Buffer> pieces;
  pieces.push_back(std::move(read_only));
  pieces.push_back(Piece(0, "cd", 0));
  EXPECT_EQ(maker_.pooled().Compose(std::move(pieces)).status().code(),
            absl::StatusCode::kInvalidArgument);
  // All of them are closed.
  EXPECT_EQ(maker_.pool().counts(Kind::kSmall).active, 0);

  CompositeBuffer composite = Compose(Piece(0, "cd", 0));
  Buffer other = Piece(0, "ab", 0);
  other.MakeReadOnly();
  EXPECT_EQ(composite.ExtendWith(std::move(other)).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReadableOf(composite), "cd");
  EXPECT_EQ(maker_.pool().counts(Kind::kSmall).active, 1);
}

TEST_F(CompositeBufferTest, TakesOnWhetherItsComponentsAreReadOnly) {
  CompositeBuffer composite = Compose();
  Buffer read_only = Piece(0, "ab", 2);
  read_only.MakeReadOnly();
  ASSERT_TRUE(composite.ExtendWith(std::move(read_only)).ok());
  EXPECT_TRUE(composite.read_only());
  EXPECT_EQ(composite.writable_bytes(), 0);
  Buffer head = composite.Split(1);
  EXPECT_TRUE(head.read_only());
  EXPECT_TRUE(composite.read_only());
}

TEST_F(CompositeBufferTest, RefusesToComposeOnceClosed) {
  Buffer piece = Piece(0, "ab", 0);
  maker_.pooled().Close();
  EXPECT_EQ(maker_.pooled().Compose(std::move(piece)).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(maker_.pool().counts(Kind::kSmall).active, 0);
}

TEST_F(CompositeBufferTest, SplitsAtBoundariesBelow) {
  for (auto [offset, head, rest] :
       {std::tuple{0, 0, 16}, {7, 0, 16}, {8, 8, 8}, {15, 8, 8}, {16, 16, 0}}) {
    CompositeBuffer composite = Compose(Piece(0, "", 8), Piece(0, "", 8));
    CompositeBuffer split = composite.SplitComponentsFloor(offset);
    EXPECT_EQ(split.capacity(), head) << offset;
    EXPECT_EQ(composite.capacity(), rest) << offset;
  }
}

TEST_F(CompositeBufferTest, SplitsAtBoundariesAbove) {
  for (auto [offset, head, rest] :
       {std::tuple{0, 0, 16}, {7, 8, 8}, {8, 8, 8}, {12, 16, 0}, {16, 16, 0}}) {
    CompositeBuffer composite = Compose(Piece(0, "", 8), Piece(0, "", 8));
    CompositeBuffer split = composite.SplitComponentsCeil(offset);
    EXPECT_EQ(split.capacity(), head) << offset;
    EXPECT_EQ(composite.capacity(), rest) << offset;
  }
}

TEST_F(CompositeBufferTest, DecomposesWithItsOffsets) {
  CompositeBuffer composite = Compose(Piece(0, "abcd", 0), Piece(0, "efgh", 0),
                                      Piece(0, "ij", 2), Piece(0, "", 3));
  composite.SkipReadable(6);
  std::vector<Buffer> components = composite.Decompose();
  EXPECT_FALSE(composite.is_open());
  ASSERT_EQ(components.size(), 4);
  ExpectOffsets(components[0], 4, 4, 4);
  ExpectOffsets(components[1], 2, 4, 4);
  ExpectOffsets(components[2], 0, 2, 4);
  ExpectOffsets(components[3], 0, 0, 3);
  EXPECT_EQ(ReadableOf(components[1]), "gh");
  EXPECT_EQ(Compose().Decompose().size(), 0);
}

TEST_F(CompositeBufferTest, FlattensIntoOnePiece) {
  CompositeBuffer composite = Compose(Piece(1, "abc", 0), Piece(0, "de", 3));
  Buffer flat = Must(composite.Flatten());
  EXPECT_FALSE(composite.is_open());
  EXPECT_FALSE(flat.is_composite());
  ExpectOffsets(flat, 1, 6, 9);
  EXPECT_EQ(ReadableOf(flat), "abcde");
  EXPECT_EQ(maker_.pool().counts(Kind::kSmall).active, 1);
}

TEST_F(CompositeBufferTest, FlatteningKeepsItReadOnly) {
  CompositeBuffer composite = Compose(Piece(0, "ab", 0), Piece(0, "cd", 0));
  composite.MakeReadOnly();
  EXPECT_TRUE(Must(composite.Flatten()).read_only());
}

TEST_F(CompositeBufferTest, StaysAsItIsWhenMemoryIsRefused) {
  CompositeBuffer composite = Compose(Piece(0, "abc", 0), Piece(0, "de", 1));
  maker_.pooled().Close();
  EXPECT_EQ(composite.Flatten().status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(composite.Consolidate(100).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReadableOf(composite), "abcde");
  EXPECT_EQ(composite.CountComponents(), 2);
}

TEST_F(CompositeBufferTest, ConsolidatesInBoundedSteps) {
  CompositeBuffer composite = Compose();
  std::string expected;
  for (int i = 0; i < 10; ++i) {
    const std::string text(3, static_cast<char>('a' + i));
    ASSERT_TRUE(composite.ExtendWith(Piece(0, text, 0)).ok());
    expected += text;
  }
  composite.SkipReadable(4);
  expected.erase(0, 4);
  // Three of 3 bytes fit into 11, four do not.
  const struct {
    size_t components;
    bool more;
  } kSteps[] = {{8, true}, {6, true}, {4, false}, {4, false}};
  for (const auto& step : kSteps) {
    EXPECT_EQ(Must(composite.Consolidate(11)), step.more);
    EXPECT_EQ(composite.CountComponents(), step.components);
    EXPECT_EQ(ReadableOf(composite), expected);
    ExpectOffsets(composite, 4, 30, 30);
  }
  EXPECT_FALSE(Must(composite.Consolidate(30)));
  EXPECT_EQ(composite.CountComponents(), 1);
  EXPECT_EQ(ReadableOf(composite), expected);
}

TEST_F(CompositeBufferTest, ConsolidatesNothingThatDoesNotFit) {
  CompositeBuffer composite = Compose(Piece(0, "abc", 0), Piece(0, "de", 0));
  EXPECT_FALSE(Must(composite.Consolidate(4)));
  EXPECT_EQ(composite.CountComponents(), 2);
  EXPECT_FALSE(Must(composite.Consolidate(5)));
  EXPECT_EQ(composite.CountComponents(), 1);
}

TEST_F(CompositeBufferTest, SurvivesTheWayThroughABuffer) {
  Buffer buffer = Compose(Piece(0, "ab", 0), Piece(0, "cd", 0));
  EXPECT_TRUE(buffer.is_composite());
  CompositeBuffer composite(std::move(buffer));
  EXPECT_EQ(composite.Decompose().size(), 2);
}

TEST_F(CompositeBufferTest, ShowsAsManyIovecsAsAreAskedFor) {
  std::vector<Buffer> pieces;
  for (int i = 0; i < 65; ++i) pieces.push_back(Piece(0, "x", 0));
  Buffer composite = Must(maker_.pooled().Compose(std::move(pieces)));
  std::vector<iovec> iovecs(1024);
  EXPECT_EQ(composite.ReadableIovecs(absl::MakeSpan(iovecs)), 65);
  EXPECT_EQ(composite.ReadableIovecs(absl::MakeSpan(iovecs).first(10)), 10);
  int visits = 0;
  EXPECT_EQ(composite.ForEachReadable(
                [&](absl::Span<const uint8_t>) { return ++visits < 10; }),
            -10);
}

}  // namespace
}  // namespace poolscope
