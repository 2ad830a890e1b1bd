// Trial: a load that is run once in a process of its own and yields figures
// that are not times of a pair: memory kept, fragmentation, throughput by
// threads, the cost of a scrape.
//
//   absl::Status run = trial.run(policy, {/*quick=*/false},
//                                [](absl::string_view cell, double value) {
//                                  printf("%s %f\n", ...);
//                                });
//
// A process may run one trial once: what earlier work left in an allocator
// would show in the next figures. TrialRunner starts the processes.
#ifndef POOLSCOPE_BENCH_TRIAL_H_
#define POOLSCOPE_BENCH_TRIAL_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "poolscope/bench/policy.h"

namespace poolscope::bench {

// What poolscope's median is held against.
struct Bar {
  enum class Side { kAtMost, kAtLeast };
  Side side = Side::kAtMost;
  double value = 0;

  bool Holds(double figure) const {
    return side == Side::kAtMost ? figure <= value : figure >= value;
  }
};

// A figure of a trial. Its name ends in its unit, but for nanoseconds.
struct TrialCell {
  std::string name;  // unique; what a filter is matched with
  std::optional<Bar> bar;
};

struct TrialOptions {
  bool quick = false;  // a rough look: a tenth of the load
};

// May be called more than once for a cell: each value is a sample.
using OnFigure = std::function<void(absl::string_view cell, double value)>;

struct Trial {
  std::string group;  // the table it belongs to
  std::string name;   // unique; what --trial names
  std::vector<TrialCell> cells;
  bool ours_only = false;
  bool beside_netty = false;  // netty_peer.h takes part too
  int runs = 1;               // processes for each policy
  std::function<absl::Status(const Policy&, TrialOptions, const OnFigure&)> run;

  // The floor is no allocator, and an allocator without statistics has no
  // figures to read: they take part in none.
  bool Takes(const Policy& policy) const {
    return policy.role == Role::kOurs || policy.role == Role::kVariant ||
           (!ours_only && policy.role == Role::kPeer);
  }
};

}  // namespace poolscope::bench

#endif  // POOLSCOPE_BENCH_TRIAL_H_
