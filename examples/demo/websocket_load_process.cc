#include "poolscope/examples/demo/websocket_load_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "poolscope/examples/demo/monotonic_time.h"

namespace poolscope::demo {
namespace {

constexpr char kThisProgram[] = "/proc/self/exe";

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

absl::StatusOr<Pipe> MakePipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return ErrnoStatus("pipe2");
  Pipe pipe;
  pipe.read = UniqueFd(ends[0]);
  pipe.write = UniqueFd(ends[1]);
  return pipe;
}

}  // namespace

absl::StatusOr<std::unique_ptr<WebSocketLoadProcess>>
WebSocketLoadProcess::Start(const WebSocketLoadOptions& options) {
  absl::StatusOr<Pipe> orders = MakePipe();
  if (!orders.ok()) return orders.status();
  absl::StatusOr<Pipe> reports = MakePipe();
  if (!reports.ok()) return reports.status();
  if (fcntl(reports->read.get(), F_SETFL, O_NONBLOCK) != 0) {
    return ErrnoStatus("fcntl O_NONBLOCK");
  }

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  const auto cleanup = absl::MakeCleanup(
      [&actions] { posix_spawn_file_actions_destroy(&actions); });
  posix_spawn_file_actions_adddup2(&actions, orders->read.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, reports->write.get(),
                                   STDOUT_FILENO);
  std::string name = "demo";
  std::string argument = FormatLoadArgument(options);
  char* const argv[] = {name.data(), argument.data(), nullptr};
  pid_t pid = 0;
  // Not fork(), which would copy the page tables of everything here.
  const int error =
      posix_spawn(&pid, kThisProgram, &actions, nullptr, argv, environ);
  if (error != 0) {
    errno = error;
    return ErrnoStatus(absl::StrCat("cannot start ", kThisProgram));
  }
  return std::unique_ptr<WebSocketLoadProcess>(new WebSocketLoadProcess(
      pid, std::move(orders->write), std::move(reports->read)));
}

WebSocketLoadProcess::~WebSocketLoadProcess() {
  if (reaped_) return;
  kill(pid_, SIGKILL);
  Reap();
}

int WebSocketLoadProcess::Reap() {
  if (std::exchange(reaped_, true)) return 0;
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

bool WebSocketLoadProcess::ReadReports() {
  char bytes[4096];
  while (true) {
    const ssize_t n = read(reports_.get(), bytes, sizeof(bytes));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return true;
    if (n == 0) return false;
    unread_.append(bytes, static_cast<size_t>(n));
    size_t begin = 0;
    while (true) {
      const size_t end = unread_.find('\n', begin);
      if (end == std::string::npos) break;
      absl::string_view line(unread_.data() + begin, end - begin);
      if (const std::optional<WebSocketLoadCounts> counts =
              ParseLoadCounts(line);
          counts.has_value()) {
        counts_ = *counts;
      } else if (absl::ConsumePrefix(&line, "error ")) {
        error_ = std::string(line);
      }
      begin = end + 1;
    }
    unread_.erase(0, begin);
  }
}

absl::Status WebSocketLoadProcess::Poll() {
  const bool goes_on = ReadReports();
  if (!error_.empty()) {
    return absl::InternalError(absl::StrCat("the load says: ", error_));
  }
  if (!goes_on) return absl::InternalError("the load has ended unasked");
  return absl::OkStatus();
}

absl::Status WebSocketLoadProcess::Finish(absl::Duration timeout) {
  orders_.Close();
  const absl::Duration end = MonotonicNow() + timeout;
  while (ReadReports()) {
    const absl::Duration left = end - MonotonicNow();
    if (left <= absl::ZeroDuration()) {
      return absl::DeadlineExceededError("the load does not end");
    }
    pollfd ready{reports_.get(), POLLIN, 0};
    poll(&ready, 1, static_cast<int>(absl::ToInt64Milliseconds(left)) + 1);
  }
  const int status = Reap();
  if (!error_.empty()) {
    return absl::InternalError(absl::StrCat("the load says: ", error_));
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return absl::InternalError(
        absl::StrCat("the load has ended with status ", status));
  }
  return absl::OkStatus();
}

}  // namespace poolscope::demo
