// AggregatorWorker: one thread of the aggregator with its event loop and the
// clients it serves.
//
//   client --> worker --StoreRequest--> StoreWriter --> store
//   client <-- worker <--StoreAnswer--- StoreWriter <-- store
//
// Where there is a governor, each client is a member of it: one that is paused
// is not read, as none is while the store's queue is full; so what is under way
// waits in the kernel and then with the clients. Without, everything is read as
// it comes.
//
// A message whose memory is refused fails, and is answered with the reason; so
// does one that the governor wants rejected. Its connection lives on.
//
// Thread safety: Post() from any thread; the rest from the thread that owns the
// aggregator. Everything below `loop_` is the worker thread's own.
#ifndef POOLSCOPE_EXAMPLES_DEMO_AGGREGATOR_WORKER_H_
#define POOLSCOPE_EXAMPLES_DEMO_AGGREGATOR_WORKER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "poolscope/allocator/outbound/memory_governor.h"
#include "poolscope/allocator/outbound/turn_queue.h"
#include "poolscope/examples/demo/aggregator_connection.h"
#include "poolscope/examples/demo/aggregator_counters.h"
#include "poolscope/examples/demo/event_loop.h"
#include "poolscope/examples/demo/mailbox.h"
#include "poolscope/examples/demo/message_assembly.h"
#include "poolscope/examples/demo/relay_message.h"
#include "poolscope/examples/demo/socket.h"
#include "poolscope/examples/demo/store_writer.h"

namespace poolscope::demo {

// The store's queue has room again.
struct StoreRoom {};

// The governor has changed its mind about a client.
struct MemoryNotice {
  uint64_t connection = 0;
};

using AggregatorEvent =
    std::variant<NewClient, StoreAnswer, StoreRoom, MemoryNotice>;

// All are borrowed and outlive the worker.
struct AggregatorWorkerOptions {
  const AssemblyOptions* assembly = nullptr;
  AggregatorCounters* counters = nullptr;
  StoreWriter* store = nullptr;
  MemoryGovernor* governor = nullptr;  // null: none
};

class AggregatorWorker {
 public:
  static absl::StatusOr<std::unique_ptr<AggregatorWorker>> Create(
      int index, const AggregatorWorkerOptions& options);

  // Once nobody posts any more.
  ~AggregatorWorker();

  // Makes this worker the one that accepts connections, for all in turn.
  absl::Status Listen(UniqueFd listener);

  // `workers` are all of the aggregator's, in order of index.
  // ResourceExhaustedError when the system gives no thread.
  absl::Status Start(std::vector<AggregatorWorker*> workers);

  void Post(AggregatorEvent event);

  // Asks the thread to end; it closes its connections and frees its blocks.
  void RequestStop();
  // Waits for that.
  void Stop();

 private:
  AggregatorWorker(int index, std::unique_ptr<EventLoop> loop,
                   const AggregatorWorkerOptions& options);

  void Run();
  absl::Duration WakeAt() const;
  void HandleReady(const EventLoop::Ready& ready);
  void AcceptClients();
  void ReadClient(uint64_t token, AggregatorConnection& client);

  void Handle(NewClient client);
  void Handle(StoreAnswer answer);
  void Handle(StoreRoom);
  void Handle(MemoryNotice notice);

  void Forward(uint64_t token, AggregatorConnection& client,
               AggregatedMessage message);
  void Answer(uint64_t token, const FrameHeader& request, FrameStatus status);

  // Tells the governor what the client holds and lacks.
  void Report(const AggregatorConnection& client);
  // Asks the governor to look, where enough has come in since the last time.
  void CheckMemory();
  // Reads the client or not, as the governor and the store say.
  void Review(uint64_t token);
  bool SetEvents(uint64_t token, AggregatorConnection& client);

  AggregatorConnection* Find(uint64_t token);
  void Flush(uint64_t token);
  void Close(uint64_t token, const absl::Status& reason);

  const int index_;
  const AggregatorWorkerOptions options_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
  const std::unique_ptr<EventLoop> loop_;
  Mailbox<AggregatorEvent> mailbox_;

  std::vector<AggregatorWorker*> workers_;
  UniqueFd listener_;
  SpareDescriptor spare_;
  uint64_t accepted_ = 0;
  uint64_t next_token_;
  absl::flat_hash_map<uint64_t, std::unique_ptr<AggregatorConnection>> clients_;
  TurnQueue flushes_;
  TurnQueue reviews_;
  absl::Duration next_check_ = absl::ZeroDuration();
  uint64_t unchecked_bytes_ = 0;  // assembled since the last check
  std::vector<AggregatedMessage> ended_;
  std::vector<char> buffer_;
};

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_AGGREGATOR_WORKER_H_
