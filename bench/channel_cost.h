// What 100,000 outbound channels in ten groups cost their service: registering
// each, counting a message, and a scrape of all of them. A tenth of them is
// unwritable, a half has bytes pending. Between the scrapes the caches are
// filled with something else, as a service would.
//
//   channels/register     of one, with the strings made before
//   channels/count        a message queued and written whole, on one channel
//   channels/unregister   of one
//   channels/stats_ms     ChannelRegistry::Stats()
//   channels/top_20_ms    ChannelRegistry::Top(20)
//   channels/scrape_ms    Stats() and the text of /metrics made of it
#ifndef POOLSCOPE_BENCH_CHANNEL_COST_H_
#define POOLSCOPE_BENCH_CHANNEL_COST_H_

#include "poolscope/bench/trial.h"

namespace poolscope::bench {

Trial ChannelCostTrial();

}  // namespace poolscope::bench

#endif  // POOLSCOPE_BENCH_CHANNEL_COST_H_
