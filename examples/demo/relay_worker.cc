#include "poolscope/examples/demo/relay_worker.h"

#include <utility>

#include "absl/base/attributes.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/examples/demo/forget_message.h"
#include "poolscope/examples/demo/frame_buffer.h"
#include "poolscope/examples/demo/monotonic_time.h"
#include "poolscope/exporter/start_thread.h"

namespace poolscope::demo {
namespace {

constexpr uint64_t kUpstreamToken = EventLoop::kFirstToken;
constexpr uint64_t kListenerToken = EventLoop::kFirstToken + 1;
constexpr uint64_t kFirstClientToken = EventLoop::kFirstToken + 2;

// Clients that go on reading in one turn, and answers that leave the admission
// queue of one of them.
constexpr size_t kResumedATurn = 16;
constexpr size_t kAdmittedATurn = 16;

constexpr absl::Duration kGovernorInterval = absl::Milliseconds(50);

// Requests of one client that are forwarded and not answered, and their bytes,
// from which on it is not read: their answers would come whether it is writable
// or not. The queue of those that are not admitted has room for what one read
// brings besides.
constexpr uint64_t kMaxInFlight = 16;
constexpr uint64_t kMaxInFlightBytes = 1 << 20;
constexpr uint64_t kMaxAdmissionBytes = 4 << 20;

void DiscardFrame(NewClient&) {}
void DiscardFrame(UpstreamState&) {}
void DiscardFrame(GovernorNotice&) {}
template <typename Message>
void DiscardFrame(Message& message) {
  message.frame.Discard();
}

}  // namespace

absl::StatusOr<std::unique_ptr<RelayWorker>> RelayWorker::Create(
    int index, UniqueFd upstream, const RelayWorkerOptions& options,
    RelayCounters* counters) {
  absl::StatusOr<std::unique_ptr<EventLoop>> loop = EventLoop::Create();
  if (!loop.ok()) return loop.status();
  const absl::Status status = (*loop)->Add(upstream, kUpstreamToken, EPOLLIN);
  if (!status.ok()) return status;
  UnpooledOptions statuses_options;
  statuses_options.name = "relay.statuses";
  absl::StatusOr<std::unique_ptr<BufferAllocator>> statuses =
      BufferAllocator::Unpooled(statuses_options);
  if (!statuses.ok()) return statuses.status();
  std::unique_ptr<RelayWorker> worker(new RelayWorker(
      index, *std::move(loop), *std::move(statuses), options, counters));
  worker->upstream_ =
      worker->Connect(kUpstreamToken, std::move(upstream), FrameKind::kAnswer,
                      "upstream", absl::StrCat("worker-", index));
  return worker;
}

RelayWorker::RelayWorker(int index, std::unique_ptr<EventLoop> loop,
                         std::unique_ptr<BufferAllocator> statuses,
                         const RelayWorkerOptions& options,
                         RelayCounters* counters)
    : index_(index),
      options_(options),
      counters_(counters),
      loop_(std::move(loop)),
      mailbox_(loop_.get()),
      next_token_(kFirstClientToken),
      to_forget_(options.forget_one_in),
      statuses_(std::move(statuses)),
      buffer_(kIoBufferBytes) {}

RelayWorker::~RelayWorker() {
  Stop();
  // Too late for anybody; left alone, they would count as forgotten.
  for (RelayMessage& message : mailbox_.TakeAll()) {
    std::visit([](auto& body) { DiscardFrame(body); }, message);
  }
}

absl::Status RelayWorker::Listen(UniqueFd listener) {
  listener_ = std::move(listener);
  spare_.Keep();
  return loop_->Add(listener_, kListenerToken, EPOLLIN);
}

absl::Status RelayWorker::Start(std::vector<RelayWorker*> workers) {
  workers_ = std::move(workers);
  upstream_writable_.assign(workers_.size(), true);
  writable_upstreams_ = static_cast<int>(workers_.size());
  absl::StatusOr<std::thread> thread = StartThread([this] { Run(); });
  if (thread.ok()) thread_ = *std::move(thread);
  return thread.status();
}

// Not inlined: GCC then sees a message of one kind, and warns of the members of
// the others.
ABSL_ATTRIBUTE_NOINLINE void RelayWorker::Post(RelayMessage message) {
  mailbox_.Post(std::move(message));
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
  // The first worker looks at the memory for all.
  const bool governs = options_.governor != nullptr && index_ == 0;
  absl::Duration next_check =
      governs ? MonotonicNow() : absl::InfiniteDuration();
  while (!stop_.load(std::memory_order_acquire)) {
    for (const EventLoop::Ready& ready :
         loop_->Wait(next_check, &PooledAllocator::MarkThreadIdle)) {
      HandleReady(ready);
    }
    if (governs && MonotonicNow() >= next_check) {
      options_.governor->Check();
      next_check = MonotonicNow() + kGovernorInterval;
    }
    for (RelayMessage& message : mailbox_.TakeAll()) {
      HandleMessage(std::move(message));
    }
    EndTurn();
  }
  // Out of their places first: what fails with a channel looks there.
  std::exchange(clients_, {}).clear();
  std::exchange(upstream_, nullptr).reset();
  in_flight_.clear();
}

void RelayWorker::HandleReady(const EventLoop::Ready& ready) {
  if (ready.token == kListenerToken) {
    AcceptClients();
    return;
  }
  if ((ready.events & EPOLLOUT) != 0) to_flush_.Push(ready.token);
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
      // Most likely for want of descriptors.
      counters_->NoteBroken(client.status());
      if (spare_.Refuse(listener_)) continue;
      loop_->Remove(listener_);
      listener_.Close();
      return;
    }
    const int worker = static_cast<int>(accepted_++ % workers_.size());
    Deliver(worker, NewClient{*std::move(client)});
  }
}

