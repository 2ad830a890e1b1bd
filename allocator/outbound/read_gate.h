// ReadGate: whether one socket is read, for any number of reasons not to, with
// level- and edge-triggered epoll alike.
//
//                 Pause(reason)            several reasons may hold at once
//   reading  <-------------------->  paused
//                 Resume(last reason)
//
//   level-triggered                      edge-triggered
//   if (gate.Pause(kWatermark))          on EPOLLIN: gate.NoteReadable();
//     epoll: without EPOLLIN             if (gate.ShouldRead()) read, and
//   if (gate.Resume(kWatermark))           gate.NoteDrained() at EAGAIN
//     epoll: with EPOLLIN                if (gate.Resume(r) &&
//                                            gate.ShouldRead()) read now
//
// An edge is told once: one that came while paused would be lost for ever, so
// the gate keeps it.
//
// Pure: numbers, no calls. Thread-compatible.
#ifndef POOLSCOPE_ALLOCATOR_OUTBOUND_READ_GATE_H_
#define POOLSCOPE_ALLOCATOR_OUTBOUND_READ_GATE_H_

#include <cstdint>

namespace poolscope {

enum class PauseReason : uint8_t {
  kWatermark = 1,  // its channel, or the one it feeds, is unwritable
  kMemory = 2,     // the memory governor says so
  kUser = 4,
};

class ReadGate {
 public:
  // True when reading has ended by this, or begins again by this.
  bool Pause(PauseReason reason);
  bool Resume(PauseReason reason);

  bool reading() const { return reasons_ == 0; }
  bool paused_by(PauseReason reason) const;

  // The socket has bytes, as an edge told; it has none, as EAGAIN told.
  void NoteReadable() { readable_ = true; }
  void NoteDrained() { readable_ = false; }
  bool ShouldRead() const { return reading() && readable_; }

 private:
  uint8_t reasons_ = 0;
  bool readable_ = false;
};

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_OUTBOUND_READ_GATE_H_
