#include "poolscope/examples/demo/websocket_load.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/examples/demo/event_loop.h"
#include "poolscope/examples/demo/monotonic_time.h"
#include "poolscope/examples/demo/websocket_client.h"
#include "poolscope/examples/demo/websocket_load_counts.h"
#include "poolscope/metrics/native_memory/native_memory_category.h"

namespace poolscope::demo {
namespace {

constexpr absl::string_view kArgument = "--websocket-load=";
constexpr uint64_t kInputToken = EventLoop::kFirstToken;
constexpr uint64_t kFirstClientToken = EventLoop::kFirstToken + 1;
constexpr absl::Duration kReportInterval = absl::Milliseconds(200);
constexpr absl::Duration kCloseTimeout = absl::Seconds(30);
constexpr size_t kScratchBytes = 64 << 10;
// Of new connections before those that are open have their turn.
constexpr int kMaxBurst = 64;

class Load {
 public:
  Load(const WebSocketLoadOptions& options, const UniqueFd& input,
       std::FILE* out)
      : options_(options), input_(input), out_(out), scratch_(kScratchBytes) {
    client_options_.zlib_memory = &zlib_memory_;
    client_options_.counts = &counts_;
    client_options_.expected_message = ConnectMessage(options.message_bytes);
  }

  absl::Status Run();

 private:
  absl::Status Connect();
  void HandleReady(const EventLoop::Ready& ready);
  void Settle(uint64_t token, WebSocketClient& client);
  void Drop(uint64_t token, WebSocketLoadCounts& counts,
            uint64_t WebSocketLoadCounts::*reason);
  void CloseAll();
  void Report();

