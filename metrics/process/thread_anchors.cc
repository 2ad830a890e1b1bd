#include "poolscope/metrics/process/thread_anchors.h"

#include <dirent.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace poolscope {
namespace {

// 0 where there is none.
uint64_t RobustListHead(int64_t thread_id) {
  robust_list_head* head = nullptr;
  size_t bytes = 0;
  if (syscall(SYS_get_robust_list, static_cast<pid_t>(thread_id), &head,
              &bytes) != 0) {
    return 0;
  }
  return reinterpret_cast<uint64_t>(head);
}

}  // namespace

std::vector<ThreadAnchor> ReadThreadAnchors(absl::string_view proc_root) {
  std::vector<ThreadAnchor> anchors;
  DIR* directory = opendir(absl::StrCat(proc_root, "/self/task").c_str());
  if (directory == nullptr) return anchors;
  // The same in every thread.
  const uint64_t head_offset =
      RobustListHead(0) - static_cast<uint64_t>(pthread_self());
  const int64_t main_thread = getpid();
  while (const dirent* entry = readdir(directory)) {
    ThreadAnchor anchor;
    if (!absl::SimpleAtoi(entry->d_name, &anchor.thread_id)) continue;
    anchor.address = RobustListHead(anchor.thread_id);
    if (anchor.address == 0) continue;
    anchor.descriptor = anchor.address - head_offset;
    anchor.main_thread = anchor.thread_id == main_thread;
    anchors.push_back(anchor);
  }
  closedir(directory);
  return anchors;
}

}  // namespace poolscope
