// What a scrape costs those who allocate: one thread a processor runs batches
// of 64 mixed sizes, with and without another thread that takes a snapshot
// every 100 ms. Ten pairs of runs, which of the two comes first alternating.
//
//   statistics/batch_p999                    of a batch, not scraped
//   statistics/scrape_throughput_loss_percent  each pair a sample, so that
//   statistics/scrape_p999_growth_percent      the spread is theirs
#ifndef POOLSCOPE_BENCH_SCRAPE_COST_H_
#define POOLSCOPE_BENCH_SCRAPE_COST_H_

#include "poolscope/bench/trial.h"

namespace poolscope::bench {

Trial ScrapeCostTrial();

}  // namespace poolscope::bench

#endif  // POOLSCOPE_BENCH_SCRAPE_COST_H_
