// LifetimeHistogram: how long the blocks of a call site lived, in powers of two
// of nanoseconds.
//
// Thread safety: thread-compatible.
#ifndef POOLSCOPE_ALLOCATOR_LEAK_LIFETIME_HISTOGRAM_H_
#define POOLSCOPE_ALLOCATOR_LEAK_LIFETIME_HISTOGRAM_H_

#include <cstdint>
#include <limits>

namespace poolscope {

class LifetimeHistogram {
 public:
  void Add(int64_t nanos) {
    ++buckets_[BucketOf(nanos)];
    ++count_;
  }
  uint64_t count() const { return count_; }

  // The upper end of the bucket in which 99 % are reached: at most twice the
  // true figure, never below it. 0 when nothing was added.
  int64_t P99Nanos() const {
    if (count_ == 0) return 0;
    const uint64_t wanted = count_ - count_ / 100;
    uint64_t seen = 0;
    int bucket = -1;
    while (seen < wanted) seen += buckets_[++bucket];
    return bucket >= 62 ? std::numeric_limits<int64_t>::max()
                        : int64_t{2} << bucket;
  }

 private:
  // Bucket b holds [2^b, 2^(b+1)); the first also what is below.
  static int BucketOf(int64_t nanos) {
    return nanos < 2 ? 0 : 63 - __builtin_clzll(nanos);
  }

  uint64_t count_ = 0;
  uint64_t buckets_[64] = {};
};

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_LEAK_LIFETIME_HISTOGRAM_H_
