// ScratchPool: buffers that are kept from request to request.
//
//   const std::shared_ptr<TextWriter> writer = writers.Take();
//   registry.Collect(*writer);
//   ...                          // cleared and kept when the last owner goes
//
// So a scrape of the usual size asks nobody for memory for its text, and what
// the exporter holds is bounded: at most kKept buffers wait, and one that has
// grown beyond kMaxKeptBytes is given up after its request. Requests at the
// same time beyond kKept get one for the time being.
//
// T has Clear(), which keeps the memory, and capacity_bytes().
//
// Thread safety: thread-safe. Outlives everything that Take() returned.
#ifndef POOLSCOPE_EXPORTER_SCRATCH_POOL_H_
#define POOLSCOPE_EXPORTER_SCRATCH_POOL_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "poolscope/allocator/base/mutex.h"

namespace poolscope {

template <typename T>
class ScratchPool {
 public:
  static constexpr size_t kKept = 2;
  static constexpr size_t kMaxKeptBytes = 32 << 20;

  ScratchPool() = default;
  ScratchPool(const ScratchPool&) = delete;
  ScratchPool& operator=(const ScratchPool&) = delete;

  [[nodiscard]] std::shared_ptr<T> Take() {
    std::unique_ptr<T> taken;
    {
      MutexLock lock(&mutex_);
      if (!idle_.empty()) {
        taken = std::move(idle_.back());
        idle_.pop_back();
      }
    }
    if (taken == nullptr) taken = std::make_unique<T>();
    Recount(*taken);
    return std::shared_ptr<T>(
        taken.release(), [this](T* used) { Return(std::unique_ptr<T>(used)); });
  }

  // Of a buffer in use that does not grow any more: counts it as it is now.
  void Recount(const T& lent) {
    MutexLock lock(&mutex_);
    lent_bytes_[&lent] = lent.capacity_bytes();
  }

  // Bytes of the buffers that wait and, as they were when taken or counted
  // again, of those in use: whoever works in one may be making it larger.
  uint64_t held_bytes() const {
    MutexLock lock(&mutex_);
    uint64_t bytes = 0;
    for (const auto& [buffer, lent_bytes] : lent_bytes_) bytes += lent_bytes;
    for (const std::unique_ptr<T>& each : idle_) {
      bytes += each->capacity_bytes();
    }
    return bytes;
  }

 private:
  void Return(std::unique_ptr<T> used) {
    used->Clear();
    MutexLock lock(&mutex_);
    lent_bytes_.erase(used.get());
    if (idle_.size() < kKept && used->capacity_bytes() <= kMaxKeptBytes) {
      idle_.push_back(std::move(used));
    }
  }

  mutable Mutex mutex_;
  std::vector<std::unique_ptr<T>> idle_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<const T*, size_t> lent_bytes_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_SCRATCH_POOL_H_
