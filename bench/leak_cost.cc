#include "poolscope/bench/leak_cost.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "poolscope/bench/mixed_sizes.h"
#include "poolscope/bench/pool_hooks.h"

namespace poolscope::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kBatch = 64;
constexpr int kRounds = 15;
constexpr auto kTurn = std::chrono::milliseconds(20);
constexpr auto kQuickTurn = std::chrono::milliseconds(5);
// Until the interval between samples has settled.
constexpr int kWarmUpTurns = 25;

struct Functions {
  void* (*allocate)(size_t size);
  void (*free)(void* block);
};

// Nanoseconds a pair, over whole tables of sizes for as long as `time`.
double Timed(const Functions& functions, const SizeTable& sizes,
             Clock::duration time) {
  const size_t pairs_a_step = sizes.size() < 4096 ? 4096 : sizes.size();
  void* blocks[kBatch];
  uint64_t pairs = 0;
  std::chrono::duration<double, std::nano> elapsed{};
  const Clock::time_point start = Clock::now();
  do {
    for (size_t at = 0; at < pairs_a_step;) {
      for (void*& block : blocks) {
        block = functions.allocate(sizes[at++ & (sizes.size() - 1)]);
      }
      for (int i = kBatch - 1; i >= 0; --i) functions.free(blocks[i]);
    }
    pairs += pairs_a_step;
    elapsed = Clock::now() - start;
  } while (elapsed < time);
  return elapsed.count() / static_cast<double>(pairs);
}

absl::Status Run(const Policy& policy, TrialOptions options,
                 const OnFigure& on_figure) {
  const Clock::duration turn = options.quick ? kQuickTurn : kTurn;
  const PoolHooks& pool = policy.pool;
  pool.watch();
  const std::array<Functions, 3> all = {
      Functions{policy.allocate, policy.free},
      Functions{pool.disabled_allocate, pool.disabled_free},
      Functions{pool.simple_allocate, pool.simple_free}};
  const SizeTable small = {256};
  const struct {
    const char* name;
    const SizeTable& sizes;
  } loads[] = {{"256", small}, {"mixed", MixedSizes()}};
  for (const auto& load : loads) {
    for (const Functions& functions : all) {
      Timed(functions, load.sizes, kWarmUpTurns * turn);
    }
    for (size_t round = 0; round < kRounds; ++round) {
      std::array<double, 3> ns;
      for (size_t i = 0; i < all.size(); ++i) {
        const size_t which = (round + i) % all.size();
        ns[which] = Timed(all[which], load.sizes, turn);
      }
      const std::string prefix = absl::StrCat("leaks/", load.name);
      on_figure(absl::StrCat(prefix, "_batch"), ns[0]);
      on_figure(absl::StrCat(prefix, "_disabled_cost_percent"),
                100 * (ns[1] / ns[0] - 1));
      on_figure(absl::StrCat(prefix, "_simple_cost_percent"),
                100 * (ns[2] / ns[0] - 1));
    }
  }
  return absl::OkStatus();
}

}  // namespace

Trial LeakCostTrial() {
  Trial trial;
  trial.group = "leak detection";
  trial.name = "leak_cost";
  for (const char* load : {"256", "mixed"}) {
    const std::string prefix = absl::StrCat("leaks/", load);
    trial.cells.push_back({absl::StrCat(prefix, "_batch"), std::nullopt});
    trial.cells.push_back(
        {absl::StrCat(prefix, "_disabled_cost_percent"), std::nullopt});
    trial.cells.push_back({absl::StrCat(prefix, "_simple_cost_percent"),
                           Bar{Bar::Side::kAtMost, 2}});
  }
  trial.ours_only = true;
  trial.runs = 7;
  trial.run = Run;
  return trial;
}

}  // namespace poolscope::bench
