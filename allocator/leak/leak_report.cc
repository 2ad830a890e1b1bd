#include "poolscope/allocator/leak/leak_report.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "absl/types/span.h"
#include "poolscope/allocator/leak/symbols.h"

namespace poolscope {
namespace {

void AppendRecord(const AccessRecord& record, std::string* text) {
  if (!record.hint.empty())
    absl::StrAppendFormat(text, "\tHint: %s\n", record.hint);
  absl::Span<void* const> stack = record.stack;
  stack.remove_prefix(CountOwnFrames(stack));
  for (const void* frame : stack) {
    absl::StrAppendFormat(text, "\t%s\n", FrameText(frame));
  }
  if (stack.empty()) text->append("\t(no stack)\n");
}

}  // namespace

const char* LeakVerdictName(LeakVerdict verdict) {
  return verdict == LeakVerdict::kLeaked ? "leaked" : "suspect";
}

LeakVerdict VerdictOf(LeakCause cause) {
  return cause == LeakCause::kTooOld ? LeakVerdict::kSuspect
                                     : LeakVerdict::kLeaked;
}

const char* LeakCauseText(LeakCause cause) {
  switch (cause) {
    case LeakCause::kAllocatorClosed:
      return "alive when its allocator was closed";
    case LeakCause::kScopeEnded:
      return "alive when its scope ended";
    case LeakCause::kChannelClosed:
      return "alive when its channel was closed";
    case LeakCause::kSendDropped:
      return "sent, and never received";
    case LeakCause::kTooOld:
      return "older than blocks of its call site get";
  }
  return "unknown";
}

std::vector<const AccessRecord*> DistinctAccesses(const LeakReport& report) {
  std::vector<const AccessRecord*> distinct;
  for (const AccessRecord& record : report.accesses) {
    const bool seen = std::any_of(
        distinct.begin(), distinct.end(), [&](const AccessRecord* other) {
          return other->hint == record.hint && other->stack == record.stack;
        });
    if (!seen) distinct.push_back(&record);
  }
  return distinct;
}

std::string LeakText(const LeakReport& report) {
  std::string text = absl::StrFormat(
      "LEAK: allocator %s: %d block%s (%d bytes asked for, %d live) %s: %s. "
      "The "
      "first: id %d, %d bytes at %p, %.3f s old.\nRecent access records:%s\n",
      report.allocator, report.count, report.count == 1 ? "" : "s",
      report.requested_bytes, report.live,
      LeakVerdictName(VerdictOf(report.cause)), LeakCauseText(report.cause),
      report.id, report.first_requested_bytes,
      reinterpret_cast<const void*>(report.address), report.first_age_seconds,
      report.accesses.empty() ? " none" : "");
  const std::vector<const AccessRecord*> distinct = DistinctAccesses(report);
  for (size_t i = 0; i < distinct.size(); ++i) {
    absl::StrAppendFormat(&text, "#%d:\n", i + 1);
    AppendRecord(*distinct[i], &text);
  }
  text.append("Created at:\n");
  AppendRecord(report.creation, &text);
  if (const size_t same = report.accesses.size() - distinct.size(); same > 0) {
    absl::StrAppendFormat(
        &text, ": %d access records left out: the same as one above\n", same);
  }
  if (report.dropped_accesses > 0) {
    absl::StrAppendFormat(&text,
                          ": %d access records dropped: few of many are kept\n",
                          report.dropped_accesses);
  }
  return text;
}

}  // namespace poolscope
