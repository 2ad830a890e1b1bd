#include "poolscope/exporter/preload/own_descriptors.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <limits>

#include "absl/strings/str_cat.h"

namespace poolscope {
namespace {

// Of the calling thread; until then its table is the program's.
thread_local bool has_own_table = false;

}  // namespace

absl::Status TakeOwnDescriptors(bool keep_stderr) {
  // Copies the first three and no other.
  if (close_range(STDERR_FILENO + 1, std::numeric_limits<unsigned>::max(),
                  CLOSE_RANGE_UNSHARE) != 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot take descriptors of its own, which needs Linux "
                     "5.9: ",
                     std::strerror(errno)));
  }
  has_own_table = true;
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot open /dev/null: ", std::strerror(errno)));
  }
  dup2(null, STDIN_FILENO);
  dup2(null, STDOUT_FILENO);
  // One of the three that was closed would become the number of a socket.
  if (!keep_stderr || fcntl(STDERR_FILENO, F_GETFD) < 0) {
    dup2(null, STDERR_FILENO);
  }
  if (null > STDERR_FILENO) close(null);
  return absl::OkStatus();
}

void LeaveStderr() {
  if (has_own_table) dup2(STDOUT_FILENO, STDERR_FILENO);
}

}  // namespace poolscope
