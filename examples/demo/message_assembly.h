// MessageAssembly: one message while its bytes come in, assembled as Netty's
// HttpObjectAggregator does it.
//
//   8 KiB 8 KiB 8 KiB ...           components of a composite buffer
//   [    1025 components    ]       one too many: consolidated, that is copied
//   [       8 MiB + 8 KiB   ][8][8] into one block of their size; then each
//   [      16 MiB + 8 KiB      ][8] 1024 components again, always all of them:
//    ...                            above a chunk's size these are huge blocks
//
// For the copy both the old and the new are held: twice the message.
//
//   MessageAssembly message(&options, header.length);
//   std::optional<Refusal> refusal = message.Append(bytes);
//   if (refusal.has_value()) ...            // all its memory has gone back
//   Buffer whole = message.Take();          // once whole()
//
// Thread-compatible; belongs to the thread of its connection.
#ifndef POOLSCOPE_EXAMPLES_DEMO_MESSAGE_ASSEMBLY_H_
#define POOLSCOPE_EXAMPLES_DEMO_MESSAGE_ASSEMBLY_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "poolscope/allocator/buffer/buffer.h"
#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/allocator/buffer/composite_buffer.h"

namespace poolscope::demo {

// What the pool would have had to map for a block that it refused.
enum class RefusalKind {
  kHuge,   // the block itself: it is larger than a chunk
  kChunk,  // a chunk: no existing one has room
};
const char* RefusalKindName(RefusalKind kind);  // "huge block", "new chunk"

struct Refusal {
  RefusalKind kind = RefusalKind::kChunk;
  size_t requested_bytes = 0;
  absl::Status reason;
};

// Shared by all messages; outlives them.
struct AssemblyOptions {
  BufferAllocator* allocator = nullptr;  // borrowed
  size_t chunk_bytes = 0;                // of its pool
  size_t component_bytes = 8192;         // Netty's defaults
  size_t max_components = 1024;
  // Asked before a consolidation into a block of so many bytes. False: the
  // message goes on in components, and asks again `max_components` later.
  // Unset: never asked, as in Netty.
  std::function<bool(size_t bytes)> may_consolidate;
};

class MessageAssembly {
 public:
  MessageAssembly(const AssemblyOptions* options, size_t length)
      : options_(options),
        length_(length),
        consolidate_above_(options->max_components) {}

  // Takes the next bytes, at most missing_bytes(). When a block is refused for
  // them, everything that the message holds is freed; it must not be used again
  // then.
  [[nodiscard]] std::optional<Refusal> Append(absl::string_view bytes);

  bool whole() const { return received_ == length_; }
  size_t missing_bytes() const { return length_ - received_; }
  // Of the blocks that it has asked for.
  size_t held_bytes() const {
    return composite_.capacity() + component_.capacity();
  }
  size_t components() const { return composite_.CountComponents(); }

  uint64_t consolidations() const { return consolidations_; }
  uint64_t postponed() const { return postponed_; }

  // The message, whole; of 0 bytes it is not open.
  Buffer Take();

 private:
  std::optional<Refusal> AddComponent();
  std::optional<Refusal> Consolidate();
  Refusal Fail(size_t requested_bytes, absl::Status reason);

  const AssemblyOptions* options_;
  size_t length_;
  size_t received_ = 0;
  Buffer component_;  // being filled; not open when none is
  CompositeBuffer composite_;
  size_t consolidate_above_;  // components
  uint64_t consolidations_ = 0;
  uint64_t postponed_ = 0;
};

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_MESSAGE_ASSEMBLY_H_
