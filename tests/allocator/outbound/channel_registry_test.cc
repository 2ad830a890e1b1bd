#include "poolscope/allocator/outbound/channel_registry.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/base/clock.h"
#include "poolscope/allocator/outbound/admission_policy.h"
#include "poolscope/allocator/outbound/outbound_failure.h"
#include "poolscope/allocator/outbound/outbound_stats.h"
#include "poolscope/allocator/outbound/registered_channel.h"
#include "poolscope/allocator/pool/pool_range.h"
#include "poolscope/tests/allocator/pool/fake_memory_source.h"

namespace poolscope {
namespace {

class ChannelRegistryTest : public testing::Test {
 protected:
  RegisteredChannel Register(std::string group, std::string name = "c",
                             std::string peer = "p") {
    absl::StatusOr<RegisteredChannel> channel = registry_.Register(
        {std::move(group), std::move(name), std::move(peer)});
    EXPECT_TRUE(channel.ok()) << channel.status();
    return channel.ok() ? *std::move(channel) : RegisteredChannel();
  }

  // The one group there is.
  OutboundGroupStats Only() const {
    const OutboundStats stats = registry_.Stats();
    EXPECT_EQ(stats.groups.size(), 1u);
    return stats.groups.empty() ? OutboundGroupStats() : stats.groups[0];
  }

  std::vector<std::string> TopNames(size_t count) const {
    std::vector<std::string> names;
    for (const ChannelStats& channel : registry_.Top(count)) {
      names.push_back(channel.name);
    }
    return names;
  }

  int64_t slabs() const { return source_.mapped(MemorySource::Use::kMetadata); }