void RelayWorker::ReadClient(uint64_t token) {
  RelayConnection* client = Find(token);
  if (client == nullptr) return;
  received_.clear();
  const absl::Status status = client->Read(absl::MakeSpan(buffer_), &received_);
  client->in_flight += received_.size();
  for (const ReceivedFrame& frame : received_) {
    client->in_flight_bytes += frame.header.length;
  }
  RelayCounters::RaiseTo(counters_->max_in_flight, client->in_flight);
  for (ReceivedFrame& frame : received_) {
    RelayCounters::Add(counters_->requests);
    const Origin origin{index_, token, frame.header.id, frame.header.length};
    if (!frame.refusal.ok()) {
      RelayCounters::Add(counters_->refused_requests);
      counters_->NoteRefusal(frame.refusal);
      Refuse(origin, FrameStatus::kRequestRefused, frame.header.seed);
      continue;
    }
    Forward(origin, std::move(frame));
  }
  const bool any_ended = !received_.empty();
  received_.clear();
  if (!status.ok()) {
    Close(token, status);
    return;
  }
  client = Find(token);  // a frame may have been its end
  if (client == nullptr) return;
  ReportToGovernor(*client, any_ended);
  if (MayRead(*client)) return;
  if (client->gate().Pause(PauseReason::kUser)) to_flush_.Push(token);
}

bool RelayWorker::MayRead(const RelayConnection& client) const {
  if (writable_upstreams_ == 0) return false;
  return options_.watermarks.off() ||
         (client.in_flight < kMaxInFlight &&
          client.in_flight_bytes < kMaxInFlightBytes);
}

void RelayWorker::Forward(const Origin& origin, ReceivedFrame frame) {
  // A request whose status is an error has no payload to forget.
  if (options_.forget_one_in != 0 && frame.frame.is_open() &&
      --to_forget_ == 0) {
    to_forget_ = options_.forget_one_in;
    ForgetMessage(frame.frame);
  }
  // The next of the others in turn that takes more; where none does, the next.
  const size_t others = workers_.size() - 1;
  size_t worker = static_cast<size_t>(index_);
  for (size_t tries = 0; tries < others; ++tries) {
    const size_t step = 1 + forwarded_++ % others;
    worker = (static_cast<size_t>(index_) + step) % workers_.size();
    if (upstream_writable_[worker]) break;
  }
  Deliver(static_cast<int>(worker),
          ForwardedRequest{origin, frame.header,
                           SendFrame(std::move(frame.frame))});
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
    Answer(origin, frame.header, std::move(frame.frame));
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
  absl::Status status =
      SetSocketBuffers(client.fd, options_.socket_buffer_bytes);
  if (status.ok()) status = loop_->Add(client.fd, token, EPOLLIN);
  if (!status.ok()) {
    counters_->NoteBroken(status);
    return;
  }
  std::unique_ptr<RelayConnection> connection =
      Connect(token, std::move(client.fd), FrameKind::kRequest, "clients",
              absl::StrCat("worker-", index_, " client-", token));
  if (options_.governor != nullptr) {
    connection->member =
        options_.governor->Join([this, token] { Post(GovernorNotice{token}); });
  }
  if (!MayRead(*connection)) connection->gate().Pause(PauseReason::kUser);
  clients_.emplace(token, std::move(connection));
  to_flush_.Push(token);
}

