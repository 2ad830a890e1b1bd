// An Asio server that sends back what it gets, in buffers of the pool.
#include <asio.hpp>
#include <iostream>
#include <memory>

#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/exporter/sidecar.h"

using asio::ip::tcp;
constexpr size_t kBytes = 16384;
// Ends when no operation holds it. Holds no buffer while its peer is idle.
struct Session : std::enable_shared_from_this<Session> {
  tcp::socket socket;
  poolscope::Buffer message;  // while it is written
  explicit Session(tcp::socket peer) : socket(std::move(peer)) {}

  void Echo(poolscope::BufferAllocator& buffers) {
    auto self = shared_from_this();
    socket.async_wait(socket.wait_read, [&, self](asio::error_code error) {
      auto buffer = buffers.Allocate(kBytes);
      if (error || !buffer.ok()) return;  // or the pool is at its limit
      message = *std::move(buffer);
      const auto take =
          asio::buffer(message.MutableContiguous(0).data(), kBytes);
      const size_t n = socket.read_some(take, error);
      if (error) return;  // the peer is at its end
      asio::async_write(socket, asio::buffer(take, n), [&, self](auto e, auto) {
        message.Close();  // back to the pool
        if (!e) Echo(buffers);
      });
    });
  }
};

void Accept(tcp::acceptor& acceptor, poolscope::BufferAllocator& buffers) {
  acceptor.async_accept([&](asio::error_code error, tcp::socket peer) {
    if (!error) std::make_shared<Session>(std::move(peer))->Echo(buffers);
    Accept(acceptor, buffers);
  });
}

int main() try {
  auto pool = poolscope::PooledAllocator::Create({}).value();
  poolscope::SidecarOptions options;
  options.listen_address = "127.0.0.1:0";  // any port; 9464 unless told so
  auto sidecar = poolscope::Sidecar::Start(options).value();
  sidecar->RegisterAllocator(pool.get()).IgnoreError();  // the first succeeds
  auto buffers = poolscope::BufferAllocator::Pooled(pool.get());
  asio::io_context io;  // goes before the pool, and with it every session
  asio::signal_set signals(io, SIGINT, SIGTERM);
  signals.async_wait([&io](asio::error_code, int) { io.stop(); });
  tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
  Accept(acceptor, *buffers);
  std::cout << "serves " << acceptor.local_endpoint() << "\nmetrics "
            << sidecar->url() << "/metrics" << std::endl;
  io.run();
} catch (const std::exception& error) {  // of Asio, or absl::BadStatusOrAccess
  std::cerr << error.what() << "\n";
  return 1;
}
