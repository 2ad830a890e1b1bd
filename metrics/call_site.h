// From a creation stack to the function that asked for the block.
//
// The innermost frames of a stack are the allocator's own, and those of the
// standard library where a container or a std::pmr resource asks for somebody:
//
//   pool_internal::...           skipped
//   PooledAllocator::Allocate    skipped
//   std::vector<>::reserve       skipped
//   ReadFrame                    the call site
//   main
//
// Names are found as allocator/leak/symbols.h says; without
// absl::InitializeSymbolizer(argv[0]), or in a stripped program, they are not
// known.
//
// Thread safety: thread-safe. A name is looked up in the program's files the
// first time: for pages and reports, not for paths that are in a hurry.
#ifndef POOLSCOPE_METRICS_CALL_SITE_H_
#define POOLSCOPE_METRICS_CALL_SITE_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace poolscope {

// The function that holds the call before `return_address`; empty when it is
// not known.
std::string FunctionAt(const void* return_address);

// Whether a function with this name stands between a call site and the pool.
bool IsAllocatorFunction(absl::string_view function);

// The name of the call site in a stack of return addresses, the innermost
// first; empty when it is not known.
std::string CallSite(absl::Span<void* const> stack);

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_CALL_SITE_H_
