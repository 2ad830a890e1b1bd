#include "poolscope/exporter/sidecar.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "poolscope/allocator/base/mutex.h"
#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/allocator/leak/leak_detector.h"
#include "poolscope/allocator/outbound/channel_registry.h"
#include "poolscope/allocator/outbound/memory_governor.h"
#include "poolscope/allocator/pool/pool_range.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/exporter/authenticator.h"
#include "poolscope/exporter/blackbox/black_box_file.h"
#include "poolscope/exporter/blackbox/black_box_recorder.h"
#include "poolscope/exporter/content_encoder.h"
#include "poolscope/exporter/host_names.h"
#include "poolscope/exporter/http_message.h"
#include "poolscope/exporter/http_metrics.h"
#include "poolscope/exporter/http_server.h"
#include "poolscope/exporter/http_service.h"
#include "poolscope/exporter/listen_address.h"
#include "poolscope/exporter/native_memory_handlers.h"
#include "poolscope/exporter/periodic_tasks.h"
#include "poolscope/exporter/router.h"
#include "poolscope/exporter/scraper.h"
#include "poolscope/exporter/sidecar_options.h"
#include "poolscope/exporter/sidecar_router.h"
#include "poolscope/exporter/transport.h"
#include "poolscope/exporter/trimmer.h"
#include "poolscope/metrics/channel_source.h"
#include "poolscope/metrics/leak_source.h"
#include "poolscope/metrics/metric_registry.h"
#include "poolscope/metrics/native_memory_monitor.h"
#include "poolscope/metrics/process/malloc_trim.h"
#include "poolscope/metrics/process_monitor.h"
#include "prometheus/collectable.h"

namespace poolscope {
namespace {

std::vector<std::string> HandlerNames(const Router& router) {
  std::vector<std::string> names;
  for (const Router::Route& route : router.routes()) {
    names.push_back(route.path);
  }
  names.emplace_back(Router::kOther);
  return names;
}

// Of records, and at most of walks beside them.
constexpr absl::Duration kBlackBoxInterval = absl::Seconds(1);
// Of one core, for walks: each second's while some GiB are resident at most.
constexpr double kBlackBoxWalkShare = 0.02;

// Probes wait for nothing; the second is for when one does.
constexpr int kHealthThreads = 2;

absl::Status StartServer(const SidecarOptions& options,
                         const std::string& listen,
                         std::shared_ptr<TransportSecurity> security,
                         int threads, HttpService* service,
                         std::unique_ptr<HttpServer>* server,
                         std::string* url) {
  absl::StatusOr<ListenAddress> address = ParseListenAddress(listen);
  if (!address.ok()) return address.status();
  HttpServerOptions server_options;
  server_options.address = *address;
  server_options.security = std::move(security);
  server_options.threads = threads;
  server_options.request_timeout = options.request_timeout;
  server_options.max_request_bytes = options.max_request_bytes;
  server_options.max_connections = options.max_connections;
  server_options.max_connections_per_address =
      options.max_connections_per_address;
  absl::StatusOr<std::unique_ptr<HttpServer>> started =
      HttpServer::Start(server_options, service);
  if (!started.ok()) return started.status();
  *server = *std::move(started);
  address->port = static_cast<uint16_t>((*server)->port());
  *url =
      absl::StrCat(server_options.security == nullptr ? "http://" : "https://",
                   address->ToString());
  return absl::OkStatus();
}

}  // namespace

// Destroyed from the last to the first: the server ends before what it uses.
struct Sidecar::Parts final : public HttpService {
  explicit Parts(const SidecarOptions& options)
      : trimmer(options.proc_root, TrimMalloc),
        monitor(MonitorOptions(options)),
        native_memory(NativeMemoryOptions(options), &registry),
        registry(RegistryOptions(options)),
        scraper(&registry, &writers),
        router(MakeSidecarRouter({&registry, &scraper, &trimmer, &native_memory,
                                  &baseline, options.proc_root})),
        http_metrics(HandlerNames(*router)),
        health(this) {}

  static ProcessMonitorOptions MonitorOptions(const SidecarOptions& options) {
    ProcessMonitorOptions result;
    result.root = options.system_root;
    return result;
  }

  MetricRegistryOptions RegistryOptions(const SidecarOptions& options) {
    MetricRegistryOptions result;
    result.process_metrics = options.process_metrics;
    result.proc_root = options.proc_root;
    result.http_stats = [this] { return http_metrics.Snapshot(); };
    result.process_figures = [this] { return monitor.Latest(); };
    result.native_memory = [this] { return native_memory.Latest(); };
    result.trim_stats = [this] { return trimmer.Stats(); };
    result.black_box = [this]() -> std::optional<SampleRun> {
      const BlackBoxRecorder* const shown =
          shown_black_box.load(std::memory_order_acquire);
      if (shown == nullptr) return std::nullopt;
      return shown->LatestRun();
    };
    result.exporter_bytes = [this] { return held_bytes(); };
    return result;
  }

