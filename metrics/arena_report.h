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
// Thread safety: thread-safe; it works on the values given.
#ifndef POOLSCOPE_METRICS_ARENA_REPORT_H_
#define POOLSCOPE_METRICS_ARENA_REPORT_H_

#include "poolscope/metrics/family_loops.h"
#include "poolscope/metrics/report_emitter.h"

namespace poolscope {

// `snapshots` taken with their chunks and thread caches.
void EmitArenaReport(AllocatorSnapshots snapshots, ReportEmitter& emitter);

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_ARENA_REPORT_H_
