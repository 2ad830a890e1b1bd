#include "poolscope/examples/demo/aggregator_worker.h"

#include <optional>
#include <utility>

#include "absl/types/span.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/examples/demo/monotonic_time.h"
#include "poolscope/exporter/start_thread.h"

namespace poolscope::demo {
namespace {

constexpr uint64_t kListenerToken = EventLoop::kFirstToken;
constexpr uint64_t kFirstClientToken = EventLoop::kFirstToken + 1;

// The governor looks this often, and besides after so many bytes: at a gigabyte
// a second a tenth of a second is too long.
constexpr absl::Duration kCheckInterval = absl::Milliseconds(100);
constexpr uint64_t kCheckBytes = 1 << 20;

// Clients that begin to be read in one turn.
constexpr size_t kReviewsPerTurn = 32;

FrameStatus StatusOf(RefusalKind kind) {
  return kind == RefusalKind::kHuge ? FrameStatus::kHugeRefused
                                    : FrameStatus::kRequestRefused;
}

}  // namespace

absl::StatusOr<std::unique_ptr<AggregatorWorker>> AggregatorWorker::Create(
    int index, const AggregatorWorkerOptions& options) {
  absl::StatusOr<std::unique_ptr<EventLoop>> loop = EventLoop::Create();
  if (!loop.ok()) return loop.status();
  return std::unique_ptr<AggregatorWorker>(
      new AggregatorWorker(index, *std::move(loop), options));
}

AggregatorWorker::AggregatorWorker(int index, std::unique_ptr<EventLoop> loop,
                                   const AggregatorWorkerOptions& options)
    : index_(index),
      options_(options),
      loop_(std::move(loop)),
      mailbox_(loop_.get()),
      next_token_(kFirstClientToken),
      buffer_(kIoBufferBytes) {}

AggregatorWorker::~AggregatorWorker() { Stop(); }

absl::Status AggregatorWorker::Listen(UniqueFd listener) {
  listener_ = std::move(listener);
  spare_.Keep();
  return loop_->Add(listener_, kListenerToken, EPOLLIN);
}

absl::Status AggregatorWorker::Start(std::vector<AggregatorWorker*> workers) {
  workers_ = std::move(workers);
  absl::StatusOr<std::thread> thread = StartThread([this] { Run(); });
  if (thread.ok()) thread_ = *std::move(thread);
  return thread.status();
}

void AggregatorWorker::Post(AggregatorEvent event) {
  mailbox_.Post(std::move(event));
}

void AggregatorWorker::RequestStop() {
  stop_.store(true, std::memory_order_release);
  loop_->Wake();
}

void AggregatorWorker::Stop() {
  RequestStop();
  if (thread_.joinable()) thread_.join();
}

void AggregatorWorker::Run() {
  while (!stop_.load(std::memory_order_acquire)) {
    for (const EventLoop::Ready& ready :
         loop_->Wait(WakeAt(), &PooledAllocator::MarkThreadIdle)) {
      HandleReady(ready);
    }
    for (AggregatorEvent& event : mailbox_.TakeAll()) {
      std::visit([this](auto&& body) { Handle(std::move(body)); },
                 std::move(event));
    }
    CheckMemory();
    reviews_.Run(kReviewsPerTurn, [this](uint64_t token) { Review(token); });
    // Once a turn: all answers that came leave in one write.
    flushes_.Run(TurnQueue::kAll, [this](uint64_t token) { Flush(token); });
  }
  clients_.clear();
}

absl::Duration AggregatorWorker::WakeAt() const {
  if (!reviews_.empty()) return absl::ZeroDuration();  // now
  return options_.governor == nullptr ? absl::InfiniteDuration() : next_check_;
}

void AggregatorWorker::HandleReady(const EventLoop::Ready& ready) {
  if (ready.token == kListenerToken) {
    AcceptClients();
    return;
  }
  if ((ready.events & EPOLLOUT) != 0) flushes_.Push(ready.token);
  if ((ready.events & ~uint32_t{EPOLLOUT}) == 0) return;
  Review(ready.token);
  AggregatorConnection* const client = Find(ready.token);
  if (client == nullptr) return;
  if (client->gate.reading()) {
    ReadClient(ready.token, *client);
  } else if ((ready.events & (EPOLLHUP | EPOLLERR)) != 0) {
    // Told for as long as it lasts, read or not.
    Close(ready.token, absl::InternalError("a paused client has gone"));
  }
}

void AggregatorWorker::AcceptClients() {
  while (true) {
    absl::StatusOr<UniqueFd> client = Accept(listener_);
    if (!client.ok()) {
      if (absl::IsUnavailable(client.status())) return;
      // Most likely for want of descriptors.
      options_.counters->NoteBroken(client.status());
      if (spare_.Refuse(listener_)) continue;
      loop_->Remove(listener_);
      listener_.Close();
      return;
    }
    workers_[accepted_++ % workers_.size()]->Post(
        NewClient{*std::move(client)});
  }
}

void AggregatorWorker::ReadClient(uint64_t token,
                                  AggregatorConnection& client) {
  const size_t before = client.assembling_bytes();
  ended_.clear();
  const absl::Status status = client.Read(absl::MakeSpan(buffer_), &ended_);
  for (AggregatedMessage& message : ended_) {
    if (message.refusal.has_value()) {
      Answer(token, message.header, StatusOf(message.refusal->kind));
      continue;
    }
    unchecked_bytes_ += message.header.length;
    Forward(token, client, std::move(message));
  }
  if (!ended_.empty() && client.member != nullptr) {
    // Progress, also where a message began and ended in this read.
    client.member->SetRemaining(0);
    client.member->SetNoMessage();
  }
  ended_.clear();
  if (client.assembling_bytes() > before) {
    unchecked_bytes_ += client.assembling_bytes() - before;
  }
  Report(client);
  if (!status.ok()) {
    Close(token, status);
    return;
  }
  if (unchecked_bytes_ >= kCheckBytes) CheckMemory();
}

void AggregatorWorker::Forward(uint64_t token, AggregatorConnection& client,
                               AggregatedMessage message) {
  client.storing_bytes += message.header.length;
  const Origin origin{index_, token, message.header.id};
  options_.store->Post(StoreRequest{origin, message.header,
                                    SendFrame(std::move(message.payload))});
}

void AggregatorWorker::Answer(uint64_t token, const FrameHeader& request,
                              FrameStatus status) {
  AggregatorConnection* const client = Find(token);
  if (client == nullptr) return;
  client->PushAnswer(
      FrameHeader{0, FrameKind::kAnswer, status, request.id, request.seed});
  flushes_.Push(token);
}

void AggregatorWorker::Handle(NewClient client) {
  const uint64_t token = next_token_++;
  const absl::Status status = loop_->Add(client.fd, token, EPOLLIN);
  if (!status.ok()) {
    options_.counters->NoteBroken(status);
    return;
  }
  auto connection = std::make_unique<AggregatorConnection>(
      std::move(client.fd), options_.assembly, options_.counters);
  if (options_.governor != nullptr) {
    connection->member =
        options_.governor->Join([this, token] { Post(MemoryNotice{token}); });
  }
  clients_.emplace(token, std::move(connection));
  reviews_.Push(token);  // it may come at a bad time
}

void AggregatorWorker::Handle(StoreAnswer answer) {
  AggregatorCounters& counters = *options_.counters;
  AggregatorCounters::Add(answer.status == FrameStatus::kOk ? counters.stored
                                                            : counters.lost);
  AggregatorConnection* const client = Find(answer.origin.connection);
  if (client == nullptr) {
    AggregatorCounters::Add(counters.client_gone);
    return;
  }
  client->storing_bytes -= answer.length;
  Report(*client);
  FrameHeader request;
  request.id = answer.origin.request_id;
  request.seed = answer.seed;
  Answer(answer.origin.connection, request, answer.status);
}

void AggregatorWorker::Handle(StoreRoom) {
  for (const auto& [token, client] : clients_) {
    if (!client->gate.reading()) reviews_.Push(token);
  }
}

void AggregatorWorker::Handle(MemoryNotice notice) {
  AggregatorConnection* const client = Find(notice.connection);
  if (client == nullptr) return;
  if (client->member->TakeReject()) {
    const std::optional<FrameHeader> given_up = client->GiveUp();
    if (given_up.has_value()) {
      client->member->SetNoMessage();
      Report(*client);
      Answer(notice.connection, *given_up, FrameStatus::kGivenUp);
    }
  }
  reviews_.Push(notice.connection);
}

void AggregatorWorker::Report(const AggregatorConnection& client) {
  if (client.member == nullptr) return;
  client.member->SetHeld(client.assembling_bytes() + client.storing_bytes);
  if (client.assembling()) client.member->SetRemaining(client.missing_bytes());
}

void AggregatorWorker::CheckMemory() {
  if (options_.governor == nullptr) return;
  const absl::Duration now = MonotonicNow();
  if (now < next_check_ && unchecked_bytes_ < kCheckBytes) return;
  next_check_ = now + kCheckInterval;
  unchecked_bytes_ = 0;
  options_.governor->Check();
}

void AggregatorWorker::Review(uint64_t token) {
  AggregatorConnection* const client = Find(token);
  if (client == nullptr || client->member == nullptr) return;
  ReadGate& gate = client->gate;
  // What is only dropped costs no memory.
  const bool free = client->dropping();
  bool changed = !free && client->member->paused()
                     ? gate.Pause(PauseReason::kMemory)
                     : gate.Resume(PauseReason::kMemory);
  changed ^= !free && !options_.store->writable()
                 ? gate.Pause(PauseReason::kWatermark)
                 : gate.Resume(PauseReason::kWatermark);
  if (changed) SetEvents(token, *client);
}

bool AggregatorWorker::SetEvents(uint64_t token, AggregatorConnection& client) {
  const uint32_t events = (client.gate.reading() ? uint32_t{EPOLLIN} : 0) |
                          (client.waits_for_room ? uint32_t{EPOLLOUT} : 0);
  const absl::Status status = loop_->Modify(client.fd(), token, events);
  if (!status.ok()) Close(token, status);
  return status.ok();
}

AggregatorConnection* AggregatorWorker::Find(uint64_t token) {
  const auto it = clients_.find(token);
  return it == clients_.end() ? nullptr : it->second.get();
}

void AggregatorWorker::Flush(uint64_t token) {
  AggregatorConnection* const client = Find(token);
  if (client == nullptr) return;
  const absl::StatusOr<bool> all_out = client->Flush(absl::MakeSpan(buffer_));
  if (!all_out.ok()) {
    Close(token, all_out.status());
    return;
  }
  const bool waits = !*all_out;
  if (waits == client->waits_for_room) return;
  client->waits_for_room = waits;
  // Who does not read its answers sends no more either.
  if (waits) {
    client->gate.Pause(PauseReason::kUser);
  } else {
    client->gate.Resume(PauseReason::kUser);
  }
  SetEvents(token, *client);
}

void AggregatorWorker::Close(uint64_t token, const absl::Status& reason) {
  AggregatorConnection* const client = Find(token);
  if (client == nullptr) return;
  if (!absl::IsOutOfRange(reason)) options_.counters->NoteBroken(reason);
  loop_->Remove(client->fd());
  clients_.erase(token);
}

}  // namespace poolscope::demo
