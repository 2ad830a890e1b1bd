// The demo's command line: flags of the Abseil flags library, read so that a
// bad one is one line of error.
#ifndef POOLSCOPE_EXAMPLES_DEMO_FLAGS_H_
#define POOLSCOPE_EXAMPLES_DEMO_FLAGS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "poolscope/examples/demo/options.h"

namespace poolscope::demo {

// Whether the arguments (without the program's name) ask for help.
bool AsksForHelp(absl::Span<char* const> arguments);

// What --help prints: usage, flags with their defaults, scenarios.
std::string HelpText(absl::string_view program);

// The options that the arguments give, "--name=value" or "--name value" each.
// InvalidArgumentError names the first bad one and the remedy.
absl::StatusOr<DemoOptions> ParseArguments(absl::Span<char* const> arguments);

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_FLAGS_H_
