// Random operations on an OutboundBuffer and on a model of it, side by side.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/base/clock.h"
#include "poolscope/allocator/outbound/channel_registry.h"
#include "poolscope/allocator/outbound/memory_sink.h"
#include "poolscope/allocator/outbound/outbound_buffer.h"
#include "poolscope/allocator/outbound/outbound_failure.h"
#include "poolscope/allocator/outbound/outbound_stats.h"
#include "poolscope/tests/allocator/buffer/buffer_kinds.h"
#include "poolscope/tests/allocator/outbound/outbound_model.h"

namespace poolscope {
namespace {

class OutboundBufferTraceTest : public testing::TestWithParam<int> {
 protected:
  OutboundBufferTraceTest() : random_(GetParam()) {
    const uint64_t low = 1 + UpTo(4000);
    limits_.watermarks = {low, low + (Chance(2) ? 0 : UpTo(4000))};
    limits_.max_iovecs = Chance(2) ? 1024 : 1 + UpTo(8);
    limits_.initial_write_bytes = 2048 + UpTo(4000);
    limits_.max_writes = 1 + static_cast<int>(UpTo(16));
    limits_.clock = &clock_;
    model_.emplace(limits_);
    OutboundOptions options;
    options.watermarks = limits_.watermarks;
    options.max_iovecs = static_cast<int>(limits_.max_iovecs);
    options.initial_write_bytes = limits_.initial_write_bytes;
    options.max_writes = limits_.max_writes;
    options.clock = &clock_;
    options.on_writability = [this](bool writable) {
      CheckAccounts();
      log_.push_back(
          absl::StrCat(writable ? "+ " : "- ", out_->pending_bytes()));
    };
    out_.emplace(std::move(options), *registry_.Register({"g", "c", ""}));
  }

  uint64_t UpTo(uint64_t most) { return random_() % (most + 1); }
  bool Chance(int one_in) { return random_() % one_in == 0; }

  // The name of the failure, which is the message of those made here.
  static std::string Reason(const absl::Status& status) {
    return status.code() == absl::StatusCode::kCancelled
               ? "cancelled"
               : std::string(status.message());
  }

  Buffer Make(const ModelMessage& message) {
    if (message.pieces.size() == 1) {
      return Must(maker_.pooled().CopyOf(message.pieces[0]));
    }
    std::vector<Buffer> parts;
    for (const std::string& piece : message.pieces) {
      parts.push_back(Must(maker_.unpooled().CopyOf(piece)));
    }
    return Must(maker_.unpooled().Compose(std::move(parts)));
  }

  uint64_t AddReal(const ModelMessage& message) {
    const uint64_t id = next_id_++;
    OutboundBuffer::Done done = nullptr;
    if (message.tells) {
      done = [this, id, then = message.then](const absl::Status& status,
                                             Buffer back) {
        EXPECT_TRUE(back.is_open());
        CheckAccounts();
        log_.push_back(
            absl::StrCat(id, " ", status.ok() ? "ok" : Reason(status)));
        if (then == Then::kAdd || then == Then::kAddAndFlush) {
          AddReal(FollowUp(id));
        }
        if (then == Then::kAddAndFlush) out_->AddFlush();
        if (then == Then::kCancelNewest) CancelNewest();
      };
    }
    return out_->Add(Make(message), std::move(done));
  }
  // The last of all that wait, unless it is flushed: then all are. No number is
  // above that of the last id.
  void CancelNewest() {
    for (uint64_t number = next_id_; number > 0; --number) {
      if (out_->Cancel(number)) return;
    }
  }

  // At any time, also in a callback: the registry has what the buffer has.
  void CheckAccounts() {
    out_->CheckInvariants();
    const OutboundGroupStats group = registry_.Stats().groups[0];
    uint64_t failed = 0;
    for (const uint64_t bytes : group.failed_bytes) failed += bytes;
    EXPECT_EQ(group.pending_bytes, out_->unwritten_bytes());
    EXPECT_EQ(group.pending_messages, out_->size());
    EXPECT_EQ(group.queued_bytes,
              group.written_bytes + failed + group.pending_bytes);
    EXPECT_EQ(group.unwritable_channels,
              out_->closed() ? group.unwritable_channels : !out_->writable());
  }

  void CompareWithModel() {
    CheckAccounts();
    ASSERT_EQ(log_, model_->log());
    ASSERT_EQ(out_->pending_bytes(), model_->pending_bytes());
    ASSERT_EQ(out_->unwritten_bytes(), model_->unwritten_bytes());
    ASSERT_EQ(out_->size(), model_->size());
    ASSERT_EQ(out_->flushed_size(), model_->flushed_size());
    ASSERT_EQ(out_->writable(), model_->writable());
    const OutboundGroupStats group = registry_.Stats().groups[0];
    ASSERT_EQ(group.queued_bytes, model_->queued_bytes());
    ASSERT_EQ(group.written_bytes, model_->received().size());
    for (int i = 0; i < kOutboundFailureCount; ++i) {
      ASSERT_EQ(group.failed_bytes[i],
                model_->failed_bytes(static_cast<OutboundFailure>(i)));
    }
    const int64_t oldest = model_->oldest_nanos();
    ASSERT_DOUBLE_EQ(group.oldest_message_age_seconds,
                     oldest == 0 ? 0 : (clock_.NowNanos() - oldest) * 1e-9);
  }

