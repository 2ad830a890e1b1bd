// Sidecar: the HTTP server beside a service that shows its pools.
//
//   auto sidecar = Sidecar::Start(SidecarOptions{});   // 127.0.0.1:9464
//   if (!sidecar.ok()) return sidecar.status();
//   (*sidecar)->RegisterAllocator(pool.get());
//   LOG << "metrics: " << (*sidecar)->url() << "/metrics";
//   ...
//   (*sidecar)->Stop();                                // or destroy it
//
// This is where the graph is built: registry of sources, router with its
// handlers, HTTP server, one thread that calls Maintain() of every registered
// allocator, and Check() of its leak detector, about once a second, one that
// samples cgroups, memory pressure and malloc, one that walks over the
// process's mappings, one that collects for scrapes, and with a black box one
// that writes it.
//
//   GET /metrics       metrics for Prometheus: OpenMetrics, or text 0.0.4
//   GET /healthz       200 while the process answers
//   GET /-/ready       200 once an allocator, channels or a collectable are
//                      registered
//   GET /debug/arenas  arenas, chunk lists, chunks, size classes, caches; text,
//                      or JSON with Accept: application/json or ?format=json
//   GET /debug/channels   the outbound channels with most pending bytes; text
//                      or JSON; ?top=N
//   GET /debug/leaks   what the leak detectors found; text or JSON
//   GET /debug/maps    every mapping with its owner; text or JSON
//   GET /debug/memory  native memory by category, as a JVM shows its own: text
//                      or JSON; ?view=summary|detail|summary.diff|detail.diff
//   POST /-/baseline   keeps its figures for the views that compare
//   GET /debug/pprof/heap   who holds the memory: a gzipped profile for pprof
//   POST /-/leak-level?level=L   changes their level; &allocator=NAME of one
//   POST /-/trim       gives back what no registered allocator and malloc use
//   GET /              live charts of these for a browser, and links to them
//   GET /ui/NAME       what that page loads
//
// Who may ask for what: SidecarOptions::users, and docs/security.md.
//
// Answers of more than a frame are gzipped for clients that take it. A scrape
// uses buffers that are kept for the next one, two at most, and the last text
// of each format, counted in poolscope_tracking_overhead_bytes; none comes from
// a pool it shows.
//
// Thread safety: thread-safe, but for Stop() and the destructor, which must not
// run beside another call on the same object. Its threads have every signal
// blocked, so the service's handlers never run on them.
//
// Ownership: allocators, channel registries and governors are borrowed and must
// be unregistered, or the sidecar stopped, before they are destroyed.
// Collectables are held weakly.
#ifndef POOLSCOPE_EXPORTER_SIDECAR_H_
#define POOLSCOPE_EXPORTER_SIDECAR_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "poolscope/exporter/sidecar_options.h"

namespace prometheus {
class Collectable;
}  // namespace prometheus

namespace poolscope {

class BufferAllocator;
class ChannelRegistry;
class HttpService;
class LeakDetector;
class MemoryGovernor;
class PooledAllocator;

class Sidecar final {
 public:
  // InvalidArgumentError names the bad option and its bounds;
  // PermissionDeniedError for an address that is not loopback, where figures or
  // passwords could be read on the way, without allow_remote;
  // UnavailableError when the address cannot be listened on;
  // ResourceExhaustedError when the system gives too few threads.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<Sidecar>> Start(
      SidecarOptions options);

  ~Sidecar();
  Sidecar(const Sidecar&) = delete;
  Sidecar& operator=(const Sidecar&) = delete;

  // Closes the ports and every connection, waits for the requests that are
  // being answered and ends every thread, but for one that a collectable of the
  // embedder holds up: that ends by itself. May be called twice.
  void Stop();

  // What answers its requests, for a server that the service has itself
  // (civetweb/civetweb_mount.h); valid until the sidecar is destroyed.
  HttpService* service();

  // The port listened on, also when 0 was asked for; 0 without a server.
  int port() const;
  // "http://127.0.0.1:9464", https where there is TLS, without a slash at its
  // end; "" without a server.
  std::string url() const;

  // The same of the listener for health alone; 0 and "" where there is none.
  int health_port() const;
  std::string health_url() const;

  // Shows `allocator` from the next scrape on, under its name as the label
  // `allocator`. AlreadyExistsError when that name is taken: two allocators of
  // one name would give a label set twice.
  absl::Status RegisterAllocator(PooledAllocator* allocator);
  // The same for one of buffers, pooled or not. Of a pooled one it shows the
  // pool, so register that or this.
  absl::Status RegisterAllocator(BufferAllocator* allocator);

  // The same, together with the leak detector that observes it: its figures,
  // /debug/leaks, /debug/pprof/heap, /-/leak-level, and Check() beside
  // Maintain(). `detector` is not null.
  absl::Status RegisterAllocator(PooledAllocator* allocator,
                                 std::shared_ptr<LeakDetector> detector);

  // Returns once no thread of the sidecar uses `allocator` any more. Ignores
  // one that is not registered.
  void UnregisterAllocator(PooledAllocator* allocator);
  void UnregisterAllocator(BufferAllocator* allocator);

  // Shows the outbound channels in `channels`, with an allocator beside them or
  // without. AlreadyExistsError for a second registry.
  absl::Status RegisterChannels(ChannelRegistry* channels);
  // Returns once no thread of the sidecar uses `channels` any more. Ignores one
  // that is not registered.
  void UnregisterChannels(ChannelRegistry* channels);

  // The same for the figures of a memory governor. Its Check() stays with the
  // embedder.
  absl::Status RegisterGovernor(MemoryGovernor* governor);
  void UnregisterGovernor(MemoryGovernor* governor);

  // Shows the embedder's own metrics on /metrics too (a prometheus::Registry is
  // one such). Families of the same name and type are merged; what cannot be
  // shown is counted in poolscope_dropped_series_total.
  void RegisterCollectable(std::weak_ptr<prometheus::Collectable> collectable);
  void UnregisterCollectable(
      const std::shared_ptr<prometheus::Collectable>& collectable);

 private:
  struct Parts;

  explicit Sidecar(std::unique_ptr<Parts> parts);

  template <typename Allocator>
  absl::Status Register(Allocator* allocator, const std::string& name);
  void Unregister(const void* allocator);

  const std::unique_ptr<Parts> parts_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_SIDECAR_H_
