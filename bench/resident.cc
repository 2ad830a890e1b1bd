#include "poolscope/bench/resident.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace poolscope::bench {

uint64_t ResidentBytes() {
  const int file = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  char text[4096];
  const ssize_t length = read(file, text, sizeof(text) - 1);
  close(file);
  if (length <= 0) return 0;
  text[length] = '\0';
  static constexpr char kKey[] = "\nRss:";
  const char* line = std::strstr(text, kKey);
  if (line == nullptr) return 0;
  return std::strtoull(line + sizeof(kKey) - 1, nullptr, 10) * 1024;
}

double KibAbove(uint64_t now, uint64_t base) {
  return (static_cast<double>(now) - static_cast<double>(base)) / 1024;
}

}  // namespace poolscope::bench
