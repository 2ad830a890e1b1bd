// MemorySink: keeps what it is given, as far as its script lets it. For tests
// of what writes to an OutboundSink, an embedder's too.
//
//   MemorySink sink;
//   sink.ThenTake(10);                             // the first Write()
//   sink.ThenBeFull();                             // the second
//   sink.ThenFail(absl::UnavailableError("reset"));
//   out.WriteTo(sink);                             // 10 bytes, then no room
//   EXPECT_EQ(sink.received(), "the first ");
//
// A step of the script is one call of Write(); when none is left, everything
// is taken.
//
// Thread-compatible.
#ifndef POOLSCOPE_ALLOCATOR_OUTBOUND_MEMORY_SINK_H_
#define POOLSCOPE_ALLOCATOR_OUTBOUND_MEMORY_SINK_H_

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "poolscope/allocator/outbound/outbound_sink.h"

namespace poolscope {

class MemorySink final : public OutboundSink {
 public:
  // What it was offered by one call of Write().
  struct Call {
    size_t pieces = 0;
    size_t bytes = 0;
  };

  // The next call that has no step yet takes at most so many bytes, takes none,
  // or fails.
  void ThenTake(size_t bytes) { script_.push_back({bytes, absl::OkStatus()}); }
  void ThenBeFull() { ThenTake(0); }
  void ThenFail(absl::Status status);
  // Forgets the steps that are left.
  void TakeAll() { script_.clear(); }

  absl::StatusOr<size_t> Write(absl::Span<const iovec> pieces) override;
  uint64_t HeldBytes() const override { return held_bytes_; }

  // What HeldBytes() says.
  void set_held_bytes(uint64_t bytes) { held_bytes_ = bytes; }

  const std::string& received() const { return received_; }
  const std::vector<Call>& calls() const { return calls_; }

 private:
  struct Step {
    size_t bytes;
    absl::Status status;
  };

  std::deque<Step> script_;
  std::string received_;
  std::vector<Call> calls_;
  uint64_t held_bytes_ = 0;
};

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_OUTBOUND_MEMORY_SINK_H_
