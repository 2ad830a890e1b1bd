// HttpServer: HTTP/1.1 over sockets of its own, plain or with TLS.
//
//   I/O thread (http_io_loop.h)                 `threads` workers
//   accept, handshake, heads of requests,  -->  HttpService::Serve()
//   answers, deadlines, bounds             <--
//
// A connection occupies no thread: one that is silent, slow or kept alive costs
// a descriptor and some hundred bytes. Workers see requests alone that have
// arrived whole and are well-formed (http_parser.h); an answer is sent by the
// I/O thread, as fast as the client takes it. docs/http-server.md has the whole
// way, and what happens at each bound.
//
// Nothing is served from files, and no request body is read: a request that
// announces one is answered, and its connection closed.
//
//   HttpServerOptions options;
//   options.address = *ParseListenAddress("127.0.0.1:0");
//   auto server = HttpServer::Start(options, &service);
//
// Thread safety: port() and stats() are thread-safe; starting and destroying
// are not. All threads have every signal blocked. Destroying closes the port
// and waits for the requests that are being served, no others; what a client
// does not take at once is lost to it.
#ifndef POOLSCOPE_EXPORTER_HTTP_SERVER_H_
#define POOLSCOPE_EXPORTER_HTTP_SERVER_H_

#include <cstddef>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "poolscope/exporter/http_io_loop.h"
#include "poolscope/exporter/http_service.h"
#include "poolscope/exporter/listen_address.h"
#include "poolscope/exporter/transport.h"

namespace poolscope {

struct HttpServerOptions {
  ListenAddress address;
  // Null: plain HTTP. See tls/tls_security.h.
  std::shared_ptr<TransportSecurity> security;

  // Requests answered at the same time.
  int threads = 6;
  // More that wait for a thread get 503.
  size_t max_waiting_requests = 64;

  // For a TLS handshake, for a request to arrive, for a connection without one,
  // and for each 16 KiB of an answer.
  absl::Duration request_timeout = absl::Seconds(2);
  // Request line and headers.
  size_t max_request_bytes = 16384;

  // In all, and from one IPv4 address, or one /64 network of IPv6. At a bound
  // the one goes that has waited longest without a whole request. A quarter of
  // the descriptors that the process may have at the start, at most.
  size_t max_connections = 256;
  size_t max_connections_per_address = 64;
  // Of answers that clients have not taken whole, in all; then the one goes
  // that has been under way longest.
  size_t max_unsent_bytes = size_t{64} << 20;
};

class HttpServer final {
 public:
  // `service` is not owned. UnavailableError, with the system's reason, when
  // the address cannot be listened on; ResourceExhaustedError when it gives too
  // few threads.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<HttpServer>> Start(
      const HttpServerOptions& options, HttpService* service);

  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  int port() const;
  HttpServerStats stats() const;

 private:
  struct Impl;

  explicit HttpServer(std::unique_ptr<Impl> impl);

  const std::unique_ptr<Impl> impl_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_HTTP_SERVER_H_
