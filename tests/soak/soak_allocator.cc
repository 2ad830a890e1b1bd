#include "poolscope/tests/soak/soak_allocator.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/allocator/pool/memory_source.h"
#include "poolscope/tests/allocator/pool/stress/stats_identities.h"

namespace poolscope::soak {

absl::StatusOr<std::unique_ptr<SoakAllocator>> SoakAllocator::Create(
    PoolOptions options, Problems* problems) {
  std::unique_ptr<SoakAllocator> made(new SoakAllocator(problems));
  LeakDetectorOptions leak_options;
  leak_options.allocator = options.name;
  leak_options.level = LeakLevel::kSimple;
  // A block may wait long for a thread that takes it: suspects are no fault.
  leak_options.log = [](absl::string_view) {};
  absl::StatusOr<std::shared_ptr<LeakDetector>> detector =
      LeakDetector::Create(std::move(leak_options));
  if (!detector.ok()) return detector.status();
  made->detector_ = *std::move(detector);
  options.observer = made->detector_;
  options.memory_source = &made->source_;
  absl::StatusOr<std::unique_ptr<PooledAllocator>> pool =
      PooledAllocator::Create(std::move(options));
  if (!pool.ok()) return pool.status();
  made->pool_ = *std::move(pool);
  made->detector_->ControlSampling([pool = made->pool_.get()](size_t bytes) {
    pool->SetSampleInterval(bytes);
  });
  return made;
}

void SoakAllocator::FailAMapping(Random* random) {
  source_.FailCall(1 + static_cast<int64_t>(Below(random, 4)));
}

uint64_t SoakAllocator::refused_mappings() const {
  return source_.refused(MemorySource::Use::kBlocks) +
         source_.refused(MemorySource::Use::kMetadata);
}

void SoakAllocator::MustBe(const char* what, uint64_t is, uint64_t should) {
  if (is == should) return;
  problems_->Add(absl::StrCat(name(), " at rest: ", what, " is ", is,
                              ", should be ", should));
}

void SoakAllocator::CheckAtRest(uint64_t refusals, uint64_t unseen) {
  source_.FailNone();
  const AllocatorStats stats = pool_->Stats(StatsOptions{true, true});
  problems_->AddIfAny(name(), BrokenIdentity(stats));
  MustBe("blocks in use", ActiveBlocks(stats), 0);
  MustBe("pinned_bytes", stats.pinned_bytes, 0);
  MustBe("huge_used_bytes", stats.huge_used_bytes, 0);
  MustBe("sampled_live_allocations", stats.sampled_live_allocations, 0);
  MustBe("blocks that the leak detector tracks", detector_->Stats().tracked, 0);
  uint64_t pinned_in_chunks = 0;
  for (const ChunkStats& chunk : stats.chunks) {
    pinned_in_chunks += chunk.pinned_bytes;
  }
  MustBe("pinned_bytes of the chunks", pinned_in_chunks, 0);
  const uint64_t failures =
      stats.allocation_failures_limit + stats.allocation_failures_mapping;
  if (failures < refusals || failures > refusals + unseen) {
    MustBe("allocation failures", failures, refusals);
  }
  const absl::Status invariants = pool_->CheckInvariants();
  if (!invariants.ok()) {
    problems_->Add(absl::StrCat(name(), " at rest: ", invariants.ToString()));
  }
  pool_->Trim();
  const AllocatorStats trimmed = pool_->Stats();
  problems_->AddIfAny(name(), BrokenIdentity(trimmed));
  MustBe("direct_used_bytes after a trim", trimmed.direct_used_bytes, 0);
  MustBe("cached_bytes after a trim", trimmed.cached_bytes, 0);
  MustBe("mapped bytes after a trim",
         static_cast<uint64_t>(source_.live_bytes(MemorySource::Use::kBlocks)),
         0);
}

}  // namespace poolscope::soak
