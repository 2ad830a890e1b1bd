#include "poolscope/examples/demo/relay_worker.h"

#include <utility>

#include "absl/types/span.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/examples/demo/forget_message.h"
#include "poolscope/exporter/start_thread.h"

namespace poolscope::demo {
namespace {

constexpr uint64_t kUpstreamToken = EventLoop::kFirstToken;
constexpr uint64_t kListenerToken = EventLoop::kFirstToken + 1;
constexpr uint64_t kFirstClientToken = EventLoop::kFirstToken + 2;

void DiscardPayload(NewClient&) {}
template <typename Message>
void DiscardPayload(Message& message) {
  message.payload.Discard();
}

}  // namespace

absl::StatusOr<std::unique_ptr<RelayWorker>> RelayWorker::Create(
    int index, UniqueFd upstream, const RelayWorkerOptions& options,
    RelayCounters* counters) {
  absl::StatusOr<std::unique_ptr<EventLoop>> loop = EventLoop::Create();
  if (!loop.ok()) return loop.status();
  const absl::Status status = (*loop)->Add(upstream, kUpstreamToken, EPOLLIN);
  if (!status.ok()) return status;
  std::unique_ptr<RelayWorker> worker(
      new RelayWorker(index, *std::move(loop), options, counters));
  worker->upstream_ = std::make_unique<RelayConnection>(
      std::move(upstream), FrameKind::kAnswer, options.allocator);
  return worker;
}

RelayWorker::RelayWorker(int index, std::unique_ptr<EventLoop> loop,
                         const RelayWorkerOptions& options,
                         RelayCounters* counters)
    : index_(index),
      options_(options),
      counters_(counters),
      loop_(std::move(loop)),
      mailbox_(loop_.get()),
      next_token_(kFirstClientToken),
      to_forget_(options.forget_one_in),
      buffer_(kIoBufferBytes) {}

RelayWorker::~RelayWorker() {
  Stop();
  // Too late for anybody; left alone, they would count as forgotten.
  for (RelayMessage& message : mailbox_.TakeAll()) {
    std::visit([](auto& body) { DiscardPayload(body); }, message);
  }
}

absl::Status RelayWorker::Listen(UniqueFd listener) {
  listener_ = std::move(listener);
  return loop_->Add(listener_, kListenerToken, EPOLLIN);
}

absl::Status RelayWorker::Start(std::vector<RelayWorker*> workers) {
  workers_ = std::move(workers);
  absl::StatusOr<std::thread> thread = StartThread([this] { Run(); });
  if (thread.ok()) thread_ = *std::move(thread);
  return thread.status();
}

void RelayWorker::RequestStop() {
  stop_.store(true, std::memory_order_release);
  loop_->Wake();
}

void RelayWorker::Stop() {
  RequestStop();
  if (thread_.joinable()) thread_.join();
}

void RelayWorker::Run() {
  while (!stop_.load(std::memory_order_acquire)) {
    for (const EventLoop::Ready& ready : loop_->Wait(
             absl::InfiniteDuration(), &PooledAllocator::MarkThreadIdle)) {
      HandleReady(ready);
    }
    for (RelayMessage& message : mailbox_.TakeAll()) {
      HandleMessage(std::move(message));
    }
    // Once a turn: everything that became ready goes out in one write.
    FlushScheduled();
  }
  clients_.clear();
  upstream_.reset();
  in_flight_.clear();
}

void RelayWorker::HandleReady(const EventLoop::Ready& ready) {
  if (ready.token == kListenerToken) {
    AcceptClients();
    return;
  }
  if ((ready.events & EPOLLOUT) != 0) ScheduleFlush(ready.token);
  if ((ready.events & ~uint32_t{EPOLLOUT}) == 0) return;
  if (ready.token == kUpstreamToken) {
    ReadUpstream();
  } else {
    ReadClient(ready.token);
  }
}

void RelayWorker::AcceptClients() {
  while (true) {
    absl::StatusOr<UniqueFd> client = Accept(listener_);
    if (!client.ok()) {
      if (absl::IsUnavailable(client.status())) return;
      // Nothing more can be served, most likely for want of descriptors; who
      // waits is refused rather than left waiting.
      counters_->NoteBroken(client.status());
      loop_->Remove(listener_);
      listener_.Close();
      return;
    }
    const int worker = static_cast<int>(accepted_++ % workers_.size());
    Deliver(worker, NewClient{*std::move(client)});
  }
}

void RelayWorker::ReadClient(uint64_t token) {
  RelayConnection* const client = Find(token);
  if (client == nullptr) return;
  received_.clear();
  const absl::Status status = client->Read(absl::MakeSpan(buffer_), &received_);
  for (ReceivedFrame& frame : received_) {
    RelayCounters::Add(counters_->requests);
    const Origin origin{index_, token, frame.header.id};
    if (!frame.refusal.ok()) {
      RelayCounters::Add(counters_->refused_requests);
      counters_->NoteRefusal(frame.refusal);
      Answer(origin,
             FrameHeader{0, FrameKind::kAnswer, FrameStatus::kRequestRefused, 0,
                         frame.header.seed},
             Buffer());
      continue;
    }
    // A request whose status is an error has no payload to forget.
    if (options_.forget_one_in != 0 && frame.payload.is_open() &&
        --to_forget_ == 0) {
      to_forget_ = options_.forget_one_in;
      ForgetMessage(frame.payload);
    }
    const size_t others = workers_.size() - 1;
    const size_t step = others == 0 ? 0 : 1 + forwarded_++ % others;
    const size_t worker =
        (static_cast<size_t>(index_) + step) % workers_.size();
    Deliver(static_cast<int>(worker),
            ForwardedRequest{origin, frame.header,
                             SendPayload(std::move(frame.payload))});
  }
  received_.clear();
  if (!status.ok()) Close(token, status);
}

void RelayWorker::ReadUpstream() {
  if (upstream_ == nullptr) return;
  received_.clear();
  absl::Status status = upstream_->Read(absl::MakeSpan(buffer_), &received_);
  for (ReceivedFrame& frame : received_) {
    const auto it = in_flight_.find(frame.header.id);
    if (it == in_flight_.end()) {
      status = absl::InvalidArgumentError("an answer to no request");
      break;
    }
    if (!frame.refusal.ok()) {
      RelayCounters::Add(counters_->refused_answers);
      counters_->NoteRefusal(frame.refusal);
      frame.header.length = 0;
      frame.header.status = FrameStatus::kAnswerRefused;
    }
    const Origin origin = it->second.origin;
    in_flight_.erase(it);  // frees the request
    Answer(origin, frame.header, std::move(frame.payload));
  }
  received_.clear();
  if (!status.ok()) Close(kUpstreamToken, status);
}

void RelayWorker::HandleMessage(RelayMessage message) {
  std::visit([this](auto&& body) { Handle(std::move(body)); },
             std::move(message));
}

void RelayWorker::Deliver(int worker, RelayMessage message) {
  if (worker == index_) {
    HandleMessage(std::move(message));
  } else {
    workers_[static_cast<size_t>(worker)]->Post(std::move(message));
  }
}

void RelayWorker::Handle(NewClient client) {
  const uint64_t token = next_token_++;
  const absl::Status status = loop_->Add(client.fd, token, EPOLLIN);
  if (!status.ok()) {
    counters_->NoteBroken(status);
    return;
  }
  clients_.emplace(token, std::make_unique<RelayConnection>(
                              std::move(client.fd), FrameKind::kRequest,
                              options_.allocator));
}

void RelayWorker::Handle(ForwardedRequest request) {
  Buffer payload = ReceivePayload(std::move(request.payload));
  if (upstream_ == nullptr) {
    RelayCounters::Add(counters_->lost_upstream);
    Answer(request.origin,
           FrameHeader{0, FrameKind::kAnswer, FrameStatus::kUpstreamLost, 0,
                       request.header.seed},
           Buffer());
    return;
  }
  RelayCounters::Add(counters_->forwarded);
  const uint64_t id = next_upstream_id_++;
  in_flight_[id].origin = request.origin;
  request.header.id = id;
  upstream_->outgoing().Push(request.header, std::move(payload));
  ScheduleFlush(kUpstreamToken);
}

void RelayWorker::Handle(ReturnedAnswer answer) {
  Buffer payload = ReceivePayload(std::move(answer.payload));
  RelayConnection* const client = Find(answer.origin.connection);
  if (client == nullptr) {
    RelayCounters::Add(counters_->client_gone);
    return;
  }
  RelayCounters::Add(counters_->answers);
  answer.header.id = answer.origin.request_id;
  client->outgoing().Push(answer.header, std::move(payload));
  ScheduleFlush(answer.origin.connection);
}

void RelayWorker::Answer(const Origin& origin, const FrameHeader& header,
                         Buffer payload) {
  Deliver(origin.worker,
          ReturnedAnswer{origin, header, SendPayload(std::move(payload))});
}

RelayConnection* RelayWorker::Find(uint64_t token) {
  if (token == kUpstreamToken) return upstream_.get();
  const auto it = clients_.find(token);
  return it == clients_.end() ? nullptr : it->second.get();
}

void RelayWorker::ScheduleFlush(uint64_t token) {
  RelayConnection* const connection = Find(token);
  if (connection == nullptr || connection->to_flush) return;
  connection->to_flush = true;
  to_flush_.push_back(token);
}

void RelayWorker::FlushScheduled() {
  // Closing the upstream's connection answers its requests, which adds to the
  // list.
  for (size_t i = 0; i < to_flush_.size(); ++i) {
    const uint64_t token = to_flush_[i];
    RelayConnection* const connection = Find(token);
    if (connection == nullptr) continue;
    connection->to_flush = false;
    Flush(token, *connection);
  }
  to_flush_.clear();
}

void RelayWorker::Flush(uint64_t token, RelayConnection& connection) {
  const absl::StatusOr<bool> all_out = connection.outgoing().Flush(
      connection.fd(), [&](uint64_t id, Buffer payload) {
        if (token != kUpstreamToken) return;  // an answer: freed here
        const auto it = in_flight_.find(id);
        if (it != in_flight_.end()) it->second.payload = std::move(payload);
      });
  if (!all_out.ok()) {
    Close(token, all_out.status());
    return;
  }
  const bool waits = !*all_out;
  if (waits == connection.waits_for_room) return;
  connection.waits_for_room = waits;
  const absl::Status status =
      loop_->Modify(connection.fd(), token,
                    waits ? uint32_t{EPOLLIN | EPOLLOUT} : uint32_t{EPOLLIN});
  if (!status.ok()) Close(token, status);
}

void RelayWorker::Close(uint64_t token, const absl::Status& reason) {
  RelayConnection* const connection = Find(token);
  if (connection == nullptr) return;
  if (!absl::IsOutOfRange(reason)) counters_->NoteBroken(reason);
  loop_->Remove(connection->fd());
  if (token == kUpstreamToken) {
    upstream_.reset();
    FailInFlight();
  } else {
    clients_.erase(token);
  }
}

void RelayWorker::FailInFlight() {
  for (auto& [id, request] : std::exchange(in_flight_, {})) {
    RelayCounters::Add(counters_->lost_upstream);
    Answer(request.origin,
           FrameHeader{0, FrameKind::kAnswer, FrameStatus::kUpstreamLost, 0, 0},
           Buffer());
  }
}

}  // namespace poolscope::demo
