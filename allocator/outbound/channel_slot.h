// ChannelSlot: the figures of one channel, in one cache line.
//
//   channel's thread  -- plain loads and stores -->  ChannelSlot
//   any thread        -- Read() ---------------->  ChannelValues
//
// The three counters of bytes go on through all the channels that have the slot
// one after the other; each leaves with nothing pending. The other figures are
// those of the channel that has it now.
//
// What is pending is what was queued and neither written nor failed. Its thread
// counts a byte as queued first, and Read() takes the counters the other way
// round: failed, then written, then queued. Each is released by the writer and
// acquired by the reader, so that who sees a byte written or failed sees it
// queued, and pending is never negative. What is queued and written between two
// of these loads would seem pending, much of it where the reader is interrupted
// there; so it looks whether the first two still hold, and begins again if not,
// a few times at most. Then what it has was so at one moment.
//
// Thread safety: one writer at a time, ordered by whoever hands the slot on;
// Read() from any thread.
#ifndef POOLSCOPE_ALLOCATOR_OUTBOUND_CHANNEL_SLOT_H_
#define POOLSCOPE_ALLOCATOR_OUTBOUND_CHANNEL_SLOT_H_

#include <atomic>
#include <cstdint>

#include "poolscope/allocator/base/single_writer_counter.h"

namespace poolscope {

// One reading of a slot.
struct ChannelValues {
  uint64_t queued_bytes = 0;   // counter, over the slot's channels
  uint64_t written_bytes = 0;  // likewise
  uint64_t pending_bytes = 0;
  uint32_t pending_messages = 0;
  uint32_t admission_messages = 0;
  uint64_t admission_bytes = 0;
  uint64_t held_bytes = 0;
  int64_t oldest_nanos = 0;  // 0: nothing is pending
  int64_t state = 0;         // as ChannelSlot::state
};

struct alignas(64) ChannelSlot {
  // Values of `state`; any other is the time since when it is unwritable.
  static constexpr int64_t kFree = 0;
  static constexpr int64_t kWritable = 1;

  static constexpr int kMaxReadings = 8;

  SingleWriterCounter queued_bytes;
  SingleWriterCounter written_bytes;
  SingleWriterCounter failed_bytes;

  // Whether there is a channel, and whether it is writable, in one word: no
  // reader counts a channel twice or not at all. Released, so that who adds up
  // unwritable time by ChannelGroup's total finds the interval's end here.
  std::atomic<int64_t> state{kFree};

  // Relaxed, all that follow: gauges of their own, which nothing else is
  // derived from.
  std::atomic<int64_t> oldest_nanos{0};
  std::atomic<uint64_t> held_bytes{0};
  std::atomic<uint64_t> admission_bytes{0};
  std::atomic<uint32_t> pending_messages{0};
  std::atomic<uint32_t> admission_messages{0};

  ChannelValues Read() const {
    ChannelValues values;
    uint64_t failed = 0;
    bool settled = false;
    for (int i = 0; i < kMaxReadings && !settled; ++i) {
      failed = failed_bytes.Value();
      values.written_bytes = written_bytes.Value();
      values.queued_bytes = queued_bytes.Value();
      settled = failed_bytes.Value() == failed &&
                written_bytes.Value() == values.written_bytes;
    }
    values.pending_bytes = values.queued_bytes - values.written_bytes - failed;
    values.pending_messages = pending_messages.load(std::memory_order_relaxed);
    values.admission_messages =
        admission_messages.load(std::memory_order_relaxed);
    values.admission_bytes = admission_bytes.load(std::memory_order_relaxed);
    values.held_bytes = held_bytes.load(std::memory_order_relaxed);
    values.oldest_nanos = oldest_nanos.load(std::memory_order_relaxed);
    values.state = state.load(std::memory_order_acquire);
    return values;
  }
};

static_assert(sizeof(ChannelSlot) == 64, "one cache line a channel");

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_OUTBOUND_CHANNEL_SLOT_H_
