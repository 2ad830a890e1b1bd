// Buffer: bytes with a reader and a writer offset, owned by one object.
//
//      already read        readable           writable
//   +-----------------+------------------+------------------+
//   0          reader_offset()    writer_offset()      capacity()
//
//   absl::StatusOr<Buffer> buffer = allocator->Allocate(64);
//   if (!buffer.ok()) return buffer.status();      // closed, or at the limit
//   buffer->WriteU32(5);
//   buffer->WriteBytes("hello");
//   queue.Push(buffer->Send());                    // to another thread, which
//   Buffer received = queue.Pop().Receive();       // goes on alone
//   uint32_t length = received.ReadU32();
//   std::string text = received.ReadString(length);
//
// Its memory goes back when it is destroyed. A buffer is made by a
// BufferAllocator and only ever moved; two buffers never see the same bytes,
// but for read-only constants. It may be one piece of memory, a part of one
// that was split, or composed of many (composite_buffer.h): all behave alike.
//
// States. What is not open has no bytes, answers every question (below,
// "Questions") with 0 or false, may be closed, destroyed and assigned to, and
// ends the process when used in any other way.
//
//   open        bytes may be used     Allocate, Receive, move into it
//   empty       no buffer             default construction, moved from
//   sent        on its way            Send
//   closed      given back            Close, CompositeBuffer::Decompose
//
// Read-only is for ever. An open buffer is *borrowed* while a ByteCursor on it
// lives or a callback of ForEachReadable or ForEachWritable runs: offsets may
// change and bytes be written then, but what moves, divides or ends its memory
// (growth, Compact, Split, Send, Close, a move, destruction) is a broken rule.
//
// Errors. What a caller can handle is a status: memory that is refused. A
// broken rule (an offset out of bounds, a write to a read-only buffer, use
// after Send) is fatal, with a line that says what was tried and names the
// buffer by address, capacity, offsets and state.
//
// Offsets and sizes are in bytes, at most 2^46. Memory is not zeroed.
//
// Thread safety: thread-compatible. Several threads may Get and Copy at once
// while none writes or moves an offset. To hand a buffer over, use Send.
//
// Lifetime: a buffer may outlive its allocator; then it cannot grow or be
// copied any more.
#ifndef POOLSCOPE_ALLOCATOR_BUFFER_BUFFER_H_
#define POOLSCOPE_ALLOCATOR_BUFFER_BUFFER_H_

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/attributes.h"
#include "absl/base/optimization.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "poolscope/allocator/buffer/accessors.h"
#include "poolscope/allocator/buffer/allocator_core.h"
#include "poolscope/allocator/buffer/borrow.h"
#include "poolscope/allocator/buffer/shared_block.h"
#include "poolscope/allocator/pool/pooled_allocator.h"

namespace poolscope {

class ByteCursor;
class SentBuffer;

namespace buffer_internal {
class CompositeParts;
}  // namespace buffer_internal

class Buffer : public buffer_internal::Accessors<Buffer> {
  using Memory = buffer_internal::Memory;

