// A frame in one Buffer, received and sent without a copy of its payload.
//
//   0               24
//   | header's room | payload ...
//                   ^ reader and writer, as allocated
//
// The payload is written, and read by whoever looks at the message; the header
// takes its room only when the frame is sent, so that each connection gives it
// an id of its own.
#ifndef POOLSCOPE_EXAMPLES_DEMO_FRAME_BUFFER_H_
#define POOLSCOPE_EXAMPLES_DEMO_FRAME_BUFFER_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "poolscope/allocator/buffer/buffer.h"
#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/examples/demo/frame.h"

namespace poolscope::demo {

// Errors as BufferAllocator::Allocate().
absl::StatusOr<Buffer> AllocateFrame(BufferAllocator& allocator,
                                     uint32_t payload_bytes);

// Writes the header; all of the frame is readable then.
void SealFrame(const FrameHeader& header, Buffer* frame);

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_FRAME_BUFFER_H_
