// OutboundModel: what an OutboundBuffer must do, in the plainest way: a list of
// strings, searched from its beginning, and sums that are added up when asked.
//
// What it would tell others goes to a log, a line each:
//
//   "- 300"         became unwritable with so many bytes pending
//   "+ 12"          became writable
//   "7 ok"          message 7, the seventh that was added, is written
//   "7 cancelled"   or failed, by the reason's name
//
// Thread-compatible.
#ifndef POOLSCOPE_TESTS_ALLOCATOR_OUTBOUND_OUTBOUND_MODEL_H_
#define POOLSCOPE_TESTS_ALLOCATOR_OUTBOUND_OUTBOUND_MODEL_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <vector>

#include "poolscope/allocator/base/clock.h"
#include "poolscope/allocator/outbound/outbound_failure.h"
#include "poolscope/allocator/outbound/writability.h"

namespace poolscope {

// What the callback of a message does, after it has been logged.
enum class Then { kNothing, kAdd, kAddAndFlush, kCancelNewest };

struct ModelMessage {
  std::vector<std::string> pieces;
  bool tells = false;  // has a callback
  Then then = Then::kNothing;
};

// What kAdd adds when message `id` ends.
inline ModelMessage FollowUp(uint64_t id) {
  return {{std::string(id % 7, static_cast<char>('a' + id % 26))}, true};
}

// One call of the sink: takes at most so many bytes, or fails.
struct ModelStep {
  size_t bytes = 0;
  bool fails = false;
};

class OutboundModel {
 public:
  struct Limits {
    Watermarks watermarks;
    size_t max_iovecs;
    size_t initial_write_bytes;
    int max_writes;
    const Clock* clock;
  };
  enum class Written { kAll, kFull, kTurn, kError };

  explicit OutboundModel(Limits limits)
      : limits_(limits), write_bytes_(limits.initial_write_bytes) {}

  // Returns its number, 0 when closed.
  uint64_t Add(ModelMessage message);
  void AddFlush();
  bool Cancel(uint64_t number);
  // The sink plays `script`, and then takes all.
  Written Write(std::vector<ModelStep> script);
  void RemoveBytes(size_t bytes);
  void FailFlushed(OutboundFailure failure);
  void Close(OutboundFailure failure);
  void SetUserFlag(int index, bool on);

  bool writable() const;
  uint64_t pending_bytes() const;
  uint64_t unwritten_bytes() const;
  uint64_t flushed_bytes() const;
  size_t size() const { return messages_.size(); }
  size_t flushed_size() const;
  // The number of the last message, 0 when none waits.
  uint64_t newest() const;
  int64_t oldest_nanos() const;  // 0 when none waits

  const std::string& received() const { return received_; }
  const std::vector<std::string>& log() const { return log_; }
  uint64_t queued_bytes() const { return queued_bytes_; }
  uint64_t failed_bytes(OutboundFailure failure) const {
    return failed_bytes_[static_cast<int>(failure)];
  }

 private:
  struct Waiting {
    uint64_t id;
    uint64_t number;
    ModelMessage message;
    std::string bytes;
    size_t written = 0;
    bool flushed = false;
    int64_t added_nanos;
  };
  using List = std::list<Waiting>;

  std::vector<std::string> Gather() const;
  // Notes that so many bytes are written, and ends what is by that.
  void Wrote(size_t bytes);
  void End(List::iterator message, const char* how);
  void Fail(List::iterator message, OutboundFailure failure);
  void CompareWritable();

  const Limits limits_;
  List messages_;
  uint64_t next_id_ = 1;
  uint64_t next_number_ = 1;
  size_t write_bytes_;
  bool closed_ = false;
  const char* closed_by_ = "";
  bool above_ = false;  // the watermark, and not below the other since
  std::array<bool, 32> off_{};
  bool told_writable_ = true;

  std::string received_;
  std::vector<std::string> log_;
  uint64_t queued_bytes_ = 0;
  std::array<uint64_t, kOutboundFailureCount> failed_bytes_{};
};

}  // namespace poolscope

#endif  // POOLSCOPE_TESTS_ALLOCATOR_OUTBOUND_OUTBOUND_MODEL_H_
