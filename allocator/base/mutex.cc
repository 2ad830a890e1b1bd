#include "poolscope/allocator/base/mutex.h"

#include "poolscope/allocator/base/clock.h"
#include "poolscope/allocator/base/fatal.h"
#include "poolscope/allocator/base/statistics.h"

namespace poolscope {

void Mutex::LockContended() {
  if constexpr (!kStatistics) {
    mutex_.lock();
    return;
  }
  const int64_t before = PreciseNanos();
  mutex_.lock();
  const int64_t waited = PreciseNanos() - before;
  contentions_.Add(1);
  wait_nanos_.Add(waited);
}

#ifndef NDEBUG

namespace {

// How many locks of each rank this thread holds.
thread_local int held[16] __attribute__((tls_model("initial-exec"))) = {};

}  // namespace

void Mutex::CheckOrder() const {
  if (rank_ == LockRank::kUnranked) return;
  for (int rank = static_cast<int>(rank_); rank < 16; ++rank) {
    if (held[rank] > 0) {
      Fatal(
          "lock order: a lock of rank %d asked for while one of rank %d is "
          "held",
          static_cast<int>(rank_), rank);
    }
  }
}

void Mutex::NoteLocked() const { ++held[static_cast<int>(rank_)]; }
void Mutex::NoteUnlocked() const { --held[static_cast<int>(rank_)]; }

#endif  // NDEBUG

}  // namespace poolscope
