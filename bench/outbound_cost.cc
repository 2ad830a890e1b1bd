#include "poolscope/bench/outbound_cost.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "poolscope/bench/pool_hooks.h"

namespace poolscope::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMessageBytes = 256;
constexpr std::array<size_t, 3> kBatches = {1, 16, 64};
constexpr size_t kLargestBatch = 64;
constexpr uint64_t kStepMessages = 6400;
constexpr double kBarNanos = 60;

// Nanoseconds a message, in whole steps for as long as `time`.
double Timed(absl::FunctionRef<void(uint64_t messages)> run,
             Clock::duration time) {
  const Clock::time_point start = Clock::now();
  std::chrono::duration<double, std::nano> elapsed{};
  uint64_t messages = 0;
  do {
    run(kStepMessages);
    messages += kStepMessages;
    elapsed = Clock::now() - start;
  } while (elapsed < time);
  return elapsed.count() / static_cast<double>(messages);
}

// Room for a buffer that the shared object makes and ends.
struct alignas(16) Room {
  std::array<unsigned char, kBufferRoomBytes> bytes;
};

// The messages are made and ended, and as many bytes written.
void BareWrites(const PoolHooks& pool, int fd, size_t batch,
                uint64_t messages) {
  static char bytes[kLargestBatch][kMessageBytes];
  Room rooms[kLargestBatch];
  iovec pieces[kLargestBatch];
  for (size_t i = 0; i < batch; ++i) pieces[i] = {bytes[i], kMessageBytes};
  const auto whole = static_cast<ssize_t>(batch * kMessageBytes);
  for (uint64_t done = 0; done < messages; done += batch) {
    for (size_t i = 0; i < batch; ++i) {
      if (!pool.buffer_allocate(&rooms[i], kMessageBytes)) std::abort();
    }
    if (writev(fd, pieces, static_cast<int>(batch)) != whole) std::abort();
    for (size_t i = 0; i < batch; ++i) pool.buffer_destroy(&rooms[i]);
  }
}

absl::Status Run(const Policy& policy, TrialOptions options,
                 const OnFigure& on_figure) {
  const auto turn = std::chrono::milliseconds(options.quick ? 5 : 20);
  const int rounds = options.quick ? 7 : 31;
  const PoolHooks& pool = policy.pool;
  const int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return absl::ErrnoToStatus(errno, "/dev/null");
  void* const outbound = pool.outbound_open(fd);
  for (const size_t batch : kBatches) {
    const auto ours = [&](uint64_t messages) {
      pool.outbound_write(outbound, kMessageBytes, batch, messages);
    };
    const auto bare = [&](uint64_t messages) {
      BareWrites(pool, fd, batch, messages);
    };
    const std::string prefix = absl::StrCat("outbound/", batch);
    Timed(ours, turn);
    Timed(bare, turn);
    for (int round = 0; round < rounds; ++round) {
      const double bare_ns = Timed(bare, turn);
      on_figure(absl::StrCat(prefix, "_above_writev"),
                Timed(ours, turn) - bare_ns);
      on_figure(absl::StrCat(prefix, "_writev"), bare_ns);
    }
  }
  pool.outbound_close(outbound);
  close(fd);
  return absl::OkStatus();
}

}  // namespace

Trial OutboundCostTrial() {
  Trial trial;
  trial.group = "outbound backlog";
  trial.name = "outbound";
  for (const size_t batch : kBatches) {
    const std::string prefix = absl::StrCat("outbound/", batch);
    trial.cells.push_back({absl::StrCat(prefix, "_above_writev"),
                           Bar{Bar::Side::kAtMost, kBarNanos}});
    trial.cells.push_back({absl::StrCat(prefix, "_writev"), std::nullopt});
  }
  trial.ours_only = true;
  trial.runs = 3;
  trial.run = Run;
  return trial;
}

}  // namespace poolscope::bench