 public:
  Buffer() = default;  // empty
  Buffer(Buffer&& other) noexcept
      : data_(other.data_),
        reader_(other.reader_),
        writer_(other.writer_),
        capacity_(other.capacity_),
        growth_limit_(other.growth_limit_),
        core_(other.core_),
        extension_(other.extension_),
        state_(other.state_),
        memory_(other.memory_),
        read_only_(other.read_only_) {
    if (ABSL_PREDICT_FALSE(other.IsBorrowed())) other.DieBorrowed("move");
    other.BecomeInaccessible(State::kEmpty);
  }
  Buffer& operator=(Buffer&& other) noexcept;
  ~Buffer() {
    if (state_ == State::kOpen) Release();
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  // --- Questions ------------------------------------------------------------

  bool is_open() const { return state_ == State::kOpen; }
  bool read_only() const { return read_only_; }
  bool is_composite() const {
    return memory_ == Memory::kComposite && is_open();
  }
  size_t capacity() const { return capacity_; }
  size_t reader_offset() const { return reader_; }
  size_t writer_offset() const { return writer_; }
  size_t readable_bytes() const { return writer_ - reader_; }
  // 0 where read-only.
  size_t writable_bytes() const { return read_only_ ? 0 : capacity_ - writer_; }

  // --- Offsets --------------------------------------------------------------

  // 0 <= reader <= writer <= capacity. The writer of a read-only buffer stays.
  void set_reader_offset(size_t offset);
  void set_writer_offset(size_t offset);
  void SkipReadable(size_t size);  // at most readable_bytes()
  void SkipWritable(size_t size);  // at most writable_bytes()
  void ResetOffsets();             // both to 0

  // --- Numbers --------------------------------------------------------------
  //
  // Get and Set take any offset within the capacity and move none. Read takes
  // the next readable bytes, Write the next writable ones. Codecs are those of
  // endian.h; accessors.h has a name for each, as GetU16 or WriteDoubleLe.

  template <typename Codec>
  typename Codec::Value Get(size_t offset) const {
    if (ABSL_PREDICT_TRUE(IsDirect(offset, Codec::kBytes))) {
      return Codec::Load(data_ + offset);
    }
    uint8_t bytes[Codec::kBytes];
    GetBytes(offset, absl::MakeSpan(bytes));
    return Codec::Load(bytes);
  }

  template <typename Codec>
  void Set(size_t offset, typename Codec::Value value) {
    if (ABSL_PREDICT_TRUE(IsDirect(offset, Codec::kBytes) && !read_only_)) {
      Codec::Store(data_ + offset, value);
      return;
    }
    uint8_t bytes[Codec::kBytes];
    Codec::Store(bytes, value);
    SetBytes(offset, absl::MakeConstSpan(bytes));
  }

  template <typename Codec>
  typename Codec::Value Read() {
    if (ABSL_PREDICT_TRUE(Codec::kBytes <= writer_ - reader_ &&
                          data_ != nullptr)) {
      const uint8_t* bytes = data_ + reader_;
      reader_ += Codec::kBytes;
      return Codec::Load(bytes);
    }
    uint8_t bytes[Codec::kBytes];
    ReadBytes(absl::MakeSpan(bytes));
    return Codec::Load(bytes);
  }

  template <typename Codec>
  void Write(typename Codec::Value value) {
    if (ABSL_PREDICT_TRUE(Codec::kBytes <= capacity_ - writer_ && !read_only_ &&
                          data_ != nullptr)) {
      Codec::Store(data_ + writer_, value);
      writer_ += Codec::kBytes;
      return;
    }
    uint8_t bytes[Codec::kBytes];
    Codec::Store(bytes, value);
    WriteBytes(absl::MakeConstSpan(bytes));
  }

  // --- Bytes ----------------------------------------------------------------
  //
  // What is read into or written from must not lie in the buffer itself, whose
  // memory a Write may move: CopyInto() is for that.

  void GetBytes(size_t offset, absl::Span<uint8_t> destination) const;
  void SetBytes(size_t offset, absl::Span<const uint8_t> source);
  void SetBytes(size_t offset, absl::string_view source);
  void ReadBytes(absl::Span<uint8_t> destination);
  std::string ReadString(size_t size);
  void WriteBytes(absl::Span<const uint8_t> source);
  void WriteBytes(absl::string_view source);

  // Copies [offset, offset + length) into `destination` from
  // `destination_offset` on; no offset of either moves. The two may be the same
  // buffer and the ranges overlap.
  void CopyInto(size_t offset, Buffer* destination, size_t destination_offset,
                size_t length) const;

  // Sets every byte of the capacity.
  void Fill(uint8_t value);

  // How many readable bytes come before the first `needle`; nullopt when there
  // is none. An empty needle is found at once.
  std::optional<size_t> BytesBefore(uint8_t needle) const;
  std::optional<size_t> BytesBefore(absl::Span<const uint8_t> needle) const;
  std::optional<size_t> BytesBefore(absl::string_view needle) const;

  // A cursor over the readable bytes, or over [offset, offset + length). The
  // reverse one goes from the last byte to the first.
  ByteCursor OpenCursor() const;
  ByteCursor OpenCursor(size_t offset, size_t length) const;
  ByteCursor OpenReverseCursor() const;
  ByteCursor OpenReverseCursor(size_t offset, size_t length) const;

  // --- Pieces of memory, for system calls -----------------------------------

  // Calls `visit` with each piece of the readable bytes (writable ones) in
  // order until it returns false. Returns the number of calls, negative when
  // the last of them returned false. Moves no offset.
  int ForEachReadable(
      absl::FunctionRef<bool(absl::Span<const uint8_t>)> visit) const;
  int ForEachWritable(absl::FunctionRef<bool(absl::Span<uint8_t>)> visit);

  // Fills `pieces` with the first pieces, for writev() and readv(); returns how
  // many. They hold until the memory of the buffer moves or ends.
  size_t ReadableIovecs(absl::Span<iovec> pieces) const;
  size_t WritableIovecs(absl::Span<iovec> pieces);

  // The bytes from `offset` to the end of their piece of memory.
  absl::Span<const uint8_t> Contiguous(size_t offset) const;
  absl::Span<uint8_t> MutableContiguous(size_t offset);
  // Those from the beginning of the piece that ends at `offset` or across it.
  absl::Span<const uint8_t> ContiguousBefore(size_t offset) const;

  // A buffer that is not composite has one component; it is readable (writable)
  // when it has readable (writable) bytes.
  size_t CountComponents() const;
  size_t CountReadableComponents() const;
  size_t CountWritableComponents() const;

  // --- Capacity -------------------------------------------------------------

  // Makes room for `size` more bytes: nothing when there is; else by Compact()
  // if allowed and enough; else by growing by what lacks, at least by
  // `minimum_growth`. Growing keeps bytes and offsets. ResourceExhaustedError
  // when the memory is refused, FailedPreconditionError when the allocator is
  // closed; the buffer is then as it was.
  absl::Status EnsureWritable(size_t size, size_t minimum_growth,
                              bool allow_compaction);
  // The same with minimum_growth = capacity(), compaction allowed.
  absl::Status EnsureWritable(size_t size);

  // How far a Write may grow the capacity by itself; at first the capacity, so
  // that a Write beyond it is fatal. One that grows asks for twice the capacity
  // or what it needs, within the limit; memory that is refused is fatal then,
  // so who must live with a full pool calls EnsureWritable. Both parts of a
  // split keep a limit that is above the capacity.
  size_t implicit_growth_limit() const { return is_open() ? growth_limit_ : 0; }
  void set_implicit_growth_limit(size_t limit);  // at least capacity()

  // Moves the readable bytes to the beginning.
  void Compact();

  // --- Ownership ------------------------------------------------------------

  // Splits at `offset`: returns [0, offset), keeps the rest, whose offsets then
  // count from there. Offsets beyond a part's bounds are moved to them. The
  // parts share their memory, which goes back when the last of them closes.
  // Allocates a few bytes by malloc.
  Buffer Split(size_t offset);
  Buffer Split() { return Split(writer_offset()); }
  Buffer ReadSplit(size_t size);   // at reader_offset() + size
  Buffer WriteSplit(size_t size);  // at writer_offset() + size

  // A buffer of the same allocator with a copy of the readable bytes, or of
  // [offset, offset + length): readable, writable by its owner, with no room
  // behind. Errors as EnsureWritable.
  absl::StatusOr<Buffer> Copy() const;
  absl::StatusOr<Buffer> Copy(size_t offset, size_t length) const;

  void MakeReadOnly();

  // Leaves a trace for the leak detector of the allocator, if it has one: that
  // the buffer is in use here. From level advanced on, of sampled buffers; else
  // it costs a few loads.
  void Touch(absl::string_view hint = absl::string_view()) const;

  // Hands the buffer to whoever receives it, on any thread; see sent_buffer.h.
  SentBuffer Send();

  // Gives the memory back. Nothing when it is not open.
  void Close();

  // --- For the library ------------------------------------------------------

  // Reports it to the leak detector as sent and never received.
  void ReportDropped() const;
  // Offsets that fit, also of a read-only buffer.
  void AdoptOffsets(size_t reader, size_t writer) {
    reader_ = reader;
    writer_ = writer;
  }
  // A block of `core`, of `capacity` bytes.
  Buffer(buffer_internal::AllocatorCore* core, uint8_t* block, Memory memory,
         size_t capacity)
      : data_(block),
        capacity_(capacity),
        growth_limit_(capacity),
        core_(core),
        state_(State::kOpen),
        memory_(memory) {}
  // A part of `block`, which it releases in the end.
  Buffer(buffer_internal::AllocatorCore* core,
         buffer_internal::SharedBlock* block, uint8_t* data, size_t capacity)
      : Buffer(core, data, Memory::kShared, capacity) {
    extension_.shared = block;
  }
  // A composite buffer.
  Buffer(buffer_internal::AllocatorCore* core,
         std::unique_ptr<buffer_internal::CompositeParts> parts, size_t reader,
         size_t writer);

 protected:
  enum class State : uint8_t { kEmpty, kOpen, kSent, kClosed };

  // What an operation needs, else fatal. `operation` names it.
  void CheckOpen(const char* operation) const {
    if (ABSL_PREDICT_FALSE(!is_open())) DieNotOpen(operation);
  }
  void CheckWritable(const char* operation) const {
    CheckOpen(operation);
    if (ABSL_PREDICT_FALSE(read_only_)) DieReadOnly(operation);
  }
  void CheckSole(const char* operation) const {
    CheckOpen(operation);
    if (ABSL_PREDICT_FALSE(IsBorrowed())) DieBorrowed(operation);
  }
  void CheckRange(const char* operation, size_t offset, size_t size) const {
    CheckOpen(operation);
    if (ABSL_PREDICT_FALSE(offset > capacity_ || size > capacity_ - offset)) {
      DieOutOfBounds(operation, offset, size);
    }
  }

  buffer_internal::AllocatorCore* core() const { return core_; }
  // Of a composite buffer.
  buffer_internal::CompositeParts* parts() const { return extension_.parts; }
  // After they have changed: takes on their capacity, and these offsets.
  void AdoptParts(size_t reader, size_t writer);

 private:
  union Extension {
    buffer_internal::SharedBlock* shared;    // kShared
    buffer_internal::CompositeParts* parts;  // kComposite
  };
  bool IsDirect(size_t offset, size_t size) const {
    return offset <= capacity_ && size <= capacity_ - offset &&
           data_ != nullptr;
  }
  bool IsBorrowed() const { return borrows_.any(); }

  // Becomes what `other` is and leaves it empty; this one is not open.
  ABSL_ATTRIBUTE_ALWAYS_INLINE void Take(Buffer& other) {
    if (ABSL_PREDICT_FALSE(other.IsBorrowed())) other.DieBorrowed("move");
    data_ = other.data_;
    capacity_ = other.capacity_;
    reader_ = other.reader_;
    writer_ = other.writer_;
    growth_limit_ = other.growth_limit_;
    core_ = other.core_;
    extension_ = other.extension_;
    state_ = other.state_;
    memory_ = other.memory_;
    read_only_ = other.read_only_;
    other.BecomeInaccessible(State::kEmpty);
  }
  // The address stays, for messages; so does the capacity, as the limit.
  void BecomeInaccessible(State state) {
    growth_limit_ = capacity_;
    capacity_ = 0;
    reader_ = 0;
    writer_ = 0;
    read_only_ = false;
    state_ = state;
  }

  void Release() {
    if (ABSL_PREDICT_TRUE(memory_ == Memory::kPooled && !IsBorrowed())) {
      PooledAllocator::FreeBlock(data_);
    } else {
      ReleaseSlow();
    }
  }
  void ReleaseSlow();
  // Calls f(uint8_t* piece, size_t size) for the pieces of a range.
  template <typename F>
  void ForEachPiece(size_t offset, size_t size, F&& f) const;
  // Calls f(core, block) for each block that it is made of.
  template <typename F>
  void ForEachBlock(F&& f) const;
  // The pieces of a range until `visit` returns false, as ForEachReadable.
  int Visit(size_t offset, size_t size,
            absl::FunctionRef<bool(absl::Span<uint8_t>)> visit) const;
  bool MatchesAt(size_t offset, absl::Span<const uint8_t> needle) const;
  absl::Status Grow(size_t growth);
  // Room for a Write of `size` bytes, by implicit growth, or fatal.
  void MakeRoom(size_t size);

  std::string Describe() const;
  [[noreturn]] void DieNotOpen(const char* operation) const;
  [[noreturn]] void DieReadOnly(const char* operation) const;
  [[noreturn]] void DieBorrowed(const char* operation) const;
  [[noreturn]] void DieOutOfBounds(const char* operation, size_t offset,
                                   size_t size) const;
  [[noreturn]] void Die(const std::string& what) const;

  // In an order in which neighbours are written together when a buffer is made:
  // a move reads them in pairs, and waits where it finds two separate writes.
  uint8_t* data_ = nullptr;  // null while composite
  size_t reader_ = 0;
  size_t writer_ = 0;
  size_t capacity_ = 0;
  size_t growth_limit_ = 0;
  buffer_internal::AllocatorCore* core_ = nullptr;
  Extension extension_ = {};
  mutable buffer_internal::BorrowCount borrows_;
  State state_ = State::kEmpty;
  Memory memory_ = Memory::kPooled;
  bool read_only_ = false;
};

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_BUFFER_BUFFER_H_
