// The soak's command line.
#ifndef POOLSCOPE_TESTS_SOAK_OPTIONS_H_
#define POOLSCOPE_TESTS_SOAK_OPTIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "poolscope/allocator/pool/pool_options.h"

namespace poolscope::soak {

struct Options {
  bool help = false;
  absl::Duration duration = absl::Seconds(60);  // 100 ms to 7 days
  int threads = 64;                             // 1 to 1024
  uint64_t seed = 1;
  // One pool each, all of them in use at the same time.
  std::vector<ChunkLayout> layouts = {ChunkLayout::kRuns, ChunkLayout::kBuddy};
  // Memory of malloc that is kept for ever, to see that it is found.
  uint64_t leak_kib_per_second = 0;  // up to 1 GiB
};

// What --help prints.
std::string HelpText();

// InvalidArgumentError, in one line, names what is wrong with which argument.
absl::StatusOr<Options> ParseOptions(int argc, char** argv);

}  // namespace poolscope::soak

#endif  // POOLSCOPE_TESTS_SOAK_OPTIONS_H_
