#include "poolscope/examples/demo/frame_buffer.h"

#include <utility>

#include "absl/strings/string_view.h"

namespace poolscope::demo {

absl::StatusOr<Buffer> AllocateFrame(BufferAllocator& allocator,
                                     uint32_t payload_bytes) {
  absl::StatusOr<Buffer> frame =
      allocator.Allocate(kFrameHeaderBytes + payload_bytes);
  if (!frame.ok()) return frame;
  frame->SkipWritable(kFrameHeaderBytes);
  frame->SkipReadable(kFrameHeaderBytes);
  return frame;
}

void SealFrame(const FrameHeader& header, Buffer* frame) {
  const EncodedHeader bytes = EncodeHeader(header);
  frame->SetBytes(0, absl::string_view(bytes.data(), bytes.size()));
  frame->set_reader_offset(0);
}

}  // namespace poolscope::demo
