// Workloads of two threads: the caller's allocates, one of the workload's own
// frees what it is handed through a HandoverRing. A pair is one block handed
// over; the time is the slower side's, the ring included.
//
// While such a workload lives, the two threads are pinned to two processors, if
// the process may use as many.
#ifndef POOLSCOPE_BENCH_HANDOVER_H_
#define POOLSCOPE_BENCH_HANDOVER_H_

#include <memory>

#include "poolscope/bench/mixed_sizes.h"
#include "poolscope/bench/policy.h"
#include "poolscope/bench/workload.h"

namespace poolscope::bench {

std::unique_ptr<Workload> MakeHandover(const Policy& policy,
                                       const SizeTable& sizes);

// The ring alone, with no block: what the other figures contain.
std::unique_ptr<Workload> MakeBareRing();

}  // namespace poolscope::bench

#endif  // POOLSCOPE_BENCH_HANDOVER_H_
