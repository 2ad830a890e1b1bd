// Workload: one pattern of use in progress with one policy.
#ifndef POOLSCOPE_BENCH_WORKLOAD_H_
#define POOLSCOPE_BENCH_WORKLOAD_H_

#include <cstdint>

namespace poolscope::bench {

// Made before the clock starts, destroyed after it stops; thread-compatible.
//
// Blocks are not written to: what is seen is the allocator. One that keeps its
// lists inside the blocks pays for touching them there, as it does in life.
class Workload {
 public:
  virtual ~Workload() = default;

  // Exactly `pairs` allocations and as many frees, all of them over when it
  // returns.
  virtual void Run(uint64_t pairs) = 0;
};

}  // namespace poolscope::bench

#endif  // POOLSCOPE_BENCH_WORKLOAD_H_
