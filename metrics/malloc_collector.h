// The families of malloc: whose it is, and what it holds.
//
// Thread safety: thread-safe; it works on the values given.
#ifndef POOLSCOPE_METRICS_MALLOC_COLLECTOR_H_
#define POOLSCOPE_METRICS_MALLOC_COLLECTOR_H_

#include "poolscope/metrics/metric_writer.h"
#include "poolscope/metrics/process/malloc_figures.h"

namespace poolscope {

// What the malloc does not tell is left out.
void CollectMalloc(const MallocFigures& malloc, MetricWriter& writer);

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_MALLOC_COLLECTOR_H_
