// The demo: a service that allocates from a PooledAllocator, under load, with
// its metrics at http://127.0.0.1:9464. `demo --help` lists the flags.
#include <cstdio>
#include <string>

#include "absl/debugging/symbolize.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "poolscope/examples/demo/demo.h"
#include "poolscope/examples/demo/flags.h"
#include "poolscope/examples/demo/websocket_load.h"

namespace {

constexpr int kOk = 0;
constexpr int kFailed = 1;
constexpr int kBadFlag = 2;

int Fail(const absl::Status& status, int exit_status) {
  std::fprintf(stderr, "demo: %s\n", std::string(status.message()).c_str());
  return exit_status;
}

}  // namespace

int main(int argc, char** argv) {
  // For the names of functions in leak reports and heap profiles.
  absl::InitializeSymbolizer(argv[0]);
  const auto arguments = absl::MakeConstSpan(argv + 1, argv + argc);
  // Started by the demo itself.
  if (arguments.size() == 1) {
    const auto load = poolscope::demo::ParseLoadArgument(arguments[0]);
    if (load.has_value()) return poolscope::demo::WebSocketLoadMain(*load);
  }
  if (poolscope::demo::AsksForHelp(arguments)) {
    std::fputs(poolscope::demo::HelpText("demo").c_str(), stdout);
    return kOk;
  }
  const absl::StatusOr<poolscope::demo::DemoOptions> options =
      poolscope::demo::ParseArguments(arguments);
  if (!options.ok()) return Fail(options.status(), kBadFlag);
  const absl::Status status = poolscope::demo::RunDemo(*options, stdout);
  if (absl::IsInvalidArgument(status) || absl::IsPermissionDenied(status)) {
    // An address that only the sidecar can judge.
    return Fail(status, kBadFlag);
  }
  if (!status.ok()) return Fail(status, kFailed);
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    return Fail(absl::DataLossError(
                    "standard output did not take the report: is there room?"),
                kFailed);
  }
  return kOk;
}
