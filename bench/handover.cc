#include "poolscope/bench/handover.h"

#include <sched.h>

#include <cstddef>
#include <cstdint>
#include <thread>

#include "benchmark/benchmark.h"
#include "poolscope/bench/handover_ring.h"

namespace poolscope::bench {
namespace {

// Pins the calling thread to the first of its processors (the producer) or to
// the second (the consumer); the destructor gives it back what it had.
class ScopedPin {
 public:
  // `processors` is what the process may use.
  ScopedPin(const cpu_set_t& processors, int which) : before_(processors) {
    if (CPU_COUNT(&before_) < 2) return;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (!CPU_ISSET(cpu, &before_) || which-- > 0) continue;
      cpu_set_t one;
      CPU_ZERO(&one);
      CPU_SET(cpu, &one);
      sched_setaffinity(0, sizeof(one), &one);
      return;
    }
  }
  ~ScopedPin() { sched_setaffinity(0, sizeof(before_), &before_); }
  ScopedPin(const ScopedPin&) = delete;
  ScopedPin& operator=(const ScopedPin&) = delete;

 private:
  const cpu_set_t before_;
};

cpu_set_t AllowedProcessors() {
  cpu_set_t processors;
  CPU_ZERO(&processors);
  sched_getaffinity(0, sizeof(processors), &processors);
  return processors;
}

// The ring with its two threads. Null on the ring ends the consumer.
class TwoThreads {
 public:
  template <typename Consume>
  explicit TwoThreads(Consume consume)
      : processors_(AllowedProcessors()),
        producer_pin_(processors_, 0),
        consumer_([this, consume] {
          const ScopedPin pin(processors_, 1);
          while (void* pointer = ring_.Take()) consume(pointer);
        }) {}

  ~TwoThreads() {
    ring_.Push(nullptr);
    ring_.Flush();
    consumer_.join();
  }

  HandoverRing& ring() { return ring_; }

 private:
  HandoverRing ring_;
  const cpu_set_t processors_;
  const ScopedPin producer_pin_;
  std::thread consumer_;
};

class Handover final : public Workload {
 public:
  Handover(const Policy& policy, const SizeTable& sizes)
      : allocate_(policy.allocate), sizes_(sizes), threads_(policy.free) {}

  void Run(uint64_t pairs) override {
    const size_t mask = sizes_.size() - 1;
    for (uint64_t i = 0; i < pairs; ++i) {
      threads_.ring().Push(allocate_(sizes_[next_++ & mask]));
    }
    threads_.ring().WaitUntilTaken();
  }

 private:
  const AllocateFunction allocate_;
  const SizeTable sizes_;
  size_t next_ = 0;
  TwoThreads threads_;
};

class BareRing final : public Workload {
 public:
  BareRing()
      : threads_([](void* pointer) { ::benchmark::DoNotOptimize(pointer); }) {}

  void Run(uint64_t pairs) override {
    for (uint64_t i = 0; i < pairs; ++i) threads_.ring().Push(this);
    threads_.ring().WaitUntilTaken();
  }

 private:
  TwoThreads threads_;
};

}  // namespace

std::unique_ptr<Workload> MakeHandover(const Policy& policy,
                                       const SizeTable& sizes) {
  return std::make_unique<Handover>(policy, sizes);
}

std::unique_ptr<Workload> MakeBareRing() {
  return std::make_unique<BareRing>();
}

}  // namespace poolscope::bench
