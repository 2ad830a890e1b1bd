#include "poolscope/bench/netty_peer.h"

#include <unistd.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace poolscope::bench {
namespace {

constexpr char kRemedy[] =
    "apt-get install default-jdk-headless libnetty-java adds Netty to the "
    "peers";

// The program's path, or "" when no directory of `path` has it.
std::string Find(const std::string& program, const std::string& path) {
  for (const auto& directory : absl::StrSplit(path, ':', absl::SkipEmpty())) {
    std::string file = absl::StrCat(directory, "/", program);
    if (access(file.c_str(), X_OK) == 0) return file;
  }
  return "";
}

}  // namespace

absl::StatusOr<std::vector<std::string>> NettyCommand(
    const std::string& program_directory, const std::string& path,
    const std::string& jars, TrialOptions options) {
  const std::string java = Find("java", path);
  if (java.empty() || Find("javac", path).empty()) {
    return absl::NotFoundError(
        absl::StrCat("no java and javac in $PATH; ", kRemedy));
  }
  std::string class_path;
  for (const char* jar :
       {"netty-buffer.jar", "netty-common.jar", "jctools-core.jar"}) {
    const std::string file = absl::StrCat(jars, "/", jar);
    if (access(file.c_str(), R_OK) != 0) {
      return absl::NotFoundError(absl::StrCat("no ", file, "; ", kRemedy));
    }
    absl::StrAppend(&class_path, class_path.empty() ? "" : ":", file);
  }
  const std::string source =
      absl::StrCat(program_directory,
                   "/bench.runfiles/poolscope/bench/netty/NettyBench.java");
  if (access(source.c_str(), R_OK) != 0) {
    return absl::NotFoundError(absl::StrCat("no ", source, "; ./dev build"));
  }
  std::vector<std::string> command = {
      java, "-Xms256m", "-Xmx256m", "-XX:MaxDirectMemorySize=512m",
      // Netty reaches the memory of direct buffers as it does in production.
      "--add-opens=java.base/java.nio=ALL-UNNAMED",
      "--add-opens=java.base/jdk.internal.misc=ALL-UNNAMED",
      "-Dio.netty.tryReflectionSetAccessible=true",
      "-Dio.netty.leakDetection.level=simple", "-cp", class_path, source};
  if (options.quick) command.push_back("--quick");
  return command;
}

}  // namespace poolscope::bench
