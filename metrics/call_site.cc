#include "poolscope/metrics/call_site.h"

#include "absl/strings/match.h"
#include "poolscope/allocator/leak/symbols.h"

namespace poolscope {

std::string FunctionAt(const void* return_address) {
  std::string function = FunctionName(return_address);
  return function == kUnknownFunction ? "" : function;
}

bool IsAllocatorFunction(absl::string_view function) {
  return IsOwnFunction(function) || absl::StartsWith(function, "std::") ||
         absl::StartsWith(function, "__gnu_cxx::") ||
         absl::StartsWith(function, "operator new");
}

std::string CallSite(absl::Span<void* const> stack) {
  for (const void* return_address : stack) {
    std::string function = FunctionAt(return_address);
    if (!IsAllocatorFunction(function)) return function;
  }
  return "";
}

}  // namespace poolscope
