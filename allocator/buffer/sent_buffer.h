// SentBuffer: a buffer on its way from one owner to the next.
//
//   SentBuffer sent = buffer.Send();       // `buffer` is sent: nobody's
//   queue.Push(std::move(sent));
//   ...                                    // on the other thread:
//   Buffer received = queue.Pop().Receive();
//
//   pending  --Receive-->  received       the contents have an owner again
//            --Discard-->  discarded      closed, because nobody wants them
//            --dropped-->                 destroyed or assigned to: closed, but
//                                         somebody forgot them: a leak, for the
//                                         leak detector
//            --move----->  empty          the other SentBuffer is pending
//
// Receiving what is not pending is fatal; discarding it does nothing.
//
// Thread safety: Receive() and Discard() may be called by several threads at
// once, of which one gets the contents. Handing the SentBuffer itself to a
// thread needs what any object needs: a queue, a mutex.
#ifndef POOLSCOPE_ALLOCATOR_BUFFER_SENT_BUFFER_H_
#define POOLSCOPE_ALLOCATOR_BUFFER_SENT_BUFFER_H_

#include <atomic>
#include <cstdint>

#include "poolscope/allocator/buffer/buffer.h"

namespace poolscope {

class SentBuffer final {
 public:
  SentBuffer() = default;  // empty
  // By Buffer::Send(). `contents` are open.
  explicit SentBuffer(Buffer contents);
  SentBuffer(SentBuffer&& other) noexcept;
  SentBuffer& operator=(SentBuffer&& other) noexcept;
  ~SentBuffer();
  SentBuffer(const SentBuffer&) = delete;
  SentBuffer& operator=(const SentBuffer&) = delete;

  [[nodiscard]] Buffer Receive();
  void Discard();

  bool is_pending() const {
    return state_.load(std::memory_order_relaxed) == State::kPending;
  }

 private:
  enum class State : uint8_t { kEmpty, kPending, kReceived, kDiscarded };

  // Makes a pending one `state`; returns what it was before.
  State Leave(State state);
  void Drop();

  Buffer contents_;
  // Left by exchange, with acquire and release: one thread gets the contents,
  // and sees what was done to them before they were sent.
  std::atomic<State> state_{State::kEmpty};
};

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_BUFFER_SENT_BUFFER_H_