  NativeMemoryMonitorOptions NativeMemoryOptions(
      const SidecarOptions& options) {
    NativeMemoryMonitorOptions result;
    result.proc_root = options.proc_root;
    result.pool_ranges = [this] {
      std::vector<PoolRange> ranges = PooledAllocator::Ranges();
      for (const PoolRange& range : registry.ChannelRanges()) {
        ranges.push_back(range);
      }
      return ranges;
    };
    result.walker.interval =
        options.black_box_path.empty()
            ? options.walk_interval
            : std::min(options.walk_interval, kBlackBoxInterval);
    if (!options.black_box_path.empty()) {
      result.walker.most_share = kBlackBoxWalkShare;
    }
    result.walker.most_resident_bytes = options.max_walk_resident_bytes;
    // The rest of the threads stays free for scrapes.
    result.walker.most_requests = std::max(1, options.server_threads / 3);
    result.sidecar_bytes = [this] { return held_bytes(); };
    return result;
  }

  uint64_t held_bytes() const {
    const BlackBoxRecorder* const shown =
        shown_black_box.load(std::memory_order_acquire);
    return writers.held_bytes() + encoder.held_bytes() +
           (shown == nullptr ? 0 : shown->held_bytes());
  }

  void Sample() { monitor.Sample(registry.Snapshots("", /*detailed=*/false)); }

  // Last of all that starts: a start that fails leaves the black box of the run
  // before where it is.
  absl::Status StartBlackBox(const SidecarOptions& options) {
    absl::StatusOr<std::unique_ptr<PeriodicTasks>> writer =
        PeriodicTasks::Start(kBlackBoxInterval);
    if (!writer.ok()) return writer.status();
    absl::StatusOr<std::unique_ptr<BlackBoxFile>> file =
        BlackBoxFile::Create(options.black_box_path, options.black_box_bytes);
    if (!file.ok()) return file.status();
    black_box = std::make_unique<BlackBoxRecorder>(
        *std::move(file), &registry, [this] { return native_memory.Latest(); });
    // So that the file tells of a process that ends within a second.
    const absl::Status first = black_box->Record(/*last=*/false);
    if (!first.ok()) {
      // Else the next start would keep it, empty, in place of the one that is
      // FILE.previous now.
      unlink(options.black_box_path.c_str());
      return first;
    }
    shown_black_box.store(black_box.get(), std::memory_order_release);
    black_box_writer = *std::move(writer);
    // What goes wrong is a metric, scrape_success.
    black_box_writer->Add(
        this, [this] { black_box->Record(/*last=*/false).IgnoreError(); });
    return absl::OkStatus();
  }

  HttpResponse Serve(const HttpRequest& request) override {
    HttpResponse response = router->Serve(request);
    encoder.Encode(request, response);
    return response;
  }
  void Served(absl::string_view handler, int status,
              absl::Duration took) override {
    http_metrics.Record(handler, status, absl::ToDoubleSeconds(took));
  }

  // The health pages on a listener of their own, counted with the others.
  struct HealthService final : public HttpService {
    explicit HealthService(Parts* owner)
        : parts(owner), router(MakeHealthRouter(&owner->registry)) {}

    HttpResponse Serve(const HttpRequest& request) override {
      return router->Serve(request);
    }
    void Served(absl::string_view handler, int status,
                absl::Duration took) override {
      parts->Served(handler, status, took);
    }

    Parts* const parts;
    const std::unique_ptr<Router> router;
  };

  TextWriterPool writers;
  ContentEncoder encoder;
  Trimmer trimmer;
  ProcessMonitor monitor;
  NativeMemoryBaseline baseline;
  NativeMemoryMonitor native_memory;
  MetricRegistry registry;
  Scraper scraper;
  std::unique_ptr<Authenticator> authenticator;  // null: no passwords
  std::unique_ptr<Router> router;
  HttpMetrics http_metrics;
  HealthService health;
  std::unique_ptr<PeriodicTasks> maintainer;    // null: the embedder does it
  std::unique_ptr<PeriodicTasks> sampler;       // null: no such figures
  std::unique_ptr<PeriodicTasks> walker;        // null: on demand alone
  std::unique_ptr<BlackBoxRecorder> black_box;  // null: none
  // The same, for scrapes, which may come before it is there: acquired, so that
  // they see it whole.
  std::atomic<const BlackBoxRecorder*> shown_black_box{nullptr};
  std::unique_ptr<PeriodicTasks> black_box_writer;  // null: none, or stopped
  std::unique_ptr<HttpServer> server;               // null: none, or stopped
  std::unique_ptr<HttpServer> health_server;        // null: none, or stopped
  int port = 0;
  std::string url;
  int health_port = 0;
  std::string health_url;

