// BuildInfo: which poolscope this is. The version stands here and nowhere else.
#ifndef POOLSCOPE_METRICS_BUILD_INFO_H_
#define POOLSCOPE_METRICS_BUILD_INFO_H_

#include "absl/strings/string_view.h"

namespace poolscope {

inline constexpr absl::string_view kVersion = "0.1.0";

struct BuildInfo {
  absl::string_view version;
  // Source revision: "unknown" unless whoever built it defined
  // POOLSCOPE_REVISION as a string for build_info.cc.
  absl::string_view revision;
  absl::string_view compiler;  // name and version
};

BuildInfo GetBuildInfo();

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_BUILD_INFO_H_
