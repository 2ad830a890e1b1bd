// What the program in C cannot: structs of other versions of the header.
#include "poolscope/exporter/c/poolscope.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "poolscope/tests/exporter/memory_shortage.h"

namespace poolscope {
namespace {

using testing::HasSubstr;

TEST(CInterfaceTest, OptionsOfAnOlderHeaderGoWithDefaults) {
  poolscope_allocator_options options = POOLSCOPE_ALLOCATOR_OPTIONS_INIT;
  options.name = "older";
  options.max_direct_memory_bytes = 1;  // not read
  options.struct_bytes =
      offsetof(poolscope_allocator_options, max_direct_memory_bytes);
  poolscope_allocator* allocator = poolscope_allocator_create(&options);
  ASSERT_NE(allocator, nullptr) << poolscope_last_error();
  poolscope_allocator_destroy(allocator);
}

TEST(CInterfaceTest, OptionsOfANewerHeaderMustBeDefaults) {
  struct {
    poolscope_allocator_options known;
    size_t later;
  } options = {POOLSCOPE_ALLOCATOR_OPTIONS_INIT, 0};
  options.known.struct_bytes = sizeof(options);
  poolscope_allocator* allocator = poolscope_allocator_create(&options.known);
  ASSERT_NE(allocator, nullptr) << poolscope_last_error();
  poolscope_allocator_destroy(allocator);
  options.later = 1;
  EXPECT_EQ(poolscope_allocator_create(&options.known), nullptr);
  EXPECT_THAT(poolscope_last_error(),
              HasSubstr(std::to_string(sizeof(options))));
}

TEST(CInterfaceTest, AStructWithoutItsSizeIsRefused) {
  poolscope_allocator_options options = {};
  EXPECT_EQ(poolscope_allocator_create(&options), nullptr);
  EXPECT_THAT(poolscope_last_error(), HasSubstr("POOLSCOPE_"));
  poolscope_sidecar_options listen = {};
  EXPECT_EQ(poolscope_sidecar_start(&listen), nullptr);
  poolscope_allocator* allocator = poolscope_allocator_create(nullptr);
  ASSERT_NE(allocator, nullptr) << poolscope_last_error();
  poolscope_allocator_stats stats = {};
  EXPECT_EQ(poolscope_allocator_read_stats(allocator, &stats), -1);
  poolscope_allocator_destroy(allocator);
}

// What they do is tested where they are read; this is that each arrives.
TEST(CInterfaceTest, OptionsOfTheSidecarArrive) {
  const auto error = [](const poolscope_sidecar_options& options) {
    EXPECT_EQ(poolscope_sidecar_start(&options), nullptr);
    return std::string(poolscope_last_error());
  };
  poolscope_sidecar_options options = POOLSCOPE_SIDECAR_OPTIONS_INIT;
  options.listen_address = "127.0.0.1:0";
  options.users_file = "/nowhere";
  EXPECT_THAT(error(options), HasSubstr("users file \"/nowhere\""));
  options.users_file = nullptr;
  options.hosts = "a.example, b:80";
  EXPECT_THAT(error(options), HasSubstr("host \"b:80\""));
  options.hosts = "";  // none
  options.health_listen = "9465";
  EXPECT_THAT(error(options), HasSubstr("health_listen"));
  options.health_listen = nullptr;
  // From the range for documentation: no interface has it.
  options.listen_address = "192.0.2.1:0";
  EXPECT_THAT(error(options), HasSubstr("allow_remote"));
  options.allow_remote = 1;
  EXPECT_THAT(error(options), HasSubstr("cannot listen"));
}

TEST(CInterfaceTest, NoExceptionGetsOutWhereMemoryIsShort) {
  poolscope_allocator* const allocator = poolscope_allocator_create(nullptr);
  ASSERT_NE(allocator, nullptr) << poolscope_last_error();
  poolscope_channels* const channels = poolscope_channels_create();
  ASSERT_NE(channels, nullptr);
  const auto expect_failure = [](auto call) {
    EXPECT_EQ(poolscope_category_register("?"), nullptr);  // another failure
    {
      const MemoryShortage shortage(0);
      EXPECT_TRUE(call());
    }
    EXPECT_STREQ(poolscope_last_error(), "out of memory");
  };
  expect_failure([] { return poolscope_allocator_create(nullptr) == nullptr; });
  expect_failure([] { return poolscope_channels_create() == nullptr; });
  expect_failure([&] {
    return poolscope_channel_open(channels, "group", "longer than is inline",
                                  "") == nullptr;
  });
  poolscope_allocator_stats stats = POOLSCOPE_ALLOCATOR_STATS_INIT;
  expect_failure(
      [&] { return poolscope_allocator_read_stats(allocator, &stats) == -1; });
  poolscope_channels_destroy(channels);
  poolscope_allocator_destroy(allocator);
}

TEST(CInterfaceTest, AMessageThatNoMemoryIsLeftForIsNotCounted) {
  poolscope_channels* const channels = poolscope_channels_create();
  poolscope_channel* const channel =
      poolscope_channel_open(channels, "group", "", "");
  ASSERT_NE(channel, nullptr) << poolscope_last_error();
  uint64_t counted = 0;
  {
    const MemoryShortage shortage(0);
    while (counted < 10000 && poolscope_channel_queued(channel, 1) == 0) {
      ++counted;
    }
  }
  EXPECT_LT(counted, 10000u);
  EXPECT_STREQ(poolscope_last_error(), "out of memory");
  EXPECT_EQ(poolscope_channel_pending_bytes(channel), counted);
  EXPECT_EQ(poolscope_channel_queued(channel, 1), 0);
  EXPECT_EQ(poolscope_channel_written(channel, counted + 1), 0);
  poolscope_channel_close(channel);
  poolscope_channels_destroy(channels);
}

TEST(CInterfaceTest, FillsInNoMoreThanTheCallersStructHas) {
  poolscope_allocator* allocator = poolscope_allocator_create(nullptr);
  ASSERT_NE(allocator, nullptr) << poolscope_last_error();
  poolscope_allocator_stats stats = POOLSCOPE_ALLOCATOR_STATS_INIT;
  stats.struct_bytes = offsetof(poolscope_allocator_stats, peak_bytes);
  stats.peak_bytes = 4711;
  EXPECT_EQ(poolscope_allocator_read_stats(allocator, &stats), 0);
  EXPECT_GT(stats.limit_bytes, 0u);
  EXPECT_EQ(stats.peak_bytes, 4711u);
  // Nor the next time.
  EXPECT_EQ(stats.struct_bytes,
            offsetof(poolscope_allocator_stats, peak_bytes));
  poolscope_allocator_destroy(allocator);
}

TEST(CInterfaceTest, EachThreadHasItsLastError) {
  EXPECT_EQ(poolscope_category_register("?"), nullptr);
  const std::string here = poolscope_last_error();
  EXPECT_NE(here, "");
  std::thread([] { EXPECT_STREQ(poolscope_last_error(), ""); }).join();
  EXPECT_EQ(poolscope_last_error(), here);
}

TEST(CInterfaceTest, BlocksOutliveTheirAllocator) {
  poolscope_allocator* allocator = poolscope_allocator_create(nullptr);
  ASSERT_NE(allocator, nullptr) << poolscope_last_error();
  auto* block = static_cast<char*>(poolscope_allocate(allocator, 100));
  ASSERT_NE(block, nullptr);
  poolscope_allocator_destroy(allocator);
  block[99] = 1;
  poolscope_free(block);
  poolscope_allocator_destroy(nullptr);
}

}  // namespace
}  // namespace poolscope
