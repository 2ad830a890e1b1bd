// ChannelSource: where the figures of outbound channels come from.
//
// Functions and values only: metrics does not know the registry of channels.
#ifndef POOLSCOPE_METRICS_CHANNEL_SOURCE_H_
#define POOLSCOPE_METRICS_CHANNEL_SOURCE_H_

#include <cstddef>
#include <functional>
#include <vector>

#include "poolscope/allocator/outbound/outbound_stats.h"
#include "poolscope/allocator/pool/pool_range.h"

namespace poolscope {

// Called on the threads that scrape; must not call back into the registry of
// metrics.
struct ChannelSource {
  std::function<OutboundStats()> stats;
  // The `count` channels with most pending bytes, the most first.
  std::function<std::vector<ChannelStats>(size_t count)> top;
  // What is mapped for the records of channels; null: nothing is known.
  std::function<std::vector<PoolRange>()> ranges;
};

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_CHANNEL_SOURCE_H_
