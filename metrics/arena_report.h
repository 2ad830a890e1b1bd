// The report on arenas: one walk over detailed snapshots, in two forms.
//
//   allocators
//     snapshot id, geometry, totals
//     arenas: totals, blocks by kind, chunk lists, chunks
//     size classes
//     thread caches
//
// Netty's dumpStats() shows the lists and chunks; the bytes in thread caches,
// which it does not know, stand beside them here. Sums over arenas and lists
// are the metrics' figures of the same snapshot.
//
// Each chunk names the oldest sampled block in it, which keeps it mapped, and
// the function that asked for that block.
//
// Thread safety: thread-safe; it works on the values given.
#ifndef POOLSCOPE_METRICS_ARENA_REPORT_H_
#define POOLSCOPE_METRICS_ARENA_REPORT_H_

#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "poolscope/metrics/family_loops.h"
#include "poolscope/metrics/report_emitter.h"

namespace poolscope {

// The function that asked for the sampled block with this id, of the allocator
// with this name; empty when that is not known.
using CallSiteFunction =
    absl::FunctionRef<std::string(absl::string_view allocator, uint64_t id)>;

// `snapshots` taken with their chunks and thread caches.
void EmitArenaReport(AllocatorSnapshots snapshots, CallSiteFunction call_site,
                     ReportEmitter& emitter);

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_ARENA_REPORT_H_
