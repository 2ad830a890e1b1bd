// RelayWorker: one thread of the relay with its event loop, the clients it
// serves, and its own connection to the upstream.
//
//   client --> worker A --ForwardedRequest--> worker B --> upstream
//   client <-- worker A <--ReturnedAnswer---- worker B <-- upstream
//
// A request goes out through another worker's upstream connection, each in
// turn (its own when it is the only one). B keeps the request until its answer
// has come, as a relay that may have to send it again does; so A's block is
// freed by B, and the answer's, allocated by B, by A.
//
// Flow control. A client whose channel is unwritable is not read until its
// answers are out, those that were not admitted at first included; then it
// resumes, a few clients a turn. While no upstream connection is writable no
// client is read, nor one with 16 requests or 1 MiB in flight. What is read
// already is forwarded in any case, so the answers that can still come to an
// unwritable client are those, and those of what one read brought. Without
// watermarks nothing is bounded.
//
// Thread safety: Post() from any thread; the rest from the thread that owns the
// relay. Everything below `loop_` is the worker thread's own.
#ifndef POOLSCOPE_EXAMPLES_DEMO_RELAY_WORKER_H_
#define POOLSCOPE_EXAMPLES_DEMO_RELAY_WORKER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "poolscope/allocator/buffer/buffer.h"
#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/allocator/outbound/admission_policy.h"
#include "poolscope/allocator/outbound/channel_registry.h"
#include "poolscope/allocator/outbound/memory_governor.h"
#include "poolscope/allocator/outbound/turn_queue.h"
#include "poolscope/allocator/outbound/writability.h"
#include "poolscope/examples/demo/event_loop.h"
#include "poolscope/examples/demo/mailbox.h"
#include "poolscope/examples/demo/relay_connection.h"
#include "poolscope/examples/demo/relay_counters.h"
#include "poolscope/examples/demo/relay_message.h"
#include "poolscope/examples/demo/socket.h"

namespace poolscope::demo {

struct RelayWorkerOptions {
  // Borrowed; all outlive the worker.
  BufferAllocator* allocator = nullptr;  // of the payloads
  ChannelRegistry* channels = nullptr;   // null: its channels are in none
  // Of the clients; null: none. The first worker calls its Check().
  MemoryGovernor* governor = nullptr;

  // ForgetMessage() gets one request in so many; 0: none.
  uint64_t forget_one_in = 0;
  Watermarks watermarks;
  AdmissionPolicy policy = AdmissionPolicy::kQueue;
  uint64_t socket_buffer_bytes = 0;  // of a client's socket; 0: the kernel's
};

class RelayWorker {
 public:
  // `upstream` is the worker's connection to it. `counters` is borrowed and
  // outlives the worker.
  static absl::StatusOr<std::unique_ptr<RelayWorker>> Create(
      int index, UniqueFd upstream, const RelayWorkerOptions& options,
      RelayCounters* counters);

  // Once no other worker posts any more.
  ~RelayWorker();

  // Makes this worker the one that accepts connections, for all in turn.
  absl::Status Listen(UniqueFd listener);

  // `workers` are all of the relay's, this one included, in order of index.
  // ResourceExhaustedError when the system gives no thread.
  absl::Status Start(std::vector<RelayWorker*> workers);

  void Post(RelayMessage message);

  // Asks the thread to end; it closes its connections and frees its blocks.
  void RequestStop();
  // Waits for that.
  void Stop();

 private:
  // A request that waits for its answer.
  struct InFlight {
    Origin origin;
    Buffer frame;  // from the moment that it is sent
  };

  RelayWorker(int index, std::unique_ptr<EventLoop> loop,
              std::unique_ptr<BufferAllocator> statuses,
              const RelayWorkerOptions& options, RelayCounters* counters);

  void Run();
  void HandleReady(const EventLoop::Ready& ready);
  void AcceptClients();
  void ReadClient(uint64_t token);
  void ReadUpstream();

  void Handle(NewClient client);
  void Handle(ForwardedRequest request);
  void Handle(ReturnedAnswer answer);
  void Handle(UpstreamState state);
  void Handle(GovernorNotice notice);
  void Deliver(int worker, RelayMessage message);
  void HandleMessage(RelayMessage message);

  // Whether nothing but its own channel and the memory governor can be in the
  // way of reading a client.
  bool MayRead(const RelayConnection& client) const;
  void Forward(const Origin& origin, ReceivedFrame frame);
  void Answer(const Origin& origin, const FrameHeader& header, Buffer frame);
  // Ends a request of `origin` with a status instead of an answer.
  void Refuse(const Origin& origin, FrameStatus status, uint64_t seed);
  // Queues a frame that has no payload, whether the channel is writable or not.
  void SendStatus(uint64_t token, RelayConnection& client,
                  const FrameHeader& header);

  std::unique_ptr<RelayConnection> Connect(uint64_t token, UniqueFd fd,
                                           FrameKind expected,
                                           absl::string_view group,
                                           absl::string_view name);
  RelayConnection* Find(uint64_t token);
  void NoteWritability(uint64_t token, bool writable);
  // Goes on with a client that was paused, where nothing is in its way now.
  void Resume(uint64_t token);
  void Flush(uint64_t token);
  // Says what a client holds, and of the frame that is coming in; `any_ended`:
  // others have come in whole.
  void ReportToGovernor(RelayConnection& client, bool any_ended);
  // Tells epoll what the connection waits for.
  void Watch(uint64_t token, RelayConnection& connection, bool all_out);
  void EndTurn();
  void Close(uint64_t token, const absl::Status& reason);
  void FailInFlight();

  const int index_;
  const RelayWorkerOptions options_;
  RelayCounters* const counters_;
  const std::unique_ptr<EventLoop> loop_;

  Mailbox<RelayMessage> mailbox_;
  std::atomic<bool> stop_{false};  // seen at the latest after the wake-up
  std::thread thread_;

  std::vector<RelayWorker*> workers_;
  UniqueFd listener_;
  SpareDescriptor spare_;
  std::unique_ptr<RelayConnection> upstream_;  // null once it is lost
  absl::flat_hash_map<uint64_t, std::unique_ptr<RelayConnection>> clients_;
  absl::flat_hash_map<uint64_t, InFlight> in_flight_;  // by upstream id
  uint64_t next_token_;
  uint64_t next_upstream_id_ = 1;
  uint64_t accepted_ = 0;
  uint64_t forwarded_ = 0;
  uint64_t to_forget_ = 0;               // requests until the next that is
  std::vector<bool> upstream_writable_;  // by worker
  int writable_upstreams_ = 0;
  TurnQueue to_flush_;
  TurnQueue to_resume_;
  const std::unique_ptr<BufferAllocator> statuses_;  // frames without payload
  std::vector<ReceivedFrame> received_;
  std::vector<char> buffer_;
};

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_RELAY_WORKER_H_
