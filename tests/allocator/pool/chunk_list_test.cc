#include "poolscope/allocator/pool/chunk_list.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <vector>

#include "gtest/gtest.h"
#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/allocator/pool/chunk.h"
#include "poolscope/tests/allocator/pool/both_layouts.h"

namespace poolscope {
namespace pool_internal {
namespace {

constexpr size_t kChunkBytes = 4 << 20;

// Netty's bounds for 4 MiB, in free bytes: up is the most with which a chunk
// goes to the next list, down the most with which it stays out of the previous.
constexpr size_t kQInitUp = 3187671;
constexpr size_t kQ000Up = 2139095;
constexpr size_t kQ025Up = 1090519;
constexpr size_t kQ025Down = 3187671;
constexpr size_t kQ050Down = 2139095;
constexpr size_t kQ075Down = 1090519;

// Chunks of 4 MiB in pages of one byte, so that every threshold can be met
// exactly (page runs: a buddy tree has no runs that end where a threshold is).
// Nothing here touches the memory a chunk describes.
class ChunkListTest : public testing::Test {
 protected:
  Chunk* NewChunk(size_t page_bytes = 1,
                  ChunkLayout layout = ChunkLayout::kRuns) {
    tables_.emplace_back(Chunk::TableBytes(layout, kChunkBytes / page_bytes) /
                         sizeof(uint64_t));
    chunks_.push_back(std::make_unique<Chunk>(chunks_.size() + 1, nullptr,
                                              kChunkBytes, page_bytes, nullptr,
                                              layout, tables_.back().data()));
    lists_.Add(chunks_.back().get());
    return chunks_.back().get();
  }

  // Allocates or frees at the end of the used part, which starts at 0, so that
  // `free` bytes are left. The chunk must be the only one.
  void SetFree(Chunk* chunk, size_t free) {
    const size_t now = chunk->free_bytes();
    if (free < now) {
      int64_t offset;
      ASSERT_EQ(lists_.AllocateRun(now - free, 1, &offset), chunk);
      ASSERT_EQ(static_cast<size_t>(offset), kChunkBytes - now);
    } else if (free > now) {
      lists_.FreeRun(chunk, kChunkBytes - free, free - now);
    }
    ASSERT_EQ(chunk->free_bytes(), free);
    ASSERT_TRUE(lists_.BelongsWhereItIs(*chunk));
  }

  ChunkListId ListWith(Chunk* chunk, size_t free) {
    SetFree(chunk, free);
    return ChunkLists::ListOf(*chunk);
  }

  // A chunk with `free` bytes left, which went up through the lists.
  Chunk* ChunkWith(size_t free) {
    Chunk* chunk = NewChunk();
    // Alone in the lists for a moment.
    std::vector<Chunk*> others;
    lists_.ForEach([&](Chunk* c) {
      if (c != chunk) others.push_back(c);
    });
    for (Chunk* other : others) lists_.Remove(other);
    SetFree(chunk, free);
    lists_.Remove(chunk);
    for (size_t i = others.size(); i > 0; --i) lists_.Add(others[i - 1]);
    lists_.Add(chunk);
    return chunk;
  }

  // The chunk that serves one byte next.
  Chunk* Serving() {
    int64_t offset;
    return lists_.AllocateRun(1, 1, &offset);
  }

