// Netty as a peer: a Java program (netty/NettyBench.java) that does what a
// Buffer does (allocate, count references, release) through Netty's pooled
// allocator of direct buffers. It takes part in BufferTrial() alone, since raw
// blocks are less work.
#ifndef POOLSCOPE_BENCH_NETTY_PEER_H_
#define POOLSCOPE_BENCH_NETTY_PEER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "poolscope/bench/trial.h"

namespace poolscope::bench {

// NotFoundError names what is missing and the packages that have it. Looks for
// java and javac (the program is compiled as it starts) in `path`, as $PATH is
// written, for the libraries in `jars`, and for the program in the directory
// that Bazel leaves beside the bench.
absl::StatusOr<std::vector<std::string>> NettyCommand(
    const std::string& program_directory, const std::string& path,
    const std::string& jars, TrialOptions options);

inline constexpr char kDebianJars[] = "/usr/share/java";

}  // namespace poolscope::bench

#endif  // POOLSCOPE_BENCH_NETTY_PEER_H_
