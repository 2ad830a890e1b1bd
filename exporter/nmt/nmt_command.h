// poolscope-nmt: the report on native memory of a running service, as
// `jcmd PID VM.native_memory` gives that of a JVM.
//
//   poolscope-nmt http://127.0.0.1:9464 summary scale=MB
//   poolscope-nmt http://127.0.0.1:9464 baseline
//   poolscope-nmt http://127.0.0.1:9464 summary.diff
//   POOLSCOPE_PASSWORD=... poolscope-nmt http://127.0.0.1:9464 user=alice
//
// Exit codes: 0 when the report was printed, 1 when the service did not give it
// (not reached, no baseline), 2 for a command line that means nothing.
#ifndef POOLSCOPE_EXPORTER_NMT_NMT_COMMAND_H_
#define POOLSCOPE_EXPORTER_NMT_NMT_COMMAND_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "poolscope/exporter/nmt/http_url.h"

namespace poolscope {

// What is to be sent where.
struct NmtCommand {
  bool help = false;  // and nothing else
  HttpUrl url;
  std::string method = "GET";
  std::string target;  // "/debug/memory?view=summary&scale=MB"
  std::string user;    // empty: no password is sent
};

extern const absl::string_view kNmtUsage;

// InvalidArgumentError names the argument that is wrong and the remedy.
absl::StatusOr<NmtCommand> ParseNmtCommand(
    const std::vector<std::string>& arguments);

// Runs the command: what is to be printed on standard output and standard
// error, and the exit code.
struct NmtResult {
  std::string output;
  std::string error;
  int exit_code = 0;
};
NmtResult RunNmtCommand(const std::vector<std::string>& arguments);

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_NMT_NMT_COMMAND_H_