void RelayWorker::Handle(ForwardedRequest request) {
  Buffer frame = ReceiveFrame(std::move(request.frame));
  if (upstream_ == nullptr) {
    RelayCounters::Add(counters_->lost_upstream);
    Refuse(request.origin, FrameStatus::kUpstreamLost, request.header.seed);
    return;
  }
  RelayCounters::Add(counters_->forwarded);
  const uint64_t id = next_upstream_id_++;
  in_flight_[id].origin = request.origin;
  request.header.id = id;
  if (!frame.is_open()) {
    SendStatus(kUpstreamToken, *upstream_, request.header);
    return;
  }
  SealFrame(request.header, &frame);
  upstream_->outbound().Add(
      std::move(frame), [this, id](const absl::Status& status, Buffer sent) {
        const auto it = in_flight_.find(id);
        if (status.ok() && it != in_flight_.end()) {
          it->second.frame = std::move(sent);
        }
      });
  to_flush_.Push(kUpstreamToken);
}

void RelayWorker::Handle(ReturnedAnswer answer) {
  Buffer frame = ReceiveFrame(std::move(answer.frame));
  const uint64_t token = answer.origin.connection;
  RelayConnection* const client = Find(token);
  if (client == nullptr) {
    RelayCounters::Add(counters_->client_gone);
    return;
  }
  --client->in_flight;
  client->in_flight_bytes -= answer.origin.length;
  if (client->gate().paused_by(PauseReason::kUser) && MayRead(*client)) {
    to_resume_.Push(token);
  }
  RelayCounters::Add(counters_->answers);
  answer.header.id = answer.origin.request_id;
  if (!frame.is_open()) {
    SendStatus(token, *client, answer.header);
    return;
  }
  SealFrame(answer.header, &frame);
  switch (client->admission().Offer(std::move(frame))) {
    case Admission::Outcome::kAdded:
      to_flush_.Push(token);
      return;
    case Admission::Outcome::kQueued:
      return;
    case Admission::Outcome::kRejected:
      break;
  }
  RelayCounters::Add(counters_->rejected);
  if (client->admission().close_wanted()) {
    Close(token, absl::ResourceExhaustedError(
                     "closed by policy: its peer reads too slowly"));
    return;
  }
  answer.header.length = 0;
  answer.header.status = FrameStatus::kRejected;
  SendStatus(token, *client, answer.header);
}

void RelayWorker::Handle(UpstreamState state) {
  const size_t worker = static_cast<size_t>(state.worker);
  if (upstream_writable_[worker] == state.writable) return;
  upstream_writable_[worker] = state.writable;
  writable_upstreams_ += state.writable ? 1 : -1;
  if (state.writable && writable_upstreams_ > 1) return;
  if (!state.writable && writable_upstreams_ > 0) return;
  for (const auto& [token, client] : clients_) {
    if (state.writable) {
      to_resume_.Push(token);
    } else if (client->gate().Pause(PauseReason::kUser)) {
      to_flush_.Push(token);
    }
  }
}

void RelayWorker::Handle(GovernorNotice notice) {
  RelayConnection* const client = Find(notice.connection);
  if (client == nullptr) return;
  if (client->member->TakeReject()) {
    Close(notice.connection, absl::ResourceExhaustedError(
                                 "closed by the memory governor: it holds "
                                 "most, and nothing moves"));
    return;
  }
  if (!client->member->paused()) {
    to_resume_.Push(notice.connection);
  } else if (client->gate().Pause(PauseReason::kMemory)) {
    to_flush_.Push(notice.connection);
  }
}

void RelayWorker::Answer(const Origin& origin, const FrameHeader& header,
                         Buffer frame) {
  Deliver(origin.worker,
          ReturnedAnswer{origin, header, SendFrame(std::move(frame))});
}

void RelayWorker::Refuse(const Origin& origin, FrameStatus status,
                         uint64_t seed) {
  Answer(origin, FrameHeader{0, FrameKind::kAnswer, status, 0, seed}, Buffer());
}

void RelayWorker::SendStatus(uint64_t token, RelayConnection& connection,
                             const FrameHeader& header) {
  absl::StatusOr<Buffer> frame = AllocateFrame(*statuses_, 0);
  if (!frame.ok()) {
    // Without it the message would be lost in silence.
    Close(token, frame.status());
    return;
  }
  SealFrame(header, &*frame);
  connection.outbound().Add(*std::move(frame));
  to_flush_.Push(token);
}

