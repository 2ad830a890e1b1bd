// SidecarOptions: what a sidecar can be told. From the environment:
// sidecar_environment.h.
//
// A plain value.
#ifndef POOLSCOPE_EXPORTER_SIDECAR_OPTIONS_H_
#define POOLSCOPE_EXPORTER_SIDECAR_OPTIONS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "poolscope/exporter/transport.h"
#include "poolscope/exporter/users.h"

namespace poolscope {

struct SidecarOptions {
  // "ADDRESS:PORT": an IPv4 address, an IPv6 address in brackets, or
  // "localhost". Port 0 picks a free one; see Sidecar::port(). Empty: no
  // server, for a service that mounts Sidecar::service() in its own.
  std::string listen_address = "127.0.0.1:9464";

  // Who may ask for what, with bcrypt hashes (users.h; ReadUsersFile() reads
  // them from a file). Empty: everybody may do everything. /healthz and
  // /-/ready ask nobody.
  std::vector<User> users;

  // Names that the server goes by, beside its addresses and "localhost": what a
  // browser may have in its address bar for /-/..., and without users for / and
  // /debug/... (host_names.h says why). /metrics is answered by any name.
  std::vector<std::string> hosts;

  // TLS, on `listen_address`: TlsSecurity::Load() of tls/tls_security.h, which
  // alone needs OpenSSL. Null: plain HTTP.
  std::shared_ptr<TransportSecurity> security;

  // An address that is not loopback is refused unless there is TLS, and users
  // or certificates of clients; or this is true: then whoever reaches it may
  // see and do everything, or figures and passwords cross the network as clear
  // text. For a network that is trusted, or has an encrypting proxy in front of
  // this.
  bool allow_remote = false;

  // "ADDRESS:PORT" of a listener that has /healthz and /-/ready alone, besides
  // the other, with threads of its own: it answers while all of the other's are
  // at work. It shows nothing, so any address will do, and it asks for no
  // password. Empty: none.
  std::string health_listen;

  // Requests answered at the same time, 1 to 256; one thread each. More wait,
  // and past HttpServerOptions::max_waiting_requests get 503. A third of them
  // may walk over the mappings; passwords take three at most.
  int server_threads = 6;

  // How long a client may take for a TLS handshake, to send a request and to
  // take 16 KiB of the answer, and how long a connection may stay idle; 1 ms to
  // 1 h.
  absl::Duration request_timeout = absl::Seconds(2);

  // Request line and headers together, 1 KiB to 1 MiB; more is answered 431, or
  // 414.
  size_t max_request_bytes = 16384;

  // Open connections of each listener in all, and from one IPv4 address or one
  // /64 network of IPv6; 1 to 65536. At a bound the one goes that has waited
  // longest without a whole request. Each takes a descriptor: of those that the
  // process may have (ulimit -n) when it starts a quarter at most, whatever
  // stands here.
  int max_connections = 256;
  int max_connections_per_address = 64;

  // Time between two Maintain() of each allocator, and Check() of each leak
  // detector; zero leaves both to the embedder.
  absl::Duration maintain_interval = absl::Seconds(1);

  // Time between two readings of the cgroups' memory, of memory pressure and of
  // what malloc holds (that one seldomer where it takes long); 1 ms to 1 h, or
  // zero for none: their metrics are then left out. poolscope_oom_eta_seconds
  // looks back on the last 60 of these intervals.
  absl::Duration sample_interval = absl::Seconds(5);

  // Least time between two walks over the process's mappings in the background,
  // for the metrics of native memory; 1 ms to 1 h, or zero for none. It is
  // stretched to where walking takes 1 % of a core. The first is after a
  // second, or this time where it is less. /debug/memory and /debug/maps walk
  // when they are asked.
  absl::Duration walk_interval = absl::Seconds(30);

  // No walk in the background while more is resident: the kernel takes longer
  // the more there is, and page faults may wait for it.
  uint64_t max_walk_resident_bytes = uint64_t{16} << 30;

  // process_resident_memory_bytes, process_virtual_memory_bytes and
  // process_start_time_seconds. Switch off where the service exports these
  // standard names itself.
  bool process_metrics = true;

  // A file that keeps the metrics of the last minutes, but for those of
  // registered collectables, a record a second, and outlives the process
  // however it ends: docs/black-box.md, and the program poolscope-blackbox.
  // Empty: none. A black box that is there already is kept as FILE.previous;
  // any other file is refused. Each process needs a file of its own. Walks in
  // the background come each second, or as often as 2 % of a core allow, unless
  // walk_interval is less, or 0.
  std::string black_box_path;
  // Its size, allocated at the start; 1 MiB to 1 GiB. 16 MiB keep an hour of
  // 1,000 series, and some fifteen minutes of 10,000.
  uint64_t black_box_bytes = uint64_t{16} << 20;

  // Where procfs is mounted.
  std::string proc_root = "/proc";
  // Put before /proc and /sys where limits and pressure are read, as in a
  // service that sees its host's under /host.
  std::string system_root;
};

// InvalidArgumentError names the bad option, its value and its bounds;
// PermissionDeniedError an address that needs allow_remote.
absl::Status ValidateSidecarOptions(const SidecarOptions& options);

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_SIDECAR_OPTIONS_H_
