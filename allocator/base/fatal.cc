#include "poolscope/allocator/base/fatal.h"

#include <unistd.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>

namespace poolscope {

void Fatal(const char* format, ...) {
  char line[512];
  int length = std::snprintf(line, sizeof(line), "poolscope: ");
  va_list args;
  va_start(args, format);
  length += std::vsnprintf(line + length, sizeof(line) - length, format, args);
  va_end(args);
  length = std::min<int>(length, sizeof(line) - 1);
  line[length++] = '\n';
  // Nothing is left to do about a failed write.
  [[maybe_unused]] ssize_t written = write(STDERR_FILENO, line, length);
  std::abort();
}

}  // namespace poolscope
