// Trimmer: gives back to the system, on request, what nobody uses: of every
// registered allocator, and of malloc.
//
//   trimmer.Add(pool, "rpc", [pool] { return pool->Trim().trimmed_bytes; });
//   std::optional<TrimReport> report = trimmer.Trim();   // none: busy
//
// One at a time: it may take seconds on a large heap, under locks that the
// service's threads want too, and a second beside it would find nothing.
//
// What malloc gave back is how far the resident size fell while it was asked:
// an estimate while threads go on allocating, and 0 where they took more.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_EXPORTER_TRIMMER_H_
#define POOLSCOPE_EXPORTER_TRIMMER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "poolscope/allocator/base/mutex.h"
#include "poolscope/metrics/removable.h"
#include "poolscope/metrics/trim_stats.h"

namespace poolscope {

struct AllocatorTrim {
  std::string allocator;
  uint64_t trimmed_bytes = 0;
};

struct TrimReport {
  std::vector<AllocatorTrim> allocators;
  std::string malloc;           // whose it is: "glibc"
  bool malloc_trimmed = false;  // false: it is not known, or cannot
  uint64_t malloc_trimmed_bytes = 0;
  // Absent where procfs cannot be read.
  std::optional<uint64_t> resident_before_bytes;
  std::optional<uint64_t> resident_after_bytes;

  uint64_t trimmed_bytes() const;  // of all
};

class Trimmer {
 public:
  // Gives back what it can, and says how many bytes.
  using TrimFunction = std::function<uint64_t()>;

  // `trim_malloc` says whether there was anybody to ask.
  explicit Trimmer(std::string proc_root, std::function<bool()> trim_malloc);
  Trimmer(const Trimmer&) = delete;
  Trimmer& operator=(const Trimmer&) = delete;

  // `key` stands for the allocator; each once.
  void Add(const void* key, std::string name, TrimFunction trim);
  // Returns once `trim` is not running and never will again. Ignores an unknown
  // key.
  void Remove(const void* key);

  // Absent when one is under way.
  std::optional<TrimReport> Trim();

  TrimStats Stats() const;

 private:
  struct Source {
    const void* const key;
    const std::string name;
    Removable<TrimFunction> trim;
  };

  TrimReport TrimAll();
  std::optional<uint64_t> ResidentBytes() const;

  const std::string proc_root_;
  const std::function<bool()> trim_malloc_;

  mutable Mutex mutex_;
  bool busy_ ABSL_GUARDED_BY(mutex_) = false;
  TrimStats stats_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<Source>> sources_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_TRIMMER_H_
