#include "poolscope/examples/demo/message_assembly.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/allocator/pool/pool_options.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/examples/demo/pattern.h"

namespace poolscope::demo {
namespace {

constexpr uint64_t kSeed = 42;
constexpr size_t kChunkBytes = 16 << 20;
constexpr size_t kComponentBytes = 8192;

uint64_t Allocations(const PooledAllocator& pool) {
  uint64_t allocations = 0;
  const AllocatorStats stats = pool.Stats();
  for (const ArenaStats& arena : stats.arenas) {
    for (const KindCounts& kind : arena.by_kind)
      allocations += kind.allocations;
  }
  return allocations;
}

uint64_t Pinned(const PooledAllocator& pool) {
  const AllocatorStats stats = pool.Stats();
  return stats.pinned_bytes + stats.huge_used_bytes;
}

class MessageAssemblyTest : public testing::Test {
 protected:
  MessageAssemblyTest() {
    options_.chunk_bytes = kChunkBytes;
    MakePool(size_t{1} << 30);
  }

  void MakePool(size_t limit_bytes) {
    allocator_.reset();
    pool_.reset();
    PoolOptions options;
    options.name = "test";
    options.max_order = 11;
    options.arenas = 1;
    options.max_direct_memory_bytes = limit_bytes;
    // A sampled block gets a run of its own: not where each page is counted.
    options.sampling = false;
    auto pool = PooledAllocator::Create(options);
    ASSERT_TRUE(pool.ok()) << pool.status();
    pool_ = *std::move(pool);
    allocator_ = BufferAllocator::Pooled(pool_.get());
    options_.allocator = allocator_.get();
  }

  // Appends the next `size` bytes of the pattern, in parts as a socket gives
  // them: never a multiple of a component.
  std::optional<Refusal> Append(MessageAssembly& message, size_t size) {
    std::vector<char> part(10007);
    while (size > 0) {
      const size_t count = std::min(size, part.size());
      FillPattern(kSeed, appended_, absl::MakeSpan(part).subspan(0, count));
      std::optional<Refusal> refusal =
          message.Append(absl::string_view(part.data(), count));
      if (refusal.has_value()) return refusal;
      appended_ += count;
      size -= count;
    }
    return std::nullopt;
  }

  // Fatal unless `buffer` holds the first `size` bytes of the pattern.
  static void ExpectPattern(const Buffer& buffer, size_t size) {
    ASSERT_EQ(buffer.readable_bytes(), size);
    size_t offset = 0;
    buffer.ForEachReadable([&](absl::Span<const uint8_t> piece) {
      EXPECT_TRUE(MatchesPattern(
          kSeed, offset,
          absl::string_view(reinterpret_cast<const char*>(piece.data()),
                            piece.size())))
          << offset;
      offset += piece.size();
      return true;
    });
    EXPECT_EQ(offset, size);
  }

