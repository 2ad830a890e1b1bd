#include "poolscope/bench/walk_cost.h"

#include <sys/mman.h>
#include <time.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/metrics/native_memory/background_walker.h"
#include "poolscope/metrics/native_memory/memory_walk.h"
#include "poolscope/metrics/native_memory/native_memory_stats.h"

namespace poolscope::bench {
namespace {

constexpr size_t kResidentBytes = size_t{1} << 30;
constexpr int kBarMappings = 2000;
constexpr int kWalks = 11;

std::string CellName(int mappings) {
  return absl::StrCat("walk/", mappings, "_mappings_ms");
}

double ThreadMs() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return 1e3 * static_cast<double>(time.tv_sec) + 1e-6 * time.tv_nsec;
}

// Divides what is resident at `base` into `mappings` of equal size. Every
// second may only be read: else the kernel made one of neighbours.
absl::Status Fill(void* base, size_t bytes, int mappings) {
  // Small pages: the most that the kernel may have to look at. It fails where
  // there are no large ones.
  madvise(base, bytes, MADV_NOHUGEPAGE);
  std::memset(base, 1, bytes);
  const size_t piece = bytes / mappings & ~size_t{4095};
  for (int i = 0; i < mappings; i += 2) {
    if (mprotect(static_cast<char*>(base) + i * piece, piece, PROT_READ) != 0) {
      return absl::ResourceExhaustedError(absl::StrCat(
          "cannot make ", mappings, " mappings: ", std::strerror(errno),
          "; vm.max_map_count is the limit"));
    }
  }
  return absl::OkStatus();
}

absl::Status Run(int mappings, TrialOptions options,
                 const OnFigure& on_figure) {
  const int divisor = options.quick ? 10 : 1;
  const size_t bytes = kResidentBytes / divisor;
  void* const base = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED) {
    return absl::ResourceExhaustedError(
        absl::StrCat("cannot map ", bytes, " bytes: ", std::strerror(errno)));
  }
  const absl::Cleanup unmap = [base, bytes] { munmap(base, bytes); };
  const absl::Status filled = Fill(base, bytes, mappings / divisor);
  if (!filled.ok()) return filled;
  MemoryWalkOptions walk_options;
  walk_options.pool_ranges = PooledAllocator::Ranges;
  MemoryWalk walk(walk_options);
  for (int i = 0; i < kWalks; ++i) {
    const double begun = ThreadMs();
    const absl::StatusOr<NativeMemoryStats> stats =
        walk.Take(MemoryWalk::Detail::kCategories, absl::Minutes(1));
    const double took = ThreadMs() - begun;
    if (!stats.ok()) return stats.status();
    if (stats->mapping_count < static_cast<uint64_t>(mappings / divisor)) {
      return absl::InternalError(
          absl::StrCat("only ", stats->mapping_count, " mappings of ",
                       mappings / divisor, " are there"));
    }
    on_figure(CellName(mappings), took);
  }
  return absl::OkStatus();
}

}  // namespace

Trial WalkCostTrial(int mappings) {
  const BackgroundWalkerOptions defaults;
  Trial trial;
  trial.group = "native memory";
  trial.name = absl::StrCat("walk_cost_", mappings);
  std::optional<Bar> bar;
  if (mappings == kBarMappings) {
    bar = Bar{Bar::Side::kAtMost,
              0.01 * absl::ToDoubleMilliseconds(defaults.interval)};
  }
  trial.cells = {{CellName(mappings), bar}};
  trial.ours_only = true;
  trial.run = [mappings](const Policy&, TrialOptions options,
                         const OnFigure& on_figure) {
    return Run(mappings, options, on_figure);
  };
  return trial;
}

}  // namespace poolscope::bench
