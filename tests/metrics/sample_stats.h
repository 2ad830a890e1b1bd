// Made-up snapshots whose identities hold, for tests that need no allocator.
#ifndef POOLSCOPE_TESTS_METRICS_SAMPLE_STATS_H_
#define POOLSCOPE_TESTS_METRICS_SAMPLE_STATS_H_

#include <vector>

#include "absl/strings/string_view.h"
#include "poolscope/allocator/outbound/outbound_stats.h"
#include "poolscope/allocator/pool/allocator_stats.h"

namespace poolscope {

// Two arenas, three size classes, two chunks, one thread cache; every figure
// another one, so that a mixed-up field shows.
AllocatorStats SampleStats(absl::string_view name = "default");

// An allocator that has just been made: as many arenas and size classes as
// given, every counter 0.
AllocatorStats FreshStats(absl::string_view name, int arenas, int size_classes);

// Two groups of outbound channels, and three channels; likewise.
OutboundStats SampleOutboundStats();
std::vector<ChannelStats> SampleChannels();

}  // namespace poolscope

#endif  // POOLSCOPE_TESTS_METRICS_SAMPLE_STATS_H_
