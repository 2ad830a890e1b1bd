#include "poolscope/examples/demo/slow_store.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "poolscope/examples/demo/frame.h"
#include "poolscope/examples/demo/frame_stream.h"
#include "poolscope/examples/demo/monotonic_time.h"
#include "poolscope/examples/demo/pattern.h"
#include "poolscope/exporter/start_thread.h"

namespace poolscope::demo {
namespace {

constexpr uint64_t kListenerToken = EventLoop::kFirstToken;
constexpr uint64_t kFirstConnectionToken = EventLoop::kFirstToken + 1;

// What was not read in time may be made up for, up to this long.
constexpr absl::Duration kMaxSavings = absl::Milliseconds(10);

// Of the kernel, at this end: what it holds is no backlog that anybody sees.
constexpr uint64_t kSocketBufferBytes = 128 << 10;

}  // namespace

class SlowStore::Connection final : private FrameSink {
 public:
  explicit Connection(UniqueFd fd) : fd_(std::move(fd)) {}

  const UniqueFd& fd() const { return fd_; }

  // Counts into *bytes what it read.
  absl::Status Read(absl::Span<char> buffer, uint64_t* bytes) {
    const absl::Status status = ReadFrames(fd_, buffer, parser_, *this);
    *bytes += std::exchange(read_bytes_, 0);
    return status;
  }

  SeededFrameQueue answers;
  bool waits_for_room = false;

 private:
  absl::Status OnHeader(const FrameHeader& header) override {
    if (header.kind != FrameKind::kRequest) {
      return absl::InvalidArgumentError("not a request");
    }
    read_bytes_ += kFrameHeaderBytes;
    request_ = header;
    intact_ = true;
    return absl::OkStatus();
  }
  void OnPayload(size_t offset, absl::string_view part) override {
    read_bytes_ += part.size();
    intact_ = intact_ && MatchesPattern(request_.seed, offset, part);
  }
  void OnEnd() override {
    answers.Push(FrameHeader{0, FrameKind::kAnswer,
                             intact_ ? FrameStatus::kOk : FrameStatus::kCorrupt,
                             request_.id, request_.seed},
                 0);
  }

  const UniqueFd fd_;
  FrameParser parser_;
  FrameHeader request_;
  bool intact_ = true;
  uint64_t read_bytes_ = 0;
};

absl::StatusOr<std::unique_ptr<SlowStore>> SlowStore::Start(
    double bytes_per_second) {
  absl::StatusOr<Listener> listener = ListenOnLoopback();
  if (!listener.ok()) return listener.status();
  // Before there are connections, which inherit it: a window once offered
  // cannot be taken back.
  absl::Status status = SetSocketBuffers(listener->fd, kSocketBufferBytes);
  if (!status.ok()) return status;
  absl::StatusOr<std::unique_ptr<EventLoop>> loop = EventLoop::Create();
  if (!loop.ok()) return loop.status();
  status = (*loop)->Add(listener->fd, kListenerToken, EPOLLIN);
  if (!status.ok()) return status;
  std::unique_ptr<SlowStore> store(
      new SlowStore(bytes_per_second, *std::move(listener), *std::move(loop)));
  absl::StatusOr<std::thread> thread =
      StartThread([raw = store.get()] { raw->Run(); });
  if (!thread.ok()) return thread.status();
  store->thread_ = *std::move(thread);
  return store;
}

SlowStore::SlowStore(double bytes_per_second, Listener listener,
                     std::unique_ptr<EventLoop> loop)
    : bytes_per_second_(bytes_per_second),
      port_(listener.port),
      listener_(std::move(listener.fd)),
      loop_(std::move(loop)),
      earned_at_(MonotonicNow()),
      next_token_(kFirstConnectionToken),
      buffer_(kIoBufferBytes) {}

SlowStore::~SlowStore() { Stop(); }

void SlowStore::Stop() {
  stop_.store(true, std::memory_order_release);
  loop_->Wake();
  if (thread_.joinable()) thread_.join();
}

void SlowStore::Run() {
  while (!stop_.load(std::memory_order_acquire)) {
    Earn();
    SetReading(account_bytes_ >= 0);
    const absl::Duration deadline =
        reading_ ? absl::InfiniteDuration()
                 : MonotonicNow() +
                       absl::Seconds(-account_bytes_ / bytes_per_second_);
    for (const EventLoop::Ready& ready : loop_->Wait(deadline, nullptr)) {
      HandleReady(ready);
    }
  }
  connections_.clear();
}

void SlowStore::Earn() {
  const absl::Duration now = MonotonicNow();
  account_bytes_ += bytes_per_second_ * absl::ToDoubleSeconds(now - earned_at_);
  account_bytes_ = std::min(
      account_bytes_, bytes_per_second_ * absl::ToDoubleSeconds(kMaxSavings));
  earned_at_ = now;
}

void SlowStore::SetReading(bool reading) {
  if (reading == reading_) return;
  reading_ = reading;
  std::vector<uint64_t> broken;
  for (const auto& [token, connection] : connections_) {
    if (!Watch(token, *connection)) broken.push_back(token);
  }
  for (const uint64_t token : broken) Close(token);
}

void SlowStore::HandleReady(const EventLoop::Ready& ready) {
  if (ready.token == kListenerToken) {
    AcceptConnections();
    return;
  }
  const auto it = connections_.find(ready.token);
  if (it == connections_.end()) return;
  Connection& connection = *it->second;
  if ((ready.events & ~uint32_t{EPOLLOUT}) != 0) {
    // A small part at a time, so that the account is not far overdrawn.
    uint64_t bytes = 0;
    const absl::Status status = connection.Read(
        absl::MakeSpan(buffer_).subspan(0, kIoBufferBytes / 8), &bytes);
    account_bytes_ -= static_cast<double>(bytes);
    if (!status.ok()) {
      Close(ready.token);
      return;
    }
  }
  if (!Flush(ready.token, connection)) Close(ready.token);
}

void SlowStore::AcceptConnections() {
  while (true) {
    absl::StatusOr<UniqueFd> fd = Accept(listener_);
    if (!fd.ok()) {
      if (!absl::IsUnavailable(fd.status())) loop_->Remove(listener_);
      return;
    }
    const uint64_t token = next_token_++;
    if (!loop_->Add(*fd, token, reading_ ? uint32_t{EPOLLIN} : 0).ok()) {
      continue;
    }
    connections_.emplace(token, std::make_unique<Connection>(*std::move(fd)));
  }
}

bool SlowStore::Watch(uint64_t token, Connection& connection) {
  const uint32_t events = (reading_ ? uint32_t{EPOLLIN} : 0) |
                          (connection.waits_for_room ? uint32_t{EPOLLOUT} : 0);
  return loop_->Modify(connection.fd(), token, events).ok();
}

bool SlowStore::Flush(uint64_t token, Connection& connection) {
  const absl::StatusOr<bool> all_out =
      connection.answers.Flush(connection.fd(), absl::MakeSpan(buffer_));
  if (!all_out.ok()) return false;
  const bool waits = !*all_out;
  if (waits == connection.waits_for_room) return true;
  connection.waits_for_room = waits;
  return Watch(token, connection);
}

void SlowStore::Close(uint64_t token) {
  const auto it = connections_.find(token);
  if (it == connections_.end()) return;
  loop_->Remove(it->second->fd());
  connections_.erase(it);
}

}  // namespace poolscope::demo
