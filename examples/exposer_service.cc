// A service of calls, framed as gRPC frames its messages, with a Registry and
// an Exposer of its own: the pool's metrics join them there, without a sidecar.
#include <prometheus/counter.h>
#include <prometheus/exposer.h>
#include <prometheus/registry.h>
#include <sys/socket.h>

#include <iostream>
#include <memory>

#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/examples/loopback.h"
#include "poolscope/metrics/pool_collectable.h"

// A byte 0 (not compressed), four of length, the message. It is the answer too.
// False at the connection's end, or when it sends no such thing.
bool Call(int fd, poolscope::BufferAllocator& buffers,
          prometheus::Family<prometheus::Counter>& calls) {
  uint8_t head[5];
  if (recv(fd, head, 5, MSG_WAITALL) != 5 || head[0] != 0) return false;
  const ssize_t size = poolscope::BigEndian<uint32_t>::Load(head + 1);
  if (size > 4 << 20) return false;  // gRPC's own default
  auto message = buffers.Allocate(5 + size);
  calls.Add({{"code", message.ok() ? "OK" : "RESOURCE_EXHAUSTED"}}).Increment();
  if (!message.ok()) return false;
  message->WriteBytes(absl::MakeConstSpan(head));
  uint8_t* const bytes = message->MutableContiguous(0).data();
  return recv(fd, bytes + 5, size, MSG_WAITALL) == size &&
         send(fd, bytes, 5 + size, MSG_NOSIGNAL) == 5 + size;
}

int main() try {
  const poolscope::examples::StopSignal stop;
  auto pool = poolscope::PooledAllocator::Create({}).value();
  auto buffers = poolscope::BufferAllocator::Pooled(pool.get());
  auto registry = std::make_shared<prometheus::Registry>();
  auto& calls = prometheus::BuildCounter()
                    .Name("rpc_calls_total")
                    .Help("Calls.")
                    .Register(*registry);
  auto pools = std::make_shared<poolscope::PoolCollectable>();
  const auto stats = [&](bool) { return pool->Stats(); };
  pools->registry().AddAllocator("rpc", stats).IgnoreError();  // the only one
  prometheus::Exposer exposer("127.0.0.1:0");
  exposer.RegisterCollectable(registry);
  exposer.RegisterCollectable(pools);

  const poolscope::examples::ThreadedServer server(
      4, stop, [&](int peer) { return Call(peer, *buffers, calls); });
  std::cout << "serves " << server.address() << "\nmetrics http://127.0.0.1:"
            << exposer.GetListeningPorts().at(0) << "/metrics" << std::endl;
  while (!stop.Within(1000)) pool->Maintain();  // which a sidecar would do
} catch (const std::exception& error) {  // no port, or absl::BadStatusOrAccess
  std::cerr << error.what() << "\n";
  return 1;
}
