// How much work a stress test does in this build.
#ifndef POOLSCOPE_TESTS_ALLOCATOR_POOL_STRESS_WORK_SCALE_H_
#define POOLSCOPE_TESTS_ALLOCATOR_POOL_STRESS_WORK_SCALE_H_

#include <algorithm>

namespace poolscope {

#if defined(__SANITIZE_THREAD__)
inline constexpr int kSlowdown = 10;
#elif defined(__SANITIZE_ADDRESS__)
inline constexpr int kSlowdown = 4;
#else
inline constexpr int kSlowdown = 1;
#endif

// `count` repetitions at full speed, fewer where each takes longer, at least
// one.
constexpr int Scaled(int count) { return std::max(1, count / kSlowdown); }

}  // namespace poolscope

#endif  // POOLSCOPE_TESTS_ALLOCATOR_POOL_STRESS_WORK_SCALE_H_
