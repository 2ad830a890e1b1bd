#include "poolscope/allocator/outbound/admission.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/allocator/outbound/admission_policy.h"
#include "poolscope/allocator/outbound/channel_registry.h"
#include "poolscope/allocator/outbound/memory_sink.h"
#include "poolscope/allocator/outbound/outbound_buffer.h"
#include "poolscope/allocator/outbound/outbound_failure.h"
#include "poolscope/allocator/outbound/outbound_stats.h"

namespace poolscope {
namespace {

using Outcome = Admission::Outcome;

// A message that has ended.
struct End {
  std::string text;
  absl::Status status;
};

class AdmissionTest : public testing::Test {
 protected:
  void SetUp() override {
    auto allocator = BufferAllocator::Unpooled(UnpooledOptions());
    ASSERT_TRUE(allocator.ok()) << allocator.status();
    allocator_ = *std::move(allocator);
  }

  void Start(AdmissionOptions options) {
    policy_ = options.policy;
    ChannelDescription description;
    description.group = "test";
    description.policy = options.policy;
    auto channel = registry_.Register(std::move(description));
    ASSERT_TRUE(channel.ok()) << channel.status();
    out_.emplace(OutboundOptions(), *std::move(channel));
    admission_.emplace(options, &*out_);
  }
  void TearDown() override {
    admission_.reset();
    out_.reset();
    // Nothing is kept by anyone.
    EXPECT_EQ(allocator_->Stats().pinned_bytes, 0u);
  }

  Buffer Message(const std::string& text) {
    auto buffer = allocator_->CopyOf(text);
    EXPECT_TRUE(buffer.ok()) << buffer.status();
    return *std::move(buffer);
  }
  Outcome Offer(const std::string& text) {
    return admission_->Offer(Message(text), [this](const absl::Status& status,
                                                   Buffer message) {
      ended_.push_back({message.ReadString(message.readable_bytes()), status});
    });
  }

  void MakeUnwritable() { out_->SetUserFlag(1, false); }
  void MakeWritable() { out_->SetUserFlag(1, true); }
  // What is in the buffer, in order.
  std::string Written() {
    MemorySink sink;
    out_->AddFlush();
    EXPECT_TRUE(out_->WriteTo(sink).ok());
    return sink.received();
  }

  OutboundGroupStats Stats() { return registry_.Stats().groups[0]; }
  uint64_t rejected() {
    return Stats().rejected_messages[static_cast<int>(policy_)];
  }
  // The texts of what was given back with an error.
  std::vector<std::string> Failed() {
    std::vector<std::string> failed;
    for (const End& end : ended_) {
      if (!end.status.ok()) failed.push_back(end.text);
    }
    return failed;
  }