  std::vector<std::vector<uint64_t>> tables_;
  std::vector<std::unique_ptr<Chunk>> chunks_;
  ChunkLists lists_{kChunkBytes};
};

TEST_F(ChunkListTest, ReportsNettysBounds) {
  const struct {
    ChunkListId list;
    int min;
    int max;
  } kExpected[] = {
      {ChunkListId::kQInit, 1, 25},  {ChunkListId::kQ000, 1, 50},
      {ChunkListId::kQ025, 25, 75},  {ChunkListId::kQ050, 50, 100},
      {ChunkListId::kQ075, 75, 100}, {ChunkListId::kQ100, 100, 100}};
  for (const auto& e : kExpected) {
    EXPECT_EQ(ChunkLists::MinUsagePercent(e.list), e.min);
    EXPECT_EQ(ChunkLists::MaxUsagePercent(e.list), e.max);
  }
}

TEST_F(ChunkListTest, ANewChunkEntersThroughQInit) {
  EXPECT_EQ(ChunkLists::ListOf(*NewChunk()), ChunkListId::kQInit);
  EXPECT_EQ(lists_.moves_next(), 0u);
}

TEST_F(ChunkListTest, FillsFromQInitToQ100AtNettysThresholds) {
  Chunk* chunk = NewChunk();
  EXPECT_EQ(ListWith(chunk, kQInitUp + 1), ChunkListId::kQInit);
  EXPECT_EQ(ListWith(chunk, kQInitUp), ChunkListId::kQ000);
  EXPECT_EQ(ListWith(chunk, kQInitUp - 1), ChunkListId::kQ000);
  EXPECT_EQ(ListWith(chunk, kQ000Up + 1), ChunkListId::kQ000);
  EXPECT_EQ(ListWith(chunk, kQ000Up), ChunkListId::kQ025);
  EXPECT_EQ(ListWith(chunk, kQ000Up - 1), ChunkListId::kQ025);
  EXPECT_EQ(ListWith(chunk, kQ025Up + 1), ChunkListId::kQ025);
  EXPECT_EQ(ListWith(chunk, kQ025Up), ChunkListId::kQ050);
  EXPECT_EQ(ListWith(chunk, kQ025Up - 1), ChunkListId::kQ050);
  // q050 and q075 both end at 100 %.
  EXPECT_EQ(ListWith(chunk, 1), ChunkListId::kQ050);
  EXPECT_EQ(ListWith(chunk, 0), ChunkListId::kQ100);
  EXPECT_EQ(lists_.moves_next(), 5u);
  EXPECT_EQ(lists_.moves_prev(), 0u);
}

TEST_F(ChunkListTest, EmptiesFromQ100ToQ000AtNettysThresholds) {
  Chunk* chunk = NewChunk();
  SetFree(chunk, 0);
  ASSERT_EQ(ChunkLists::ListOf(*chunk), ChunkListId::kQ100);
  EXPECT_EQ(ListWith(chunk, 1), ChunkListId::kQ075);
  EXPECT_EQ(ListWith(chunk, kQ075Down - 1), ChunkListId::kQ075);
  EXPECT_EQ(ListWith(chunk, kQ075Down), ChunkListId::kQ075);
  EXPECT_EQ(ListWith(chunk, kQ075Down + 1), ChunkListId::kQ050);
  EXPECT_EQ(ListWith(chunk, kQ050Down - 1), ChunkListId::kQ050);
  EXPECT_EQ(ListWith(chunk, kQ050Down), ChunkListId::kQ050);
  EXPECT_EQ(ListWith(chunk, kQ050Down + 1), ChunkListId::kQ025);
  EXPECT_EQ(ListWith(chunk, kQ025Down - 1), ChunkListId::kQ025);
  EXPECT_EQ(ListWith(chunk, kQ025Down), ChunkListId::kQ025);
  EXPECT_EQ(ListWith(chunk, kQ025Down + 1), ChunkListId::kQ000);
  EXPECT_EQ(ListWith(chunk, kChunkBytes - 1), ChunkListId::kQ000);
  // Empty, it waits where it is; the arena's decay ends it.
  EXPECT_EQ(ListWith(chunk, kChunkBytes), ChunkListId::kQ000);
  EXPECT_TRUE(chunk->empty());
  EXPECT_EQ(lists_.moves_prev(), 4u);
}

TEST_F(ChunkListTest, QInitKeepsAChunkThatEmpties) {
  Chunk* chunk = NewChunk();
  EXPECT_EQ(ListWith(chunk, kChunkBytes - 1), ChunkListId::kQInit);
  EXPECT_EQ(ListWith(chunk, kChunkBytes), ChunkListId::kQInit);
}

TEST_F(ChunkListTest, OneStepMayPassSeveralLists) {
  Chunk* chunk = NewChunk();
  EXPECT_EQ(ListWith(chunk, 0), ChunkListId::kQ100);
  EXPECT_EQ(lists_.moves_next(), 5u);
  EXPECT_EQ(ListWith(chunk, kChunkBytes), ChunkListId::kQ000);
  EXPECT_EQ(lists_.moves_prev(), 4u);
  EXPECT_EQ(ListWith(chunk, kQ025Up), ChunkListId::kQ050);
  EXPECT_EQ(lists_.moves_next(), 7u);
}

TEST_F(ChunkListTest, SearchesQ050Q025Q000QInitThenQ075) {
  // Made so that each list holds one; q075 is reached from q100 only.
  Chunk* q075 = NewChunk();
  SetFree(q075, 0);
  lists_.FreeRun(q075, kChunkBytes - 10, 10);
  ASSERT_EQ(ChunkLists::ListOf(*q075), ChunkListId::kQ075);
  // While it is away the others are filled one by one.
  lists_.Remove(q075);
  Chunk* q000 = ChunkWith(kQInitUp - 100);
  Chunk* q050 = ChunkWith(kQ025Up - 100);
  Chunk* q025 = ChunkWith(kQ000Up - 100);
  Chunk* q_init = NewChunk();
  ASSERT_EQ(ChunkLists::ListOf(*q000), ChunkListId::kQ000);
  ASSERT_EQ(ChunkLists::ListOf(*q050), ChunkListId::kQ050);
  ASSERT_EQ(ChunkLists::ListOf(*q025), ChunkListId::kQ025);
  ASSERT_EQ(ChunkLists::ListOf(*q_init), ChunkListId::kQInit);
  // Back in, filled up and opened again.
  lists_.Add(q075);  // passes through to q050: 10 bytes are free
  lists_.Remove(q050);
  int64_t offset;
  ASSERT_EQ(lists_.AllocateRun(10, 1, &offset), q075);
  lists_.FreeRun(q075, offset, 10);
  ASSERT_EQ(ChunkLists::ListOf(*q075), ChunkListId::kQ075);
  lists_.Add(q050);

  EXPECT_EQ(Serving(), q050);
  lists_.Remove(q050);
  EXPECT_EQ(Serving(), q025);
  lists_.Remove(q025);
  EXPECT_EQ(Serving(), q000);
  lists_.Remove(q000);
  EXPECT_EQ(Serving(), q_init);
  lists_.Remove(q_init);
  EXPECT_EQ(Serving(), q075);
  lists_.Remove(q075);
  EXPECT_EQ(Serving(), nullptr);
}

TEST_F(ChunkListTest, ThePreferredListIsPassedOverWhereItCannotServe) {
  Chunk* fuller = ChunkWith(1000);
  Chunk* emptier = NewChunk();
  int64_t offset;
  EXPECT_EQ(lists_.AllocateRun(1001, 1, &offset), emptier);
  EXPECT_EQ(lists_.AllocateRun(1000, 1, &offset), fuller);
  EXPECT_EQ(ChunkLists::ListOf(*fuller), ChunkListId::kQ100);
}

TEST_F(ChunkListTest, AFullChunkIsNotSearched) {
  Chunk* chunk = NewChunk();
  SetFree(chunk, 0);
  EXPECT_EQ(Serving(), nullptr);
}

TEST_F(ChunkListTest, TheLastChunkToEnterAListServesFirst) {
  NewChunk();
  Chunk* second = NewChunk();
  EXPECT_EQ(Serving(), second);
  EXPECT_EQ(Serving(), second);
}

TEST_F(ChunkListTest, FreedRoomIsFoundAfterASearchThatFailed) {
  Chunk* chunk = NewChunk();
  int64_t offset;
  ASSERT_EQ(lists_.AllocateRun(1000, 1, &offset), chunk);
  ASSERT_EQ(lists_.AllocateRun(kChunkBytes - 1000, 1, &offset), chunk);
  ASSERT_EQ(lists_.AllocateRun(1000, 1, &offset), nullptr);
  lists_.FreeRun(chunk, 0, 1000);
  EXPECT_EQ(lists_.AllocateRun(1000, 1, &offset), chunk);
  EXPECT_EQ(offset, 0);
}

TEST_F(ChunkListTest, UsagePercentRoundsAsNettyDoes) {
  Chunk* chunk = NewChunk();
  const struct {
    size_t free;
    int percent;
  } kCases[] = {
      {kChunkBytes, 0},  // empty
      {kChunkBytes - 1, 1},
      {kChunkBytes / 100 * 99, 2},  // 98.99 % free
      {3187671, 25},                // 75.99 %
      {kChunkBytes / 4 * 3, 25},
      {kChunkBytes / 2 + 1, 50},
      {kChunkBytes / 2, 50},
      {kChunkBytes / 2 - 1, 51},
      {41944, 99},  // 1.00001 %: counts as 1 % free
      {41943, 99},  // below 1 %: full only when nothing is free
      {1, 99},
      {0, 100},
  };
  for (const auto& c : kCases) {
    SetFree(chunk, c.free);
    EXPECT_EQ(chunk->usage_percent(), c.percent) << c.free;
  }
}

// Netty's rules, one step at a time, with the bounds of the table above.
struct ModelList {
  size_t up;
  size_t down;
};
constexpr ModelList kModel[] = {
    {kQInitUp, kChunkBytes}, {kQ000Up, kChunkBytes}, {kQ025Up, kQ025Down},
    {0, kQ050Down},          {0, kQ075Down},         {0, 0},
};

class ChunkListTraceTest : public ChunkListTest,
                           public testing::WithParamInterface<ChunkLayout> {};
INSTANTIATE_TEST_SUITE_P(Layouts, ChunkListTraceTest, BothLayouts(),
                         LayoutTestName);

TEST_P(ChunkListTraceTest, AgreesWithNettysRulesOverARandomTrace) {
  constexpr size_t kPage = 8192;
  std::mt19937 random(7);
  Chunk* chunk = NewChunk(kPage, GetParam());
  int list = 0;
  uint64_t next = 0;
  uint64_t prev = 0;
  std::vector<PageRun> live;
  for (int step = 0; step < 20000; ++step) {
    if (random() % 2 == 0) {
      uint32_t pages = 1 + random() % (random() % 8 == 0 ? 400 : 40);
      if (GetParam() == ChunkLayout::kBuddy) {
        while ((pages & (pages - 1)) != 0) pages &= pages - 1;
      }
      int64_t offset;
      if (lists_.AllocateRun(pages, 1, &offset) != nullptr) {
        live.push_back(PageRun{static_cast<uint32_t>(offset), pages});
      }
    } else if (!live.empty()) {
      const size_t victim = random() % live.size();
      lists_.FreeRun(chunk, live[victim].offset, live[victim].pages);
      live[victim] = live.back();
      live.pop_back();
    }
    const size_t free = chunk->free_bytes();
    while (list < 5 && free <= kModel[list].up) ++list, ++next;
    while (free > kModel[list].down) --list, ++prev;
    ASSERT_EQ(static_cast<int>(ChunkLists::ListOf(*chunk)), list) << free;
    ASSERT_EQ(lists_.moves_next(), next);
    ASSERT_EQ(lists_.moves_prev(), prev);
  }
  EXPECT_GT(next, 100u);
  EXPECT_GT(prev, 100u);
}

}  // namespace
}  // namespace pool_internal
}  // namespace poolscope
