#include "poolscope/examples/demo/forget_message.h"

#include <mutex>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "poolscope/allocator/pool/pooled_allocator.h"

namespace poolscope::demo {
namespace {

struct Forgotten {
  std::mutex mutex;
  std::vector<Buffer> buffers;  // guarded by mutex
};

// Never destroyed.
Forgotten& TheForgotten() {
  static Forgotten* const forgotten = new Forgotten;
  return *forgotten;
}

}  // namespace

void ForgetMessage(const Buffer& message) {
  absl::StatusOr<Buffer> copy = message.Copy();
  if (!copy.ok()) return;
  Forgotten& forgotten = TheForgotten();
  const std::lock_guard<std::mutex> lock(forgotten.mutex);
  forgotten.buffers.push_back(*std::move(copy));
}

uint64_t ForgottenBytes() {
  Forgotten& forgotten = TheForgotten();
  const std::lock_guard<std::mutex> lock(forgotten.mutex);
  uint64_t bytes = 0;
  for (const Buffer& buffer : forgotten.buffers) {
    bytes += PooledAllocator::UsableSize(buffer.Contiguous(0).data());
  }
  return bytes;
}

}  // namespace poolscope::demo
