// Soak: pools at work from many threads, watched all the time.
//
//   workers ----> SoakPool (one a layout) <---- snapshots, invariants, trims
//                     ^
//                  Sidecar <---- GET /metrics, /debug/arenas
//
//   auto soak = Soak::Start(options);
//   if (!soak.ok()) return soak.status();
//   ... (*soak)->Progress(), (*soak)->Found() ...
//   for (const std::string& problem : (*soak)->End()) ...
//
// Threads: half of the workers live as long as the soak, the others are a new
// thread for each session, so that caches come and go with what is in them.
//
// Thread-compatible.
#ifndef POOLSCOPE_TESTS_SOAK_SOAK_H_
#define POOLSCOPE_TESTS_SOAK_SOAK_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "poolscope/exporter/sidecar.h"
#include "poolscope/tests/soak/options.h"
#include "poolscope/tests/soak/signals.h"
#include "poolscope/tests/soak/soak_pool.h"

namespace poolscope::soak {

// What was done so far.
struct SoakProgress {
  WorkCounts work;
  uint64_t threads_ended = 0;
  uint64_t scrapes = 0;  // over HTTP
  uint64_t snapshots = 0;
  uint64_t trims = 0;
  uint64_t checks = 0;       // of the invariants
  uint64_t used_bytes = 0;   // now, of all pools
  uint64_t limit_bytes = 0;  // of all pools
};

class Soak {
 public:
  // The status says what could not be started. The duration is the caller's to
  // keep.
  static absl::StatusOr<std::unique_ptr<Soak>> Start(const Options& options);

  ~Soak();
  Soak(const Soak&) = delete;
  Soak& operator=(const Soak&) = delete;

  const std::string& url() const { return url_; }
  PooledAllocator* allocator(int index) const {
    return pools_[index]->allocator();
  }
  SoakProgress Progress() const;
  // What was found wrong so far.
  std::vector<std::string> Found() const { return problems_.All(); }

  // Ends every thread, checks what must hold when nothing is in use, and
  // returns all that was found wrong. Once.
  std::vector<std::string> End();

 private:
  Soak() = default;

  void Work(uint64_t seed, bool new_threads);
  // Calls look() until the threads are gone, each time after `pause`, and after
  // nine times as long as the last call took: where looks are slow, as under a
  // sanitizer, the threads still get to work.
  template <typename F>
  void Repeat(std::chrono::milliseconds pause, F&& look);
  void Watch(SoakPool* pool);
  void Trim(SoakPool* pool);
  void Check(SoakPool* pool);
  void Scrape();
  void StopThreads();

  Problems problems_;
  StopFlag stop_;
  std::vector<std::unique_ptr<SoakPool>> pools_;
  std::unique_ptr<Sidecar> sidecar_;
  std::string url_;
  std::vector<std::thread> workers_;
  std::vector<std::thread> watchers_;
  StopFlag stop_watching_;

  std::atomic<uint64_t> threads_ended_{0};
  std::atomic<uint64_t> scrapes_{0};
  std::atomic<uint64_t> snapshots_{0};
  std::atomic<uint64_t> trims_{0};
  std::atomic<uint64_t> checks_{0};
};

}  // namespace poolscope::soak

#endif  // POOLSCOPE_TESTS_SOAK_SOAK_H_
