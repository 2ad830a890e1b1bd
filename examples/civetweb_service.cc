// A service with a CivetServer of its own: poolscope's pages, /metrics, /debug
// and /, are mounted beside the service's POST /echo.
#include <CivetServer.h>

#include <iostream>

#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/examples/loopback.h"
#include "poolscope/exporter/civetweb/civetweb_mount.h"
#include "poolscope/exporter/sidecar.h"

// Takes a body into a buffer of the pool, and sends it back.
struct Echo : CivetHandler {
  poolscope::BufferAllocator& buffers;

  explicit Echo(poolscope::BufferAllocator& from) : buffers(from) {}
  bool handlePost(CivetServer*, mg_connection* connection) override {
    const int64_t size = mg_get_request_info(connection)->content_length;
    if (size < 0 || size > 1 << 20) {  // -1: it has none, or is chunked
      mg_send_http_error(connection, 413, "give a length up to 1048576");
      return true;
    }
    auto body = buffers.Allocate(size);
    if (!body.ok()) {
      mg_send_http_error(connection, 503, "the pool is at its limit");
      return true;
    }
    uint8_t* const bytes = body->MutableContiguous(0).data();
    for (int64_t at = 0; at < size;) {
      const int n = mg_read(connection, bytes + at, size - at);
      if (n <= 0) return true;  // the client has gone
      at += n;
    }
    mg_send_http_ok(connection, "application/octet-stream", size);
    mg_write(connection, bytes, size);
    return true;
  }
};

int main() try {
  const poolscope::examples::StopSignal stop;
  auto pool = poolscope::PooledAllocator::Create({}).value();
  auto buffers = poolscope::BufferAllocator::Pooled(pool.get());
  poolscope::SidecarOptions options;
  options.listen_address = "";  // no server of its own
  auto sidecar = poolscope::Sidecar::Start(options).value();
  sidecar->RegisterAllocator(pool.get()).IgnoreError();  // the first succeeds
  Echo echo(*buffers);
  CivetServer server({"listening_ports", "127.0.0.1:0"});
  server.addHandler("/echo", echo);
  poolscope::MountOn(server.getContext(), sidecar->service());
  const std::string address =
      "127.0.0.1:" + std::to_string(server.getListeningPorts().at(0));
  std::cout << "serves " << address << "\nmetrics http://" << address
            << "/metrics" << std::endl;
  stop.Await();
} catch (const std::exception& error) {  // CivetException and the like
  std::cerr << error.what() << "\n";
  return 1;
}
