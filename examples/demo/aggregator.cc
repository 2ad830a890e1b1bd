#include "poolscope/examples/demo/aggregator.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "poolscope/allocator/outbound/registered_channel.h"
#include "poolscope/examples/demo/socket.h"

namespace poolscope::demo {
namespace {

constexpr int kClientThreads = 2;

// Of the kernel, towards the store: what it holds is no backlog that anybody
// sees.
constexpr uint64_t kStoreSocketBytes = 128 << 10;

}  // namespace

uint64_t RoomBytes(const AllocatorStats& stats) {
  const uint64_t taken =
      stats.direct_used_bytes -
      std::min(stats.direct_used_bytes,
               stats.chunks_by_utilization[0] * stats.chunk_size_bytes);
  return stats.direct_limit_bytes - std::min(stats.direct_limit_bytes, taken);
}

absl::StatusOr<std::unique_ptr<Aggregator>> Aggregator::Start(
    const AggregatorOptions& options) {
  std::unique_ptr<Aggregator> aggregator(new Aggregator(options));
  const absl::Status status = aggregator->Init();
  if (!status.ok()) return status;  // its destructor ends what has begun
  return aggregator;
}

absl::Status Aggregator::Init() {
  assembly_.allocator = options_.allocator;
  assembly_.chunk_bytes = options_.pool->options().chunk_size_bytes();
  assembly_.max_components = options_.max_components;
  if (options_.governor != nullptr) {
    assembly_.may_consolidate = [pool = options_.pool,
                                 mark =
                                     options_.consolidate_below](size_t bytes) {
      const AllocatorStats stats = pool->Stats();
      const double kept =
          (1 - mark) * static_cast<double>(stats.direct_limit_bytes);
      return static_cast<double>(RoomBytes(stats)) >=
             kept + static_cast<double>(bytes);
    };
  }
  absl::StatusOr<std::unique_ptr<SlowStore>> store =
      SlowStore::Start(options_.store_bytes_per_second);
  if (!store.ok()) return store.status();
  store_ = *std::move(store);
  absl::Status status = StartWriter();
  if (!status.ok()) return status;
  uint16_t port = 0;
  status = StartWorkers(&port);
  if (!status.ok()) return status;

  LoadOptions load_options;
  load_options.port = port;
  load_options.connections = options_.connections;
  load_options.threads = kClientThreads;
  load_options.rate = options_.rate;
  load_options.size_of = [sizes = options_.sizes](uint64_t seed) {
    return sizes.SizeOf(seed);
  };
  load_options.empty_answers = true;
  load_options.bursts = options_.bursts;
  load_options.seed = options_.seed;
  absl::StatusOr<std::unique_ptr<LoadGenerator>> load =
      LoadGenerator::Start(load_options);
  if (!load.ok()) return load.status();
  load_ = *std::move(load);
  return absl::OkStatus();
}

absl::Status Aggregator::StartWriter() {
  absl::StatusOr<UniqueFd> socket = ConnectToLoopback(store_->port());
  if (!socket.ok()) return socket.status();
  const absl::Status status = SetSocketBuffers(*socket, kStoreSocketBytes);
  if (!status.ok()) return status;
  RegisteredChannel channel;
  if (options_.channels != nullptr) {
    absl::StatusOr<RegisteredChannel> registered = options_.channels->Register(
        {"store", "store", absl::StrCat("127.0.0.1:", store_->port())});
    if (!registered.ok()) return registered.status();
    channel = *std::move(registered);
  }
  StoreWriterOptions writer_options;
  if (options_.governor != nullptr) {
    writer_options.watermarks = options_.store_watermarks;
  }
  writer_options.on_answer = [this](const StoreAnswer& answer) {
    workers_[static_cast<size_t>(answer.origin.worker)]->Post(answer);
  };
  writer_options.on_room = [this] {
    for (const auto& worker : workers_) worker->Post(StoreRoom{});
  };
  absl::StatusOr<std::unique_ptr<StoreWriter>> writer = StoreWriter::Create(
      *std::move(socket), std::move(channel), std::move(writer_options));
  if (!writer.ok()) return writer.status();
  writer_ = *std::move(writer);
  return absl::OkStatus();
}

absl::Status Aggregator::StartWorkers(uint16_t* port) {
  AggregatorWorkerOptions worker_options;
  worker_options.assembly = &assembly_;
  worker_options.counters = &counters_;
  worker_options.store = writer_.get();
  worker_options.governor = options_.governor;
  std::vector<AggregatorWorker*> workers;
  for (int i = 0; i < options_.workers; ++i) {
    absl::StatusOr<std::unique_ptr<AggregatorWorker>> worker =
        AggregatorWorker::Create(i, worker_options);
    if (!worker.ok()) return worker.status();
    workers.push_back(worker->get());
    workers_.push_back(*std::move(worker));
  }
  absl::StatusOr<Listener> listener = ListenOnLoopback();
  if (!listener.ok()) return listener.status();
  *port = listener->port;
  absl::Status status = workers.front()->Listen(std::move(listener->fd));
  if (!status.ok()) return status;
  // From now on `workers_` stays as it is, and the writer may post to them.
  status = writer_->Start();
  if (!status.ok()) return status;
  for (AggregatorWorker* const worker : workers) {
    status = worker->Start(workers);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

Aggregator::~Aggregator() {
  // Clients first: a service that ends before them would look like a failure.
  load_.reset();
  StopService();
}

TrafficResult Aggregator::Finish(absl::Duration drain) {
  TrafficResult result;
  result.unanswered = load_->Finish(drain);
  result.totals = load_->counts().Totals();
  StopService();
  return result;
}

void Aggregator::StopService() {
  // Workers and writer post to each other until all have ended; so none is
  // destroyed before. What was posted too late is freed with its mailbox.
  for (const auto& worker : workers_) worker->RequestStop();
  for (const auto& worker : workers_) worker->Stop();
  if (writer_ != nullptr) {
    writer_->Stop();
    if (!writer_->broken().ok()) counters_.NoteBroken(writer_->broken());
  }
  workers_.clear();
  writer_.reset();
  if (store_ != nullptr) store_->Stop();
}

}  // namespace poolscope::demo
