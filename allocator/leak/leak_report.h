// LeakReport: what a leak detector found, as plain values, and its text.
//
// One report stands for all blocks of one creation stack that were lost in the
// same way; it shows the first of them.
//
//   cause              verdict   the block was
//   allocator closed   leaked    alive when its allocator was destroyed
//   scope ended        leaked    alive when the LeakScope of its creation ended
//   channel closed     leaked    alive when the channel that had it was closed
//   send dropped       leaked    sent, and the Send was dropped unreceived
//   too old            suspect   older than blocks of its call site ever get
//
// "Leaked" is certain: a rule was broken. "Suspect" is a guess from its age; if
// such a block is freed after all, `live` falls and `count` stays.
#ifndef POOLSCOPE_ALLOCATOR_LEAK_LEAK_REPORT_H_
#define POOLSCOPE_ALLOCATOR_LEAK_LEAK_REPORT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "poolscope/allocator/leak/access_records.h"

namespace poolscope {

enum class LeakVerdict { kLeaked, kSuspect };
inline constexpr int kLeakVerdictCount = 2;
const char* LeakVerdictName(LeakVerdict verdict);  // "leaked", "suspect"

enum class LeakCause {
  kAllocatorClosed,
  kScopeEnded,
  kChannelClosed,
  kSendDropped,
  kTooOld,
};
inline constexpr int kLeakCauseCount = 5;
LeakVerdict VerdictOf(LeakCause cause);
const char* LeakCauseText(LeakCause cause);  // "alive when ..."

struct LeakReport {
  std::string allocator;
  LeakCause cause = LeakCause::kTooOld;

  uint64_t count = 0;            // blocks judged so
  uint64_t live = 0;             // of these, not freed since, as far as tracked
  uint64_t requested_bytes = 0;  // of `count` blocks
  // What these stand for, by their weights: estimates of all such blocks.
  double estimated_count = 0;
  double estimated_bytes = 0;

  // The first of them.
  uint64_t id = 0;
  uint64_t address = 0;
  size_t first_requested_bytes = 0;
  size_t first_class_bytes = 0;
  double first_age_seconds = 0;  // when it was judged
  AccessRecord creation;
  std::vector<AccessRecord> accesses;  // newest first
  uint64_t dropped_accesses = 0;       // by the back-off or for want of memory
};

// What people read of a report, whatever the form: symbols looked up (slow),
// frames of this library's own and accesses like a newer one left out.
struct LeakRecordText {
  std::string hint;                 // as it was given; LeakText() escapes it
  std::vector<std::string> frames;  // innermost first
};
struct LeakDescription {
  std::vector<LeakRecordText> accesses;  // newest first
  uint64_t duplicate_accesses = 0;
  LeakRecordText creation;
};
LeakDescription DescribeLeak(const LeakReport& report);

// In Netty's layout, of several lines (the first is one):
//
//   LEAK: allocator rpc: 1 block (200 bytes asked for, 1 live) leaked: alive
//   when its scope ended. The first: id 7, 200 bytes at 0x7f..., 0.120 s old.
//   Recent access records:
//   #1:
//           Hint: decode
//           relay::Decode() (relay+0x41c2f)
//   Created at:
//           relay::Read() (relay+0x3fe10)
//
std::string LeakText(const LeakReport& report);

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_LEAK_LEAK_REPORT_H_
