#include "poolscope/examples/demo/load_generator.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/types/span.h"
#include "poolscope/examples/demo/event_loop.h"
#include "poolscope/examples/demo/frame.h"
#include "poolscope/examples/demo/frame_stream.h"
#include "poolscope/examples/demo/monotonic_time.h"
#include "poolscope/examples/demo/pattern.h"
#include "poolscope/examples/demo/socket.h"
#include "poolscope/exporter/start_thread.h"

namespace poolscope::demo {
namespace {

// A thread that is late sends at most this many messages before it looks at
// its sockets again.
constexpr int kMaxBurst = 256;

Failure FailureOf(FrameStatus status) {
  switch (status) {
    case FrameStatus::kRequestRefused:
      return Failure::kRequestRefused;
    case FrameStatus::kAnswerRefused:
      return Failure::kAnswerRefused;
    case FrameStatus::kUpstreamLost:
      return Failure::kUpstreamLost;
    case FrameStatus::kRejected:
      return Failure::kRejected;
    case FrameStatus::kHugeRefused:
      return Failure::kHugeRefused;
    case FrameStatus::kGivenUp:
      return Failure::kGivenUp;
    case FrameStatus::kOk:
    case FrameStatus::kCorrupt:
      break;
  }
  return Failure::kCorrupt;
}

absl::StatusOr<UniqueFd> OpenConnection(const LoadOptions& options) {
  absl::StatusOr<UniqueFd> fd = ConnectToLoopback(options.port);
  if (!fd.ok()) return fd;
  const absl::Status status =
      SetSocketBuffers(*fd, options.socket_buffer_bytes);
  if (!status.ok()) return status;
  return fd;
}

}  // namespace

// One connection and the messages that wait for their answers on it.
class LoadGenerator::Client final : private FrameSink {
 public:
  Client(UniqueFd fd, const LoadOptions& options, LoadGenerator* owner)
      : fd_(std::move(fd)),
        size_of_(options.size_of),
        empty_answers_(options.empty_answers),
        owner_(owner) {}

  const UniqueFd& fd() const { return fd_; }
  bool open() const { return fd_.valid(); }
  size_t in_flight() const { return pending_.size(); }

  // `due` is when the message should be sent.
  void Send(uint64_t seed, absl::Duration due) {
    owner_->counts_.CountSent();
    if (!open()) {
      owner_->counts_.CountFailed(Failure::kConnectionLost);
      return;
    }
    const uint64_t id = next_id_++;
    pending_.emplace(id, Pending{due, seed});
    outgoing_.Push(FrameHeader{size_of_(seed), FrameKind::kRequest,
                               FrameStatus::kOk, id, seed},
                   seed);
  }

  absl::Status Read(absl::Span<char> buffer) {
    return ReadFrames(fd_, buffer, parser_, *this);
  }
  absl::StatusOr<bool> Flush(absl::Span<char> buffer) {
    return outgoing_.Flush(fd_, buffer);
  }

  // A new connection in place of one that is over.
  void Reopen(UniqueFd fd) {
    fd_ = std::move(fd);
    parser_ = FrameParser();
    events = EPOLLIN;
  }

  // The connection is over: so is every message on it.
  void Fail() {
    fd_.Close();
    for (size_t i = 0; i < pending_.size(); ++i) {
      owner_->counts_.CountFailed(Failure::kConnectionLost);
    }
    pending_.clear();
    outgoing_ = SeededFrameQueue();
  }

  // For the worker: what epoll was told last, and whether there is more to
  // send than the socket takes.
  uint32_t events = EPOLLIN;
  bool waits_for_room = false;

 private:
  struct Pending {
    absl::Duration due;
    uint64_t seed = 0;
  };

  absl::Status OnHeader(const FrameHeader& header) override {
    const auto it = pending_.find(header.id);
    if (header.kind != FrameKind::kAnswer || it == pending_.end()) {
      return absl::InvalidArgumentError("an answer to no request");
    }
    owner_->counts_.CountReceivedBytes(kFrameHeaderBytes);
    answer_ = header;
    answer_.seed = AnswerSeed(it->second.seed);
    intact_ = header.length == (empty_answers_ ? 0 : size_of_(it->second.seed));
    return absl::OkStatus();
  }

  void OnPayload(size_t offset, absl::string_view part) override {
    owner_->counts_.CountReceivedBytes(part.size());
    intact_ = intact_ && MatchesPattern(answer_.seed, offset, part);
  }

