#include "poolscope/bench/fragmentation.h"

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "absl/strings/str_cat.h"
#include "poolscope/bench/mixed_sizes.h"
#include "poolscope/bench/resident.h"

namespace poolscope::bench {
namespace {

constexpr int kSteps = 1'000'000;
constexpr int kPlaces = 24'576;  // half of them full: 64 MB of the mixed sizes
constexpr size_t kPageBytes = 4096;

// The trace, and its own exact account.
class Trace {
 public:
  explicit Trace(const Policy& policy) : policy_(policy), places_(kPlaces) {}

  ~Trace() {
    for (const Place& place : places_) {
      if (place.block != nullptr) policy_.free(place.block);
    }
  }

  absl::Status Run(int steps) {
    for (int i = 0; i < steps; ++i) {
      Place& place = places_[random_() % kPlaces];
      if (place.block != nullptr) {
        policy_.free(place.block);
        live_bytes_ -= place.size;
        ++frees_;
        place = Place();
        continue;
      }
      place.size = MixedSizes()[random_() % MixedSizes().size()];
      place.block = static_cast<uint8_t*>(policy_.allocate(place.size));
      if (place.block == nullptr) {
        return absl::ResourceExhaustedError(
            absl::StrCat("refused ", place.size, " bytes in step ", i));
      }
      for (size_t at = 0; at < place.size; at += kPageBytes) {
        place.block[at] = 1;
      }
      live_bytes_ += place.size;
      requested_bytes_ += place.size;
      ++allocations_;
    }
    return absl::OkStatus();
  }

  uint64_t live_bytes() const { return live_bytes_; }
  uint64_t requested_bytes() const { return requested_bytes_; }
  uint64_t allocations() const { return allocations_; }
  uint64_t frees() const { return frees_; }

 private:
  struct Place {
    uint8_t* block = nullptr;
    size_t size = 0;
  };

  const Policy& policy_;
  std::vector<Place> places_;
  std::mt19937_64 random_{20'240'229};
  uint64_t live_bytes_ = 0;
  uint64_t requested_bytes_ = 0;
  uint64_t allocations_ = 0;
  uint64_t frees_ = 0;
};

double Percent(double part, double whole) { return 100 * part / whole; }

absl::Status MustBe(const char* what, uint64_t counted, uint64_t exact) {
  if (counted == exact) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(what, " counted as ", counted,
                                          ", but the trace had ", exact));
}

absl::Status Report(const Trace& trace, const PoolFigures& before,
                    const PoolFigures& after, const OnFigure& on_figure) {
  const uint64_t allocated = after.allocated_bytes - before.allocated_bytes;
  const uint64_t requested = after.requested_bytes - before.requested_bytes;
  for (const absl::Status& status :
       {MustBe("allocations", after.allocations - before.allocations,
               trace.allocations()),
        MustBe("frees", after.deallocations - before.deallocations,
               trace.frees()),
        MustBe("requested bytes", requested, trace.requested_bytes())}) {
    if (!status.ok()) return status;
  }
  const uint64_t pinned = after.pinned_bytes - before.pinned_bytes;
  if (pinned < trace.live_bytes()) {
    return absl::InternalError(absl::StrCat("pinned bytes counted as ", pinned,
                                            ", but the trace had ",
                                            trace.live_bytes(), " alive"));
  }
  const double in_chunks =
      after.used_bytes + after.external_fragmentation_bytes;
  on_figure("fragmentation/internal_percent",
            Percent(allocated - requested, allocated));
  on_figure("fragmentation/internal_live_percent",
            Percent(pinned - trace.live_bytes(), pinned));
  on_figure("fragmentation/internal_estimate_percent",
            Percent(after.internal_fragmentation_bytes, pinned));
  on_figure("fragmentation/external_percent",
            Percent(after.external_fragmentation_bytes, in_chunks));
  on_figure("fragmentation/cached_percent",
            Percent(after.cached_bytes, in_chunks));
  return absl::OkStatus();
}

absl::Status Run(const Policy& policy, TrialOptions options,
                 const OnFigure& on_figure) {
  const bool ours = policy.pool.figures != nullptr;
  Trace trace(policy);
  PoolFigures before = {};
  PoolFigures after = {};
  if (ours) policy.pool.figures(&before);
  const uint64_t base = ResidentBytes();
  const absl::Status ran = trace.Run(options.quick ? kSteps / 10 : kSteps);
  if (!ran.ok()) return ran;
  const double growth = KibAbove(ResidentBytes(), base) * 1024;
  on_figure("fragmentation/rss_over_live_percent",
            Percent(growth, trace.live_bytes()) - 100);
  if (!ours) return absl::OkStatus();
  policy.pool.figures(&after);
  return Report(trace, before, after, on_figure);
}

}  // namespace

Trial FragmentationTrial() {
  Trial trial;
  trial.group = "fragmentation";
  trial.name = "fragmentation";
  trial.cells = {
      {"fragmentation/rss_over_live_percent", std::nullopt},
      {"fragmentation/internal_percent", Bar{Bar::Side::kAtMost, 12.5}},
      {"fragmentation/internal_live_percent", Bar{Bar::Side::kAtMost, 12.5}},
      {"fragmentation/internal_estimate_percent", std::nullopt},
      {"fragmentation/external_percent", Bar{Bar::Side::kAtMost, 10}},
      {"fragmentation/cached_percent", std::nullopt},
  };
  trial.runs = 3;
  trial.run = Run;
  return trial;
}

}  // namespace poolscope::bench
