// The report on outbound channels: the sums of each group, and the channels
// with most pending bytes, in two forms.
//
//   groups:    group, channels, what is pending, held and waiting
//   channels:  name, peer, pending bytes and messages, age, state, policy
//
// The sums are those of the metrics. They and the channels are read one after
// the other.
//
// Thread safety: thread-safe; it works on the values given.
#ifndef POOLSCOPE_METRICS_CHANNEL_REPORT_H_
#define POOLSCOPE_METRICS_CHANNEL_REPORT_H_

#include "absl/types/span.h"
#include "poolscope/allocator/outbound/outbound_stats.h"
#include "poolscope/metrics/report_emitter.h"

namespace poolscope {

void EmitChannelReport(absl::Span<const OutboundGroupStats> groups,
                       absl::Span<const ChannelStats> channels,
                       ReportEmitter& emitter);

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_CHANNEL_REPORT_H_
