#include "poolscope/metrics/channel_report.h"

#include "poolscope/allocator/outbound/admission_policy.h"

namespace poolscope {

void EmitChannelReport(absl::Span<const OutboundGroupStats> groups,
                       absl::Span<const ChannelStats> channels,
                       ReportEmitter& emitter) {
  emitter.BeginObject("");
  emitter.BeginTable("groups");
  for (const OutboundGroupStats& group : groups) {
    emitter.BeginRow();
    emitter.Field("group", group.group);
    emitter.Field("writable_channels", group.writable_channels);
    emitter.Field("unwritable_channels", group.unwritable_channels);
    emitter.Field("pending_bytes", group.pending_bytes);
    emitter.Field("pending_messages", group.pending_messages);
    emitter.Field("max_channel_pending_bytes", group.max_channel_pending_bytes);
    emitter.Field("oldest_message_age_seconds",
                  group.oldest_message_age_seconds);
    emitter.Field("held_bytes", group.held_bytes);
    emitter.Field("admission_queue_messages", group.admission_queue_messages);
    emitter.Field("admission_queue_bytes", group.admission_queue_bytes);
    emitter.EndRow();
  }
  emitter.EndTable();
  emitter.BeginTable("channels");
  for (const ChannelStats& channel : channels) {
    emitter.BeginRow();
    emitter.Field("id", channel.id);
    emitter.Field("group", channel.group);
    emitter.Field("name", channel.name);
    emitter.Field("peer", channel.peer);
    emitter.Field("state", channel.writable ? "writable" : "unwritable");
    emitter.Field("policy", AdmissionPolicyName(channel.policy));
    emitter.Field("pending_bytes", channel.pending_bytes);
    emitter.Field("pending_messages", channel.pending_messages);
    emitter.Field("oldest_message_age_seconds",
                  channel.oldest_message_age_seconds);
    emitter.Field("unwritable_for_seconds", channel.unwritable_for_seconds);
    emitter.Field("held_bytes", channel.held_bytes);
    emitter.Field("admission_queue_messages", channel.admission_queue_messages);
    emitter.EndRow();
  }
  emitter.EndTable();
  emitter.EndObject();
}

}  // namespace poolscope
