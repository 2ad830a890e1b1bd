#include "poolscope/examples/demo/permessage_deflate.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "poolscope/metrics/native_memory/zlib_memory.h"

namespace poolscope::demo {
namespace {

// What a sync flush ends with: an empty block without compression. It is not
// sent, and put back by the receiver.
constexpr uint8_t kTail[] = {0x00, 0x00, 0xff, 0xff};

// The default of zlib, and of most servers: with it and a window of 2^15 the
// state takes 2^17 + 2^17 bytes and some 6 KiB.
constexpr int kMemoryLevel = 8;

// Beyond deflateBound(), which does not reckon with a sync flush.
constexpr size_t kFlushBytes = 16;

// The first guess of how long an inflated message is.
constexpr size_t kMinInflatedBytes = 256;
constexpr size_t kGuessedRatio = 4;

absl::Status NoMemory(const char* what) {
  return absl::ResourceExhaustedError(
      absl::StrCat("malloc has no memory for the state of ", what));
}

// zlib's pointers are not const, but it does not write what it reads.
Bytef* Input(absl::Span<const uint8_t> bytes) {
  return const_cast<Bytef*>(bytes.data());
}

// Lets the stream write into what is free in `buffer`; returns what the step
// said.
template <typename Step>
int Run(z_stream& stream, Buffer* buffer, Step step) {
  const absl::Span<uint8_t> room =
      buffer->MutableContiguous(buffer->writer_offset());
  stream.next_out = room.data();
  stream.avail_out = static_cast<uInt>(room.size());
  const int result = step();
  buffer->SkipWritable(room.size() - stream.avail_out);
  return result;
}

}  // namespace

absl::StatusOr<Buffer> MessageDeflater::Deflate(
    absl::Span<const uint8_t> message, BufferAllocator& allocator) {
  if (!has_state_) {
    stream_ = z_stream{};
    TrackZlibMemory(&stream_, zlib_memory_);
    // A negative window: raw deflate, without zlib's header and sum.
    if (deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -window_bits_,
                     kMemoryLevel, Z_DEFAULT_STRATEGY) != Z_OK) {
      return NoMemory("deflate");
    }
    has_state_ = true;
  }
  absl::StatusOr<Buffer> out = allocator.Allocate(
      deflateBound(&stream_, static_cast<uLong>(message.size())) + kFlushBytes);
  if (!out.ok()) return out.status();
  stream_.next_in = Input(message);
  stream_.avail_in = static_cast<uInt>(message.size());
  Run(stream_, &*out, [&] { return deflate(&stream_, Z_SYNC_FLUSH); });
  // Room that is left says that the flush is complete.
  while (out->writable_bytes() == 0) {
    const absl::Status status = out->EnsureWritable(out->capacity());
    if (!status.ok()) return status;
    Run(stream_, &*out, [&] { return deflate(&stream_, Z_SYNC_FLUSH); });
  }
  out->set_writer_offset(out->writer_offset() - sizeof(kTail));
  if (!takes_over_) End();
  return out;
}

void MessageDeflater::End() {
  if (has_state_) deflateEnd(&stream_);
  has_state_ = false;
}

absl::StatusOr<Buffer> MessageInflater::Inflate(
    absl::Span<const uint8_t> compressed, size_t max_bytes,
    BufferAllocator& allocator) {
  if (!has_state_) {
    stream_ = z_stream{};
    TrackZlibMemory(&stream_, zlib_memory_);
    if (inflateInit2(&stream_, -MAX_WBITS) != Z_OK) return NoMemory("inflate");
    has_state_ = true;
  }
  // One byte of room beyond the limit tells a message that is as long as may be
  // from one that is longer.
  absl::StatusOr<Buffer> message = allocator.Allocate(
      std::min(max_bytes + 1,
               std::max(kMinInflatedBytes, kGuessedRatio * compressed.size())));
  if (!message.ok()) return message.status();
  absl::Status status = InflatePart(compressed, max_bytes, &*message);
  if (status.ok()) status = InflatePart(kTail, max_bytes, &*message);
  if (!status.ok()) return status;
  if (!takes_over_) End();
  return message;
}

absl::Status MessageInflater::InflatePart(absl::Span<const uint8_t> part,
                                          size_t max_bytes, Buffer* message) {
  stream_.next_in = Input(part);
  stream_.avail_in = static_cast<uInt>(part.size());
  while (true) {
    if (message->writable_bytes() == 0) {
      const size_t growth =
          std::min(message->capacity(), max_bytes + 1 - message->capacity());
      const absl::Status status = message->EnsureWritable(growth, 0, false);
      if (!status.ok()) return status;
    }
    const int result =
        Run(stream_, message, [&] { return inflate(&stream_, Z_SYNC_FLUSH); });
    if (message->writer_offset() > max_bytes) {
      return absl::OutOfRangeError(
          absl::StrCat("inflates to more than ", max_bytes, " bytes"));
    }
    if (result == Z_STREAM_END) {
      // A message may end its stream (section 7.2.3.4); what follows begins a
      // new one.
      if (inflateReset(&stream_) != Z_OK) {
        return absl::InternalError("inflateReset failed");
      }
    } else if (result == Z_MEM_ERROR) {
      return NoMemory("inflate");
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      return absl::InvalidArgumentError(
          absl::StrCat("not a deflated message: ",
                       stream_.msg == nullptr ? "bad data" : stream_.msg));
    }
    // With room left, all that the input holds is out.
    if (stream_.avail_in == 0 && stream_.avail_out != 0) {
      return absl::OkStatus();
    }
    if (result == Z_BUF_ERROR && stream_.avail_out != 0) {
      return absl::InvalidArgumentError("not a deflated message: stuck");
    }
  }
}

void MessageInflater::End() {
  if (has_state_) inflateEnd(&stream_);
  has_state_ = false;
}

}  // namespace poolscope::demo
