#include "poolscope/exporter/scratch_pool.h"

#include <cstddef>
#include <memory>
#include <vector>

#include "gtest/gtest.h"

namespace poolscope {
namespace {

struct Scratch {
  void Clear() { cleared = true; }
  size_t capacity_bytes() const { return bytes; }

  size_t bytes = 100;
  bool cleared = false;
};
using Pool = ScratchPool<Scratch>;

TEST(ScratchPoolTest, GivesTheSameOneAgainCleared) {
  Pool pool;
  EXPECT_EQ(pool.held_bytes(), 0u);
  std::shared_ptr<Scratch> taken = pool.Take();
  const Scratch* const first = taken.get();
  EXPECT_FALSE(taken->cleared);
  taken.reset();
  taken = pool.Take();
  EXPECT_EQ(taken.get(), first);
  EXPECT_TRUE(taken->cleared);
}

TEST(ScratchPoolTest, CountsWhatWaitsAndWhatIsInUse) {
  Pool pool;
  pool.Take().reset();
  EXPECT_EQ(pool.held_bytes(), 100u);
  std::shared_ptr<Scratch> taken = pool.Take();
  EXPECT_EQ(pool.held_bytes(), 100u);
  taken->bytes = 250;  // seen once it is counted again
  EXPECT_EQ(pool.held_bytes(), 100u);
  pool.Recount(*taken);
  EXPECT_EQ(pool.held_bytes(), 250u);
  taken->bytes = 300;  // or back
  taken.reset();
  EXPECT_EQ(pool.held_bytes(), 300u);
}

TEST(ScratchPoolTest, KeepsNoMoreThanItSays) {
  Pool pool;
  std::vector<std::shared_ptr<Scratch>> taken(Pool::kKept + 2);
  for (auto& each : taken) each = pool.Take();
  taken.clear();
  EXPECT_EQ(pool.held_bytes(), Pool::kKept * 100);
}

TEST(ScratchPoolTest, GivesUpWhatGrewTooLarge) {
  for (const size_t excess : {0, 1}) {
    Pool pool;
    std::shared_ptr<Scratch> taken = pool.Take();
    taken->bytes = Pool::kMaxKeptBytes + excess;
    taken.reset();
    EXPECT_EQ(pool.held_bytes(), excess == 0 ? Pool::kMaxKeptBytes : 0u);
  }
}

}  // namespace
}  // namespace poolscope
