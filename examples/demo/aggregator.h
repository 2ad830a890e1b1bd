// Aggregator: a service that collects large messages from small parts and
// writes them on to a slow store, with that store and its clients.
//
//   LoadGenerator ===> AggregatorWorker (4) ===> StoreWriter ===> SlowStore
//     bursts,             8 KiB components,        OutboundBuffer    so many
//     1 KiB to 100 MiB    consolidated                               bytes/s
//
//   AggregatorOptions options;
//   options.pool = pool.get();
//   options.allocator = allocator.get();
//   auto aggregator = Aggregator::Start(options);
//   ...
//   (*aggregator)->Finish(absl::Seconds(5));   // no buffer is held any more
//
// With a governor, its fix: clients that hold most are not read above a mark of
// the memory in use, none is while the store's queue is full, and a
// consolidation that would pass the mark is left for later.
//
// Thread safety: thread-compatible; the counters may be read from any thread.
#ifndef POOLSCOPE_EXAMPLES_DEMO_AGGREGATOR_H_
#define POOLSCOPE_EXAMPLES_DEMO_AGGREGATOR_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/allocator/outbound/channel_registry.h"
#include "poolscope/allocator/outbound/memory_governor.h"
#include "poolscope/allocator/outbound/writability.h"
#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/examples/demo/aggregator_counters.h"
#include "poolscope/examples/demo/aggregator_worker.h"
#include "poolscope/examples/demo/burst_schedule.h"
#include "poolscope/examples/demo/load_generator.h"
#include "poolscope/examples/demo/message_assembly.h"
#include "poolscope/examples/demo/message_counts.h"
#include "poolscope/examples/demo/message_sizes.h"
#include "poolscope/examples/demo/slow_store.h"
#include "poolscope/examples/demo/store_writer.h"

namespace poolscope::demo {

struct AggregatorOptions {
  // Borrowed; all outlive it.
  PooledAllocator* pool = nullptr;
  BufferAllocator* allocator = nullptr;  // of the pool
  ChannelRegistry* channels = nullptr;   // null: its channel is in none
  MemoryGovernor* governor = nullptr;    // null: none
  // The mark of the governor that consolidations keep, as a share of the limit.
  double consolidate_below = 0.8;

  // Of a message before it is consolidated, of 8 KiB each.
  size_t max_components = AssemblyOptions{}.max_components;
  int workers = 4;
  int connections = 64;
  double rate = 200;  // messages a second in the mean
  MessageSizes sizes{1 << 10, 100 << 20};
  BurstSchedule bursts;
  double store_bytes_per_second = 64 << 20;
  // Of the store's channel, where there is a governor: at the high one nothing
  // more is read from clients. Enough to keep the store busy meanwhile.
  Watermarks store_watermarks{8 << 20, 32 << 20};
  uint64_t seed = 1;
};

// Bytes of the limit that no block and no chunk in use takes: what blocks
// beyond a chunk, and new chunks, can be had from. Empty chunks are unmapped
// for them.
uint64_t RoomBytes(const AllocatorStats& stats);

class Aggregator {
 public:
  // Every client is connected when this returns.
  static absl::StatusOr<std::unique_ptr<Aggregator>> Start(
      const AggregatorOptions& options);

  ~Aggregator();

  const MessageCounts& counts() const { return load_->counts(); }
  const LatencyHistogram& round_trips() const { return load_->round_trips(); }
  const AggregatorCounters& counters() const { return counters_; }

  // Ends the load, waits up to `drain` for the answers under way, and ends the
  // rest. To be called once.
  TrafficResult Finish(absl::Duration drain);

 private:
  explicit Aggregator(const AggregatorOptions& options) : options_(options) {}

  absl::Status Init();
  absl::Status StartWriter();
  absl::Status StartWorkers(uint16_t* port);
  void StopService();

  const AggregatorOptions options_;
  AssemblyOptions assembly_;
  AggregatorCounters counters_;
  std::unique_ptr<SlowStore> store_;
  std::unique_ptr<StoreWriter> writer_;
  std::vector<std::unique_ptr<AggregatorWorker>> workers_;
  std::unique_ptr<LoadGenerator> load_;
};

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_AGGREGATOR_H_
