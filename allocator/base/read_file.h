// Reading the small text files of /proc and /sys.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_ALLOCATOR_BASE_READ_FILE_H_
#define POOLSCOPE_ALLOCATOR_BASE_READ_FILE_H_

#include <cstddef>
#include <optional>
#include <string>

namespace poolscope {

inline constexpr size_t kMaxReadFileBytes = size_t{1} << 20;

// What `path` holds, at most its first kMaxReadFileBytes; absent when it cannot
// be opened or read, as files of the kernel may fail on the reading too.
std::optional<std::string> ReadFile(const std::string& path);

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_BASE_READ_FILE_H_
