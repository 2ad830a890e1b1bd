#include "poolscope/metrics/build_info.h"

namespace poolscope {
namespace {

#ifdef POOLSCOPE_REVISION
constexpr absl::string_view kRevision = POOLSCOPE_REVISION;
#else
constexpr absl::string_view kRevision = "unknown";
#endif

#ifdef __clang__
constexpr absl::string_view kCompiler = __VERSION__;  // begins with "Clang"
#else
constexpr absl::string_view kCompiler = "gcc " __VERSION__;
#endif

}  // namespace

BuildInfo GetBuildInfo() { return {kVersion, kRevision, kCompiler}; }

}  // namespace poolscope
