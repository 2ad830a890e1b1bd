#include "poolscope/allocator/leak/leak_report.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/types/span.h"
#include "poolscope/allocator/leak/symbols.h"

namespace poolscope {
namespace {

LeakRecordText DescribeRecord(const AccessRecord& record) {
  LeakRecordText text;
  text.hint = record.hint;
  absl::Span<void* const> stack = record.stack;
  stack.remove_prefix(CountOwnFrames(stack));
  for (const void* frame : stack) text.frames.push_back(FrameText(frame));
  return text;
}

void AppendRecord(const LeakRecordText& record, std::string* text) {
  if (!record.hint.empty()) {
    // It may hold what a peer sent, and must not look like lines of ours.
    // Quotes may stand as they are.
    const std::string hint = absl::StrReplaceAll(
        absl::Utf8SafeCHexEscape(record.hint),
        {{R"(\\)", R"(\\)"}, {R"(\")", "\""}, {R"(\')", "'"}});
    absl::StrAppendFormat(text, "\tHint: %s\n", hint);
  }
  for (const std::string& frame : record.frames) {
    absl::StrAppendFormat(text, "\t%s\n", frame);
  }
  if (record.frames.empty()) text->append("\t(no stack)\n");
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

LeakDescription DescribeLeak(const LeakReport& report) {
  LeakDescription description;
  std::vector<const AccessRecord*> distinct;
  for (const AccessRecord& record : report.accesses) {
    const bool seen = std::any_of(
        distinct.begin(), distinct.end(), [&](const AccessRecord* other) {
          return other->hint == record.hint && other->stack == record.stack;
        });
    if (seen) {
      ++description.duplicate_accesses;
      continue;
    }
    distinct.push_back(&record);
    description.accesses.push_back(DescribeRecord(record));
  }
  description.creation = DescribeRecord(report.creation);
  return description;
}

std::string LeakText(const LeakReport& report) {
  const LeakDescription description = DescribeLeak(report);
  std::string text = absl::StrFormat(
      "LEAK: allocator %s: %d block%s (%d bytes asked for, %d live) %s: %s. "
      "The first: id %d, %d bytes at %p, %.3f s old.\n"
      "Recent access records:%s\n",
      report.allocator, report.count, report.count == 1 ? "" : "s",
      report.requested_bytes, report.live,
      LeakVerdictName(VerdictOf(report.cause)), LeakCauseText(report.cause),
      report.id, report.first_requested_bytes,
      reinterpret_cast<const void*>(report.address), report.first_age_seconds,
      report.accesses.empty() ? " none" : "");
  for (size_t i = 0; i < description.accesses.size(); ++i) {
    absl::StrAppendFormat(&text, "#%d:\n", i + 1);
    AppendRecord(description.accesses[i], &text);
  }
  text.append("Created at:\n");
  AppendRecord(description.creation, &text);
  if (description.duplicate_accesses > 0) {
    absl::StrAppendFormat(
        &text, ": %d access records left out: the same as one above\n",
        description.duplicate_accesses);
  }
  if (report.dropped_accesses > 0) {
    absl::StrAppendFormat(&text,
                          ": %d access records dropped: few of many are kept\n",
                          report.dropped_accesses);
  }
  return text;
}

}  // namespace poolscope