  std::unique_ptr<PooledAllocator> pool_;
  std::unique_ptr<BufferAllocator> allocator_;
  AssemblyOptions options_;
  size_t appended_ = 0;
};

TEST_F(MessageAssemblyTest, OneByteIsOneComponentOfItsSize) {
  MessageAssembly message(&options_, 1);
  EXPECT_EQ(message.missing_bytes(), 1u);
  EXPECT_FALSE(Append(message, 1).has_value());
  EXPECT_TRUE(message.whole());
  EXPECT_EQ(message.components(), 1u);
  EXPECT_EQ(message.held_bytes(), 1u);
  ExpectPattern(message.Take(), 1);
  EXPECT_EQ(Pinned(*pool_), 0u);
}

TEST_F(MessageAssemblyTest, NoBytesAreWholeAtOnceAndNoBuffer) {
  MessageAssembly message(&options_, 0);
  EXPECT_TRUE(message.whole());
  EXPECT_FALSE(message.Take().is_open());
}

TEST_F(MessageAssemblyTest, ComponentsEndAtEightKibibytes) {
  for (const size_t size : {kComponentBytes - 1, kComponentBytes,
                            kComponentBytes + 1, 2 * kComponentBytes}) {
    appended_ = 0;
    MessageAssembly message(&options_, size);
    EXPECT_FALSE(Append(message, size).has_value());
    EXPECT_EQ(message.components(),
              (size + kComponentBytes - 1) / kComponentBytes)
        << size;
    EXPECT_EQ(message.held_bytes(), size);
    ExpectPattern(message.Take(), size);
  }
}

struct Consolidated {
  size_t components;  // appended
  size_t left;        // of the message then
  uint64_t consolidations;
};

class ConsolidationTest : public MessageAssemblyTest,
                          public testing::WithParamInterface<Consolidated> {};

TEST_P(ConsolidationTest, MakesOneOfAllWhenThereIsOneTooMany) {
  const Consolidated& param = GetParam();
  const size_t size = param.components * kComponentBytes;
  MessageAssembly message(&options_, size);
  EXPECT_FALSE(Append(message, size).has_value());
  EXPECT_EQ(message.components(), param.left);
  EXPECT_EQ(message.consolidations(), param.consolidations);
  EXPECT_EQ(message.held_bytes(), size);
  EXPECT_EQ(Allocations(*pool_), param.components + param.consolidations);
  ExpectPattern(message.Take(), size);
  EXPECT_EQ(Pinned(*pool_), 0u);
}

INSTANTIATE_TEST_SUITE_P(
    Boundaries, ConsolidationTest,
    testing::Values(Consolidated{1023, 1023, 0}, Consolidated{1024, 1024, 0},
                    Consolidated{1025, 1, 1}, Consolidated{1026, 2, 1},
                    Consolidated{2048, 1024, 1}, Consolidated{2049, 1, 2},
                    Consolidated{3073, 1, 3}));

TEST_F(MessageAssemblyTest, BlocksAboveAChunkAreHuge) {
  const size_t size = 2049 * kComponentBytes;  // consolidates to 16 MiB + 8 KiB
  MessageAssembly message(&options_, size);
  EXPECT_FALSE(Append(message, size - kComponentBytes).has_value());
  EXPECT_EQ(pool_->Stats().huge_used_bytes, 0u);
  EXPECT_FALSE(Append(message, kComponentBytes).has_value());
  EXPECT_GE(pool_->Stats().huge_used_bytes, size);
}

TEST_F(MessageAssemblyTest, APostponedConsolidationComesAThousandLater) {
  std::vector<size_t> asked;
  bool may = false;
  options_.may_consolidate = [&](size_t bytes) {
    asked.push_back(bytes);
    return may;
  };
  const size_t size = 2100 * kComponentBytes;
  MessageAssembly message(&options_, size);
  EXPECT_FALSE(Append(message, 2048 * kComponentBytes).has_value());
  EXPECT_EQ(message.components(), 2048u);
  EXPECT_EQ(message.postponed(), 1u);
  EXPECT_EQ(asked, std::vector<size_t>({1025 * kComponentBytes}));
  may = true;
  EXPECT_FALSE(Append(message, kComponentBytes).has_value());
  EXPECT_EQ(message.components(), 1u);
  EXPECT_EQ(message.consolidations(), 1u);
  EXPECT_EQ(asked.back(), 2049 * kComponentBytes);
  EXPECT_FALSE(Append(message, size - 2049 * kComponentBytes).has_value());
  ExpectPattern(message.Take(), size);
}

TEST_F(MessageAssemblyTest, ARefusalOfAHugeBlockSaysSoAndFreesAll) {
  // Room for the components, and for 8 MiB + 8 KiB, not for twice as much.
  MakePool(2 * kChunkBytes + kChunkBytes / 2);
  MessageAssembly message(&options_, 100 << 20);
  const std::optional<Refusal> refusal = Append(message, 100 << 20);
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->kind, RefusalKind::kHuge);
  EXPECT_EQ(refusal->requested_bytes, 2049 * kComponentBytes);
  EXPECT_EQ(refusal->reason.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(message.held_bytes(), 0u);
  EXPECT_EQ(Pinned(*pool_), 0u);
  EXPECT_TRUE(pool_->CheckInvariants().ok()) << pool_->CheckInvariants();
}

TEST_F(MessageAssemblyTest, ARefusalOfAChunkSaysSoAndFreesAll) {
  MakePool(kChunkBytes);
  MessageAssembly message(&options_, 100 << 20);
  const std::optional<Refusal> refusal = Append(message, 100 << 20);
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->kind, RefusalKind::kChunk);
  EXPECT_EQ(refusal->requested_bytes, 1025 * kComponentBytes);
  EXPECT_EQ(Pinned(*pool_), 0u);
}

// The allocator is closed just before the nth allocation, for all n: 22
// components of 64 bytes, and five consolidations.
TEST_F(MessageAssemblyTest, EachAllocationMayBeTheOneRefused) {
  options_.component_bytes = 64;
  options_.max_components = 4;
  options_.chunk_bytes = 1000;
  constexpr size_t kSize = 22 * 64 - 10;
  // How much is appended before each allocation, and what that asks for.
  struct Step {
    size_t appended;
    size_t requested;
  };
  std::vector<Step> steps;
  for (size_t component = 0; component < 22; ++component) {
    const size_t begin = component * 64;
    steps.push_back({begin, component == 21 ? 54u : 64u});
    if (component > 0 && component % 4 == 0) {
      steps.push_back({begin + 63, begin + 64});
    }
  }
  ASSERT_EQ(steps.size(), 27u);
  for (size_t n = 0; n < steps.size(); ++n) {
    MakePool(kChunkBytes);
    appended_ = 0;
    MessageAssembly message(&options_, kSize);
    ASSERT_FALSE(Append(message, steps[n].appended).has_value()) << n;
    ASSERT_EQ(Allocations(*pool_), n);
    allocator_->Close();
    const std::optional<Refusal> refusal = Append(message, 1);
    ASSERT_TRUE(refusal.has_value()) << n;
    EXPECT_EQ(refusal->requested_bytes, steps[n].requested) << n;
    EXPECT_EQ(refusal->kind, steps[n].requested > 1000 ? RefusalKind::kHuge
                                                       : RefusalKind::kChunk);
    EXPECT_EQ(Allocations(*pool_), n);
    EXPECT_EQ(Pinned(*pool_), 0u) << n;
    EXPECT_EQ(message.held_bytes(), 0u);
    EXPECT_TRUE(pool_->CheckInvariants().ok()) << pool_->CheckInvariants();
  }
}

TEST_F(MessageAssemblyTest, AMessageThatIsGivenUpFreesAll) {
  {
    MessageAssembly message(&options_, 100 << 20);
    EXPECT_FALSE(Append(message, 9 << 20).has_value());
    EXPECT_GT(Pinned(*pool_), 9u << 20);
  }
  EXPECT_EQ(Pinned(*pool_), 0u);
}

}  // namespace
}  // namespace poolscope::demo
