#include "poolscope/allocator/base/read_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

namespace poolscope {

std::optional<std::string> ReadFile(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return std::nullopt;
  std::string text;
  bool failed = false;
  char piece[4096];
  while (text.size() < kMaxReadFileBytes) {
    const ssize_t length = read(
        file, piece, std::min(sizeof(piece), kMaxReadFileBytes - text.size()));
    if (length < 0 && errno == EINTR) continue;
    failed = length < 0;
    if (length <= 0) break;
    text.append(piece, length);
  }
  close(file);
  if (failed) return std::nullopt;
  return text;
}

}  // namespace poolscope
