// What Trim() leaves behind sleeping threads: eight threads pin 16 messages of
// 14 KiB each, then allocate 1000 blocks of mixed sizes, write to them, and
// free half of their own and half of their neighbour's. They say that they
// wait, and wait; another thread calls Trim().
//
//   trim/used_above_pinned_kib  runs handed out of chunks, less what is pinned
//   trim/rss_above_pinned_kib   resident growth, less what is pinned
//   trim/rss_before_kib         resident growth before the call
#ifndef POOLSCOPE_BENCH_TRIM_H_
#define POOLSCOPE_BENCH_TRIM_H_

#include "poolscope/bench/trial.h"

namespace poolscope::bench {

Trial TrimTrial();

}  // namespace poolscope::bench

#endif  // POOLSCOPE_BENCH_TRIM_H_
