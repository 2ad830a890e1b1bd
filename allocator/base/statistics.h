// kStatistics: whether counters count.
//
// Always true but in the object that the bench compiles a second time, to say
// what the statistics cost. Without them SingleWriterCounters stay at zero, and
// nothing is sampled or timed but huge blocks, whose mapping costs a thousand
// times as much. What remains serves allocation: pops and pushes are the index
// of a magazine, `event_at` brings trims and returned blocks too, and the bytes
// in use are held against the limit.
//
// An allocator without statistics is for that comparison alone: it cannot tell
// when the last of its blocks was returned, nor how busy a thread is that its
// magazines do not serve.
#ifndef POOLSCOPE_ALLOCATOR_BASE_STATISTICS_H_
#define POOLSCOPE_ALLOCATOR_BASE_STATISTICS_H_

namespace poolscope {

#ifdef POOLSCOPE_WITHOUT_STATISTICS
inline constexpr bool kStatistics = false;
#else
inline constexpr bool kStatistics = true;
#endif

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_BASE_STATISTICS_H_
