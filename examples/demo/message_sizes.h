// MessageSizes: how large the messages of a load are, from many small ones to a
// few huge ones.
//
// A bounded Pareto distribution of shape 1/2: twice the size is about 0.7 times
// as frequent. From 1 KiB to 100 MiB:
//
//   larger than   2 KiB   8 KiB   64 KiB   1 MiB   8 MiB   16 MiB   50 MiB
//   messages in    1.4     2.8      8.2      35     126      213      770
//
// and 320 KiB in the mean, the geometric one of the bounds: large messages are
// rare, and have most of the bytes.
//
//   MessageSizes sizes(1 << 10, 100 << 20);
//   uint32_t length = sizes.SizeOf(seed);   // the same for the same seed
//
// A plain value; thread-compatible.
#ifndef POOLSCOPE_EXAMPLES_DEMO_MESSAGE_SIZES_H_
#define POOLSCOPE_EXAMPLES_DEMO_MESSAGE_SIZES_H_

#include <cstdint>

namespace poolscope::demo {

class MessageSizes {
 public:
  // Bounds in bytes, both possible: 1 <= min <= max.
  MessageSizes(uint32_t min_bytes, uint32_t max_bytes);

  // The size that a message's seed gives it.
  uint32_t SizeOf(uint64_t seed) const;

  double mean_bytes() const;
  // The share of messages larger than so many bytes, 0 to 1.
  double ShareAbove(double bytes) const;

 private:
  double min_bytes_;
  double max_bytes_;
};

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_MESSAGE_SIZES_H_
