#include "poolscope/bench/all_trials.h"

#include "poolscope/bench/buffer_pairs.h"
#include "poolscope/bench/burst.h"
#include "poolscope/bench/channel_cost.h"
#include "poolscope/bench/fragmentation.h"
#include "poolscope/bench/leak_cost.h"
#include "poolscope/bench/outbound_cost.h"
#include "poolscope/bench/rss_floor.h"
#include "poolscope/bench/scaling.h"
#include "poolscope/bench/scrape_cost.h"
#include "poolscope/bench/trim.h"
#include "poolscope/bench/walk_cost.h"

namespace poolscope::bench {

const std::vector<Trial>& AllTrials() {
  static const auto& trials = *new std::vector<Trial>{
      RssFloorTrial(IdleThreads::kSaySo),
      RssFloorTrial(IdleThreads::kAreSilent),
      BurstTrial(),
      TrimTrial(),
      FragmentationTrial(),
      ScalingTrial(),
      ScrapeCostTrial(),
      LeakCostTrial(),
      BufferTrial(),
      ChannelCostTrial(),
      OutboundCostTrial(),
      WalkCostTrial(100),
      WalkCostTrial(2000),
      WalkCostTrial(50000),
  };
  return trials;
}

}  // namespace poolscope::bench
