// OwnProcFile: a file of procfs about this process.
//
// "self" is the main thread's: once main() has left by pthread_exit() and other
// threads go on, its smaps, statm and pagemap have nothing in them, while those
// of the calling thread, "thread-self", still tell of the address space.
//
//   OwnProcFile file(proc_root, "smaps");
//   if (file.fd() < 0) return Missing(file.path(), errno);
//
// Thread safety: thread-compatible. Closes the file.
#ifndef POOLSCOPE_METRICS_PROCESS_OWN_PROC_FILE_H_
#define POOLSCOPE_METRICS_PROCESS_OWN_PROC_FILE_H_

#include <string>

#include "absl/strings/string_view.h"

namespace poolscope {

class OwnProcFile {
 public:
  // Opens `proc_root`/thread-self/`name`, or where that is not to be had (it
  // came with Linux 3.17) `proc_root`/self/`name`.
  OwnProcFile(absl::string_view proc_root, absl::string_view name);
  ~OwnProcFile();
  OwnProcFile(const OwnProcFile&) = delete;
  OwnProcFile& operator=(const OwnProcFile&) = delete;

  // Negative, and errno says why, when neither could be opened.
  int fd() const { return fd_; }
  // Of the one that was opened, or else of the latter.
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  int fd_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_PROCESS_OWN_PROC_FILE_H_
