#include "poolscope/metrics/process/thread_anchors.h"

#include <dirent.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "poolscope/metrics/process/own_memory.h"

namespace poolscope {
namespace {

constexpr uint64_t kMostDescriptorBytes = 4096;

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

// How far into a descriptor the start and the size of its stack are, one behind
// the other; none where that cannot be told.
std::optional<uint64_t> BoundsOffset() {
  if (gettid() == getpid()) return std::nullopt;
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return std::nullopt;
  void* usable = nullptr;
  size_t usable_bytes = 0;
  size_t guard_bytes = 0;
  pthread_attr_getstack(&attributes, &usable, &usable_bytes);
  pthread_attr_getguardsize(&attributes, &guard_bytes);
  pthread_attr_destroy(&attributes);
  const uint64_t start = reinterpret_cast<uint64_t>(usable);
  const uint64_t end = start + usable_bytes;
  const uint64_t descriptor = static_cast<uint64_t>(pthread_self());
  if (descriptor < start || descriptor >= end) return std::nullopt;
  std::vector<uint64_t> words(std::min(kMostDescriptorBytes, end - descriptor) /
                              sizeof(uint64_t));
  if (!ReadOwnWords(descriptor, absl::MakeSpan(words))) return std::nullopt;
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    if ((words[i] == start || words[i] == start - guard_bytes) &&
        words[i] + words[i + 1] == end) {
      return i * sizeof(uint64_t);
    }
  }
  return std::nullopt;
}

// False where the anchor lies in no stack of glibc's.
bool ReadBounds(uint64_t offset, ThreadAnchor* anchor) {
  uint64_t words[2];
  if (!ReadOwnWords(anchor->descriptor + offset, absl::MakeSpan(words)) ||
      words[0] > anchor->descriptor ||
      anchor->descriptor - words[0] >= words[1] ||
      words[0] + words[1] < words[0]) {
    return false;
  }
  anchor->stack_start = words[0];
  anchor->stack_end = words[0] + words[1];
  return true;
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
  const std::optional<uint64_t> bounds = BoundsOffset();
  while (const dirent* entry = readdir(directory)) {
    ThreadAnchor anchor;
    if (!absl::SimpleAtoi(entry->d_name, &anchor.thread_id)) continue;
    anchor.address = RobustListHead(anchor.thread_id);
    if (anchor.address == 0) continue;
    anchor.descriptor = anchor.address - head_offset;
    anchor.main_thread = anchor.thread_id == main_thread;
    if (!anchor.main_thread && bounds.has_value() &&
        !ReadBounds(*bounds, &anchor)) {
      continue;
    }
    anchors.push_back(anchor);
  }
  closedir(directory);
  return anchors;
}

}  // namespace poolscope
