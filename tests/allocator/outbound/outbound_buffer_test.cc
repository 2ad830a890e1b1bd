// What is written, when and in which pieces.
#include "poolscope/allocator/outbound/outbound_buffer.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/outbound/memory_sink.h"
#include "poolscope/allocator/outbound/outbound_failure.h"
#include "poolscope/tests/allocator/buffer/buffer_kinds.h"

namespace poolscope {
namespace {

constexpr uint64_t kOverhead = OutboundBuffer::kEntryOverheadBytes;

class OutboundBufferTest : public testing::Test {
 protected:
  Buffer Message(absl::string_view bytes) {
    return Must(maker_.pooled().CopyOf(bytes));
  }
  Buffer Message(size_t size) { return Message(std::string(size, 'x')); }

  // As many pieces as `parts`.
  Buffer Composite(const std::vector<std::string>& parts) {
    std::vector<Buffer> components;
    for (const std::string& part : parts) components.push_back(Message(part));
    return Must(maker_.unpooled().Compose(std::move(components)));
  }

  // The pieces that would be written next.
  static std::vector<size_t> GatheredFrom(const OutboundBuffer& out,
                                          int max_pieces,
                                          size_t max_bytes = SIZE_MAX) {
    std::vector<iovec> pieces(max_pieces);
    const size_t count = out.Gather(absl::MakeSpan(pieces), max_bytes);
    std::vector<size_t> sizes;
    for (size_t i = 0; i < count; ++i) sizes.push_back(pieces[i].iov_len);
    return sizes;
  }

  // Adds to `ended_`, each with its status.
  OutboundBuffer::Done Note(std::string name) {
    return [this, name](const absl::Status& status, Buffer message) {
      ended_.push_back(
          {name, std::string(status.message()), ReadableOf(message)});
    };
  }

  struct Ended {
    std::string name;
    std::string status;
    std::string bytes;
    bool operator==(const Ended& other) const {
      return name == other.name && status == other.status &&
             bytes == other.bytes;
    }
  };

