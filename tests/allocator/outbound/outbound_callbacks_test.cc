// Who is told what, when; failures; broken rules.
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/outbound/channel_registry.h"
#include "poolscope/allocator/outbound/memory_sink.h"
#include "poolscope/allocator/outbound/outbound_buffer.h"
#include "poolscope/allocator/outbound/outbound_failure.h"
#include "poolscope/allocator/outbound/outbound_sink.h"
#include "poolscope/allocator/outbound/outbound_stats.h"
#include "poolscope/tests/allocator/buffer/buffer_kinds.h"

namespace poolscope {
namespace {

constexpr uint64_t kOverhead = OutboundBuffer::kEntryOverheadBytes;

// Everything that is told goes to `log_`: "+" and "-" for writability, a name
// and a status's first word for a message.
class OutboundCallbacksTest : public testing::Test {
 protected:
  using Log = std::vector<std::string>;

  void Make(Watermarks watermarks = Watermarks()) {
    OutboundOptions options;
    options.watermarks = watermarks;
    options.on_writability = [this](bool writable) {
      EXPECT_EQ(out_->writable(), writable);
      out_->CheckInvariants();
      log_.push_back(writable ? "+" : "-");
      if (on_writability_) on_writability_(writable);
    };
    out_.emplace(std::move(options));
  }

  Buffer Message(absl::string_view bytes) {
    return Must(maker_.pooled().CopyOf(bytes));
  }
  Buffer Message(size_t size) { return Message(std::string(size, 'x')); }

  OutboundBuffer::Done Note(std::string name,
                            std::function<void()> then = nullptr) {
    return [this, name, then](const absl::Status& status, Buffer) {
      out_->CheckInvariants();
      log_.push_back(status.ok() ? name
                                 : absl::StrCat(name, " ", status.message()));
      if (then) then();
    };
  }

