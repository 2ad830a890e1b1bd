// StoreWriter: the thread that writes messages on to the store, through an
// OutboundBuffer, and hears its answers. The database driver of the aggregator.
//
//   workers --Post(StoreRequest)--> OutboundBuffer --> socket --> store
//   workers <------ on_answer ------------------------ socket <-- store
//
// Messages are assembled on one thread and freed here, on another, when their
// last byte is out. What the store does not read waits in memory; at the high
// watermark writable() turns false, below the low one true again, which
// `on_room` tells. Nobody is held to it: who posts on is queued.
//
// Thread safety: Post() and writable() from any thread; the rest from the owner
// of the aggregator. The callbacks run on the writer's thread.
#ifndef POOLSCOPE_EXAMPLES_DEMO_STORE_WRITER_H_
#define POOLSCOPE_EXAMPLES_DEMO_STORE_WRITER_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/allocator/buffer/sent_buffer.h"
#include "poolscope/allocator/outbound/fd_sink.h"
#include "poolscope/allocator/outbound/outbound_buffer.h"
#include "poolscope/allocator/outbound/registered_channel.h"
#include "poolscope/allocator/outbound/writability.h"
#include "poolscope/examples/demo/event_loop.h"
#include "poolscope/examples/demo/frame.h"
#include "poolscope/examples/demo/frame_stream.h"
#include "poolscope/examples/demo/mailbox.h"
#include "poolscope/examples/demo/relay_message.h"
#include "poolscope/examples/demo/socket.h"

namespace poolscope::demo {

struct StoreRequest {
  Origin origin;
  FrameHeader header;
  SentBuffer payload;  // empty when it has 0 bytes
};

struct StoreAnswer {
  Origin origin;
  uint64_t seed = 0;    // the request's
  uint32_t length = 0;  // the request's
  FrameStatus status = FrameStatus::kOk;
};

struct StoreWriterOptions {
  Watermarks watermarks = Watermarks::Off();
  std::function<void(const StoreAnswer&)> on_answer;
  std::function<void()> on_room;
};

class StoreWriter final : private FrameSink {
 public:
  // `socket` is connected to the store; `channel` counts what waits for it.
  static absl::StatusOr<std::unique_ptr<StoreWriter>> Create(
      UniqueFd socket, RegisteredChannel channel, StoreWriterOptions options);

  ~StoreWriter();

  absl::Status Start();

  void Post(StoreRequest request) { mailbox_.Post(std::move(request)); }

  // Acquire: who sees that there is room sees what was before; it may have
  // changed since, which on_room tells.
  bool writable() const { return writable_.load(std::memory_order_acquire); }

  // Ends the thread; frees what waits. May be called twice.
  void Stop();

  // The reason why the connection broke; OK while it lives. After Stop().
  const absl::Status& broken() const { return broken_; }

 private:
  // What the store has not answered.
  struct Pending {
    Origin origin;
    FrameHeader header;  // as the worker gave it
  };

  StoreWriter(std::unique_ptr<EventLoop> loop, UniqueFd socket,
              RegisteredChannel channel, StoreWriterOptions options);

  void Run();
  void Handle(StoreRequest request);
  void Write();
  void Read();
  // The connection is over: so is everything that waits on it.
  void Break(const absl::Status& reason);
  void Answer(const Pending& pending, FrameStatus status);

  absl::Status OnHeader(const FrameHeader& header) override;
  void OnPayload(size_t, absl::string_view) override {}
  void OnEnd() override;

  const StoreWriterOptions options_;
  const std::unique_ptr<EventLoop> loop_;
  Mailbox<StoreRequest> mailbox_;
  std::atomic<bool> writable_{true};
  std::atomic<bool> stop_{false};
  std::thread thread_;

  // The thread's own. Headers come from malloc, so that what the pool is asked
  // for is the messages alone.
  const std::unique_ptr<BufferAllocator> headers_;
  UniqueFd socket_;
  FdSink sink_;
  OutboundBuffer out_;
  bool waits_for_room_ = false;
  FrameParser parser_;
  FrameHeader answer_;
  uint64_t next_id_ = 1;
  absl::flat_hash_map<uint64_t, Pending> pending_;
  absl::Status broken_;
  std::vector<char> buffer_;
};

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_STORE_WRITER_H_