  BufferMaker maker_;
  MemorySink sink_;
  std::vector<Ended> ended_;
};

using Sizes = std::vector<size_t>;

TEST_F(OutboundBufferTest, ACancelledMessageIsNotGathered) {  // Netty's
  OutboundBuffer out(OutboundOptions{});
  out.Add(Message("a"));
  const uint64_t middle = out.Add(Message("bc"));
  out.Add(Message("d"));
  EXPECT_TRUE(out.Cancel(middle));
  out.AddFlush();
  EXPECT_EQ(GatheredFrom(out, 1024), Sizes({1, 1}));
  EXPECT_EQ(out.unwritten_bytes(), 2);
  EXPECT_EQ(out.pending_bytes(), 2 + 2 * kOverhead);
}

TEST_F(OutboundBufferTest, ACompositeIsGatheredPieceByPiece) {  // Netty's
  OutboundBuffer out(OutboundOptions{});
  out.Add(Composite(std::vector<std::string>(65, "ab")));
  out.AddFlush();
  EXPECT_EQ(GatheredFrom(out, 1024), Sizes(65, 2));
  EXPECT_EQ(GatheredFrom(out, 10), Sizes(10, 2));
  EXPECT_EQ(GatheredFrom(out, 0), Sizes());
}

TEST_F(OutboundBufferTest, GathersTheFirstPieceAndThoseWithinTheBytes) {
  OutboundBuffer out(OutboundOptions{});
  for (const size_t size : {100, 10, 20}) out.Add(Message(size));
  out.AddFlush();
  EXPECT_EQ(GatheredFrom(out, 8, 1), Sizes({100}));
  EXPECT_EQ(GatheredFrom(out, 8, 109), Sizes({100}));
  EXPECT_EQ(GatheredFrom(out, 8, 110), Sizes({100, 10}));
  EXPECT_EQ(GatheredFrom(out, 8, 129), Sizes({100, 10}));
  EXPECT_EQ(GatheredFrom(out, 8, 130), Sizes({100, 10, 20}));
}

TEST_F(OutboundBufferTest, WritesWhatIsFlushedInOrder) {
  OutboundBuffer out(OutboundOptions{});
  out.Add(Message("one "), Note("1"));
  out.Add(Message("two "), Note("2"));
  out.AddFlush();
  out.Add(Message("three"), Note("3"));
  EXPECT_EQ(out.size(), 3);
  EXPECT_EQ(out.flushed_size(), 2);
  EXPECT_TRUE(*out.WriteTo(sink_));
  EXPECT_FALSE(out.needs_turn());
  EXPECT_EQ(sink_.received(), "one two ");
  EXPECT_EQ(ended_, std::vector<Ended>({{"1", "", "one "}, {"2", "", "two "}}));
  EXPECT_EQ(out.size(), 1);
  EXPECT_EQ(out.flushed_size(), 0);
  EXPECT_EQ(out.unwritten_bytes(), 5);
  out.AddFlush();
  EXPECT_TRUE(*out.WriteTo(sink_));
  EXPECT_EQ(sink_.received(), "one two three");
  EXPECT_TRUE(out.empty());
  EXPECT_EQ(out.pending_bytes(), 0);
  EXPECT_EQ(sink_.calls().size(), 2);
}

TEST_F(OutboundBufferTest, WithNothingFlushedWritesNothing) {
  OutboundBuffer out(OutboundOptions{});
  EXPECT_TRUE(*out.WriteTo(sink_));
  out.Add(Message("abc"));
  EXPECT_TRUE(*out.WriteTo(sink_));
  EXPECT_TRUE(sink_.calls().empty());
}

TEST_F(OutboundBufferTest, AMessageComesBackAsItWasAdded) {
  OutboundBuffer out(OutboundOptions{});
  Buffer message = Message("skipped, written");
  message.SkipReadable(9);
  out.Add(std::move(message), [](const absl::Status& status, Buffer back) {
    EXPECT_TRUE(status.ok());
    EXPECT_EQ(back.reader_offset(), 9);
    EXPECT_EQ(ReadableOf(back), "written");
  });
  out.AddFlush();
  EXPECT_EQ(out.unwritten_bytes(), 7);
  sink_.ThenTake(3);
  EXPECT_TRUE(*out.WriteTo(sink_));
  EXPECT_EQ(sink_.received(), "written");
}

TEST_F(OutboundBufferTest, WithoutACallbackItsMemoryGoesBack) {
  OutboundBuffer out(OutboundOptions{});
  out.Add(Message(14336));
  const auto pinned = [&] { return maker_.pool()->Stats().pinned_bytes; };
  EXPECT_GE(pinned(), 14336);
  out.AddFlush();
  EXPECT_TRUE(*out.WriteTo(sink_));
  EXPECT_EQ(pinned(), 0);
}

// Every way to cut the bytes in three.
TEST_F(OutboundBufferTest, GoesOnWhereTheSinkStopped) {
  const std::string all = "abcdefghijk";
  for (size_t first = 1; first < all.size(); ++first) {
    for (size_t second = 1; first + second < all.size(); ++second) {
      OutboundBuffer out(OutboundOptions{});
      MemorySink sink;
      out.Add(Message("abc"));
      out.Add(Composite({"d", "ef", "ghi"}));
      out.Add(Message("jk"));
      out.AddFlush();
      sink.ThenTake(first);
      sink.ThenBeFull();
      EXPECT_FALSE(*out.WriteTo(sink));
      EXPECT_FALSE(out.needs_turn());
      EXPECT_EQ(out.unwritten_bytes(), all.size() - first);
      EXPECT_EQ(out.size(), first < 3 ? 3 : first < 9 ? 2 : 1);
      // As Netty counts, a message goes off whole.
      EXPECT_EQ(out.pending_bytes(),
                out.size() * kOverhead + (first < 3   ? 11
                                          : first < 9 ? 8
                                                      : 2));
      out.CheckInvariants();
      sink.ThenTake(second);
      EXPECT_TRUE(*out.WriteTo(sink));
      EXPECT_EQ(sink.received(), all) << first << " and " << second;
      out.CheckInvariants();
    }
  }
}

TEST_F(OutboundBufferTest, OneByteAtATime) {
  OutboundOptions options;
  options.max_writes = 1;
  OutboundBuffer out(std::move(options));
  out.Add(Composite({"ab", "", "c"}), Note("1"));
  out.Add(Message("d"), Note("2"));
  out.AddFlush();
  for (int i = 0; i < 4; ++i) {
    sink_.ThenTake(1);
    EXPECT_EQ(*out.WriteTo(sink_), i == 3);
    EXPECT_EQ(out.needs_turn(), i < 3);
    EXPECT_EQ(out.unwritten_bytes(), 3 - i);
    EXPECT_EQ(ended_.size(), std::max(0, i - 1));
    out.CheckInvariants();
  }
  EXPECT_EQ(sink_.received(), "abcd");
}

TEST_F(OutboundBufferTest, EmptyMessagesEndInOrder) {
  OutboundBuffer out(OutboundOptions{});
  out.Add(Message(""), Note("1"));
  out.Add(Message("ab"), Note("2"));
  out.Add(Message(""), Note("3"));
  out.Add(Composite({}), Note("4"));
  out.Add(Message("c"), Note("5"));
  EXPECT_EQ(out.pending_bytes(), 5 * kOverhead + 3);
  out.AddFlush();
  sink_.ThenTake(1);
  sink_.ThenBeFull();
  EXPECT_FALSE(*out.WriteTo(sink_));
  EXPECT_EQ(ended_.size(), 1);
  sink_.ThenTake(1);
  sink_.ThenBeFull();
  EXPECT_FALSE(*out.WriteTo(sink_));
  EXPECT_EQ(ended_.size(), 4);
  EXPECT_TRUE(*out.WriteTo(sink_));
  ASSERT_EQ(ended_.size(), 5);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ended_[i].name, std::to_string(i + 1));
}

TEST_F(OutboundBufferTest, EmptyMessagesAloneNeedNoWrite) {
  OutboundBuffer out(OutboundOptions{});
  out.Add(Message(""), Note("1"));
  EXPECT_TRUE(*out.WriteTo(sink_));
  EXPECT_TRUE(ended_.empty()) << "not flushed";
  out.AddFlush();
  EXPECT_TRUE(*out.WriteTo(sink_));
  EXPECT_EQ(ended_.size(), 1);
  EXPECT_TRUE(sink_.calls().empty());
}

TEST_F(OutboundBufferTest, OneWriteHasAtMostMaxIovecs) {
  for (const int pieces : {9, 10, 11}) {
    OutboundOptions options;
    options.max_iovecs = 10;
    OutboundBuffer out(std::move(options));
    MemorySink sink;
    for (int i = 0; i < pieces; ++i) out.Add(Message("x"));
    out.AddFlush();
    EXPECT_TRUE(*out.WriteTo(sink));
    EXPECT_EQ(sink.calls()[0].pieces, std::min(pieces, 10));
    EXPECT_EQ(sink.calls().size(), pieces > 10 ? 2 : 1);
  }
}

TEST_F(OutboundBufferTest, ManyPiecesGoOutInSeveralWrites) {
  OutboundBuffer out(OutboundOptions{});
  for (int i = 0; i < 1025; ++i) out.Add(Message("x"));
  out.AddFlush();
  EXPECT_TRUE(*out.WriteTo(sink_));
  ASSERT_EQ(sink_.calls().size(), 2);
  EXPECT_EQ(sink_.calls()[0].pieces, 1024);
  EXPECT_EQ(sink_.calls()[1].pieces, 1);
}

TEST_F(OutboundBufferTest, HasItsTurnOfWrites) {
  for (const int messages : {15, 16, 17}) {
    OutboundOptions options;
    options.max_iovecs = 1;
    OutboundBuffer out(std::move(options));
    MemorySink sink;
    for (int i = 0; i < messages; ++i) out.Add(Message("x"));
    out.AddFlush();
    EXPECT_EQ(*out.WriteTo(sink), messages <= 16);
    EXPECT_EQ(out.needs_turn(), messages > 16);
    EXPECT_EQ(sink.calls().size(), std::min(messages, 16));
    EXPECT_TRUE(*out.WriteTo(sink));
    EXPECT_FALSE(out.needs_turn());
    EXPECT_EQ(sink.received().size(), messages);
  }
}

TEST_F(OutboundBufferTest, ATurnThatEndsAtAFullSinkIsNoTurn) {
  OutboundOptions options;
  options.max_writes = 2;
  OutboundBuffer out(std::move(options));
  out.Add(Message("abc"));
  out.AddFlush();
  sink_.ThenTake(1);
  sink_.ThenTake(1);
  EXPECT_FALSE(*out.WriteTo(sink_));
  EXPECT_TRUE(out.needs_turn());
  sink_.ThenBeFull();
  EXPECT_FALSE(*out.WriteTo(sink_));
  EXPECT_FALSE(out.needs_turn());
}

TEST_F(OutboundBufferTest, AClosedOneNeedsNoTurn) {
  OutboundOptions options;
  options.max_writes = 1;
  OutboundBuffer out(std::move(options));
  out.Add(Message("abc"));
  out.AddFlush();
  sink_.ThenTake(1);
  EXPECT_FALSE(*out.WriteTo(sink_));
  EXPECT_TRUE(out.needs_turn());
  out.Close(OutboundFailure::kClosed, absl::AbortedError("bye"));
  EXPECT_FALSE(out.needs_turn());
}

class WriteBytesTest : public OutboundBufferTest {
 protected:
  WriteBytesTest() : out_(Options()) {
    // Enough for any write, in small pieces.
    for (int i = 0; i < 2000; ++i) out_.Add(Message(64));
    out_.AddFlush();
  }

