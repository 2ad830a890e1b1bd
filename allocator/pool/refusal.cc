// What a thread is told about its last refusal. Gathered when it happens,
// worded when it is read, so that a refusal allocates nothing.
#include <cstring>

#include "absl/strings/str_format.h"
#include "poolscope/allocator/pool/pool_core.h"

namespace poolscope {
namespace pool_internal {
namespace {

enum class Reason { kNone, kLimit, kMapping, kAlignment };

struct LastRefusal {
  Reason reason;
  size_t requested;  // or the alignment
  size_t limit;      // or the largest alignment
  size_t used;
  size_t pinned;
  size_t cached;
  char allocator[65];
};

__thread LastRefusal last_refusal __attribute__((tls_model("initial-exec")));

}  // namespace

void NoteInvalidAlignment(size_t alignment, size_t chunk_bytes) {
  last_refusal.reason = Reason::kAlignment;
  last_refusal.requested = alignment;
  last_refusal.limit = chunk_bytes;
}

void PoolCore::NoteRefusal(Refusal refusal, size_t size) {
  LastRefusal& last = last_refusal;
  const bool limit = refusal == Refusal::kLimit;
  (limit ? failures_limit_ : failures_mapping_)
      .fetch_add(1, std::memory_order_relaxed);
  const Totals totals = ReadTotals();
  last.reason = limit ? Reason::kLimit : Reason::kMapping;
  last.requested = size;
  last.limit = env_.limit.limit();
  last.used = env_.limit.used();
  last.pinned = totals.pinned_bytes;
  last.cached = totals.cached_bytes;
  std::strncpy(last.allocator, env_.options.name.c_str(),
               sizeof(last.allocator) - 1);
}

absl::Status LastRefusalStatus() {
  const LastRefusal& last = last_refusal;
  switch (last.reason) {
    case Reason::kNone:
      break;
    case Reason::kAlignment:
      return absl::InvalidArgumentError(absl::StrFormat(
          "alignment is %d: give a power of two up to the chunk's %d bytes",
          last.requested, last.limit));
    case Reason::kLimit:
    case Reason::kMapping:
      return absl::ResourceExhaustedError(absl::StrFormat(
          "allocator %s: %d bytes refused by %s: used %d (pinned %d, cached "
          "%d) of a limit of %d",
          last.allocator, last.requested,
          last.reason == Reason::kLimit ? "the direct memory limit"
                                        : "the operating system",
          last.used, last.pinned, last.cached, last.limit));
  }
  return absl::OkStatus();
}

}  // namespace pool_internal
}  // namespace poolscope