  void OnEnd() override {
    const auto it = pending_.find(answer_.id);
    if (answer_.status != FrameStatus::kOk) {
      owner_->counts_.CountFailed(FailureOf(answer_.status));
    } else if (!intact_) {
      owner_->counts_.CountFailed(Failure::kCorrupt);
    } else {
      owner_->round_trips_.Record(MonotonicNow() - it->second.due);
      owner_->counts_.CountAnswered();
    }
    pending_.erase(it);
  }

  UniqueFd fd_;
  const std::function<uint32_t(uint64_t seed)> size_of_;
  const bool empty_answers_;
  LoadGenerator* const owner_;
  FrameParser parser_;
  SeededFrameQueue outgoing_;
  absl::flat_hash_map<uint64_t, Pending> pending_;
  uint64_t next_id_ = 1;
  FrameHeader answer_;
  bool intact_ = true;
};

// One thread with its share of the connections and of the rate.
class LoadGenerator::Worker {
 public:
  Worker(std::unique_ptr<EventLoop> loop, const LoadOptions& options,
         absl::Duration interval, uint64_t seed)
      : loop_(std::move(loop)),
        options_(options),
        interval_(interval),
        next_seed_(seed),
        buffer_(kIoBufferBytes) {}

  absl::Status Add(std::unique_ptr<Client> client) {
    const absl::Status status =
        loop_->Add(client->fd(), TokenOf(clients_.size()), EPOLLIN);
    if (status.ok()) clients_.push_back(std::move(client));
    return status;
  }

  // The first message is due after `delay`.
  absl::Status Start(absl::Duration delay) {
    start_ = MonotonicNow();
    even_ = delay;
    next_due_ = start_ + options_.bursts.At(even_);
    stall_from_ = start_ + options_.stall_after;
    stall_until_ = stall_from_ + options_.stall;
    absl::StatusOr<std::thread> thread = StartThread([this] { Run(); });
    if (thread.ok()) thread_ = *std::move(thread);
    return thread.status();
  }

  void RequestFinish(absl::Duration deadline) {
    finish_by_.store(absl::ToInt64Nanoseconds(deadline),
                     std::memory_order_release);
    loop_->Wake();
  }

  // Waits for the thread; returns how many messages it left in flight.
  uint64_t Join() {
    if (thread_.joinable()) thread_.join();
    return InFlight();
  }

 private:
  static constexpr int64_t kNotFinishing = -1;

  static uint64_t TokenOf(size_t client) {
    return EventLoop::kFirstToken + client;
  }

  uint64_t InFlight() const {
    uint64_t messages = 0;
    for (const auto& client : clients_) messages += client->in_flight();
    return messages;
  }

  void Run() {
    while (true) {
      const int64_t finish_by = finish_by_.load(std::memory_order_acquire);
      absl::Duration wake_at;
      if (finish_by == kNotFinishing) {
        const absl::Duration now = MonotonicNow();
        SetReading(now < stall_from_ || now >= stall_until_);
        SendDue();
        wake_at = next_due_;
        for (const absl::Duration change : {stall_from_, stall_until_}) {
          if (change > now) wake_at = std::min(wake_at, change);
        }
      } else {
        SetReading(true);
        wake_at = absl::Nanoseconds(finish_by);
        if (InFlight() == 0 || MonotonicNow() >= wake_at) return;
      }
      for (const EventLoop::Ready& ready : loop_->Wait(wake_at, nullptr)) {
        HandleReady(ready);
      }
    }
  }

  void SendDue() {
    const absl::Duration now = MonotonicNow();
    for (int i = 0; i < kMaxBurst && next_due_ <= now; ++i) {
      Client& client = *clients_[next_client_];
      if (!client.open()) Reconnect(next_client_);
      client.Send(next_seed_++, next_due_);
      // Where the socket is full, its room is what sends it.
      if (client.open() && !client.waits_for_room) Flush(next_client_);
      next_client_ = (next_client_ + 1) % clients_.size();
      even_ += interval_;
      next_due_ = start_ + options_.bursts.At(even_);
    }
  }