  // One write of which the sink takes `bytes`; what it was offered.
  size_t Offered(size_t bytes) {
    sink_.ThenTake(bytes);
    EXPECT_TRUE(out_.WriteTo(sink_).ok());
    return sink_.calls().back().bytes;
  }

  OutboundBuffer out_;

 private:
  static OutboundOptions Options() {
    OutboundOptions options;
    options.initial_write_bytes = 8192;
    options.max_writes = 1;
    return options;
  }
};

TEST_F(WriteBytesTest, DoubleWhenAllWasTaken) {
  EXPECT_EQ(Offered(8192), 8192);
  EXPECT_EQ(Offered(16384), 16384);
  EXPECT_EQ(Offered(32768), 32768);
}

TEST_F(WriteBytesTest, StayWhenHalfWasTaken) {
  EXPECT_EQ(Offered(8191), 8192);
  EXPECT_LE(Offered(4096), 8192);
  EXPECT_GT(Offered(8192), 8192 - 64);
}

TEST_F(WriteBytesTest, HalveWhenLessThanHalfWasTaken) {
  EXPECT_EQ(Offered(4096 - 64), 8192);
  EXPECT_EQ(Offered(4096), 4096);
}

TEST_F(WriteBytesTest, NeverFallBelow2048) {
  Offered(64);
  for (int i = 0; i < 8; ++i) EXPECT_EQ(Offered(64), 4096);
}

TEST_F(WriteBytesTest, StayWhenTheSinkIsFull) {
  for (int i = 0; i < 8; ++i) EXPECT_EQ(Offered(0), 8192);
}

TEST_F(OutboundBufferTest, WhatIsLeftOfALargePieceDoesNotRaiseTheWriteBytes) {
  OutboundOptions options;
  options.initial_write_bytes = 2048;
  options.max_writes = 1;
  OutboundBuffer out(std::move(options));
  out.Add(Message(1 << 20));
  for (int i = 0; i < 4096; ++i) out.Add(Message(1));
  out.AddFlush();
  sink_.ThenTake(1000);
  EXPECT_FALSE(*out.WriteTo(sink_));
  out.RemoveBytes((1 << 20) - 1000);
  sink_.ThenTake(1);
  EXPECT_FALSE(*out.WriteTo(sink_));
  EXPECT_EQ(sink_.calls().back().pieces, 1024);
  EXPECT_EQ(GatheredFrom(out, 5000).size(), 4095);
}

TEST_F(OutboundBufferTest, AnErrorLeavesWhatIsQueued) {
  OutboundBuffer out(OutboundOptions{});
  out.Add(Message("abc"), Note("1"));
  out.Add(Message("def"), Note("2"));
  out.AddFlush();
  sink_.ThenTake(4);
  sink_.ThenFail(absl::UnavailableError("reset"));
  EXPECT_EQ(out.WriteTo(sink_).status(), absl::UnavailableError("reset"));
  EXPECT_EQ(ended_.size(), 1);
  EXPECT_EQ(out.unwritten_bytes(), 2);
  EXPECT_EQ(out.flushed_size(), 1);
  EXPECT_TRUE(*out.WriteTo(sink_));
  EXPECT_EQ(sink_.received(), "abcdef");
}

TEST_F(OutboundBufferTest, ATransportMayWriteByItself) {
  OutboundBuffer out(OutboundOptions{});
  out.Add(Message(""), Note("0"));
  out.Add(Composite({"ab", "cd"}), Note("1"));
  out.Add(Message("ef"), Note("2"));
  out.Add(Message(""), Note("3"));
  out.AddFlush();
  EXPECT_EQ(GatheredFrom(out, 8), Sizes({2, 2, 2}));
  out.RemoveBytes(0);
  EXPECT_EQ(ended_.size(), 1);
  out.RemoveBytes(3);
  EXPECT_EQ(GatheredFrom(out, 8), Sizes({1, 2}));
  out.RemoveBytes(1);
  EXPECT_EQ(ended_.size(), 2);
  EXPECT_EQ(GatheredFrom(out, 8), Sizes({2}));
  out.RemoveBytes(2);
  EXPECT_EQ(ended_.size(), 4);
  EXPECT_TRUE(out.empty());
}

TEST_F(OutboundBufferTest, CancelsWhatIsNotFlushed) {
  OutboundBuffer out(OutboundOptions{});
  const uint64_t first = out.Add(Message("a"), Note("1"));
  out.AddFlush();
  const uint64_t second = out.Add(Message("bc"), Note("2"));
  EXPECT_FALSE(out.Cancel(first));
  EXPECT_FALSE(out.Cancel(0));
  EXPECT_FALSE(out.Cancel(second + 1));
  EXPECT_TRUE(out.Cancel(second));
  EXPECT_FALSE(out.Cancel(second));
  EXPECT_EQ(ended_,
            std::vector<Ended>({{"2", "the message was cancelled", "bc"}}));
  EXPECT_EQ(out.size(), 1);
  EXPECT_EQ(out.pending_bytes(), 1 + kOverhead);
  EXPECT_TRUE(*out.WriteTo(sink_));
  EXPECT_FALSE(out.Cancel(first));
  EXPECT_EQ(sink_.received(), "a");
}

TEST_F(OutboundBufferTest, CancellingAllLeavesNothing) {
  OutboundBuffer out(OutboundOptions{});
  std::vector<uint64_t> messages;
  for (int i = 0; i < 100; ++i) messages.push_back(out.Add(Message("x")));
  for (int i = 99; i >= 0; --i) {
    EXPECT_TRUE(out.Cancel(messages[i]));
    out.CheckInvariants();
  }
  EXPECT_TRUE(out.empty());
  EXPECT_EQ(maker_.pool()->Stats().pinned_bytes, 0);
  out.AddFlush();
  EXPECT_TRUE(*out.WriteTo(sink_));
}

TEST_F(OutboundBufferTest, SaysWhatTheSinkHoldsToNobodyWithoutARegistry) {
  OutboundBuffer out(OutboundOptions{});
  sink_.set_held_bytes(5);
  EXPECT_TRUE(*out.WriteTo(sink_));
  EXPECT_FALSE(out.channel().registered());
}

}  // namespace
}  // namespace poolscope