std::unique_ptr<RelayConnection> RelayWorker::Connect(uint64_t token,
                                                      UniqueFd fd,
                                                      FrameKind expected,
                                                      absl::string_view group,
                                                      absl::string_view name) {
  OutboundOptions outbound;
  outbound.watermarks = options_.watermarks;
  outbound.on_writability = [this, token](bool writable) {
    NoteWritability(token, writable);
  };
  AdmissionOptions admission;
  admission.policy = options_.policy;
  admission.max_bytes = kMaxAdmissionBytes;
  RegisteredChannel channel;
  if (options_.channels != nullptr) {
    absl::StatusOr<RegisteredChannel> registered = options_.channels->Register(
        {std::string(group), std::string(name), PeerName(fd), options_.policy});
    // Without a place it works as well, and is not seen.
    if (registered.ok()) channel = *std::move(registered);
  }
  auto connection = std::make_unique<RelayConnection>(
      std::move(fd), expected, options_.allocator, std::move(outbound),
      admission, std::move(channel));
  connection->events = EPOLLIN;
  return connection;
}

RelayConnection* RelayWorker::Find(uint64_t token) {
  if (token == kUpstreamToken) return upstream_.get();
  const auto it = clients_.find(token);
  return it == clients_.end() ? nullptr : it->second.get();
}

void RelayWorker::NoteWritability(uint64_t token, bool writable) {
  RelayConnection* const connection = Find(token);
  if (connection == nullptr) return;
  if (token == kUpstreamToken) {
    for (size_t i = 0; i < workers_.size(); ++i) {
      workers_[i]->Post(UpstreamState{index_, writable});
    }
  } else if (writable) {
    to_resume_.Push(token);
  } else {
    connection->gate().Pause(PauseReason::kWatermark);
  }
}

void RelayWorker::Resume(uint64_t token) {
  RelayConnection* const client = Find(token);
  if (client == nullptr) return;
  const bool more = client->admission().Drain(kAdmittedATurn);
  to_flush_.Push(token);
  if (more) {
    to_resume_.Push(token);
    return;
  }
  ReadGate& gate = client->gate();
  if (client->outbound().writable() &&
      client->admission().queued_messages() == 0) {
    gate.Resume(PauseReason::kWatermark);
  }
  if (client->member == nullptr || !client->member->paused()) {
    gate.Resume(PauseReason::kMemory);
  }
  if (MayRead(*client)) gate.Resume(PauseReason::kUser);
}

void RelayWorker::EndTurn() {
  to_resume_.Run(kResumedATurn, [this](uint64_t token) { Resume(token); });
  // Once a turn: everything that became ready goes out in one write.
  to_flush_.Run(TurnQueue::kAll, [this](uint64_t token) { Flush(token); });
  // What is left has the next turn, after a look at the sockets.
  if (!to_resume_.empty() || !to_flush_.empty()) loop_->Wake();
}

void RelayWorker::Flush(uint64_t token) {
  RelayConnection* const connection = Find(token);
  if (connection == nullptr) return;
  const absl::StatusOr<bool> all_out = connection->Flush();
  if (!all_out.ok()) {
    Close(token, all_out.status());
    return;
  }
  ReportToGovernor(*connection, false);
  Watch(token, *connection, *all_out);
}

void RelayWorker::ReportToGovernor(RelayConnection& client, bool any_ended) {
  if (client.member == nullptr) return;
  client.member->SetHeld(client.outbound().unwritten_bytes() +
                         client.admission().queued_bytes() +
                         client.assembling_bytes());
  if (any_ended) {
    // Progress, also where a frame began and ended in one read.
    client.member->SetRemaining(0);
    client.member->SetNoMessage();
  }
  if (client.assembling_bytes() != 0) {
    client.member->SetRemaining(client.missing_bytes());
  }
}

void RelayWorker::Watch(uint64_t token, RelayConnection& connection,
                        bool all_out) {
  uint32_t events = 0;
  if (connection.gate().reading()) events |= EPOLLIN;
  // Also where it only had its turn: then the socket has room at once.
  if (!all_out) events |= EPOLLOUT;
  if (events == connection.events) return;
  connection.events = events;
  const absl::Status status = loop_->Modify(connection.fd(), token, events);
  if (!status.ok()) Close(token, status);
}

void RelayWorker::Close(uint64_t token, const absl::Status& reason) {
  RelayConnection* const connection = Find(token);
  if (connection == nullptr) return;
  if (!absl::IsOutOfRange(reason)) counters_->NoteBroken(reason);
  loop_->Remove(connection->fd());
  // Out of its place first: what fails with the channel looks there.
  if (token == kUpstreamToken) {
    std::exchange(upstream_, nullptr).reset();
    FailInFlight();
    for (RelayWorker* const worker : workers_) {
      worker->Post(UpstreamState{index_, true});  // it fails fast
    }
  } else {
    clients_.extract(token);
  }
}

void RelayWorker::FailInFlight() {
  for (auto& [id, request] : std::exchange(in_flight_, {})) {
    RelayCounters::Add(counters_->lost_upstream);
    Refuse(request.origin, FrameStatus::kUpstreamLost, 0);
  }
}

}  // namespace poolscope::demo