  std::unique_ptr<BufferAllocator> allocator_;
  ChannelRegistry registry_;
  AdmissionPolicy policy_ = AdmissionPolicy::kQueue;
  std::vector<End> ended_;
  std::optional<OutboundBuffer> out_;
  std::optional<Admission> admission_;
};

using Texts = std::vector<std::string>;

// ------------------------------------------------------------------- policies

class AdmissionOfEachPolicyTest
    : public AdmissionTest,
      public testing::WithParamInterface<AdmissionPolicy> {};

TEST_P(AdmissionOfEachPolicyTest, AWritableChannelTakesEveryMessage) {
  Start({GetParam()});
  for (const char* text : {"a", "b", "c"}) {
    EXPECT_EQ(Offer(text), Outcome::kAdded);
  }
  EXPECT_EQ(out_->size(), 3u);
  EXPECT_EQ(Written(), "abc");
  EXPECT_EQ(rejected(), 0u);
  EXPECT_FALSE(admission_->close_wanted());
  ASSERT_EQ(ended_.size(), 3u);
  EXPECT_TRUE(ended_[2].status.ok());
}

TEST_P(AdmissionOfEachPolicyTest, NothingIsUnbounded) {
  AdmissionOptions options;
  options.policy = GetParam();
  options.max_messages = 10;
  options.max_bytes = 100;
  Start(options);
  MakeUnwritable();
  const std::string text(7, 'x');
  for (int i = 0; i < 1000; ++i) {
    Offer(text);
    ASSERT_LE(admission_->queued_messages(), 10u);
    ASSERT_LE(admission_->queued_bytes(), 100u);
    ASSERT_EQ(out_->size(), 0u);
    // Each waits or has been counted.
    ASSERT_EQ(admission_->queued_messages() + rejected(), i + 1u);
    ASSERT_EQ(ended_.size(), rejected());
  }
}

TEST_P(AdmissionOfEachPolicyTest, WhatComesAfterCloseIsRejectedAndCounted) {
  Start({GetParam()});
  admission_->Close(absl::UnavailableError("gone"));
  EXPECT_EQ(Offer("a"), Outcome::kRejected);
  ASSERT_EQ(Failed(), Texts{"a"});
  EXPECT_EQ(ended_[0].status, absl::UnavailableError("gone"));
  EXPECT_EQ(rejected(), 1u);
  EXPECT_FALSE(admission_->close_wanted());
}

TEST_P(AdmissionOfEachPolicyTest,
       WhatComesAfterTheBufferClosedIsRejectedAndCounted) {
  Start({GetParam()});
  out_->Close(OutboundFailure::kClosed, absl::UnavailableError("shut"));
  EXPECT_EQ(Offer("a"), Outcome::kRejected);
  ASSERT_EQ(Failed(), Texts{"a"});
  EXPECT_EQ(ended_[0].status, absl::UnavailableError("shut"));
  EXPECT_EQ(rejected(), 1u);
  EXPECT_EQ(Stats().queued_bytes, 0u);
}

INSTANTIATE_TEST_SUITE_P(
    Policies, AdmissionOfEachPolicyTest,
    testing::Values(AdmissionPolicy::kQueue, AdmissionPolicy::kReject,
                    AdmissionPolicy::kClose),
    [](const testing::TestParamInfo<AdmissionPolicy>& info) {
      return std::string(AdmissionPolicyName(info.param));
    });

TEST_F(AdmissionTest, RejectRejectsWhileUnwritable) {
  Start({AdmissionPolicy::kReject});
  MakeUnwritable();
  EXPECT_EQ(Offer("a"), Outcome::kRejected);
  EXPECT_EQ(Offer("b"), Outcome::kRejected);
  ASSERT_EQ(Failed(), (Texts{"a", "b"}));
  EXPECT_EQ(ended_[0].status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(rejected(), 2u);
  EXPECT_FALSE(admission_->close_wanted());
  MakeWritable();
  EXPECT_EQ(Offer("c"), Outcome::kAdded);
  EXPECT_EQ(Written(), "c");
}

TEST_F(AdmissionTest, CloseRejectsAndWantsTheChannelClosed) {
  Start({AdmissionPolicy::kClose});
  EXPECT_EQ(Offer("a"), Outcome::kAdded);
  MakeUnwritable();
  EXPECT_FALSE(admission_->close_wanted());
  EXPECT_EQ(Offer("b"), Outcome::kRejected);
  EXPECT_TRUE(admission_->close_wanted());
  // Nothing goes out behind the gap.
  MakeWritable();
  EXPECT_EQ(Offer("c"), Outcome::kRejected);
  EXPECT_EQ(Failed(), (Texts{"b", "c"}));
  EXPECT_EQ(rejected(), 2u);
  EXPECT_EQ(Written(), "a");
}

TEST_F(AdmissionTest, RejectionsAreCountedUnderTheirPolicyAlone) {
  Start({AdmissionPolicy::kReject});
  MakeUnwritable();
  Offer("a");
  EXPECT_EQ(Stats().rejected_messages,
            (std::array<uint64_t, kAdmissionPolicyCount>{0, 1, 0}));
}

TEST_F(AdmissionTest, AMessageNeedNoCallback) {
  Start({AdmissionPolicy::kReject});
  MakeUnwritable();
  EXPECT_EQ(admission_->Offer(Message("a")), Outcome::kRejected);
}

// ------------------------------------------------------------------ the queue

TEST_F(AdmissionTest, TheQueueHoldsSoManyMessages) {
  AdmissionOptions options;
  options.max_messages = 3;
  Start(options);
  MakeUnwritable();
  EXPECT_EQ(Offer("a"), Outcome::kQueued);
  EXPECT_EQ(Offer("b"), Outcome::kQueued);
  EXPECT_EQ(Offer("c"), Outcome::kQueued);
  EXPECT_EQ(Offer("d"), Outcome::kRejected);
  ASSERT_EQ(Failed(), Texts{"d"});
  EXPECT_TRUE(absl::StrContains(ended_[0].status.message(),
                                "3 messages of 3 bytes wait, at most 3"))
      << ended_[0].status;
  EXPECT_EQ(rejected(), 1u);
  EXPECT_EQ(admission_->queued_messages(), 3u);
}

TEST_F(AdmissionTest, TheQueueHoldsSoManyBytes) {
  AdmissionOptions options;
  options.max_bytes = 10;
  for (const auto& [last, expected] :
       {std::pair(std::string(3, 'x'), Outcome::kQueued),
        std::pair(std::string(4, 'x'), Outcome::kQueued),
        std::pair(std::string(5, 'x'), Outcome::kRejected)}) {
    admission_.reset();
    Start(options);
    MakeUnwritable();
    EXPECT_EQ(Offer("123456"), Outcome::kQueued);
    EXPECT_EQ(Offer(last), expected) << last;
    // A smaller one that would fit does not pass what waits, but joins it.
    EXPECT_EQ(Offer(""), Outcome::kQueued);
  }
}

TEST_F(AdmissionTest, OneMessageAlwaysFitsAnEmptyQueue) {
  AdmissionOptions options;
  options.max_messages = 0;
  options.max_bytes = 3;
  Start(options);
  MakeUnwritable();
  EXPECT_EQ(Offer("12345"), Outcome::kQueued);
  EXPECT_EQ(admission_->queued_bytes(), 5u);
  EXPECT_EQ(Offer(""), Outcome::kRejected);
  EXPECT_EQ(Offer("1"), Outcome::kRejected);
  MakeWritable();
  EXPECT_FALSE(admission_->Drain(1));
  MakeUnwritable();
  EXPECT_EQ(Offer("12345"), Outcome::kQueued);
}

TEST_F(AdmissionTest, ALargeMessageLeavesNoRoomBesideIt) {
  AdmissionOptions options;
  options.max_bytes = 3;
  Start(options);
  MakeUnwritable();
  EXPECT_EQ(Offer("12345"), Outcome::kQueued);
  EXPECT_EQ(Offer(""), Outcome::kRejected);
}

TEST_F(AdmissionTest, NothingPassesWhatWaits) {
  Start({});
  EXPECT_EQ(Offer("a"), Outcome::kAdded);
  MakeUnwritable();
  EXPECT_EQ(Offer("b"), Outcome::kQueued);
  MakeWritable();
  EXPECT_EQ(Offer("c"), Outcome::kQueued);
  EXPECT_TRUE(admission_->Drain(1));
  EXPECT_EQ(Offer("d"), Outcome::kQueued);
  EXPECT_FALSE(admission_->Drain(100));
  EXPECT_EQ(Offer("e"), Outcome::kAdded);
  EXPECT_EQ(Written(), "abcde");
}

TEST_F(AdmissionTest, DrainsAtMostSoManyATurn) {
  Start({});
  MakeUnwritable();
  for (const char* text : {"a", "b", "c", "d", "e"}) Offer(text);
  EXPECT_FALSE(admission_->Drain(2));  // unwritable
  EXPECT_EQ(out_->size(), 0u);
  MakeWritable();
  EXPECT_TRUE(admission_->Drain(0));
  EXPECT_EQ(out_->size(), 0u);
  EXPECT_TRUE(admission_->Drain(4));
  EXPECT_EQ(out_->size(), 4u);
  EXPECT_FALSE(admission_->Drain(4));
  EXPECT_EQ(Written(), "abcde");
  EXPECT_EQ(admission_->queued_messages(), 0u);
  EXPECT_EQ(admission_->queued_bytes(), 0u);
}

TEST_F(AdmissionTest, DrainsOnlyWhileTheBufferIsWritable) {
  Start({});
  MakeUnwritable();
  // Together above the high watermark of 64 KiB.
  const std::string text(40 << 10, 'x');
  for (int i = 0; i < 4; ++i) EXPECT_EQ(Offer(text), Outcome::kQueued);
  MakeWritable();
  EXPECT_FALSE(admission_->Drain(100));
  EXPECT_FALSE(out_->writable());
  EXPECT_EQ(out_->size(), 2u);
  EXPECT_EQ(admission_->queued_messages(), 2u);
}

TEST_F(AdmissionTest, TheRegistryShowsWhatWaits) {
  Start({});
  MakeUnwritable();
  Offer("a");
  Offer("bc");
  EXPECT_EQ(Stats().admission_queue_messages, 2u);
  EXPECT_EQ(Stats().admission_queue_bytes, 3u);
  // It is not pending yet.
  EXPECT_EQ(Stats().queued_bytes, 0u);
  MakeWritable();
  admission_->Drain(1);
  EXPECT_EQ(Stats().admission_queue_messages, 1u);
  EXPECT_EQ(Stats().admission_queue_bytes, 2u);
  EXPECT_EQ(Stats().queued_bytes, 1u);
  admission_->Close(absl::UnavailableError("gone"));
  EXPECT_EQ(Stats().admission_queue_messages, 0u);
  EXPECT_EQ(Stats().admission_queue_bytes, 0u);
}

// ------------------------------------------------------------- ends, callbacks

TEST_F(AdmissionTest, CloseFailsWhatWaitsInOrder) {
  Start({});
  MakeUnwritable();
  Offer("a");
  Offer("b");
  admission_->Close(absl::UnavailableError("gone"));
  ASSERT_EQ(Failed(), (Texts{"a", "b"}));
  EXPECT_EQ(ended_[1].status, absl::UnavailableError("gone"));
  EXPECT_EQ(rejected(), 2u);
  admission_->Close(absl::UnavailableError("again"));
  EXPECT_EQ(ended_.size(), 2u);
  MakeWritable();
  EXPECT_FALSE(admission_->Drain(10));
}

TEST_F(AdmissionTest, WhatWaitsFailsBeforeWhatComesAfterTheBufferClosed) {
  Start({});
  MakeUnwritable();
  Offer("a");
  Offer("b");
  out_->Close(OutboundFailure::kClosed, absl::UnavailableError("shut"));
  EXPECT_EQ(Offer("c"), Outcome::kRejected);
  EXPECT_EQ(Failed(), (Texts{"a", "b", "c"}));
  EXPECT_EQ(admission_->queued_messages(), 0u);
  EXPECT_EQ(rejected(), 3u);
}

TEST_F(AdmissionTest, ItsEndFailsWhatWaits) {
  Start({});
  MakeUnwritable();
  Offer("a");
  admission_.reset();
  ASSERT_EQ(Failed(), Texts{"a"});
  EXPECT_EQ(ended_[0].status.code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(rejected(), 1u);
}

TEST_F(AdmissionTest, ARejectedMessageMayBeOfferedAgain) {
  AdmissionOptions options;
  options.max_messages = 1;
  Start(options);
  MakeUnwritable();
  EXPECT_EQ(Offer("a"), Outcome::kQueued);
  // It makes room for itself.
  std::vector<Outcome> again;
  EXPECT_EQ(admission_->Offer(Message("b"),
                              [&](const absl::Status& status, Buffer message) {
                                EXPECT_EQ(status.code(),
                                          absl::StatusCode::kResourceExhausted);
                                MakeWritable();
                                admission_->Drain(1);
                                again.push_back(
                                    admission_->Offer(std::move(message)));
                              }),
            Outcome::kRejected);
  EXPECT_EQ(again, std::vector<Outcome>{Outcome::kAdded});
  EXPECT_EQ(Written(), "ab");
}

TEST_F(AdmissionTest, WhatIsOfferedWhileItClosesIsRejected) {
  Start({});
  MakeUnwritable();
  std::vector<Outcome> again;
  for (const char* text : {"a", "b"}) {
    admission_->Offer(Message(text), [&](const absl::Status&, Buffer message) {
      EXPECT_EQ(admission_->queued_messages(), 0u);
      admission_->Close(absl::UnavailableError("again"));
      EXPECT_FALSE(admission_->Drain(1));
      again.push_back(admission_->Offer(std::move(message)));
    });
  }
  admission_->Close(absl::UnavailableError("gone"));
  EXPECT_EQ(again,
            (std::vector<Outcome>{Outcome::kRejected, Outcome::kRejected}));
  EXPECT_EQ(rejected(), 4u);
}

TEST_F(AdmissionTest, WhatIsOfferedWhenItBecomesUnwritableGoesBehind) {
  // The buffer tells of its state amid Drain().
  OutboundOptions options;
  options.watermarks = {100, 200};
  options.on_writability = [this](bool writable) {
    EXPECT_EQ(Offer(writable ? "+" : "-"), Outcome::kQueued);
  };
  out_.emplace(options);
  admission_.emplace(AdmissionOptions(), &*out_);
  for (const char* text : {"a", "b"}) {
    EXPECT_EQ(Offer(text), Outcome::kAdded);
  }
  EXPECT_EQ(Offer("c"), Outcome::kAdded);  // 3 * 97 bytes, above 200
  EXPECT_EQ(admission_->queued_messages(), 1u);
  EXPECT_EQ(Offer("d"), Outcome::kQueued);
  EXPECT_EQ(Written(), "abc");
  EXPECT_FALSE(admission_->Drain(100));  // three, unwritable again
  EXPECT_EQ(Written(), "-d+");
  while (admission_->queued_messages() > 0 && ended_.size() < 20) {
    admission_->Drain(100);
    Written();
  }
  admission_->Close(absl::UnavailableError("done"));
}

TEST_F(AdmissionTest, ABufferThatIsNotOpenIsRefused) {
  Start({});
  EXPECT_DEATH(admission_->Offer(Buffer()), "not open");
}

}  // namespace
}  // namespace poolscope
