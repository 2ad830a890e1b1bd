// HeapProfile: who holds the memory of pools, by creation stack.
//
//   HeapProfileBuilder builder(FunctionAt);
//   builder.Add("rpc", detector->Live());
//   HeapProfile profile = builder.Finish();
//   ... EncodePprof(profile) ...
//
// Estimates. A sampled block stands for `weight` blocks of its size, the
// inverse of its chance to be sampled; so both figures of a stack are unbiased:
//
//   objects   sum of weight
//   bytes     sum of weight * class bytes
//
// The bytes are those of the size class, which is what the blocks take of the
// pool: over all stacks they estimate the pinned bytes, where bytes asked for
// would not add up to any figure of the pool. Where every block is sampled,
// weights are 1 and the figures exact.
//
// A stack begins with the function that asked for the block: frames of the
// allocator itself are left out (call_site.h). Blocks without a stack are kept
// under one of kNoStack, so that nothing is missing from the sum.
//
// Thread safety: values; the builder is thread-compatible.
#ifndef POOLSCOPE_METRICS_HEAP_PROFILE_H_
#define POOLSCOPE_METRICS_HEAP_PROFILE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "poolscope/allocator/leak/live_allocations.h"
#include "poolscope/metrics/process/loaded_objects.h"

namespace poolscope {

struct HeapProfile {
  struct Sample {
    std::string allocator;
    // Addresses of calls, the innermost first; keys of `functions`.
    std::vector<uint64_t> stack;
    double objects = 0;
    double bytes = 0;
  };

  std::vector<Sample> samples;  // the most bytes first
  // Function names by address; empty where the name is not known.
  std::map<uint64_t, std::string> functions;
  std::vector<LoadedObject> objects;  // the program first
  // Mean bytes that a sampled block stands for; 0 when there is none.
  uint64_t period_bytes = 0;
  int64_t time_nanos = 0;             // since 1970
  std::vector<std::string> comments;  // for people
};

class HeapProfileBuilder {
 public:
  // The "address" of blocks whose stack was not recorded, and its name.
  static constexpr uint64_t kNoStack = 0;
  static constexpr absl::string_view kNoStackName = "[stack not recorded]";

  // The function that a return address leads back to; empty when not known.
  using NameFunction = std::function<std::string(const void* return_address)>;

  explicit HeapProfileBuilder(NameFunction name) : name_(std::move(name)) {}

  void Add(absl::string_view allocator, const LiveAllocations& live);

  // Samples, functions and period of what was added; the rest is for the caller
  // to fill in. Leaves the builder empty.
  HeapProfile Finish();

 private:
  struct Totals {
    double objects = 0;
    double bytes = 0;
  };
  using Stack = std::vector<uint64_t>;

  const std::string& NameOf(uint64_t address);
  // The calls that return to the addresses in `frames`, from the call site on.
  Stack CallsOf(absl::Span<void* const> frames);

  const NameFunction name_;
  std::map<uint64_t, std::string> names_;
  std::map<std::pair<std::string, Stack>, Totals> totals_;
  uint64_t blocks_ = 0;
};

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_HEAP_PROFILE_H_
