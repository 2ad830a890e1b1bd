// Soak: pools at work from many threads, watched all the time.
//
//   workers ----> SoakPool (one a layout) <---- snapshots, invariants, trims,
//                     ^                         mappings that are refused
//                  Sidecar <---- GET /metrics, /debug/arenas,
//                     v          POST /-/leak-level
//   clients ----> SoakMessages (a relay)  <---- the same, and stalls
//
//   auto soak = Soak::Start(options);
//   if (!soak.ok()) return soak.status();
//   ... (*soak)->Progress(), (*soak)->Found() ...
//   for (const std::string& problem : (*soak)->End()) ...
//
// Threads: half of the workers live as long as the soak, the others are a new
// thread for each session, so that caches come and go with what is in them; so
// do those of the relay with each round of messages.
//
// Resident memory is sampled all the time, and must stay flat
// (resident_windows.h) in a run that is long enough to tell.
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
#include "absl/time/time.h"
#include "poolscope/exporter/sidecar.h"
#include "poolscope/tests/soak/options.h"
#include "poolscope/tests/soak/resident_windows.h"
#include "poolscope/tests/soak/signals.h"
#include "poolscope/tests/soak/soak_messages.h"
#include "poolscope/tests/soak/soak_pool.h"

namespace poolscope::soak {

// The shortest run of which resident memory is judged: in a shorter one a tide
// more or less in a window is more than what is looked for.
inline constexpr absl::Duration kLeastJudged = absl::Seconds(20);

// Not under a sanitizer: what it keeps of freed blocks grows for long.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kJudgesResident = false;
#else
inline constexpr bool kJudgesResident = true;
#endif

// What was done so far.
struct SoakProgress {
  WorkCounts work;
  MessageAccount messages;
  uint64_t threads_ended = 0;
  uint64_t scrapes = 0;  // over HTTP
  uint64_t snapshots = 0;
  uint64_t trims = 0;
  uint64_t checks = 0;  // of the invariants
  uint64_t level_changes = 0;
  uint64_t refused_mappings = 0;
  uint64_t resident_bytes = 0;  // now
  uint64_t used_bytes = 0;      // now, of all pools
  uint64_t limit_bytes = 0;     // of all pools
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
  PooledAllocator* allocator(int index) const { return pools_[index]->pool(); }
  SoakProgress Progress() const;
  // What was found wrong so far.
  std::vector<std::string> Found() const { return problems_.All(); }

  // Ends every thread, checks what must hold when nothing is in use, and
  // returns all that was found wrong. Once.
  std::vector<std::string> End();
  // After End().
  ResidentWindows resident() const { return JudgeResident(resident_); }

 private:
  explicit Soak(const Options& options) : options_(options) {}

  absl::Status Register();
  std::vector<SoakAllocator*> Allocators() const;

  void Work(uint64_t seed, bool new_threads);
  // Calls look() until the threads are gone, each time after `pause`, and after
  // nine times as long as the last call took: where looks are slow, as under a
  // sanitizer, the threads still get to work.
  template <typename F>
  void Repeat(std::chrono::milliseconds pause, F&& look);
  void Watch(SoakAllocator* allocator);
  void Trim(SoakAllocator* allocator);
  void Check(SoakAllocator* allocator);
  void FailMappings(SoakAllocator* allocator);
  void Scrape();
  void ChangeLevels();
  void SampleResident();
  void CheckResident();
  void StopThreads();

  const Options options_;
  Problems problems_;
  StopFlag stop_;
  std::vector<std::unique_ptr<SoakPool>> pools_;
  std::unique_ptr<SoakMessages> messages_;
  std::unique_ptr<Sidecar> sidecar_;
  std::string url_;
  std::vector<std::thread> workers_;
  std::vector<std::thread> watchers_;
  StopFlag stop_watching_;
  // Of the thread that samples; then of End()'s.
  std::vector<ResidentSample> resident_;
  std::vector<std::unique_ptr<char[]>> leaked_;

  std::atomic<uint64_t> sessions_{0};
  std::atomic<uint64_t> threads_ended_{0};
  std::atomic<uint64_t> scrapes_{0};
  std::atomic<uint64_t> snapshots_{0};
  std::atomic<uint64_t> trims_{0};
  std::atomic<uint64_t> checks_{0};
  std::atomic<uint64_t> level_changes_{0};
  std::atomic<uint64_t> resident_bytes_{0};
};

}  // namespace poolscope::soak

#endif  // POOLSCOPE_TESTS_SOAK_SOAK_H_
