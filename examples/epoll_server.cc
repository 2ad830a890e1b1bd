// An epoll server that sends back what it gets, in buffers of the pool: one for
// a connection until its peer has taken it, and none while it is idle.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <iostream>
#include <unordered_map>

#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/examples/loopback.h"
#include "poolscope/exporter/sidecar.h"

// Reads, unless the peer has yet to take what came before, and sends it back;
// false when the connection is over.
bool Serve(int fd, poolscope::Buffer& held, poolscope::BufferAllocator& from) {
  if (!held.is_open()) {
    auto buffer = from.Allocate(16384);
    if (!buffer.ok()) return false;  // at the pool's limit, this peer goes
    const auto room = buffer->MutableContiguous(0);
    const ssize_t n = recv(fd, room.data(), room.size(), MSG_DONTWAIT);
    if (n <= 0) return n < 0 && errno == EAGAIN;
    buffer->set_writer_offset(n);
    held = *std::move(buffer);
  }
  const void* const rest = held.Contiguous(held.reader_offset()).data();
  const ssize_t n =
      send(fd, rest, held.readable_bytes(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (n > 0) held.SkipReadable(n);
  if (held.readable_bytes() == 0) held.Close();  // back to the pool
  return n >= 0 || errno == EAGAIN;
}

int main() {
  auto pool = poolscope::PooledAllocator::Create(poolscope::PoolOptions{});
  poolscope::SidecarOptions options;
  options.listen_address = "127.0.0.1:0";  // any port; 9464 unless told so
  auto sidecar = poolscope::Sidecar::Start(options);
  absl::Status status = pool.status();
  status.Update(sidecar.status());
  if (status.ok()) status = (*sidecar)->RegisterAllocator(pool->get());
  if (!status.ok()) {
    std::cerr << status << "\n";
    return 1;
  }
  auto buffers = poolscope::BufferAllocator::Pooled(pool->get());
  std::unordered_map<int, poolscope::Buffer> held;  // by connection
  poolscope::examples::EpollLoop loop;              // until SIGINT or SIGTERM
  std::cout << "serves " << loop.address() << "\nmetrics " << (*sidecar)->url()
            << "/metrics" << std::endl;
  for (int fd; (fd = loop.Wait()) >= 0;) {
    if (Serve(fd, held[fd], *buffers)) {
      loop.Await(fd, held[fd].is_open() ? EPOLLOUT : EPOLLIN);
    } else {
      held.erase(fd);
      close(fd);
    }
  }
}
