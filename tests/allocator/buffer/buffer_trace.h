// RunBufferTrace(): plays operations on buffers and on a model side by side.
//
// A trace is a string of bytes that says what to do: which operation, on which
// of a few buffers, with which numbers. Whatever it says is made to be allowed,
// so any bytes are a trace; random ones and those of a fuzzer alike. The model
// of a buffer is a vector of bytes, two offsets and a flag. After each
// operation the buffer is compared with it.
//
// Thread safety: a trace runs on the calling thread.
#ifndef POOLSCOPE_TESTS_ALLOCATOR_BUFFER_BUFFER_TRACE_H_
#define POOLSCOPE_TESTS_ALLOCATOR_BUFFER_BUFFER_TRACE_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/types/span.h"
#include "poolscope/allocator/buffer/buffer_allocator.h"

namespace poolscope {

// The first difference from the model, or "". `operations`, unless null, is
// given the number of operations that ran. Buffers come from both allocators;
// all of them are closed at the end.
std::string RunBufferTrace(absl::Span<const uint8_t> trace,
                           BufferAllocator& pooled, BufferAllocator& unpooled,
                           size_t* operations = nullptr);

}  // namespace poolscope

#endif  // POOLSCOPE_TESTS_ALLOCATOR_BUFFER_BUFFER_TRACE_H_
