// The demo's flags that are its sidecar's: where it listens, and who may ask
// for what.
//
// Thread safety: to be used before there are threads.
#ifndef POOLSCOPE_EXAMPLES_DEMO_SIDECAR_FLAGS_H_
#define POOLSCOPE_EXAMPLES_DEMO_SIDECAR_FLAGS_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "poolscope/exporter/sidecar_options.h"

namespace poolscope::demo {

// What flag `name` is when it is not given, for people; empty where it is none
// of these, or its own default says so.
absl::string_view SidecarFlagDefault(absl::string_view name);

// What the environment says, and over it the flags. Errors name the flag or the
// variable, its value and what to give instead.
absl::StatusOr<SidecarOptions> SidecarOptionsFromFlags();

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_SIDECAR_FLAGS_H_
