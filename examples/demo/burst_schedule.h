// BurstSchedule: an even stream of messages, pressed into bursts.
//
//   even    |  .  .  .  .  .  .  .  .  |  .  .  .  .  .  .  .  .  |
//   bursts  |........                  |........                  |
//           |<share>|                  |<------ period ---------->|
//
// As many messages as before are due in each period, in its first `share`. A
// plain value; pure.
#ifndef POOLSCOPE_EXAMPLES_DEMO_BURST_SCHEDULE_H_
#define POOLSCOPE_EXAMPLES_DEMO_BURST_SCHEDULE_H_

#include "absl/time/time.h"

namespace poolscope::demo {

struct BurstSchedule {
  absl::Duration period = absl::ZeroDuration();  // zero: none, it stays even
  double share = 1;                              // above 0, at most 1

  // When what is due at `even` is due in bursts, both since the start.
  absl::Duration At(absl::Duration even) const {
    if (period == absl::ZeroDuration()) return even;
    const absl::Duration begin = absl::Floor(even, period);
    return begin + (even - begin) * share;
  }
};

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_BURST_SCHEDULE_H_
