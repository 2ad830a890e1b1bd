#include "poolscope/metrics/process/own_proc_file.h"

#include <fcntl.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"

namespace poolscope {

OwnProcFile::OwnProcFile(absl::string_view proc_root, absl::string_view name)
    : path_(absl::StrCat(proc_root, "/thread-self/", name)),
      fd_(open(path_.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (fd_ >= 0) return;
  path_ = absl::StrCat(proc_root, "/self/", name);
  fd_ = open(path_.c_str(), O_RDONLY | O_CLOEXEC);
}

OwnProcFile::~OwnProcFile() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace poolscope
