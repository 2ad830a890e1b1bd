#include "poolscope/allocator/leak/symbols.h"

#include <dlfcn.h>

#include <cstdint>
#include <cstring>

#include "absl/debugging/symbolize.h"
#include "absl/strings/match.h"
#include "absl/strings/str_format.h"

namespace poolscope {
namespace {

// What stands in namespace poolscope without being here belongs to whoever uses
// the library.
constexpr absl::string_view kOwnFunctions[] = {
    "poolscope::pool_internal::",   "poolscope::PooledAllocator::",
    "poolscope::buffer_internal::", "poolscope::Buffer::",
    "poolscope::BufferAllocator::", "poolscope::CompositeBuffer::",
    "poolscope::ConstBuffer::",     "poolscope::LeakDetector::",
    "poolscope::StackTrace::",
};

// The instruction before the one returned to: the call itself, which may be the
// last of its function.
const void* CallOf(const void* return_address) {
  // In integers: the address may be null.
  return reinterpret_cast<const void*>(
      reinterpret_cast<uintptr_t>(return_address) - 1);
}

}  // namespace

std::string FunctionName(const void* return_address) {
  char name[1024];
  if (!absl::Symbolize(CallOf(return_address), name, sizeof(name))) {
    return std::string(kUnknownFunction);
  }
  return name;
}

std::string FrameText(const void* return_address) {
  const std::string name = FunctionName(return_address);
  Dl_info info;
  if (dladdr(CallOf(return_address), &info) == 0 || info.dli_fname == nullptr) {
    return absl::StrFormat("%s (%p)", name, return_address);
  }
  const char* slash = std::strrchr(info.dli_fname, '/');
  return absl::StrFormat("%s (%s+%#x)", name,
                         slash == nullptr ? info.dli_fname : slash + 1,
                         reinterpret_cast<uintptr_t>(CallOf(return_address)) -
                             reinterpret_cast<uintptr_t>(info.dli_fbase));
}

bool IsOwnFunction(absl::string_view function) {
  for (absl::string_view own : kOwnFunctions) {
    if (absl::StartsWith(function, own)) return true;
  }
  return false;
}

size_t CountOwnFrames(absl::Span<void* const> stack) {
  size_t count = 0;
  while (count + 1 < stack.size() &&
         IsOwnFunction(FunctionName(stack[count]))) {
    ++count;
  }
  return count;
}

}  // namespace poolscope
