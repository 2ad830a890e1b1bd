#include "poolscope/examples/demo/relay.h"

#include <utility>

#include "absl/status/status.h"
#include "poolscope/examples/demo/socket.h"

namespace poolscope::demo {

absl::StatusOr<std::unique_ptr<Relay>> Relay::Start(
    const RelayOptions& options) {
  std::unique_ptr<Relay> relay(new Relay);
  absl::StatusOr<Listener> listener = ListenOnLoopback();
  if (!listener.ok()) return listener.status();
  relay->port_ = listener->port;
  std::vector<RelayWorker*> workers;
  for (int i = 0; i < options.workers; ++i) {
    absl::StatusOr<UniqueFd> upstream =
        ConnectToLoopback(options.upstream_port);
    if (!upstream.ok()) return upstream.status();
    absl::StatusOr<std::unique_ptr<RelayWorker>> worker = RelayWorker::Create(
        i, *std::move(upstream), options.worker, &relay->counters_);
    if (!worker.ok()) return worker.status();
    workers.push_back(worker->get());
    relay->workers_.push_back(*std::move(worker));
  }
  absl::Status status = workers.front()->Listen(std::move(listener->fd));
  if (!status.ok()) return status;
  for (RelayWorker* const worker : workers) {
    status = worker->Start(workers);
    if (!status.ok()) return status;  // the relay's destructor ends the others
  }
  return relay;
}

void Relay::Stop() {
  // A worker may post to another until all have ended; so none is destroyed
  // before. What was posted too late is freed with its mailbox.
  for (const auto& worker : workers_) worker->RequestStop();
  for (const auto& worker : workers_) worker->Stop();
  workers_.clear();
}

}  // namespace poolscope::demo
