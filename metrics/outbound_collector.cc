#include "poolscope/metrics/outbound_collector.h"

#include <functional>

#include "poolscope/allocator/outbound/admission_policy.h"
#include "poolscope/allocator/outbound/outbound_failure.h"
#include "poolscope/metrics/metric_names.h"

namespace poolscope {
namespace {

using Groups = absl::Span<const OutboundGroupStats>;

// Calls `samples(group)` between the beginning and the end of the family; the
// samples share the label `group`.
template <typename Samples>
void WriteGroupFamily(Metric metric, Groups groups, MetricWriter& writer,
                      Samples samples) {
  writer.BeginFamily(Describe(metric));
  for (const OutboundGroupStats& group : groups) {
    writer.ShareLabels({{"group", group.group}});
    samples(group);
  }
  writer.EndFamily();
}

template <typename Value>
void WritePerGroup(Metric metric, Groups groups, MetricWriter& writer,
                   Value value) {
  WriteGroupFamily(metric, groups, writer,
                   [&](const OutboundGroupStats& group) {
                     writer.WriteSample({}, std::invoke(value, group));
                   });
}

void WriteValue(Metric metric, MetricValue value, MetricWriter& writer) {
  writer.BeginFamily(Describe(metric));
  writer.WriteSample({}, value);
  writer.EndFamily();
}

}  // namespace

void CollectOutbound(Groups groups, MetricWriter& writer) {
  using Group = OutboundGroupStats;
  WritePerGroup(Metric::kOutboundPendingBytes, groups, writer,
                &Group::pending_bytes);
  WritePerGroup(Metric::kOutboundPendingMessages, groups, writer,
                &Group::pending_messages);
  WriteGroupFamily(
      Metric::kOutboundChannels, groups, writer, [&](const Group& group) {
        writer.WriteSample({{"state", "writable"}}, group.writable_channels);
        writer.WriteSample({{"state", "unwritable"}},
                           group.unwritable_channels);
      });
  WritePerGroup(Metric::kOutboundMaxChannelPendingBytes, groups, writer,
                &Group::max_channel_pending_bytes);
  WritePerGroup(Metric::kOutboundOldestMessageAge, groups, writer,
                &Group::oldest_message_age_seconds);
  WritePerGroup(Metric::kOutboundHeldBytes, groups, writer, &Group::held_bytes);
  WritePerGroup(Metric::kOutboundQueuedBytes, groups, writer,
                &Group::queued_bytes);
  WritePerGroup(Metric::kOutboundWrittenBytes, groups, writer,
                &Group::written_bytes);
  WriteGroupFamily(
      Metric::kOutboundFailedBytes, groups, writer, [&](const Group& group) {
        for (int i = 0; i < kOutboundFailureCount; ++i) {
          writer.WriteSample({{"reason", OutboundFailureName(
                                             static_cast<OutboundFailure>(i))}},
                             group.failed_bytes[i]);
        }
      });
  WriteGroupFamily(Metric::kOutboundWatermarkTransitions, groups, writer,
                   [&](const Group& group) {
                     writer.WriteSample({{"direction", "unwritable"}},
                                        group.transitions_to_unwritable);
                     writer.WriteSample({{"direction", "writable"}},
                                        group.transitions_to_writable);
                   });
  WritePerGroup(Metric::kOutboundUnwritable, groups, writer,
                &Group::unwritable_seconds);
  WriteGroupFamily(Metric::kOutboundRejectedMessages, groups, writer,
                   [&](const Group& group) {
                     for (int i = 0; i < kAdmissionPolicyCount; ++i) {
                       writer.WriteSample(
                           {{"policy", AdmissionPolicyName(
                                           static_cast<AdmissionPolicy>(i))}},
                           group.rejected_messages[i]);
                     }
                   });
  WritePerGroup(Metric::kOutboundAdmissionQueueMessages, groups, writer,
                &Group::admission_queue_messages);
  WritePerGroup(Metric::kOutboundAdmissionQueueBytes, groups, writer,
                &Group::admission_queue_bytes);
}

void CollectGovernor(const MemoryGovernorStats& governor,
                     MetricWriter& writer) {
  writer.BeginFamily(Describe(Metric::kGovernorChannels));
  writer.WriteSample({{"state", "reading"}},
                     governor.members - governor.paused_members);
  writer.WriteSample({{"state", "paused"}}, governor.paused_members);
  writer.EndFamily();
  WriteValue(Metric::kGovernorPauses, governor.pauses, writer);
  WriteValue(Metric::kGovernorResumes, governor.resumes, writer);
  WriteValue(Metric::kGovernorRejections, governor.rejections, writer);
}

}  // namespace poolscope
