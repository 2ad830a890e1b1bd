// What a gzipped body was before; the other side of exporter/gzip_stream.h.
#ifndef POOLSCOPE_BENCH_GUNZIP_H_
#define POOLSCOPE_BENCH_GUNZIP_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace poolscope::bench {

// InternalError unless `gzipped`, below 4 GiB, is one whole gzip member and
// nothing else. Thread-safe.
absl::StatusOr<std::string> Gunzip(absl::string_view gzipped);

}  // namespace poolscope::bench

#endif  // POOLSCOPE_BENCH_GUNZIP_H_
