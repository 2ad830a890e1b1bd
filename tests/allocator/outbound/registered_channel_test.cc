#include "poolscope/allocator/outbound/registered_channel.h"

#include <cstdint>
#include <thread>
#include <utility>

#include "gtest/gtest.h"
#include "poolscope/allocator/outbound/admission_policy.h"
#include "poolscope/allocator/outbound/channel_registry.h"
#include "poolscope/allocator/outbound/outbound_failure.h"
#include "poolscope/allocator/outbound/outbound_stats.h"

namespace poolscope {
namespace {

void CountEverything(RegisteredChannel& channel) {
  channel.CountQueued(10);
  channel.CountWritten(4);
  channel.CountFailed(6, OutboundFailure::kClosed);
  channel.CountQueued(1);
  channel.CountWritten(1);
  channel.CountCompleted();
  channel.SetOldest(5);
  channel.CountTransition(false, 5);
  channel.CountTransition(true, 6);
  channel.SetHeldBytes(7);
  channel.SetAdmissionQueue(8, 9);
  channel.CountRejected(AdmissionPolicy::kQueue);
}

uint64_t Channels(const ChannelRegistry& registry) {
  uint64_t channels = 0;
  for (const OutboundGroupStats& group : registry.Stats().groups) {
    channels += group.writable_channels + group.unwritable_channels;
  }
  return channels;
}

TEST(RegisteredChannelTest, WithoutARegistryItCountsNothing) {
  RegisteredChannel channel;
  EXPECT_FALSE(channel.registered());
  EXPECT_EQ(channel.id(), 0u);
  CountEverything(channel);
}

TEST(RegisteredChannelTest, MovingTakesThePlaceAlong) {
  ChannelRegistry registry;
  RegisteredChannel first = *registry.Register({"g", "c", "p"});
  const uint64_t id = first.id();
  EXPECT_TRUE(first.registered());
  EXPECT_NE(id, 0u);
  first.CountQueued(100);
  RegisteredChannel second = std::move(first);
  EXPECT_TRUE(second.registered());
  EXPECT_EQ(second.id(), id);
  EXPECT_FALSE(first.registered());
  EXPECT_EQ(first.id(), 0u);
  CountEverything(first);
  EXPECT_EQ(registry.Stats().groups[0].queued_bytes, 100u);
  second.CountWritten(100);
  EXPECT_EQ(registry.Stats().groups[0].written_bytes, 100u);
  EXPECT_EQ(Channels(registry), 1u);
}

TEST(RegisteredChannelTest, AssignmentGivesTheOldPlaceBack) {
  ChannelRegistry registry;
  RegisteredChannel a = *registry.Register({"g", "a", "p"});
  RegisteredChannel b = *registry.Register({"h", "b", "p"});
  const uint64_t id = b.id();
  a = std::move(b);
  EXPECT_EQ(a.id(), id);
  EXPECT_EQ(Channels(registry), 1u);
  RegisteredChannel& same = a;
  a = std::move(same);
  EXPECT_EQ(a.id(), id);
  a = RegisteredChannel();
  EXPECT_FALSE(a.registered());
  EXPECT_EQ(Channels(registry), 0u);
}

TEST(RegisteredChannelTest, MayBeUsedByAnotherThreadThanRegisteredIt) {
  ChannelRegistry registry;
  for (int i = 0; i < 100; ++i) {
    RegisteredChannel channel = *registry.Register({"g", "c", "p"});
    std::thread([moved = std::move(channel)]() mutable {
      CountEverything(moved);
    }).join();
  }
  const OutboundGroupStats group = registry.Stats().groups[0];
  EXPECT_EQ(group.queued_bytes, 1100u);
  EXPECT_EQ(group.written_bytes, 500u);
  EXPECT_EQ(group.pending_bytes, 0u);
}

TEST(RegisteredChannelTest, DiesWithBytesPending) {
  EXPECT_DEATH(
      {
        ChannelRegistry registry;
        RegisteredChannel channel = *registry.Register({"g", "c", "p"});
        channel.CountQueued(3);
        channel.CountWritten(1);
      },
      "group \"g\" left with 2 bytes pending");
}

}  // namespace
}  // namespace poolscope