  Mutex mutex;
  // The names under which allocators were registered.
  std::vector<std::pair<const void*, std::string>> allocators
      ABSL_GUARDED_BY(mutex);
  std::vector<std::pair<PooledAllocator*, std::shared_ptr<LeakDetector>>>
      detectors ABSL_GUARDED_BY(mutex);
  const ChannelRegistry* channels ABSL_GUARDED_BY(mutex) = nullptr;
  const MemoryGovernor* governor ABSL_GUARDED_BY(mutex) = nullptr;
};

Sidecar::Sidecar(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Sidecar::~Sidecar() { Stop(); }

absl::StatusOr<std::unique_ptr<Sidecar>> Sidecar::Start(
    SidecarOptions options) {
  const absl::Status valid = ValidateSidecarOptions(options);
  if (!valid.ok()) return valid;

  auto parts = std::make_unique<Parts>(options);
  parts->router->set_host_names(HostNames(options.hosts));
  if (!options.users.empty()) {
    absl::StatusOr<std::unique_ptr<Authenticator>> authenticator =
        Authenticator::Create(options.users);
    if (!authenticator.ok()) return authenticator.status();
    parts->authenticator = *std::move(authenticator);
    parts->router->set_authenticator(parts->authenticator.get());
  }
  const absl::Status scraping = parts->scraper.Start();
  if (!scraping.ok()) return scraping;
  if (options.maintain_interval > absl::ZeroDuration()) {
    absl::StatusOr<std::unique_ptr<PeriodicTasks>> maintainer =
        PeriodicTasks::Start(options.maintain_interval);
    if (!maintainer.ok()) return maintainer.status();
    parts->maintainer = *std::move(maintainer);
  }
  if (options.sample_interval > absl::ZeroDuration()) {
    // For the first scrape.
    parts->Sample();
    absl::StatusOr<std::unique_ptr<PeriodicTasks>> sampler =
        PeriodicTasks::Start(options.sample_interval);
    if (!sampler.ok()) return sampler.status();
    parts->sampler = *std::move(sampler);
    parts->sampler->Add(parts.get(), [raw = parts.get()] { raw->Sample(); });
  }
  if (options.walk_interval > absl::ZeroDuration()) {
    // Looked at each second at most: it also depends on how long walks take.
    absl::StatusOr<std::unique_ptr<PeriodicTasks>> walker =
        PeriodicTasks::Start(std::min(options.walk_interval, absl::Seconds(1)));
    if (!walker.ok()) return walker.status();
    parts->walker = *std::move(walker);
    parts->walker->Add(parts.get(),
                       [raw = parts.get()] { raw->native_memory.WalkIfDue(); });
  }
  if (!options.listen_address.empty()) {
    const absl::Status status = StartServer(
        options, options.listen_address, options.security,
        options.server_threads, parts.get(), &parts->server, &parts->url);
    if (!status.ok()) return status;
    parts->port = parts->server->port();
  }
  if (!options.health_listen.empty()) {
    const absl::Status status = StartServer(
        options, options.health_listen, /*security=*/nullptr, kHealthThreads,
        &parts->health, &parts->health_server, &parts->health_url);
    if (!status.ok()) {
      return absl::Status(status.code(),
                          absl::StrCat("health_listen: ", status.message()));
    }
    parts->health_port = parts->health_server->port();
  }
  if (!options.black_box_path.empty()) {
    const absl::Status recording = parts->StartBlackBox(options);
    if (!recording.ok()) return recording;
  }
  return std::unique_ptr<Sidecar>(new Sidecar(std::move(parts)));
}

void Sidecar::Stop() {
  // First: who waits for figures would hold up the servers.
  parts_->scraper.Stop();
  if (parts_->black_box_writer != nullptr) {
    parts_->black_box_writer.reset();
    parts_->black_box->Record(/*last=*/true).IgnoreError();
  }
  parts_->health_server.reset();
  parts_->server.reset();
  parts_->walker.reset();
  parts_->sampler.reset();
  parts_->maintainer.reset();
}

HttpService* Sidecar::service() { return parts_.get(); }

int Sidecar::port() const { return parts_->port; }

std::string Sidecar::url() const { return parts_->url; }

int Sidecar::health_port() const { return parts_->health_port; }

std::string Sidecar::health_url() const { return parts_->health_url; }

template <typename Allocator>
absl::Status Sidecar::Register(Allocator* allocator, const std::string& name) {
  absl::Status status =
      parts_->registry.AddAllocator(name, [allocator](bool detailed) {
        StatsOptions options;
        options.chunks = detailed;
        options.thread_caches = detailed;
        return allocator->Stats(options);
      });
  if (!status.ok()) return status;
  if (parts_->maintainer != nullptr) {
    parts_->maintainer->Add(allocator, [allocator] { allocator->Maintain(); });
  }
  parts_->trimmer.Add(allocator, name,
                      [allocator] { return allocator->Trim().trimmed_bytes; });
  MutexLock lock(&parts_->mutex);
  parts_->allocators.emplace_back(allocator, name);
  return absl::OkStatus();
}

absl::Status Sidecar::RegisterAllocator(PooledAllocator* allocator) {
  return Register(allocator, allocator->options().name);
}

absl::Status Sidecar::RegisterAllocator(BufferAllocator* allocator) {
  return Register(allocator, allocator->name());
}

absl::Status Sidecar::RegisterAllocator(
    PooledAllocator* allocator, std::shared_ptr<LeakDetector> detector) {
  absl::Status status = RegisterAllocator(allocator);
  if (!status.ok()) return status;
  LeakSource source;
  source.stats = [detector] { return detector->Stats(); };
  source.reports = [detector] { return detector->Reports(); };
  source.set_level = [detector](LeakLevel level) { detector->SetLevel(level); };
  source.live = [detector] { return detector->Live(); };
  parts_->registry.AddLeakDetector(allocator->options().name,
                                   std::move(source));
  if (parts_->maintainer != nullptr) {
    parts_->maintainer->Add(detector.get(), [detector] { detector->Check(); });
  }
  MutexLock lock(&parts_->mutex);
  parts_->detectors.emplace_back(allocator, std::move(detector));
  return absl::OkStatus();
}

void Sidecar::UnregisterAllocator(PooledAllocator* allocator) {
  Unregister(allocator);
}

void Sidecar::UnregisterAllocator(BufferAllocator* allocator) {
  Unregister(allocator);
}

void Sidecar::Unregister(const void* allocator) {
  std::string name;
  std::shared_ptr<LeakDetector> detector;
  {
    MutexLock lock(&parts_->mutex);
    auto& allocators = parts_->allocators;
    auto found = allocators.begin();
    while (found != allocators.end() && found->first != allocator) ++found;
    if (found == allocators.end()) return;
    name = found->second;
    allocators.erase(found);
    auto& detectors = parts_->detectors;
    auto watcher = detectors.begin();
    while (watcher != detectors.end() && watcher->first != allocator) ++watcher;
    if (watcher != detectors.end()) {
      detector = std::move(watcher->second);
      detectors.erase(watcher);
    }
  }
  if (detector != nullptr) {
    if (parts_->maintainer != nullptr) {
      parts_->maintainer->Remove(detector.get());
    }
    parts_->registry.RemoveLeakDetector(name);
  }
  if (parts_->maintainer != nullptr) parts_->maintainer->Remove(allocator);
  parts_->trimmer.Remove(allocator);
  parts_->registry.RemoveAllocator(name);
}

absl::Status Sidecar::RegisterChannels(ChannelRegistry* channels) {
  MutexLock lock(&parts_->mutex);
  ChannelSource source;
  source.stats = [channels] { return channels->Stats(); };
  source.top = [channels](size_t count) { return channels->Top(count); };
  source.ranges = [channels] { return channels->Ranges(); };
  absl::Status status = parts_->registry.AddChannels(std::move(source));
  if (status.ok()) parts_->channels = channels;
  return status;
}

void Sidecar::UnregisterChannels(ChannelRegistry* channels) {
  MutexLock lock(&parts_->mutex);
  if (parts_->channels != channels) return;
  parts_->registry.RemoveChannels();
  parts_->channels = nullptr;
}

absl::Status Sidecar::RegisterGovernor(MemoryGovernor* governor) {
  MutexLock lock(&parts_->mutex);
  absl::Status status =
      parts_->registry.AddGovernor([governor] { return governor->Stats(); });
  if (status.ok()) parts_->governor = governor;
  return status;
}

void Sidecar::UnregisterGovernor(MemoryGovernor* governor) {
  MutexLock lock(&parts_->mutex);
  if (parts_->governor != governor) return;
  parts_->registry.RemoveGovernor();
  parts_->governor = nullptr;
}

void Sidecar::RegisterCollectable(
    std::weak_ptr<prometheus::Collectable> collectable) {
  parts_->registry.AddCollectable(std::move(collectable));
}

void Sidecar::UnregisterCollectable(
    const std::shared_ptr<prometheus::Collectable>& collectable) {
  parts_->registry.RemoveCollectable(collectable);
}

}  // namespace poolscope
