#include "poolscope/examples/demo/options.h"

#include <sys/resource.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "poolscope/allocator/pool/pool_options.h"
#include "poolscope/examples/demo/byte_size.h"
#include "poolscope/examples/demo/frame.h"
#include "poolscope/examples/demo/socket.h"

namespace poolscope::demo {
namespace {

constexpr double kMinRate = 0.1;
constexpr double kMaxRate = 1e6;
constexpr int kMaxConnections = 10000;
constexpr int kMaxWorkers = 64;
constexpr int kMaxArenas = 1024;
// Seeds are told apart in the upper 16 bits of a message's seed.
constexpr uint64_t kMaxSeed = 65535;

constexpr absl::Duration kMaxStall = absl::Hours(24);
// The kernel takes neither less nor, unless told otherwise, much more.
constexpr uint64_t kMinSocketBuffer = 4 << 10;
constexpr uint64_t kMaxSocketBuffer = 64 << 20;
constexpr absl::Duration kMaxConnectDelay = absl::Seconds(60);
constexpr uint64_t kMaxConnectMessage = 1 << 20;

// Beside the sockets: standard streams, event loops, listeners, the sidecar's
// connections, files under /proc.
constexpr uint64_t kOtherDescriptors = 128;
constexpr uint64_t kDescriptorsPerWorker = 5;  // loop and upstream, 2 ends

// Of a connection: both ends are ours, unless the load is another process,
// which is given the same limit.
uint64_t DescriptorsPerConnection(const DemoOptions& options) {
  return options.scenario->service == Service::kWebSocket ? 1 : 2;
}

}  // namespace

absl::Status BadDuration(absl::string_view duration) {
  return absl::InvalidArgumentError(
      absl::StrCat("--duration is ", absl::CHexEscape(duration),
                   ": give 0 (until Ctrl-C) or at least 1ms, such as 30s"));
}

absl::Status ValidateDemoOptions(const DemoOptions& options) {
  // Written so that NaN fails.
  if (!(options.rate >= kMinRate && options.rate <= kMaxRate)) {
    return absl::InvalidArgumentError(
        absl::StrFormat("--rate is %g: give %g to %.0f messages a second",
                        options.rate, kMinRate, kMaxRate));
  }
  if (options.message_bytes > kMaxPayloadBytes) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "--message_bytes is %d: give 0 to %d (%s)", options.message_bytes,
        kMaxPayloadBytes, FormatByteSize(kMaxPayloadBytes)));
  }
  if (options.connections < 1 || options.connections > kMaxConnections) {
    return absl::InvalidArgumentError(
        absl::StrFormat("--connections is %d: give 1 to %d",
                        options.connections, kMaxConnections));
  }
  if (options.workers < 1 || options.workers > kMaxWorkers) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "--workers is %d: give 1 to %d", options.workers, kMaxWorkers));
  }
  if (options.duration != absl::ZeroDuration() &&
      options.duration < absl::Milliseconds(1)) {
    return BadDuration(absl::FormatDuration(options.duration));
  }
  PoolOptions pool;
  if (options.scenario != nullptr) pool.max_order = options.scenario->max_order;
  const uint64_t chunk = pool.chunk_size_bytes();
  if (options.max_direct_memory_bytes != 0 &&
      options.max_direct_memory_bytes < chunk) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "--max_direct_memory is %d: give 0 (half of the memory) or at least "
        "one chunk, %d (%s)",
        options.max_direct_memory_bytes, chunk, FormatByteSize(chunk)));
  }
  if (options.arenas.has_value() &&
      (*options.arenas < 1 || *options.arenas > kMaxArenas)) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "--arenas is %d: give 1 to %d", *options.arenas, kMaxArenas));
  }
  if (!(options.suspect_after >= absl::Milliseconds(1))) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--suspect_after is ", absl::FormatDuration(options.suspect_after),
        ": give at least 1ms, such as 10s"));
  }
  if (!(options.stall >= absl::ZeroDuration()) || options.stall > kMaxStall) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--stall is ", absl::FormatDuration(options.stall), ": give 0 to ",
        absl::FormatDuration(kMaxStall), ", such as 20s"));
  }
  if (options.socket_buffer_bytes != 0 &&
      (options.socket_buffer_bytes < kMinSocketBuffer ||
       options.socket_buffer_bytes > kMaxSocketBuffer)) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "--socket_buffer is %d: give 0 (the kernel's choice) or %d to %d, such "
        "as 64k",
        options.socket_buffer_bytes, kMinSocketBuffer, kMaxSocketBuffer));
  }
  if (options.chunk_decay.has_value() &&
      !(*options.chunk_decay >= absl::ZeroDuration())) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--chunk_decay is ", absl::FormatDuration(*options.chunk_decay),
        ": give 0 or more, such as 5s, or inf"));
  }
  if (!(options.connect_delay >= absl::ZeroDuration()) ||
      options.connect_delay > kMaxConnectDelay) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--connect_delay is ", absl::FormatDuration(options.connect_delay),
        ": give 0 to ", absl::FormatDuration(kMaxConnectDelay),
        ", such as 5ms"));
  }
  if (options.connect_message_bytes > kMaxConnectMessage) {
    return absl::InvalidArgumentError(
        absl::StrFormat("--connect_message is %d: give 0 (none) to %d",
                        options.connect_message_bytes, kMaxConnectMessage));
  }
  if (options.seed > kMaxSeed) {
    return absl::InvalidArgumentError(
        absl::StrFormat("--seed is %d: give 0 to %d", options.seed, kMaxSeed));
  }
  return absl::OkStatus();
}

absl::Status ReserveDescriptors(const DemoOptions& options) {
  const uint64_t needed =
      kOtherDescriptors +
      kDescriptorsPerWorker * static_cast<uint64_t>(options.workers) +
      DescriptorsPerConnection(options) *
          static_cast<uint64_t>(options.connections);
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return ErrnoStatus("getrlimit");
  if (limit.rlim_cur >= needed) return absl::OkStatus();
  if (limit.rlim_max < needed) {
    return absl::ResourceExhaustedError(absl::StrFormat(
        "%d connections and %d workers need %d file descriptors, the limit is "
        "%d: lower --connections, or raise it (ulimit -n %d)",
        options.connections, options.workers, needed, limit.rlim_max, needed));
  }
  limit.rlim_cur = needed;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return ErrnoStatus("setrlimit");
  return absl::OkStatus();
}

}  // namespace poolscope::demo