  SimulatedClock clock_;
  FakeMemorySource source_;
  ChannelRegistry registry_{&clock_, &source_};
};

TEST_F(ChannelRegistryTest, EmptyAtFirst) {
  EXPECT_TRUE(registry_.Stats().groups.empty());
  EXPECT_TRUE(registry_.Top(10).empty());
  EXPECT_EQ(slabs(), 0);
}

TEST_F(ChannelRegistryTest, CountsBytesAndMessages) {
  RegisteredChannel channel = Register("g");
  channel.CountQueued(1000);
  channel.CountQueued(24);
  channel.CountQueued(0);
  channel.CountWritten(700);
  OutboundGroupStats group = Only();
  EXPECT_EQ(group.group, "g");
  EXPECT_EQ(group.queued_bytes, 1024u);
  EXPECT_EQ(group.written_bytes, 700u);
  EXPECT_EQ(group.pending_bytes, 324u);
  EXPECT_EQ(group.pending_messages, 3u);
  EXPECT_EQ(group.max_channel_pending_bytes, 324u);

  channel.CountWritten(300);
  channel.CountCompleted();
  channel.CountFailed(24, OutboundFailure::kTransport);
  channel.CountFailed(0, OutboundFailure::kClosed);
  group = Only();
  EXPECT_EQ(group.written_bytes, 1000u);
  EXPECT_EQ(group.failed_bytes, (std::array<uint64_t, 3>{0, 24, 0}));
  EXPECT_EQ(group.pending_bytes, 0u);
  EXPECT_EQ(group.pending_messages, 0u);
  EXPECT_EQ(group.max_channel_pending_bytes, 0u);
}

TEST_F(ChannelRegistryTest, SumsOverTheChannelsOfAGroup) {
  RegisteredChannel a = Register("g");
  RegisteredChannel b = Register("g");
  RegisteredChannel c = Register("h");
  a.CountQueued(10);
  b.CountQueued(300);
  b.CountFailed(100, OutboundFailure::kCancelled);
  c.CountQueued(5000);
  a.SetHeldBytes(7);
  b.SetHeldBytes(8);
  a.SetAdmissionQueue(2, 64);
  b.SetAdmissionQueue(3, 36);
  a.CountRejected(AdmissionPolicy::kClose);
  b.CountRejected(AdmissionPolicy::kClose);
  b.CountRejected(AdmissionPolicy::kQueue);
  const OutboundStats stats = registry_.Stats();
  ASSERT_EQ(stats.groups.size(), 2u);
  const OutboundGroupStats& g = stats.groups[0];
  EXPECT_EQ(g.group, "g");
  EXPECT_EQ(g.queued_bytes, 310u);
  EXPECT_EQ(g.failed_bytes, (std::array<uint64_t, 3>{100, 0, 0}));
  EXPECT_EQ(g.pending_bytes, 210u);
  EXPECT_EQ(g.pending_messages, 1u);
  EXPECT_EQ(g.max_channel_pending_bytes, 200u);
  EXPECT_EQ(g.held_bytes, 15u);
  EXPECT_EQ(g.admission_queue_messages, 5u);
  EXPECT_EQ(g.admission_queue_bytes, 100u);
  EXPECT_EQ(g.rejected_messages, (std::array<uint64_t, 3>{1, 0, 2}));
  EXPECT_EQ(g.writable_channels, 2u);
  EXPECT_EQ(stats.groups[1].group, "h");
  EXPECT_EQ(stats.groups[1].pending_bytes, 5000u);
  a.CountWritten(10);
  b.CountWritten(200);
  c.CountWritten(5000);
}

TEST_F(ChannelRegistryTest, AgeIsThatOfTheOldestPendingMessage) {
  RegisteredChannel a = Register("g");
  RegisteredChannel b = Register("g");
  EXPECT_EQ(Only().oldest_message_age_seconds, 0);
  a.SetOldest(clock_.NowNanos());
  clock_.Advance(absl::Seconds(2));
  b.SetOldest(clock_.NowNanos());
  clock_.Advance(absl::Seconds(3));
  EXPECT_DOUBLE_EQ(Only().oldest_message_age_seconds, 5);
  a.SetOldest(0);
  EXPECT_DOUBLE_EQ(Only().oldest_message_age_seconds, 3);
  b.SetOldest(0);
  EXPECT_EQ(Only().oldest_message_age_seconds, 0);
}

TEST_F(ChannelRegistryTest, UnwritableTimeIncludesWhatGoesOn) {
  RegisteredChannel channel = Register("g");
  const auto transition = [&](bool writable) {
    channel.CountTransition(writable, clock_.NowNanos());
  };
  transition(false);
  clock_.Advance(absl::Seconds(4));
  OutboundGroupStats group = Only();
  EXPECT_EQ(group.writable_channels, 0u);
  EXPECT_EQ(group.unwritable_channels, 1u);
  EXPECT_DOUBLE_EQ(group.unwritable_seconds, 4);
  EXPECT_EQ(group.transitions_to_unwritable, 1u);
  EXPECT_EQ(group.transitions_to_writable, 0u);

  // Told again it changes nothing, least of all since when.
  transition(false);
  EXPECT_EQ(Only().transitions_to_unwritable, 1u);
  EXPECT_DOUBLE_EQ(Only().unwritable_seconds, 4);

  transition(true);
  transition(true);
  clock_.Advance(absl::Seconds(100));
  group = Only();
  EXPECT_EQ(group.writable_channels, 1u);
  EXPECT_EQ(group.unwritable_channels, 0u);
  EXPECT_DOUBLE_EQ(group.unwritable_seconds, 4);
  EXPECT_EQ(group.transitions_to_writable, 1u);

  transition(false);
  clock_.Advance(absl::Seconds(1));
  EXPECT_DOUBLE_EQ(Only().unwritable_seconds, 5);
}

TEST_F(ChannelRegistryTest, UnwritableTimeEndsWithItsChannel) {
  RegisteredChannel channel = Register("g");
  channel.CountTransition(false, clock_.NowNanos());
  clock_.Advance(absl::Seconds(4));
  channel = RegisteredChannel();
  clock_.Advance(absl::Seconds(4));
  EXPECT_DOUBLE_EQ(Only().unwritable_seconds, 4);
  EXPECT_EQ(Only().unwritable_channels, 0u);
  EXPECT_EQ(Only().transitions_to_writable, 0u);
}

// A transition may read the clock before a scrape does and be counted after it.
TEST_F(ChannelRegistryTest, UnwritableTimeNeverGoesBack) {
  RegisteredChannel channel = Register("g");
  const int64_t start = clock_.NowNanos();
  channel.CountTransition(false, start);
  clock_.Advance(absl::Seconds(4));
  EXPECT_DOUBLE_EQ(Only().unwritable_seconds, 4);
  channel.CountTransition(true, start + 3'000'000'000);
  EXPECT_DOUBLE_EQ(Only().unwritable_seconds, 4);
  channel.CountTransition(false, clock_.NowNanos());
  clock_.Advance(absl::Seconds(3));
  EXPECT_DOUBLE_EQ(Only().unwritable_seconds, 6);
}

TEST_F(ChannelRegistryTest, SumsStayWhenChannelsLeaveAndOthersCome) {
  uint64_t queued = 0;
  for (uint64_t bytes = 1; bytes <= 100; ++bytes) {
    RegisteredChannel channel = Register("g");
    channel.CountQueued(bytes);
    channel.SetOldest(clock_.NowNanos());
    channel.SetHeldBytes(5);
    channel.SetAdmissionQueue(1, 2);
    queued += bytes;
    const OutboundGroupStats group = Only();
    EXPECT_EQ(group.queued_bytes, queued);
    EXPECT_EQ(group.pending_bytes, bytes);
    EXPECT_EQ(group.max_channel_pending_bytes, bytes);
    EXPECT_EQ(group.writable_channels, 1u);
    channel.CountFailed(bytes, OutboundFailure::kClosed);
  }
  const OutboundGroupStats group = Only();
  EXPECT_EQ(group.queued_bytes, 5050u);
  EXPECT_EQ(group.failed_bytes, (std::array<uint64_t, 3>{0, 0, 5050}));
  EXPECT_EQ(group.pending_bytes, 0u);
  EXPECT_EQ(group.pending_messages, 0u);
  EXPECT_EQ(group.writable_channels, 0u);
  EXPECT_EQ(group.held_bytes, 0u);
  EXPECT_EQ(group.admission_queue_messages, 0u);
  EXPECT_EQ(group.admission_queue_bytes, 0u);
  EXPECT_EQ(group.oldest_message_age_seconds, 0);
  EXPECT_EQ(slabs(), 1);
}

TEST_F(ChannelRegistryTest, ASlabIsAddedWhenAllSlotsAreTaken) {
  std::vector<RegisteredChannel> channels;
  for (const auto& [count, slabs_expected] :
       std::vector<std::pair<uint64_t, int64_t>>{
           {1, 1}, {1024, 1}, {1025, 2}, {2048, 2}, {2049, 3}}) {
    while (channels.size() < count) {
      channels.push_back(Register("g"));
      channels.back().CountQueued(channels.size());
    }
    EXPECT_EQ(slabs(), slabs_expected);
    const OutboundGroupStats group = Only();
    EXPECT_EQ(group.writable_channels, count);
    EXPECT_EQ(group.max_channel_pending_bytes, count);
    EXPECT_EQ(group.pending_bytes, count * (count + 1) / 2);
  }
  const uint64_t memory_bytes = registry_.Stats().memory_bytes;
  const int64_t mapped = source_.live_bytes(MemorySource::Use::kMetadata);
  EXPECT_GE(memory_bytes, static_cast<uint64_t>(mapped));
  int64_t in_ranges = 0;
  for (const PoolRange& range : registry_.Ranges()) {
    EXPECT_EQ(range.use, PoolRange::Use::kMetadata);
    in_ranges += static_cast<int64_t>(range.bytes);
  }
  EXPECT_EQ(registry_.Ranges().size(), 3u);
  EXPECT_EQ(in_ranges, mapped);
  for (size_t i = 0; i < channels.size(); ++i) channels[i].CountWritten(i + 1);
  channels.clear();
  // Kept, and used again.
  EXPECT_EQ(registry_.Stats().memory_bytes, memory_bytes);
  for (int i = 0; i < 2049; ++i) channels.push_back(Register("g"));
  EXPECT_EQ(slabs(), 3);
}

TEST_F(ChannelRegistryTest, MemoryIncludesNamesThatAreLong) {
  RegisteredChannel first = Register("g");
  const uint64_t before = registry_.Stats().memory_bytes;
  RegisteredChannel second =
      Register("g", std::string(1000, 'n'), std::string(500, 'p'));
  EXPECT_GE(registry_.Stats().memory_bytes, before + 1500);
  second = RegisteredChannel();
  EXPECT_EQ(registry_.Stats().memory_bytes, before);
}

TEST_F(ChannelRegistryTest, FurtherGroupsAreOther) {
  std::vector<RegisteredChannel> channels;
  for (int i = 0; i < 66; ++i) {
    channels.push_back(Register(absl::StrCat("group-", i)));
    channels.back().CountQueued(1);
  }
  const OutboundStats stats = registry_.Stats();
  ASSERT_EQ(stats.groups.size(), 65u);
  for (int i = 0; i < 64; ++i) {
    EXPECT_EQ(stats.groups[i].group, absl::StrCat("group-", i));
    EXPECT_EQ(stats.groups[i].queued_bytes, 1u);
  }
  EXPECT_EQ(stats.groups[64].group, "other");
  EXPECT_EQ(stats.groups[64].queued_bytes, 2u);
  // The known ones still are.
  RegisteredChannel known = Register("group-63");
  EXPECT_EQ(registry_.Stats().groups[63].writable_channels, 2u);
  for (RegisteredChannel& channel : channels) channel.CountWritten(1);
}

TEST_F(ChannelRegistryTest, AGroupNamedOtherIsThatOfFurtherOnes) {
  std::vector<RegisteredChannel> channels;
  channels.push_back(Register("other"));
  for (int i = 0; i < 65; ++i) {
    channels.push_back(Register(absl::StrCat("group-", i)));
  }
  const OutboundStats stats = registry_.Stats();
  ASSERT_EQ(stats.groups.size(), 64u);
  EXPECT_EQ(stats.groups[0].group, "other");
  EXPECT_EQ(stats.groups[0].writable_channels, 3u);
}

TEST_F(ChannelRegistryTest, RefusesNamesThatNoGroupMayHave) {
  for (const std::string& group :
       {std::string(), std::string("a b"), std::string("a\nb"),
        std::string("\xff"), std::string(65, 'a')}) {
    const absl::Status status = registry_.Register({group, "c", "p"}).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << group;
    EXPECT_EQ(status.message().find('\n'), absl::string_view::npos);
  }
  EXPECT_TRUE(registry_.Register({std::string(64, 'a'), "", ""}).ok());
  EXPECT_TRUE(registry_.Register({"a.b:c-d_E9", "", ""}).ok());
  EXPECT_EQ(registry_.Stats().groups.size(), 2u);
}

TEST_F(ChannelRegistryTest, GoesOnWithoutASlabThatCannotBeHad) {
  source_.FailCall(1);
  const absl::StatusOr<RegisteredChannel> none =
      registry_.Register({"g", std::string(100000, 'n'), "p"});
  EXPECT_EQ(none.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Only().writable_channels, 0u);
  EXPECT_LT(registry_.Stats().memory_bytes, 10000u);

  std::vector<RegisteredChannel> channels;
  for (int i = 0; i < 1024; ++i) channels.push_back(Register("g"));
  channels.back().CountQueued(1);
  source_.FailFrom(1);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(registry_.Register({"g", "c", "p"}).status().code(),
              absl::StatusCode::kResourceExhausted);
  }
  // What is there counts on, and a slot that is given back is had again.
  channels.back().CountWritten(1);
  EXPECT_EQ(Only().written_bytes, 1u);
  channels.pop_back();
  channels.push_back(Register("g"));
  EXPECT_EQ(Only().writable_channels, 1024u);
  source_.FailNone();
  channels.push_back(Register("g"));
  EXPECT_EQ(Only().writable_channels, 1025u);
}

TEST_F(ChannelRegistryTest, TopIsTheWorstFirst) {
  // 7 and 1000 have no common divisor: every size from 0 to 999 once.
  const auto bytes_of = [](size_t i) { return i * 7 % 1000; };
  std::vector<RegisteredChannel> channels;
  for (size_t i = 0; i < 1000; ++i) {
    channels.push_back(
        Register(i % 2 == 0 ? "even" : "odd", absl::StrCat(bytes_of(i))));
    channels[i].CountQueued(bytes_of(i));
  }
  EXPECT_TRUE(registry_.Top(0).empty());
  EXPECT_EQ(TopNames(1), (std::vector<std::string>{"999"}));
  EXPECT_EQ(TopNames(3), (std::vector<std::string>{"999", "998", "997"}));
  for (const size_t count : {999, 1000, 1001}) {
    const std::vector<ChannelStats> top = registry_.Top(count);
    ASSERT_EQ(top.size(), std::min<size_t>(count, 1000));
    for (size_t i = 0; i < top.size(); ++i) {
      EXPECT_EQ(top[i].pending_bytes, 999 - i);
      EXPECT_EQ(top[i].name, absl::StrCat(999 - i));
    }
  }
  for (size_t i = 0; i < 1000; ++i) channels[i].CountWritten(bytes_of(i));
}

TEST_F(ChannelRegistryTest, OfEqualOnesTopHasTheOldestChannelsFirst) {
  std::vector<RegisteredChannel> channels;
  for (const char* name : {"a", "b", "c", "d"}) {
    channels.push_back(Register("g", name));
  }
  EXPECT_EQ(TopNames(2), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(TopNames(9), (std::vector<std::string>{"a", "b", "c", "d"}));
}

TEST_F(ChannelRegistryTest, TopTellsEverythingAboutAChannel) {
  absl::StatusOr<RegisteredChannel> channel = registry_.Register(
      {"g", "conn-7", "10.0.0.9:4711", AdmissionPolicy::kReject});
  ASSERT_TRUE(channel.ok()) << channel.status();
  channel->CountQueued(500);
  channel->CountWritten(100);
  channel->SetHeldBytes(60);
  channel->SetAdmissionQueue(4, 4000);
  channel->SetOldest(clock_.NowNanos());
  clock_.Advance(absl::Seconds(1));
  channel->CountTransition(false, clock_.NowNanos());
  clock_.Advance(absl::Seconds(2));
  const std::vector<ChannelStats> top = registry_.Top(1);
  ASSERT_EQ(top.size(), 1u);
  EXPECT_NE(top[0].id, 0u);
  EXPECT_EQ(top[0].id, channel->id());
  EXPECT_EQ(top[0].group, "g");
  EXPECT_EQ(top[0].name, "conn-7");
  EXPECT_EQ(top[0].peer, "10.0.0.9:4711");
  EXPECT_EQ(top[0].policy, AdmissionPolicy::kReject);
  EXPECT_FALSE(top[0].writable);
  EXPECT_EQ(top[0].pending_bytes, 400u);
  EXPECT_EQ(top[0].pending_messages, 1u);
  EXPECT_EQ(top[0].held_bytes, 60u);
  EXPECT_EQ(top[0].admission_queue_messages, 4u);
  EXPECT_DOUBLE_EQ(top[0].oldest_message_age_seconds, 3);
  EXPECT_DOUBLE_EQ(top[0].unwritable_for_seconds, 2);
  channel->CountFailed(400, OutboundFailure::kClosed);
}

TEST_F(ChannelRegistryTest, AChannelThatHasLeftIsNotInTop) {
  RegisteredChannel stays = Register("g", "stays");
  {
    RegisteredChannel goes = Register("g", "goes");
    EXPECT_EQ(TopNames(9), (std::vector<std::string>{"stays", "goes"}));
  }
  EXPECT_EQ(TopNames(9), (std::vector<std::string>{"stays"}));
  RegisteredChannel comes = Register("g", "comes");
  EXPECT_EQ(TopNames(9), (std::vector<std::string>{"stays", "comes"}));
}

TEST_F(ChannelRegistryTest, DiesWithAChannelInIt) {
  EXPECT_DEATH(
      {
        RegisteredChannel channel;
        ChannelRegistry registry;
        channel = *registry.Register({"g", "c", "p"});
      },
      "destroyed with 1 channels in group \"g\"");
}

}  // namespace
}  // namespace poolscope