  void Step() {
    const uint64_t operation = UpTo(99);
    if (operation < 40) {
      Add();
    } else if (operation < 50) {
      out_->AddFlush();
      model_->AddFlush();
    } else if (operation < 62) {
      const uint64_t number = next_id_ - std::min(next_id_, UpTo(20));
      ASSERT_EQ(out_->Cancel(number), model_->Cancel(number));
    } else if (operation < 85) {
      Write();
    } else if (operation < 90) {
      Remove();
    } else if (operation < 94) {
      const int index = 1 + static_cast<int>(UpTo(2));
      const bool on = !Chance(3);
      out_->SetUserFlag(index, on);
      model_->SetUserFlag(index, on);
    } else if (operation < 99) {
      clock_.Advance(absl::Milliseconds(UpTo(1000)));
    } else {
      const auto failure = static_cast<OutboundFailure>(UpTo(2));
      out_->FailFlushed(failure,
                        absl::AbortedError(OutboundFailureName(failure)));
      model_->FailFlushed(failure);
    }
  }

  void Add() {
    ModelMessage message;
    message.pieces.resize(Chance(3) ? UpTo(12) : 1);
    for (std::string& piece : message.pieces) {
      piece.assign(Chance(5) ? 0 : UpTo(Chance(8) ? 6000 : 300), '\0');
      for (char& byte : piece) byte = static_cast<char>(random_());
    }
    message.tells = !Chance(3);
    if (Chance(3)) message.then = static_cast<Then>(UpTo(3));
    const uint64_t number = AddReal(message);
    ASSERT_EQ(number, model_->Add(message));
  }

  void Write() {
    std::vector<ModelStep> script(UpTo(4));
    MemorySink sink;
    for (ModelStep& step : script) {
      step.fails = Chance(16);
      step.bytes = Chance(5) ? 0 : UpTo(Chance(4) ? 10000 : 600);
      if (step.fails) {
        sink.ThenFail(absl::UnavailableError("by script"));
      } else {
        sink.ThenTake(step.bytes);
      }
    }
    const absl::StatusOr<bool> all = out_->WriteTo(sink);
    received_ += sink.received();
    using Written = OutboundModel::Written;
    const Written written = !all.ok()            ? Written::kError
                            : *all               ? Written::kAll
                            : out_->needs_turn() ? Written::kTurn
                                                 : Written::kFull;
    ASSERT_EQ(written, model_->Write(script));
    ASSERT_TRUE(received_ == model_->received());
  }

  // As a transport does that writes by itself.
  void Remove() {
    std::vector<iovec> pieces(1 + UpTo(5));
    const size_t count = out_->Gather(absl::MakeSpan(pieces), UpTo(2000));
    std::string gathered;
    for (size_t i = 0; i < count; ++i) {
      gathered.append(static_cast<const char*>(pieces[i].iov_base),
                      pieces[i].iov_len);
    }
    gathered.resize(UpTo(gathered.size()));
    received_ += gathered;
    out_->RemoveBytes(gathered.size());
    model_->RemoveBytes(gathered.size());
    ASSERT_TRUE(received_ == model_->received());
  }

  std::mt19937 random_;
  BufferMaker maker_;
  SimulatedClock clock_;
  ChannelRegistry registry_{&clock_};
  OutboundModel::Limits limits_;
  std::optional<OutboundModel> model_;
  std::optional<OutboundBuffer> out_;
  std::string received_;
  std::vector<std::string> log_;
  uint64_t next_id_ = 1;
};

INSTANTIATE_TEST_SUITE_P(Seeds, OutboundBufferTraceTest, testing::Range(1, 33));

TEST_P(OutboundBufferTraceTest, DoesWhatTheModelDoes) {
  for (int step = 0; step < 2000; ++step) {
    Step();
    if (!HasFailure()) CompareWithModel();
    if (HasFailure()) FAIL() << "at step " << step;
  }
  // The trace did something worth its name.
  EXPECT_GT(received_.size(), 10'000);
  EXPECT_GT(log_.size(), 100);

  const auto failure = static_cast<OutboundFailure>(UpTo(2));
  out_->Close(failure, absl::AbortedError(OutboundFailureName(failure)));
  model_->Close(failure);
  CompareWithModel();
  for (int i = 0; i < 10; ++i) Add();
  CompareWithModel();
  out_.reset();
}

}  // namespace
}  // namespace poolscope
