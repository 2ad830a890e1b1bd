// A HeapProfile in the format of pprof, profile.proto, which `pprof`,
// `go tool pprof` and services for continuous profiling read.
//
//   sample types    inuse_objects/count, inuse_space/bytes (the default)
//   label           allocator
//   locations       address, mapping and, where it is known, function
//   mappings        executable segments with build ids, the program first
//
// A string that is not UTF-8, as the path of an object may be, is written with
// \xff and the like for its bytes: readers refuse a message that has another.
//
// The names are Go's, so that tools show the profile as one of a heap. Files on
// disk and over HTTP are gzipped; that is left to the caller.
//
// Thread safety: thread-safe; it works on the values given.
#ifndef POOLSCOPE_METRICS_PPROF_ENCODER_H_
#define POOLSCOPE_METRICS_PPROF_ENCODER_H_

#include <string>

#include "poolscope/metrics/heap_profile.h"

namespace poolscope {

std::string EncodePprof(const HeapProfile& profile);

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_PPROF_ENCODER_H_