  BufferMaker maker_;
  MemorySink sink_;
  Log log_;
  std::function<void(bool)> on_writability_;
  std::optional<OutboundBuffer> out_;
};

TEST_F(OutboundCallbacksTest, WritabilityFollowsTheWatermarks) {  // Netty's
  Make({128 + kOverhead, 256 + kOverhead});
  out_->Add(Message(128));
  out_->Add(Message(2));
  EXPECT_EQ(log_, Log());
  EXPECT_EQ(out_->BytesBeforeUnwritable(),
            256 + kOverhead - 130 - 2 * kOverhead + 1);
  out_->Add(Message(127));
  EXPECT_EQ(log_, Log({"-"}));
  EXPECT_EQ(out_->BytesBeforeUnwritable(), 0);
  EXPECT_EQ(out_->BytesBeforeWritable(),
            out_->pending_bytes() - 128 - kOverhead + 1);
  out_->AddFlush();
  out_->RemoveBytes(128);
  EXPECT_EQ(log_, Log({"-"}));
  out_->RemoveBytes(2);
  EXPECT_EQ(log_, Log({"-", "+"}));
  EXPECT_EQ(out_->pending_bytes(), 223);
}

TEST_F(OutboundCallbacksTest, UserFlagsAreTold) {  // Netty's
  Make();
  out_->SetUserFlag(1, false);
  EXPECT_EQ(log_, Log({"-"}));
  out_->SetUserFlag(2, false);
  out_->SetUserFlag(1, true);
  EXPECT_EQ(log_, Log({"-"}));
  EXPECT_TRUE(out_->user_flag(1));
  EXPECT_FALSE(out_->user_flag(2));
  out_->SetUserFlag(2, true);
  EXPECT_EQ(log_, Log({"-", "+"}));
}

TEST_F(OutboundCallbacksTest,
       WhatTheSinkTookPartlyIsStillPendingAsNettyCounts) {
  Make({100, 100});
  out_->Add(Message(10));
  EXPECT_EQ(log_, Log({"-"}));
  out_->AddFlush();
  out_->RemoveBytes(9);
  EXPECT_EQ(out_->pending_bytes(), 106);
  EXPECT_EQ(out_->unwritten_bytes(), 1);
  EXPECT_EQ(log_, Log({"-"}));
  out_->RemoveBytes(1);
  EXPECT_EQ(log_, Log({"-", "+"}));
}

TEST_F(OutboundCallbacksTest, CancellingMakesWritable) {
  Make({100, 100});
  const uint64_t message = out_->Add(Message(10), Note("1"));
  EXPECT_TRUE(out_->Cancel(message));
  EXPECT_EQ(log_, Log({"-", "+", "1 the message was cancelled"}));
}

TEST_F(OutboundCallbacksTest, MemoryIsBackWhenWritabilityIsTold) {
  Make({100, 100});
  on_writability_ = [this](bool writable) {
    EXPECT_EQ(maker_.pool()->Stats().pinned_bytes == 0, writable);
  };
  out_->Add(Message(1000));
  out_->AddFlush();
  EXPECT_TRUE(*out_->WriteTo(sink_));
  EXPECT_EQ(log_, Log({"-", "+"}));
}

TEST_F(OutboundCallbacksTest, BytesTakenAreOffAtTheFirstCallback) {
  Make();
  std::vector<size_t> left;
  const auto note = [&] {
    iovec pieces[4];
    left.push_back(out_->unwritten_bytes());
    left.push_back(out_->Gather(absl::MakeSpan(pieces), SIZE_MAX));
    left.push_back(out_->size());
  };
  out_->Add(Message("abc"), Note("1", note));
  out_->Add(Message("de"), Note("2", note));
  out_->Add(Message("fgh"), Note("3", note));
  out_->AddFlush();
  out_->RemoveBytes(6);
  EXPECT_EQ(left, std::vector<size_t>({2, 1, 2, 2, 1, 1}));
  out_->RemoveBytes(2);
  EXPECT_EQ(log_, Log({"1", "2", "3"}));
}

TEST_F(OutboundCallbacksTest, ACallbackMayAddAndFlush) {
  Make();
  int more = 20;
  // Grows the ring while a message of it ends.
  std::function<void()> again = [&] {
    if (more-- <= 0) return;
    out_->Add(Message("x"), Note("again", again));
    out_->Add(Message("y"));
    out_->AddFlush();
  };
  out_->Add(Message("a"), Note("1", again));
  out_->AddFlush();
  while (!*out_->WriteTo(sink_)) EXPECT_TRUE(out_->needs_turn());
  EXPECT_EQ(sink_.received().size(), 41);
  EXPECT_EQ(log_.size(), 21);
  EXPECT_TRUE(out_->empty());
}

TEST_F(OutboundCallbacksTest, EmptyMessagesOfCallbacksWaitForTheNextTurn) {
  Make();
  const auto again = [this] {
    out_->Add(Message(""), Note("again"));
    out_->AddFlush();
  };
  out_->Add(Message("a"), Note("1", again));
  out_->AddFlush();
  EXPECT_FALSE(*out_->WriteTo(sink_));
  EXPECT_TRUE(out_->needs_turn());
  EXPECT_EQ(log_, Log({"1"}));
  EXPECT_TRUE(*out_->WriteTo(sink_));
  EXPECT_EQ(log_, Log({"1", "again"}));
}

TEST_F(OutboundCallbacksTest, ACallbackMayCancel) {
  Make();
  uint64_t next = 0;
  out_->Add(Message("a"), Note("1", [&] { EXPECT_TRUE(out_->Cancel(next)); }));
  out_->AddFlush();
  next = out_->Add(Message("b"), Note("2"));
  out_->Add(Message("c"), Note("3"));
  EXPECT_TRUE(*out_->WriteTo(sink_));
  out_->AddFlush();
  EXPECT_TRUE(*out_->WriteTo(sink_));
  EXPECT_EQ(log_, Log({"1", "2 the message was cancelled", "3"}));
  EXPECT_EQ(sink_.received(), "ac");
}

TEST_F(OutboundCallbacksTest, ACallbackOfWritabilityMayAdd) {
  Make({200, 250});
  on_writability_ = [this](bool writable) {
    if (!writable) return;
    while (out_->writable()) out_->Add(Message(1));
  };
  out_->Add(Message(100), Note("1"));
  out_->Add(Message(1), Note("2"));
  EXPECT_EQ(log_, Log({"-"}));
  out_->AddFlush();
  EXPECT_TRUE(*out_->WriteTo(sink_));
  // Of two messages that are written the first makes it writable, and those
  // that come by that unwritable again.
  EXPECT_EQ(log_, Log({"-", "+", "-", "1", "+", "-", "2"}));
}

TEST_F(OutboundCallbacksTest, FailsFlushedMessagesInOrder) {
  Make();
  for (int i = 1; i <= 3; ++i) {
    out_->Add(Message("abc"), Note(absl::StrCat(i)));
  }
  out_->AddFlush();
  out_->Add(Message("rest"), Note("4"));
  sink_.ThenTake(4);
  sink_.ThenFail(absl::UnavailableError("reset"));
  EXPECT_FALSE(out_->WriteTo(sink_).ok());
  out_->FailFlushed(OutboundFailure::kTransport,
                    absl::UnavailableError("reset"));
  EXPECT_EQ(log_, Log({"1", "2 reset", "3 reset"}));
  EXPECT_EQ(out_->size(), 1);
  EXPECT_EQ(out_->unwritten_bytes(), 4);
  EXPECT_EQ(out_->pending_bytes(), 4 + kOverhead);
  out_->CheckInvariants();
  out_->AddFlush();
  EXPECT_TRUE(*out_->WriteTo(sink_));
  EXPECT_EQ(sink_.received(), "abcarest");
}

TEST_F(OutboundCallbacksTest, FailingStopsBeforeWhatCallbacksFlush) {
  Make();
  const auto again = [this] {
    out_->Add(Message("more"), Note("more"));
    out_->AddFlush();
  };
  out_->Add(Message("a"), Note("1", again));
  out_->Add(Message("b"), Note("2", again));
  out_->AddFlush();
  out_->FailFlushed(OutboundFailure::kTransport, absl::AbortedError("gone"));
  EXPECT_EQ(log_, Log({"1 gone", "2 gone"}));
  EXPECT_EQ(out_->flushed_size(), 2);
}

TEST_F(OutboundCallbacksTest, ClosingFailsAllAndRefusesFurther) {
  Make();
  const auto again = [this] {
    EXPECT_EQ(out_->Add(Message("more"), Note("more")), 0);
    EXPECT_TRUE(out_->closed());
  };
  out_->Add(Message("a"), Note("1", again));
  out_->AddFlush();
  out_->Add(Message("b"), Note("2"));
  EXPECT_FALSE(out_->closed());
  out_->Close(OutboundFailure::kClosed, absl::AbortedError("bye"));
  EXPECT_EQ(log_, Log({"1 bye", "more bye", "2 bye"}));
  EXPECT_TRUE(out_->empty());
  EXPECT_EQ(out_->pending_bytes(), 0);
  EXPECT_EQ(out_->Add(Message("c")), 0);
  out_->AddFlush();
  EXPECT_TRUE(*out_->WriteTo(sink_));
  EXPECT_EQ(sink_.received(), "");
}

TEST_F(OutboundCallbacksTest, TheFirstCloseSaysWhy) {
  Make();
  out_->Close(OutboundFailure::kTransport, absl::AbortedError("first"));
  out_->Close(OutboundFailure::kClosed, absl::AbortedError("second"));
  out_->Add(Message("c"), Note("1"));
  EXPECT_EQ(log_, Log({"1 first"}));
}

TEST_F(OutboundCallbacksTest, ClosingMakesUnwritableForEverAndIsNotTold) {
  Make({100, 100});
  EXPECT_TRUE(out_->writable());
  out_->Add(Message(10));
  EXPECT_EQ(log_, Log({"-"}));
  out_->Close(OutboundFailure::kClosed, absl::AbortedError("bye"));
  EXPECT_FALSE(out_->writable());
  EXPECT_EQ(out_->BytesBeforeUnwritable(), 0);
  out_->SetUserFlag(1, false);
  out_->SetUserFlag(1, true);
  EXPECT_EQ(log_, Log({"-"}));
}

TEST_F(OutboundCallbacksTest, ClosingIsNoTransitionOfTheRegistry) {
  ChannelRegistry registry;
  auto channel = registry.Register({"g", "c", "p"});
  ASSERT_TRUE(channel.ok()) << channel.status();
  OutboundOptions options;
  options.watermarks = {100, 100};
  OutboundBuffer out(std::move(options), *std::move(channel));
  out.Add(Message(10));
  out.Close(OutboundFailure::kClosed, absl::AbortedError("bye"));
  const OutboundGroupStats group = registry.Stats().groups[0];
  EXPECT_EQ(group.transitions_to_unwritable, 1);
  EXPECT_EQ(group.transitions_to_writable, 0);
  EXPECT_EQ(group.unwritable_channels, 1);
}

TEST_F(OutboundCallbacksTest, DestructionFailsWhatIsLeft) {
  std::string status;
  {
    OutboundBuffer out(OutboundOptions{});
    out.Add(Message("a"), [&](const absl::Status& why, Buffer message) {
      status = std::string(why.message());
      EXPECT_EQ(ReadableOf(message), "a");
    });
  }
  EXPECT_EQ(status, "the outbound buffer was destroyed");
}

class OutboundMisuseDeathTest : public OutboundCallbacksTest {};

TEST_F(OutboundMisuseDeathTest, WhatACallbackMustNotDoDies) {
  const struct {
    std::function<void()> misuse;
    const char* name;
  } cases[] = {
      {[this] { (void)out_->WriteTo(sink_); }, "WriteTo"},
      {[this] { out_->RemoveBytes(0); }, "RemoveBytes"},
      {[this] {
         out_->FailFlushed(OutboundFailure::kTransport,
                           absl::AbortedError("x"));
       },
       "FailFlushed"},
      {[this] {
         out_->Close(OutboundFailure::kClosed, absl::AbortedError("x"));
       },
       "Close"},
      {[this] { out_.reset(); }, "destruction"},
  };
  for (const auto& misuse : cases) {
    const std::string message = absl::StrCat(
        "poolscope: ", misuse.name,
        " of outbound buffer 0x[0-9a-f]+ by its own callback or sink");
    Make({100, 100});
    bool armed = true;
    const auto misuse_once = [&] {
      if (armed) misuse.misuse();
    };
    out_->Add(Message("a"), Note("1", misuse_once));
    out_->AddFlush();
    EXPECT_DEATH((void)out_->WriteTo(sink_), message);
    EXPECT_DEATH(out_->Close(OutboundFailure::kClosed, absl::AbortedError("x")),
                 message);
    on_writability_ = [&](bool) { misuse_once(); };
    EXPECT_DEATH(out_->Add(Message(100)), message);
    armed = false;
    out_.reset();
  }
}

TEST_F(OutboundMisuseDeathTest, ASinkThatWritesAgainDies) {
  class Sink final : public OutboundSink {
   public:
    explicit Sink(OutboundBuffer* out) : out_(out) {}
    absl::StatusOr<size_t> Write(absl::Span<const iovec>) override {
      return *out_->WriteTo(*this) ? 1 : 0;
    }

   private:
    OutboundBuffer* const out_;
  };
  Make();
  Sink sink(&*out_);
  out_->Add(Message("a"));
  out_->AddFlush();
  EXPECT_DEATH((void)out_->WriteTo(sink), "WriteTo of outbound buffer");
}

TEST_F(OutboundMisuseDeathTest, ASinkThatTakesMoreThanItGotDies) {
  class Sink final : public OutboundSink {
   public:
    absl::StatusOr<size_t> Write(absl::Span<const iovec>) override { return 2; }
  };
  Make();
  Sink sink;
  out_->Add(Message("a"));
  out_->AddFlush();
  EXPECT_DEATH((void)out_->WriteTo(sink), "a sink took 2 bytes of 1");
}

TEST_F(OutboundMisuseDeathTest, RemovingMoreThanIsFlushedDies) {
  Make();
  out_->Add(Message("abc"));
  EXPECT_DEATH(out_->RemoveBytes(1), "RemoveBytes of 1 bytes, of 0 that are");
  out_->AddFlush();
  out_->Add(Message("d"));
  EXPECT_DEATH(out_->RemoveBytes(4), "RemoveBytes of 4 bytes, of 3 that are");
  out_->RemoveBytes(3);
}

TEST_F(OutboundMisuseDeathTest, AddingWhatIsNotOpenDies) {
  Make();
  EXPECT_DEATH(out_->Add(Buffer()), "Add to outbound buffer 0x.* not open");
}

TEST_F(OutboundMisuseDeathTest, FailingWithoutAnErrorDies) {
  Make();
  out_->Add(Message("abc"));
  EXPECT_DEATH(out_->Close(OutboundFailure::kClosed, absl::OkStatus()),
               "messages of outbound buffer 0x.* fail with the status OK");
}

TEST_F(OutboundMisuseDeathTest, OptionsOutOfTheirBoundsDie) {
  const auto with = [](auto change) {
    OutboundOptions options;
    change(options);
    OutboundBuffer out(std::move(options));
  };
  for (const int iovecs : {0, 1025}) {
    EXPECT_DEATH(with([&](OutboundOptions& o) { o.max_iovecs = iovecs; }),
                 "max_iovecs of .*: 1 to 1024");
  }
  for (const int iovecs : {1, 1024}) {
    with([&](OutboundOptions& o) { o.max_iovecs = iovecs; });
  }
  EXPECT_DEATH(with([](OutboundOptions& o) { o.initial_write_bytes = 2047; }),
               "initial_write_bytes of 2047: at least 2048");
  with([](OutboundOptions& o) { o.initial_write_bytes = 2048; });
  EXPECT_DEATH(with([](OutboundOptions& o) { o.max_writes = 0; }),
               "max_writes of 0: at least 1");
  EXPECT_DEATH(with([](OutboundOptions& o) {
                 o.watermarks = {2, 1};
               }),
               "OutboundBuffer: watermarks of 2 and 1 bytes");
}

}  // namespace
}  // namespace poolscope
