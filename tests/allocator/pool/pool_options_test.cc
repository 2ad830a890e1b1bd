#include "poolscope/allocator/pool/pool_options.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/base/clock.h"
#include "poolscope/allocator/base/container_limit.h"
#include "poolscope/allocator/pool/memory_source.h"

namespace poolscope {
namespace {

using testing::HasSubstr;

constexpr size_t kMiB = size_t{1} << 20;

// Defaults, but for a limit that does not depend on the machine.
PoolOptions Valid() {
  PoolOptions options;
  options.max_direct_memory_bytes = 256 * kMiB;
  return options;
}

void ExpectRefused(const PoolOptions& options, const std::string& text) {
  const absl::StatusOr<PoolOptions> resolved = ResolvePoolOptions(options);
  ASSERT_FALSE(resolved.ok()) << text;
  EXPECT_EQ(resolved.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(resolved.status().message()), HasSubstr(text));
  EXPECT_EQ(resolved.status().message().find('\n'), absl::string_view::npos);
}

void ExpectAccepted(const PoolOptions& options) {
  const absl::StatusOr<PoolOptions> resolved = ResolvePoolOptions(options);
  EXPECT_TRUE(resolved.ok()) << resolved.status();
}

TEST(PoolOptionsTest, DefaultsAreTheDocumentedOnes) {
  const PoolOptions options;
  EXPECT_EQ(options.name, "default");
  EXPECT_EQ(options.page_size_bytes, 8192u);
  EXPECT_EQ(options.chunk_size_bytes(), 4 * kMiB);
  EXPECT_TRUE(options.use_thread_caches);
  EXPECT_EQ(options.thread_cache_initial_bytes, 2 * kMiB);
  EXPECT_EQ(options.thread_cache_max_bytes, 16 * kMiB);
  EXPECT_EQ(options.thread_cache_trim_interval, 8192u);
  EXPECT_EQ(options.thread_cache_idle_trim, absl::Seconds(10));
  EXPECT_EQ(options.empty_chunk_decay, absl::Seconds(5));
  EXPECT_TRUE(options.huge_pages);
  EXPECT_TRUE(options.sampling);
}

TEST(PoolOptionsTest, FillsInWhatWasLeftOpen) {
  PoolOptions options;
  const absl::StatusOr<PoolOptions> resolved = ResolvePoolOptions(options);
  ASSERT_TRUE(resolved.ok()) << resolved.status();
  EXPECT_EQ(resolved->max_direct_memory_bytes,
            std::max<size_t>(AvailableMemoryBytes() / 2, 4 * kMiB));
  EXPECT_TRUE(resolved->arenas.has_value());
  EXPECT_EQ(resolved->clock, Clock::Real());
  EXPECT_EQ(resolved->memory_source, MemorySource::System());
}

TEST(PoolOptionsTest, KeepsWhatWasGiven) {
  SimulatedClock clock;
  PoolOptions options = Valid();
  options.name = "rpc";
  options.arenas = 7;
  options.clock = &clock;
  const absl::StatusOr<PoolOptions> resolved = ResolvePoolOptions(options);
  ASSERT_TRUE(resolved.ok()) << resolved.status();
  EXPECT_EQ(resolved->name, "rpc");
  EXPECT_EQ(resolved->arenas, 7);
  EXPECT_EQ(resolved->clock, &clock);
  EXPECT_EQ(resolved->max_direct_memory_bytes, 256 * kMiB);
}

// Netty's formula. On two cores and 256 MiB: 2 arenas of 16 MiB chunks, 4 of
// 4 MiB chunks.
TEST(PoolOptionsTest, DefaultArenasFollowNettysFormula) {
  const int by_cores = 2 * AvailableCores();
  const struct {
    size_t limit;
    int max_order;
    int by_memory;
  } kCases[] = {
      {256 * kMiB, 11, 2},    // 16 MiB chunks
      {256 * kMiB, 9, 10},    // 4 MiB chunks
      {64 * kMiB, 9, 2},      //
      {48 * kMiB, 9, 2},      // 12 chunks: exactly 2
      {48 * kMiB - 1, 9, 1},  // 11 chunks
      {24 * kMiB - 1, 9, 0},  // 5 chunks: the formula says none
      {4 * kMiB, 9, 0},       // one chunk
      {4096 * kMiB, 11, 42},  //
      {size_t{1} << 40, 9, 43690},
  };
  for (const auto& c : kCases) {
    PoolOptions options;
    options.max_direct_memory_bytes = c.limit;
    options.max_order = c.max_order;
    const absl::StatusOr<PoolOptions> resolved = ResolvePoolOptions(options);
    ASSERT_TRUE(resolved.ok()) << resolved.status();
    EXPECT_EQ(*resolved->arenas, std::max(1, std::min(by_cores, c.by_memory)))
        << c.limit << " bytes, order " << c.max_order;
  }
}

TEST(PoolOptionsTest, NameIsOneTo64OfAClosedAlphabet) {
  PoolOptions options = Valid();
  options.name = "";
  ExpectRefused(options, "name is \"\"");
  options.name = std::string(1, 'a');
  ExpectAccepted(options);
  options.name = std::string(63, 'a');
  ExpectAccepted(options);
  options.name = std::string(64, 'a');
  ExpectAccepted(options);
  options.name = std::string(65, 'a');
  ExpectRefused(options, std::string(65, 'a'));
  options.name = "aZ09_.:-";
  ExpectAccepted(options);
  for (const char* bad : {"a b", "a\"", "a\\", "a/b", "{a}", "\xc3\xa4"}) {
    options.name = bad;
    ExpectRefused(options, "name is");
  }
}

TEST(PoolOptionsTest, PageIsAPowerOfTwoFrom4KiBTo1MiB) {
  PoolOptions options = Valid();
  options.max_order = 2;
  for (size_t good : {4096, 8192, 1 << 20}) {
    options.page_size_bytes = good;
    ExpectAccepted(options);
  }
  for (size_t bad :
       {0, 1, 2048, 4095, 4097, 12288, (1 << 20) - 1, (1 << 20) + 1, 1 << 21}) {
    options.page_size_bytes = bad;
    ExpectRefused(options, "page_size_bytes is " + std::to_string(bad));
  }
}

TEST(PoolOptionsTest, MaxOrderIs0To14) {
  PoolOptions options = Valid();
  for (int good : {0, 1, 13, 14}) {
    options.max_order = good;
    ExpectAccepted(options);
  }
  for (int bad : {-1, 15, 64}) {
    options.max_order = bad;
    ExpectRefused(options, "max_order is " + std::to_string(bad));
  }
}

TEST(PoolOptionsTest, ChunkIsAtMostOneGigabyte) {
  PoolOptions options;
  options.max_direct_memory_bytes = size_t{1} << 33;
  options.page_size_bytes = 1 << 20;
  options.max_order = 9;
  ExpectAccepted(options);
  options.max_order = 10;
  ExpectAccepted(options);
  options.max_order = 11;
  ExpectRefused(options, "page_size_bytes 1048576 << max_order 11");
}

TEST(PoolOptionsTest, LimitHoldsAtLeastOneChunk) {
  PoolOptions options;
  options.max_direct_memory_bytes = 4 * kMiB - 1;
  ExpectRefused(options, "max_direct_memory_bytes is 4194303");
  options.max_direct_memory_bytes = 4 * kMiB;
  ExpectAccepted(options);
  options.max_direct_memory_bytes = 4 * kMiB + 1;
  ExpectAccepted(options);
}

TEST(PoolOptionsTest, ArenasAre1To1024) {
  PoolOptions options = Valid();
  for (int good : {1, 2, 1023, 1024}) {
    options.arenas = good;
    ExpectAccepted(options);
  }
  for (int bad : {-1, 0, 1025}) {
    options.arenas = bad;
    ExpectRefused(options, "arenas is " + std::to_string(bad));
  }
}

TEST(PoolOptionsTest, CacheBudgetIsOrderedAndAtMostOneGigabyte) {
  PoolOptions options = Valid();
  options.thread_cache_max_bytes = size_t{1} << 30;
  ExpectAccepted(options);
  options.thread_cache_max_bytes = (size_t{1} << 30) + 1;
  ExpectRefused(options, "thread_cache_max_bytes is 1073741825");
  options.thread_cache_max_bytes = 1000;
  options.thread_cache_initial_bytes = 999;
  ExpectAccepted(options);
  options.thread_cache_initial_bytes = 1000;
  ExpectAccepted(options);
  options.thread_cache_initial_bytes = 1001;
  ExpectRefused(options, "thread_cache_initial_bytes is 1001");
}

TEST(PoolOptionsTest, TimesAreNotNegative) {
  PoolOptions options = Valid();
  options.thread_cache_idle_trim = absl::Nanoseconds(-1);
  ExpectRefused(options, "thread_cache_idle_trim is -1ns");
  options.thread_cache_idle_trim = absl::ZeroDuration();
  ExpectAccepted(options);
  options.empty_chunk_decay = absl::Nanoseconds(-1);
  ExpectRefused(options, "empty_chunk_decay is -1ns");
  options.empty_chunk_decay = absl::ZeroDuration();
  ExpectAccepted(options);
  options.empty_chunk_decay = absl::InfiniteDuration();
  ExpectAccepted(options);
}

TEST(PoolOptionsTest, SamplesByBytesOrByCount) {
  PoolOptions options = Valid();
  options.sample_one_in = 128;
  ExpectAccepted(options);
  options.sample_interval_bytes = 1;
  ExpectRefused(options, "sample_one_in is 128 and sample_interval_bytes 1");
  options.sample_one_in = 0;
  ExpectAccepted(options);
  options.sample_interval_bytes = 0;
  options.sample_one_in = uint64_t{1} << 32;
  ExpectAccepted(options);
  options.sample_one_in = (uint64_t{1} << 32) + 1;
  ExpectRefused(options, "sample_one_in is 4294967297: give 0 to 4294967296");
}

}  // namespace
}  // namespace poolscope
