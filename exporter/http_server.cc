#include "poolscope/exporter/http_server.h"

#include <sys/resource.h>

#include <algorithm>
#include <cstdint>
#include <new>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "poolscope/exporter/http_exchange.h"
#include "poolscope/exporter/http_message.h"
#include "poolscope/exporter/listening_socket.h"
#include "poolscope/exporter/request_queue.h"
#include "poolscope/exporter/signal_blocker.h"
#include "poolscope/exporter/start_thread.h"

namespace poolscope {
namespace {

// A quarter of the descriptors that the process may have: the rest is the
// service's.
size_t MostConnections() {
  rlimit descriptors;
  if (getrlimit(RLIMIT_NOFILE, &descriptors) != 0) return SIZE_MAX;
  return std::max<size_t>(descriptors.rlim_cur / 4, 1);
}

HttpIoLoop::Options LoopOptions(const HttpServerOptions& options) {
  HttpIoLoop::Options result;
  result.limits.timeout = absl::ToChronoNanoseconds(options.request_timeout);
  result.limits.max_head_bytes = options.max_request_bytes;
  result.max_connections = std::min(options.max_connections, MostConnections());
  result.max_connections_per_peer = options.max_connections_per_address;
  result.max_unsent_bytes = options.max_unsent_bytes;
  result.security = options.security;
  return result;
}

}  // namespace

struct HttpServer::Impl {
  explicit Impl(size_t max_waiting) : queue(max_waiting) {}
  ~Impl();

  absl::Status StartThreads(int worker_count);
  // On each worker.
  void Work();

  HttpService* service = nullptr;
  int port = 0;
  RequestQueue queue;
  std::unique_ptr<HttpIoLoop> loop;
  std::thread io_thread;
  std::vector<std::thread> workers;
};

absl::Status HttpServer::Impl::StartThreads(int worker_count) {
  const SignalBlocker blocker;
  absl::StatusOr<std::thread> io = StartThread([this] { loop->Run(); });
  if (!io.ok()) return io.status();
  io_thread = *std::move(io);
  for (int i = 0; i < worker_count; ++i) {
    absl::StatusOr<std::thread> worker = StartThread([this] { Work(); });
    if (!worker.ok()) return worker.status();
    workers.push_back(*std::move(worker));
  }
  return absl::OkStatus();
}

void HttpServer::Impl::Work() {
  while (std::unique_ptr<HttpExchange> exchange = queue.Pop()) {
    try {
      exchange->response = service->Serve(exchange->parsed.request);
    } catch (const std::bad_alloc&) {
      exchange->response = LineResponse(503, "there is no memory to answer");
    }
    loop->Answered(std::move(exchange));
  }
}

// The I/O thread goes last: it sends what the workers have finished.
HttpServer::Impl::~Impl() {
  if (loop != nullptr) loop->StopAccepting();
  queue.Close();
  for (std::thread& worker : workers) worker.join();
  if (!io_thread.joinable()) return;
  loop->Finish();
  io_thread.join();
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(
    const HttpServerOptions& options, HttpService* service) {
  const absl::StatusOr<ListeningSocket> socket = ListenOn(options.address);
  if (!socket.ok()) return socket.status();
  auto impl = std::make_unique<Impl>(options.max_waiting_requests);
  impl->service = service;
  impl->port = socket->port;
  absl::StatusOr<std::unique_ptr<HttpIoLoop>> loop = HttpIoLoop::Create(
      socket->fd, LoopOptions(options), service, &impl->queue);
  if (!loop.ok()) return loop.status();
  impl->loop = *std::move(loop);
  const absl::Status started = impl->StartThreads(options.threads);
  if (!started.ok()) return started;
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::~HttpServer() = default;

int HttpServer::port() const { return impl_->port; }

HttpServerStats HttpServer::stats() const { return impl_->loop->stats(); }

}  // namespace poolscope
