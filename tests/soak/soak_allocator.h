// SoakAllocator: one allocator of the soak with what besets it from outside: a
// system that refuses a mapping now and then, and a leak detector whose level
// is changed.
//
//   FakeMemorySource --> PooledAllocator <-- whoever works with it
//                              |
//                         LeakDetector
//
// Thread safety: thread-safe, but for CheckAtRest(), which needs the threads
// that use the allocator gone.
#ifndef POOLSCOPE_TESTS_SOAK_SOAK_ALLOCATOR_H_
#define POOLSCOPE_TESTS_SOAK_SOAK_ALLOCATOR_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "poolscope/allocator/leak/leak_detector.h"
#include "poolscope/allocator/pool/pool_options.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/tests/allocator/pool/fake_memory_source.h"
#include "poolscope/tests/allocator/pool/stress/trace.h"
#include "poolscope/tests/soak/signals.h"

namespace poolscope::soak {

class SoakAllocator {
 public:
  // `options` without a memory source and an observer. `problems` must outlive
  // it.
  static absl::StatusOr<std::unique_ptr<SoakAllocator>> Create(
      PoolOptions options, Problems* problems);

  PooledAllocator* pool() const { return pool_.get(); }
  const std::shared_ptr<LeakDetector>& detector() const { return detector_; }
  const char* name() const { return pool_->options().name.c_str(); }

  // One of the next few mappings is refused.
  void FailAMapping(Random* random);
  uint64_t refused_mappings() const;

  // Nothing is in use or watched, the allocator counted `refusals`, by its
  // limit and by the system, or up to `unseen` more, and all of the memory can
  // be given back.
  void CheckAtRest(uint64_t refusals, uint64_t unseen);
  void MustBe(const char* what, uint64_t is, uint64_t should);

 private:
  explicit SoakAllocator(Problems* problems) : problems_(problems) {}

  Problems* const problems_;
  FakeMemorySource source_;
  std::shared_ptr<LeakDetector> detector_;
  std::unique_ptr<PooledAllocator> pool_;
};

}  // namespace poolscope::soak

#endif  // POOLSCOPE_TESTS_SOAK_SOAK_ALLOCATOR_H_