  const WebSocketLoadOptions& options_;
  const UniqueFd& input_;
  std::FILE* const out_;
  NativeMemoryCategory zlib_memory_;
  WebSocketLoadCounts counts_;
  WebSocketClientOptions client_options_;
  std::unique_ptr<BufferAllocator> allocator_;
  std::unique_ptr<EventLoop> loop_;
  absl::flat_hash_map<uint64_t, std::unique_ptr<WebSocketClient>> clients_;
  uint64_t next_token_ = kFirstClientToken;
  bool closing_ = false;
  std::vector<uint8_t> scratch_;
};

absl::Status Load::Run() {
  absl::StatusOr<std::unique_ptr<EventLoop>> loop = EventLoop::Create();
  if (!loop.ok()) return loop.status();
  loop_ = *std::move(loop);
  absl::StatusOr<std::unique_ptr<BufferAllocator>> allocator =
      BufferAllocator::Unpooled(UnpooledOptions());
  if (!allocator.ok()) return allocator.status();
  allocator_ = *std::move(allocator);
  client_options_.allocator = allocator_.get();
  absl::Status status = loop_->Add(input_, kInputToken, EPOLLIN);

  absl::Duration next_connect = MonotonicNow();
  absl::Duration next_report = next_connect;
  absl::Duration end = absl::InfiniteDuration();
  while (status.ok() && !(closing_ && clients_.empty())) {
    const absl::Duration now = MonotonicNow();
    if (now >= end) break;
    int left = closing_ ? 0 : kMaxBurst;
    while (left-- > 0 && now >= next_connect && status.ok() &&
           counts_.connected < static_cast<uint64_t>(options_.connections)) {
      status = Connect();
      next_connect += options_.connect_delay;
    }
    if (now >= next_report) {
      Report();
      next_report = now + kReportInterval;
    }
    const bool all = closing_ || counts_.connected == static_cast<uint64_t>(
                                                          options_.connections);
    const absl::Duration deadline =
        all ? next_report : std::min(next_report, next_connect);
    for (const EventLoop::Ready& ready :
         loop_->Wait(std::min(deadline, end), nullptr)) {
      HandleReady(ready);
    }
    if (closing_ && end == absl::InfiniteDuration()) {
      end = MonotonicNow() + kCloseTimeout;
    }
  }
  Report();
  return status;
}

absl::Status Load::Connect() {
  absl::StatusOr<UniqueFd> fd = ConnectToLoopback(options_.port);
  if (!fd.ok()) return fd.status();
  ++counts_.connected;
  absl::StatusOr<std::unique_ptr<WebSocketClient>> client =
      WebSocketClient::Create(*std::move(fd), options_.port, &client_options_);
  if (!client.ok()) return client.status();
  const uint64_t token = next_token_++;
  const absl::Status status = loop_->Add((*client)->fd(), token, EPOLLIN);
  if (!status.ok()) return status;
  WebSocketClient& added =
      *clients_.emplace(token, *std::move(client)).first->second;
  Settle(token, added);
  return absl::OkStatus();
}

void Load::HandleReady(const EventLoop::Ready& ready) {
  if (ready.token == kInputToken) {
    // Nothing is ever written to it: it has ended.
    loop_->Remove(input_);
    CloseAll();
    return;
  }
  const auto it = clients_.find(ready.token);
  if (it == clients_.end()) return;
  WebSocketClient& client = *it->second;
  if ((ready.events & ~uint32_t{EPOLLOUT}) != 0) {
    const absl::Status status = client.Read(absl::MakeSpan(scratch_));
    if (!status.ok()) {
      return Drop(ready.token, counts_,
                  closing_ && absl::IsOutOfRange(status)
                      ? &WebSocketLoadCounts::closed
                      : &WebSocketLoadCounts::lost);
    }
  }
  Settle(ready.token, client);
}

void Load::Settle(uint64_t token, WebSocketClient& client) {
  const absl::StatusOr<bool> all_out = client.Write();
  if (!all_out.ok()) return Drop(token, counts_, &WebSocketLoadCounts::lost);
  if (client.waits_for_room == !*all_out) return;
  client.waits_for_room = !*all_out;
  const uint32_t events =
      *all_out ? uint32_t{EPOLLIN} : uint32_t{EPOLLIN | EPOLLOUT};
  if (!loop_->Modify(client.fd(), token, events).ok()) {
    Drop(token, counts_, &WebSocketLoadCounts::lost);
  }
}

void Load::Drop(uint64_t token, WebSocketLoadCounts& counts,
                uint64_t WebSocketLoadCounts::*reason) {
  const auto it = clients_.find(token);
  loop_->Remove(it->second->fd());
  clients_.erase(it);
  ++(counts.*reason);
}

void Load::CloseAll() {
  closing_ = true;
  std::vector<uint64_t> tokens;
  for (const auto& [token, client] : clients_) tokens.push_back(token);
  for (const uint64_t token : tokens) {
    WebSocketClient& client = *clients_.find(token)->second;
    if (client.BeginClose()) {
      Settle(token, client);
    } else {
      Drop(token, counts_, &WebSocketLoadCounts::closed);
    }
  }
}

void Load::Report() {
  std::fprintf(out_, "%s\n", FormatLoadCounts(counts_).c_str());
  std::fflush(out_);
}

}  // namespace

std::string ConnectMessage(uint64_t bytes) {
  std::string message;
  message.reserve(bytes);
  for (int i = 0; message.size() < bytes; ++i) {
    absl::StrAppend(&message, "{\"event\":\"welcome\",\"sequence\":", i,
                    ",\"token\":\"",
                    absl::Hex(i * 2654435761U, absl::kZeroPad8), "\"}\n");
  }
  message.resize(bytes);
  return message;
}

std::string FormatLoadArgument(const WebSocketLoadOptions& options) {
  return absl::StrCat(kArgument, options.port, ",", options.connections, ",",
                      absl::ToInt64Nanoseconds(options.connect_delay), ",",
                      options.message_bytes);
}

std::optional<WebSocketLoadOptions> ParseLoadArgument(
    absl::string_view argument) {
  if (!absl::ConsumePrefix(&argument, kArgument)) return std::nullopt;
  const std::vector<absl::string_view> words = absl::StrSplit(argument, ',');
  WebSocketLoadOptions options;
  uint32_t port = 0;
  int64_t delay_nanos = 0;
  if (words.size() != 4 || !absl::SimpleAtoi(words[0], &port) ||
      !absl::SimpleAtoi(words[1], &options.connections) ||
      !absl::SimpleAtoi(words[2], &delay_nanos) ||
      !absl::SimpleAtoi(words[3], &options.message_bytes) || port == 0 ||
      port > 65535 || options.connections < 1 || delay_nanos < 0) {
    return std::nullopt;
  }
  options.port = static_cast<uint16_t>(port);
  options.connect_delay = absl::Nanoseconds(delay_nanos);
  return options;
}

absl::Status RunWebSocketLoad(const WebSocketLoadOptions& options,
                              const UniqueFd& input, std::FILE* out) {
  // On the heap: the stack under ASan keeps no alignment of a cache line.
  return std::make_unique<Load>(options, input, out)->Run();
}

int WebSocketLoadMain(const WebSocketLoadOptions& options) {
  // A parent that died before this line is seen by the end of the input.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // Ctrl-C goes to both; the parent says what follows from it.
  signal(SIGINT, SIG_IGN);
  // A reader that is gone is told by the write.
  signal(SIGPIPE, SIG_IGN);
  const UniqueFd input(fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3));
  const absl::Status status = RunWebSocketLoad(options, input, stdout);
  if (status.ok()) return 0;
  std::fprintf(stdout, "error %s\n", std::string(status.message()).c_str());
  return 1;
}

}  // namespace poolscope::demo
