// The memory that a quiet service cannot get below: 16 threads hand 20 messages
// of 14 KiB to one another. A thread frees the message it is handed, allocates
// and fills the next, and hands that to a thread picked at random. Data in
// flight is 280 KiB; what the process has grown by, after 200,000 messages and
// with every thread waiting, is the allocator's.
//
//   memory/rss_floor_kib               threads that wait say so, where the
//                                      policy has a call for it
//   memory/rss_floor_without_idle_kib  poolscope without that call
#ifndef POOLSCOPE_BENCH_RSS_FLOOR_H_
#define POOLSCOPE_BENCH_RSS_FLOOR_H_

#include "poolscope/bench/trial.h"

namespace poolscope::bench {

// Whether a thread that is about to wait tells its allocator.
enum class IdleThreads { kSaySo, kAreSilent };

Trial RssFloorTrial(IdleThreads threads);

}  // namespace poolscope::bench

#endif  // POOLSCOPE_BENCH_RSS_FLOOR_H_
