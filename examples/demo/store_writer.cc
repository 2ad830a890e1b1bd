#include "poolscope/examples/demo/store_writer.h"

#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "poolscope/allocator/buffer/buffer.h"
#include "poolscope/allocator/outbound/outbound_failure.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/exporter/start_thread.h"

namespace poolscope::demo {
namespace {

constexpr uint64_t kStoreToken = EventLoop::kFirstToken;

OutboundOptions OutboundOptionsOf(const StoreWriterOptions& options,
                                  const FdSink& sink,
                                  std::atomic<bool>* writable) {
  OutboundOptions outbound;
  outbound.initial_write_bytes = sink.InitialWriteBytes();
  outbound.watermarks = options.watermarks;
  outbound.on_writability = [on_room = options.on_room,
                             writable](bool now_writable) {
    writable->store(now_writable, std::memory_order_release);
    if (now_writable && on_room) on_room();
  };
  return outbound;
}

}  // namespace

absl::StatusOr<std::unique_ptr<StoreWriter>> StoreWriter::Create(
    UniqueFd socket, RegisteredChannel channel, StoreWriterOptions options) {
  absl::StatusOr<std::unique_ptr<EventLoop>> loop = EventLoop::Create();
  if (!loop.ok()) return loop.status();
  const absl::Status status = (*loop)->Add(socket, kStoreToken, EPOLLIN);
  if (!status.ok()) return status;
  return std::unique_ptr<StoreWriter>(
      new StoreWriter(*std::move(loop), std::move(socket), std::move(channel),
                      std::move(options)));
}

StoreWriter::StoreWriter(std::unique_ptr<EventLoop> loop, UniqueFd socket,
                         RegisteredChannel channel, StoreWriterOptions options)
    : options_(std::move(options)),
      loop_(std::move(loop)),
      mailbox_(loop_.get()),
      headers_(*BufferAllocator::Unpooled(UnpooledOptions{})),
      socket_(std::move(socket)),
      sink_(socket_.get()),
      out_(OutboundOptionsOf(options_, sink_, &writable_), std::move(channel)),
      buffer_(kIoBufferBytes) {}

StoreWriter::~StoreWriter() {
  Stop();
  // Too late for anybody; left alone, they would count as forgotten.
  for (StoreRequest& request : mailbox_.TakeAll()) request.payload.Discard();
}

absl::Status StoreWriter::Start() {
  absl::StatusOr<std::thread> thread = StartThread([this] { Run(); });
  if (thread.ok()) thread_ = *std::move(thread);
  return thread.status();
}

void StoreWriter::Stop() {
  stop_.store(true, std::memory_order_release);
  loop_->Wake();
  if (thread_.joinable()) thread_.join();
}

void StoreWriter::Run() {
  while (!stop_.load(std::memory_order_acquire)) {
    const absl::Duration deadline =
        out_.needs_turn() ? absl::ZeroDuration() : absl::InfiniteDuration();
    for (const EventLoop::Ready& ready :
         loop_->Wait(deadline, &PooledAllocator::MarkThreadIdle)) {
      if ((ready.events & ~uint32_t{EPOLLOUT}) != 0) Read();
    }
    for (StoreRequest& request : mailbox_.TakeAll()) {
      Handle(std::move(request));
    }
    // Once a turn: all that came leaves in one write.
    Write();
  }
  out_.Close(OutboundFailure::kClosed, absl::CancelledError("stopped"));
}

void StoreWriter::Handle(StoreRequest request) {
  Buffer payload = ReceiveFrame(std::move(request.payload));
  const Pending pending{request.origin, request.header};
  absl::StatusOr<Buffer> header = headers_->Allocate(kFrameHeaderBytes);
  if (!socket_.valid() || !header.ok()) {
    Answer(pending, FrameStatus::kUpstreamLost);
    return;
  }
  request.header.id = next_id_++;
  pending_.emplace(request.header.id, pending);
  const EncodedHeader bytes = EncodeHeader(request.header);
  header->WriteBytes(absl::string_view(bytes.data(), bytes.size()));
  out_.Add(*std::move(header));
  if (payload.is_open()) out_.Add(std::move(payload));
}

void StoreWriter::Write() {
  if (!socket_.valid()) return;
  out_.AddFlush();
  const absl::StatusOr<bool> all_out = out_.WriteTo(sink_);
  if (!all_out.ok()) {
    Break(all_out.status());
    return;
  }
  const bool waits = !*all_out && !out_.needs_turn();
  if (waits == waits_for_room_) return;
  waits_for_room_ = waits;
  const absl::Status status =
      loop_->Modify(socket_, kStoreToken,
                    waits ? uint32_t{EPOLLIN | EPOLLOUT} : uint32_t{EPOLLIN});
  if (!status.ok()) Break(status);
}

void StoreWriter::Read() {
  if (!socket_.valid()) return;
  const absl::Status status =
      ReadFrames(socket_, absl::MakeSpan(buffer_), parser_, *this);
  if (!status.ok()) Break(status);
}

absl::Status StoreWriter::OnHeader(const FrameHeader& header) {
  if (header.kind != FrameKind::kAnswer || !pending_.contains(header.id)) {
    return absl::InvalidArgumentError("an answer to no request");
  }
  answer_ = header;
  return absl::OkStatus();
}

void StoreWriter::OnEnd() {
  const auto it = pending_.find(answer_.id);
  const Pending pending = it->second;
  pending_.erase(it);
  Answer(pending, answer_.status);
}

void StoreWriter::Break(const absl::Status& reason) {
  broken_ = reason;
  loop_->Remove(socket_);
  out_.Close(OutboundFailure::kTransport, reason);
  socket_.Close();
  for (const auto& [id, pending] : std::exchange(pending_, {})) {
    Answer(pending, FrameStatus::kUpstreamLost);
  }
  // A closed buffer says nothing any more, and what comes now fails fast.
  writable_.store(true, std::memory_order_release);
  if (options_.on_room) options_.on_room();
}

void StoreWriter::Answer(const Pending& pending, FrameStatus status) {
  options_.on_answer(StoreAnswer{pending.origin, pending.header.seed,
                                 pending.header.length, status});
}

}  // namespace poolscope::demo
