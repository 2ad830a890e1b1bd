// A profile in pprof's format, as a reader that is not ours understands it:
// Debian's protoc decodes the bytes by the schema in testdata/profile.proto.
// What pprof itself refuses is refused here too: a reference that leads
// nowhere, an id twice, a sample without a value for each type.
#ifndef POOLSCOPE_TESTS_METRICS_PPROF_READER_H_
#define POOLSCOPE_TESTS_METRICS_PPROF_READER_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace poolscope {

struct PprofProfile {
  struct Mapping {
    uint64_t begin = 0;
    uint64_t end = 0;
    uint64_t file_offset = 0;
    std::string path;
    std::string build_id;
    bool has_functions = false;
  };
  struct Frame {
    uint64_t address = 0;
    std::string function;  // empty when the profile does not name it
    Mapping mapping;       // all zero when there is none
  };
  struct Sample {
    std::vector<Frame> stack;  // the innermost first
    std::vector<int64_t> values;
    std::map<std::string, std::string> labels;
  };

  std::vector<std::string> sample_types;  // "inuse_space/bytes"
  std::string default_sample_type;
  std::string period_type;
  int64_t period = 0;
  int64_t time_nanos = 0;
  std::vector<std::string> comments;
  std::vector<Mapping> mappings;
  std::vector<Sample> samples;

  // The sum of values number `value` over the samples that carry `allocator`,
  // all samples when it is empty.
  int64_t Total(size_t value, absl::string_view allocator = "") const;
  // The same by the function that samples begin with: pprof's "flat".
  std::map<std::string, int64_t> Flat(size_t value) const;
  // The function that has the most of it.
  std::string Top(size_t value) const;
};

// `bytes` are not compressed. Fails when protoc does, or is not there.
absl::StatusOr<PprofProfile> DecodePprof(absl::string_view bytes);

}  // namespace poolscope

#endif  // POOLSCOPE_TESTS_METRICS_PPROF_READER_H_