  void HandleReady(const EventLoop::Ready& ready) {
    const size_t index = ready.token - EventLoop::kFirstToken;
    Client& client = *clients_[index];
    if (client.open() && (ready.events & EPOLLOUT) != 0) Flush(index);
    if (client.open() && (ready.events & ~uint32_t{EPOLLOUT}) != 0 &&
        !client.Read(absl::MakeSpan(buffer_)).ok()) {
      Lose(client);
    }
  }

  void Flush(size_t index) {
    Client& client = *clients_[index];
    const absl::StatusOr<bool> all_out = client.Flush(absl::MakeSpan(buffer_));
    if (!all_out.ok()) {
      Lose(client);
      return;
    }
    client.waits_for_room = !*all_out;
    Watch(index);
  }

  void SetReading(bool reading) {
    if (reading == reading_) return;
    reading_ = reading;
    for (size_t index = 0; index < clients_.size(); ++index) {
      if (clients_[index]->open()) Watch(index);
    }
  }

  // Tells epoll what the client waits for.
  void Watch(size_t index) {
    Client& client = *clients_[index];
    uint32_t events = 0;
    if (reading_) events |= EPOLLIN;
    if (client.waits_for_room) events |= EPOLLOUT;
    if (events == client.events) return;
    client.events = events;
    if (!loop_->Modify(client.fd(), TokenOf(index), events).ok()) Lose(client);
  }

  void Lose(Client& client) {
    loop_->Remove(client.fd());
    client.Fail();
    client.waits_for_room = false;
  }

  // Where that fails, the next message on it is the next try.
  void Reconnect(size_t index) {
    absl::StatusOr<UniqueFd> fd = OpenConnection(options_);
    if (!fd.ok() || !loop_->Add(*fd, TokenOf(index), EPOLLIN).ok()) return;
    clients_[index]->Reopen(*std::move(fd));
    Watch(index);
  }

  const std::unique_ptr<EventLoop> loop_;
  const LoadOptions options_;
  const absl::Duration interval_;
  // MonotonicNow() in nanoseconds by which to end, or kNotFinishing.
  std::atomic<int64_t> finish_by_{kNotFinishing};
  std::thread thread_;

  // The thread's own from Start() to Join().
  absl::Duration start_;
  absl::Duration even_;  // when the next message were due without bursts
  absl::Duration next_due_;
  absl::Duration stall_from_;
  absl::Duration stall_until_;
  bool reading_ = true;
  uint64_t next_seed_;
  size_t next_client_ = 0;
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<char> buffer_;
};

LoadGenerator::LoadGenerator() = default;

LoadGenerator::~LoadGenerator() { Finish(absl::ZeroDuration()); }

absl::StatusOr<std::unique_ptr<LoadGenerator>> LoadGenerator::Start(
    const LoadOptions& options) {
  std::unique_ptr<LoadGenerator> load(new LoadGenerator);
  const int threads = std::min(options.threads, options.connections);
  const absl::Duration interval = absl::Seconds(threads / options.rate);
  for (int i = 0; i < threads; ++i) {
    absl::StatusOr<std::unique_ptr<EventLoop>> loop = EventLoop::Create();
    if (!loop.ok()) return loop.status();
    // Far apart, so that no two threads' messages have the same payload.
    const uint64_t seed =
        (options.seed << 48) + (static_cast<uint64_t>(i) << 40);
    load->workers_.push_back(
        std::make_unique<Worker>(*std::move(loop), options, interval, seed));
  }
  for (int i = 0; i < options.connections; ++i) {
    absl::StatusOr<UniqueFd> fd = OpenConnection(options);
    if (!fd.ok()) return fd.status();
    const absl::Status status =
        load->workers_[static_cast<size_t>(i % threads)]->Add(
            std::make_unique<Client>(*std::move(fd), options, load.get()));
    if (!status.ok()) return status;
  }
  // The threads take turns: evenly spaced over all of them.
  for (int i = 0; i < threads; ++i) {
    const absl::Status status =
        load->workers_[static_cast<size_t>(i)]->Start(interval * i / threads);
    if (!status.ok()) return status;
  }
  return load;
}

uint64_t LoadGenerator::Finish(absl::Duration timeout) {
  const absl::Duration deadline = MonotonicNow() + timeout;
  for (const auto& worker : workers_) worker->RequestFinish(deadline);
  uint64_t in_flight = 0;
  for (const auto& worker : workers_) in_flight += worker->Join();
  workers_.clear();
  return in_flight;
}

}  // namespace poolscope::demo
