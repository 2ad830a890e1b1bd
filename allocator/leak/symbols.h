// Names for the frames of a stack, when somebody reads it.
//
//   poolscope::SendReply()  (relay+0x41c2f)
//
// The function comes from the symbol table (absl::Symbolize), so the program
// must not be stripped; module and offset lead `addr2line -e relay 0x41c2f` to
// the line.
//
// Thread safety: thread-safe. Slow (microseconds a frame).
#ifndef POOLSCOPE_ALLOCATOR_LEAK_SYMBOLS_H_
#define POOLSCOPE_ALLOCATOR_LEAK_SYMBOLS_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace poolscope {

inline constexpr absl::string_view kUnknownFunction = "(unknown)";

// The function that `return_address` returns into; kUnknownFunction where the
// symbol table does not say.
std::string FunctionName(const void* return_address);

// The same, with module and offset.
std::string FrameText(const void* return_address);

// Whether a function with this name is this library's own: it hands out memory,
// or tells the detector of it.
bool IsOwnFunction(absl::string_view function);

// How many frames at the start of `stack`, innermost first, are this library's
// own: a reader is interested in whoever called it. Never all of them.
size_t CountOwnFrames(absl::Span<void* const> stack);

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_LEAK_SYMBOLS_H_
