// HttpServer: HTTP/1.1 over civetweb. The only unit that knows civetweb.
//
// One connection occupies one thread until it is closed. It is kept alive only
// while at most half as many connections are open as there are threads, so that
// clients which keep talking leave threads for the others; and never after a
// request that announces a body, or an answer that the client did not take.
// Connections that send nothing hold their thread for the timeout: N of them
// delay an answer by up to N / threads timeouts.
//
// Nothing is served from files, and no request body is read. Answers carry
// nosniff and, unless the handler has others, no-store and a content security
// policy that allows nothing.
//
//   HttpServerOptions options;
//   options.address = *ParseListenAddress("127.0.0.1:0");
//   auto server = HttpServer::Start(options, &service);
//
// Thread safety: port() is thread-safe; starting and destroying are not.
// Destroying closes the port and waits for the requests under way; a connection
// that is kept alive holds it up for its timeout, at most two seconds.
#ifndef POOLSCOPE_EXPORTER_HTTP_SERVER_H_
#define POOLSCOPE_EXPORTER_HTTP_SERVER_H_

#include <cstddef>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "poolscope/exporter/http_service.h"
#include "poolscope/exporter/listen_address.h"

namespace poolscope {

struct HttpServerOptions {
  ListenAddress address;
  int threads = 8;
  absl::Duration request_timeout = absl::Seconds(2);
  size_t max_request_bytes = 16384;
};

class HttpServer final {
 public:
  // `service` is not owned. UnavailableError, with the system's reason, when
  // the address cannot be listened on; ResourceExhaustedError when it gives too
  // few threads; UnimplementedError for an IPv6 address
  // where civetweb is built without (Debian 12's is).
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<HttpServer>> Start(
      const HttpServerOptions& options, HttpService* service);

  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  int port() const;

 private:
  struct Impl;

  explicit HttpServer(std::unique_ptr<Impl> impl);

  const std::unique_ptr<Impl> impl_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_HTTP_SERVER_H_
