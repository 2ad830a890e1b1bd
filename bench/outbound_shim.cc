// Messages through an OutboundBuffer, for poolscope's shared object: buffers of
// its allocator, written to a file descriptor. The channel is registered, so
// that all is counted that a service would count.
//
// Thread-compatible.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "absl/status/statusor.h"
#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/allocator/outbound/channel_registry.h"
#include "poolscope/allocator/outbound/fd_sink.h"
#include "poolscope/allocator/outbound/outbound_buffer.h"
#include "poolscope/bench/shim_buffers.h"

using poolscope::Buffer;
using poolscope::BufferAllocator;
using poolscope::ChannelRegistry;
using poolscope::FdSink;
using poolscope::OutboundBuffer;
using poolscope::OutboundOptions;

namespace {

template <typename T>
T ValueOrDie(absl::StatusOr<T> value) {
  if (!value.ok()) {
    std::fprintf(stderr, "bench: %s\n", value.status().ToString().c_str());
    std::exit(1);
  }
  return *std::move(value);
}

struct Outbound {
  explicit Outbound(int fd)
      : sink(fd),
        out(OutboundOptions{},
            ValueOrDie(registry.Register({"bench", "", ""}))) {}

  ChannelRegistry registry;
  FdSink sink;
  OutboundBuffer out;
};

}  // namespace

extern "C" {

void* poolscope_bench_outbound_open(int fd) { return new Outbound(fd); }

void poolscope_bench_outbound_close(void* outbound) {
  delete static_cast<Outbound*>(outbound);
}

[[gnu::aligned(64)]] void poolscope_bench_outbound_write(void* outbound,
                                                         size_t bytes,
                                                         size_t batch,
                                                         uint64_t messages) {
  BufferAllocator& buffers = poolscope::bench::ShimBuffers();
  OutboundBuffer& out = static_cast<Outbound*>(outbound)->out;
  FdSink& sink = static_cast<Outbound*>(outbound)->sink;
  while (messages > 0) {
    const uint64_t count = std::min<uint64_t>(batch, messages);
    for (uint64_t i = 0; i < count; ++i) {
      absl::StatusOr<Buffer> message = buffers.Allocate(bytes);
      if (!message.ok()) std::abort();
      message->SkipWritable(bytes);
      out.Add(*std::move(message));
    }
    out.AddFlush();
    if (!*out.WriteTo(sink)) std::abort();
    messages -= count;
  }
}

}  // extern "C"
