#include "poolscope/examples/demo/websocket_worker.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "poolscope/allocator/outbound/registered_channel.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/examples/demo/monotonic_time.h"
#include "poolscope/exporter/start_thread.h"

namespace poolscope::demo {
namespace {

constexpr uint64_t kListenerToken = EventLoop::kFirstToken;
constexpr uint64_t kFirstClientToken = EventLoop::kFirstToken + 1;
constexpr size_t kScratchBytes = 16 << 10;
// How late a time limit may be seen, at most.
constexpr absl::Duration kMaxCheckInterval = absl::Seconds(1);
constexpr char kGroup[] = "websocket";

absl::Duration CheckInterval(const WebSocketLimits& limits) {
  return std::min({limits.handshake, limits.ping_after, limits.idle,
                   limits.leave, kMaxCheckInterval});
}

}  // namespace

absl::StatusOr<std::unique_ptr<WebSocketWorker>> WebSocketWorker::Create(
    const WebSocketConnectionOptions* options, ChannelRegistry* channels) {
  absl::StatusOr<std::unique_ptr<EventLoop>> loop = EventLoop::Create();
  if (!loop.ok()) return loop.status();
  return std::unique_ptr<WebSocketWorker>(
      new WebSocketWorker(*std::move(loop), options, channels));
}

WebSocketWorker::WebSocketWorker(std::unique_ptr<EventLoop> loop,
                                 const WebSocketConnectionOptions* options,
                                 ChannelRegistry* channels)
    : options_(*options),
      channels_(channels),
      loop_(std::move(loop)),
      mailbox_(loop_.get()),
      next_token_(kFirstClientToken),
      next_check_(MonotonicNow()),
      scratch_(kScratchBytes) {}

absl::Status WebSocketWorker::Listen(UniqueFd listener,
                                     std::vector<WebSocketWorker*> workers) {
  listener_ = std::move(listener);
  workers_ = std::move(workers);
  spare_.Keep();
  return loop_->Add(listener_, kListenerToken, EPOLLIN);
}

absl::Status WebSocketWorker::Start() {
  absl::StatusOr<std::thread> thread = StartThread([this] { Run(); });
  if (thread.ok()) thread_ = *std::move(thread);
  return thread.status();
}

void WebSocketWorker::RequestStop() {
  // Release: pairs with the acquire in Run(); what was done before the request
  // is seen by the thread that obeys it.
  stop_.store(true, std::memory_order_release);
  loop_->Wake();
}

void WebSocketWorker::Stop() {
  RequestStop();
  if (thread_.joinable()) thread_.join();
}

void WebSocketWorker::Run() {
  bool closing = false;
  while (true) {
    for (const EventLoop::Ready& ready :
         loop_->Wait(next_check_, &PooledAllocator::MarkThreadIdle)) {
      HandleReady(ready, MonotonicNow());
    }
    const absl::Duration now = MonotonicNow();
    for (UniqueFd& client : mailbox_.TakeAll()) {
      if (!closing) AddConnection(std::move(client), now);
    }
    if (now >= next_check_) CheckTimes(now);
    if (!closing && stop_.load(std::memory_order_acquire)) {
      closing = true;
      CloseAll(now);
    }
    if (closing && connections_.empty()) return;
  }
}

void WebSocketWorker::AcceptClients() {
  while (true) {
    absl::StatusOr<UniqueFd> client = Accept(listener_);
    if (!client.ok()) {
      if (absl::IsUnavailable(client.status())) return;
      // Most likely for want of descriptors.
      WebSocketCounters::Add(options_.counters->broken);
      if (spare_.Refuse(listener_)) continue;
      loop_->Remove(listener_);
      listener_.Close();
      return;
    }
    workers_[accepted_++ % workers_.size()]->Post(*std::move(client));
  }
}

void WebSocketWorker::AddConnection(UniqueFd client, absl::Duration now) {
  const uint64_t token = next_token_++;
  if (!loop_->Add(client, token, EPOLLIN).ok()) return;
  RegisteredChannel channel;
  if (channels_ != nullptr) {
    absl::StatusOr<RegisteredChannel> registered = channels_->Register(
        {kGroup, absl::StrCat("websocket-", client.get()), "loopback"});
    // Without a place in the registry it is served all the same.
    if (registered.ok()) channel = *std::move(registered);
  }
  WebSocketCounters::Add(options_.counters->accepted);
  auto connection = std::make_unique<WebSocketConnection>(
      std::move(client), &options_, std::move(channel), now);
  connection->events = EPOLLIN;
  connections_.emplace(token, std::move(connection));
}

void WebSocketWorker::HandleReady(const EventLoop::Ready& ready,
                                  absl::Duration now) {
  if (ready.token == kListenerToken) return AcceptClients();
  const auto it = connections_.find(ready.token);
  if (it == connections_.end()) return;
  WebSocketConnection& connection = *it->second;
  // A connection that is reset or hung up says so to its reader.
  if ((ready.events & ~uint32_t{EPOLLOUT}) != 0) {
    connection.Read(absl::MakeSpan(scratch_), now);
  }
  Settle(ready.token, connection);
}

void WebSocketWorker::Settle(uint64_t token, WebSocketConnection& connection) {
  connection.Write();
  const uint32_t wanted = connection.wanted_events();
  bool over = connection.over();
  if (!over && wanted != connection.events) {
    connection.events = wanted;
    over = !loop_->Modify(connection.fd(), token, wanted).ok();
  }
  if (!over) return;
  loop_->Remove(connection.fd());
  connections_.erase(token);
  WebSocketCounters::Add(options_.counters->ended);
}

void WebSocketWorker::CheckTimes(absl::Duration now) {
  next_check_ = now + CheckInterval(options_.limits);
  // Those that are over leave the map meanwhile.
  checked_.clear();
  for (const auto& [token, connection] : connections_) {
    checked_.push_back(token);
  }
  for (const uint64_t token : checked_) {
    WebSocketConnection& connection = *connections_.find(token)->second;
    connection.CheckTime(now);
    Settle(token, connection);
  }
}

void WebSocketWorker::CloseAll(absl::Duration now) {
  if (listener_.valid()) {
    loop_->Remove(listener_);
    listener_.Close();
  }
  checked_.clear();
  for (const auto& [token, connection] : connections_) {
    checked_.push_back(token);
  }
  for (const uint64_t token : checked_) {
    WebSocketConnection& connection = *connections_.find(token)->second;
    connection.GoAway(now);
    Settle(token, connection);
  }
}

}  // namespace poolscope::demo
