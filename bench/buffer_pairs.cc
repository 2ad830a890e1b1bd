#include "poolscope/bench/buffer_pairs.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "poolscope/bench/handover_ring.h"
#include "poolscope/bench/mixed_sizes.h"
#include "poolscope/bench/pool_hooks.h"

namespace poolscope::bench {
namespace {

constexpr uint64_t kStepPairs = 6400;
constexpr uint64_t kBatch = 64;

// Room for a buffer that the shared object makes and ends.
struct alignas(16) Room {
  std::array<unsigned char, kBufferRoomBytes> bytes;
};

void Make(const PoolHooks& pool, Room* room, size_t size) {
  if (!pool.buffer_allocate(room, size)) std::abort();
}

using Run = std::function<void(uint64_t pairs)>;

Run HotPairs(const PoolHooks& pool, size_t size) {
  return [&pool, size](uint64_t pairs) {
    Room room;
    for (uint64_t i = 0; i < pairs; ++i) {
      Make(pool, &room, size);
      pool.buffer_destroy(&room);
    }
  };
}

Run Batches(const PoolHooks& pool, const SizeTable& sizes) {
  return [&pool, &sizes, next = size_t{0}](uint64_t pairs) mutable {
    Room rooms[kBatch];
    for (uint64_t done = 0; done < pairs; done += kBatch) {
      for (Room& room : rooms) {
        Make(pool, &room, sizes[next++ & (sizes.size() - 1)]);
      }
      for (uint64_t i = kBatch; i-- > 0;) pool.buffer_destroy(&rooms[i]);
    }
  };
}

// Runs on the calling thread; a second one destroys. Null ends that.
class Handover {
 public:
  Handover(const PoolHooks& pool, size_t size)
      : pool_(pool), size_(size), consumer_([this] {
          while (void* room = ring_.Take()) pool_.buffer_destroy(room);
        }) {}
  ~Handover() {
    ring_.Push(nullptr);
    ring_.Flush();
    consumer_.join();
  }

  void Run(uint64_t pairs) {
    for (uint64_t i = 0; i < pairs; ++i) {
      Room* room = &rooms_[next_++ % rooms_.size()];
      Make(pool_, room, size_);
      ring_.Push(room);
    }
    ring_.WaitUntilTaken();
  }

 private:
  const PoolHooks& pool_;
  const size_t size_;
  // More than can be on their way.
  std::array<Room, 2 * HandoverRing::kCapacity> rooms_;
  uint64_t next_ = 0;
  HandoverRing ring_;
  std::thread consumer_;
};

// Nanoseconds a pair, in whole steps for as long as `time`.
double Timed(const Run& run, std::chrono::milliseconds time) {
  const auto start = std::chrono::steady_clock::now();
  std::chrono::duration<double, std::nano> elapsed{};
  uint64_t pairs = 0;
  do {
    run(kStepPairs);
    pairs += kStepPairs;
    elapsed = std::chrono::steady_clock::now() - start;
  } while (elapsed < time);
  return elapsed.count() / static_cast<double>(pairs);
}

absl::Status MeasureAll(const Policy& policy, TrialOptions options,
                        const OnFigure& on_figure) {
  const PoolHooks& pool = policy.pool;
  const auto measure = [&](const std::string& cell, const Run& run) {
    const std::chrono::milliseconds time(options.quick ? 5 : 20);
    Timed(run, time);
    for (int round = 0; round < (options.quick ? 7 : 31); ++round) {
      on_figure(absl::StrCat("buffer/", cell), Timed(run, time));
    }
  };
  for (const size_t size : {256, 14336, 1 << 20}) {
    measure(absl::StrCat("hot/", size), HotPairs(pool, size));
  }
  const SizeTable large = {14336};
  measure("batch/mixed_lifo", Batches(pool, MixedSizes()));
  measure("batch/14336_lifo", Batches(pool, large));
  for (const size_t size : {256, 14336}) {
    Handover handover(pool, size);
    measure(absl::StrCat("handover/", size),
            [&](uint64_t pairs) { handover.Run(pairs); });
  }
  return absl::OkStatus();
}

}  // namespace

Trial BufferTrial() {
  Trial trial;
  trial.group = "a Buffer's work";
  trial.name = "buffer";
  for (const char* cell :
       {"hot/256", "hot/14336", "hot/1048576", "batch/mixed_lifo",
        "batch/14336_lifo", "handover/256", "handover/14336"}) {
    trial.cells.push_back({absl::StrCat("buffer/", cell), std::nullopt});
  }
  trial.ours_only = true;
  trial.beside_netty = true;
  trial.run = MeasureAll;
  return trial;
}

}  // namespace poolscope::bench
