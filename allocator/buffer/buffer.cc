#include "poolscope/allocator/buffer/buffer.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "poolscope/allocator/base/fatal.h"
#include "poolscope/allocator/buffer/composite_parts.h"
#include "poolscope/allocator/buffer/sent_buffer.h"

namespace poolscope {

using buffer_internal::AllocatorCore;
using buffer_internal::CompositeParts;
using buffer_internal::SharedBlock;

Buffer::Buffer(AllocatorCore* core, std::unique_ptr<CompositeParts> parts,
               size_t reader, size_t writer)
    : Buffer(core, nullptr, Memory::kComposite, 0) {
  extension_.parts = parts.release();
  AdoptParts(reader, writer);
}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  if (this == &other) return *this;
  Close();
  Take(other);
  return *this;
}

// ----------------------------------------------------------------- offsets

void Buffer::set_reader_offset(size_t offset) {
  CheckOpen("set_reader_offset");
  if (offset > writer_) DieOutOfBounds("set_reader_offset", offset, 0);
  reader_ = offset;
}

void Buffer::set_writer_offset(size_t offset) {
  CheckWritable("set_writer_offset");
  if (offset < reader_ || offset > capacity_) {
    DieOutOfBounds("set_writer_offset", offset, 0);
  }
  writer_ = offset;
}

void Buffer::SkipReadable(size_t size) {
  CheckOpen("SkipReadable");
  if (size > readable_bytes()) DieOutOfBounds("SkipReadable", reader_, size);
  reader_ += size;
}

void Buffer::SkipWritable(size_t size) {
  CheckWritable("SkipWritable");
  if (size > writable_bytes()) DieOutOfBounds("SkipWritable", writer_, size);
  writer_ += size;
}

void Buffer::ResetOffsets() {
  CheckWritable("ResetOffsets");
  reader_ = 0;
  writer_ = 0;
}

// ---------------------------------------------------------------- capacity

absl::Status Buffer::EnsureWritable(size_t size, size_t minimum_growth,
                                    bool allow_compaction) {
  CheckWritable("EnsureWritable");
  CheckSole("EnsureWritable");
  if (writable_bytes() >= size) return absl::OkStatus();
  if (allow_compaction && writable_bytes() + reader_ >= size) {
    Compact();
    return absl::OkStatus();
  }
  return Grow(std::max(size - writable_bytes(), minimum_growth));
}

absl::Status Buffer::EnsureWritable(size_t size) {
  return EnsureWritable(size, capacity_, true);
}

void Buffer::set_implicit_growth_limit(size_t limit) {
  CheckOpen("set_implicit_growth_limit");
  if (limit < capacity_) {
    DieOutOfBounds("set_implicit_growth_limit", limit, 0);
  }
  growth_limit_ = limit;
}

absl::Status Buffer::Grow(size_t growth) {
  if (growth > buffer_internal::kMaxCapacity - capacity_) {
    return absl::ResourceExhaustedError(absl::StrFormat(
        "growing a buffer of %d bytes by %d: a buffer has at most 2^46 bytes",
        capacity_, growth));
  }
  const bool composite = is_composite();
  const size_t wanted = composite ? growth : capacity_ + growth;
  absl::StatusOr<uint8_t*> block = core_->Allocate(wanted);
  if (!block.ok()) return block.status();
  Buffer grown(core_, *block, core_->memory(), wanted);
  if (composite) {
    parts()->Append(std::move(grown));
    AdoptParts(reader_, writer_);
    return absl::OkStatus();
  }
  std::memcpy(grown.data_, data_, capacity_);
  grown.reader_ = reader_;
  grown.writer_ = writer_;
  grown.growth_limit_ = std::max(growth_limit_, wanted);
  *this = std::move(grown);
  return absl::OkStatus();
}

void Buffer::MakeRoom(size_t size) {
  CheckWritable("Write");
  if (size <= writable_bytes()) return;
  const size_t lacking = size - writable_bytes();
  if (lacking > growth_limit_ - capacity_) {
    DieOutOfBounds("Write", writer_, size);
  }
  CheckSole("Write that grows");
  const absl::Status grown =
      Grow(std::min(std::max(lacking, capacity_), growth_limit_ - capacity_));
  if (!grown.ok()) {
    Die(absl::StrCat("Write that grows: ", grown.message()));
  }
}

void Buffer::Compact() {
  CheckWritable("Compact");
  CheckSole("Compact");
  if (reader_ == 0) return;
  CopyInto(reader_, this, 0, readable_bytes());
  writer_ -= reader_;
  reader_ = 0;
}

void Buffer::AdoptParts(size_t reader, size_t writer) {
  const bool grows_by_itself = growth_limit_ > capacity_;
  capacity_ = parts()->capacity();
  growth_limit_ =
      grows_by_itself ? std::max(growth_limit_, capacity_) : capacity_;
  read_only_ = parts()->count() > 0 && parts()->part(0).read_only();
  reader_ = reader;
  writer_ = writer;
}

// --------------------------------------------------------------- ownership

Buffer Buffer::Split(size_t offset) {
  CheckRange("Split", offset, 0);
  CheckSole("Split");
  const bool grows_by_itself = growth_limit_ > capacity_;
  const size_t reader = std::min(reader_, offset);
  const size_t writer = std::min(writer_, offset);
  Buffer head;
  if (is_composite()) {
    head = Buffer(core_, parts()->Split(offset), reader, writer);
    head.read_only_ = read_only_;
    const bool read_only = read_only_;
    AdoptParts(std::max(reader_, offset) - offset,
               std::max(writer_, offset) - offset);
    read_only_ = read_only;
  } else {
    if (memory_ != Memory::kShared) {
      extension_.shared = new SharedBlock(core_, data_, capacity_);
      memory_ = Memory::kShared;
    }
    extension_.shared->AddPart();
    head = Buffer(core_, extension_.shared, data_, offset);
    head.AdoptOffsets(reader, writer);
    head.read_only_ = read_only_;
    data_ += offset;
    capacity_ -= offset;
    reader_ = std::max(reader_, offset) - offset;
    writer_ = std::max(writer_, offset) - offset;
  }
  if (!grows_by_itself) growth_limit_ = capacity_;
  head.growth_limit_ = grows_by_itself ? growth_limit_ : head.capacity_;
  return head;
}

Buffer Buffer::ReadSplit(size_t size) {
  CheckOpen("ReadSplit");
  CheckRange("ReadSplit", reader_, size);
  return Split(reader_ + size);
}

Buffer Buffer::WriteSplit(size_t size) {
  CheckOpen("WriteSplit");
  CheckRange("WriteSplit", writer_, size);
  return Split(writer_ + size);
}

absl::StatusOr<Buffer> Buffer::Copy() const {
  CheckOpen("Copy");
  return Copy(reader_, readable_bytes());
}

absl::StatusOr<Buffer> Buffer::Copy(size_t offset, size_t length) const {
  CheckRange("Copy", offset, length);
  absl::StatusOr<uint8_t*> block = core_->Allocate(length);
  if (!block.ok()) return block.status();
  Buffer copy(core_, *block, core_->memory(), length);
  GetBytes(offset, absl::MakeSpan(*block, length));
  copy.writer_ = length;
  return copy;
}

void Buffer::MakeReadOnly() {
  CheckOpen("MakeReadOnly");
  read_only_ = true;
  if (is_composite()) parts()->MakeReadOnly();
}

template <typename F>
void Buffer::ForEachBlock(F&& f) const {
  if (is_composite()) {
    for (size_t i = 0; i < parts()->count(); ++i) {
      parts()->part(i).ForEachBlock(f);
    }
  } else {
    f(*core_, memory_ == Memory::kShared ? extension_.shared->block() : data_);
  }
}

void Buffer::Touch(absl::string_view hint) const {
  CheckOpen("Touch");
  ForEachBlock([&](const AllocatorCore& core, const uint8_t* block) {
    core.Touch(block, hint);
  });
}

void Buffer::ReportDropped() const {
  // While another part of a block lives, the block is not lost.
  if (memory_ == Memory::kShared && !extension_.shared->IsLastPart()) return;
  if (is_composite()) {
    for (size_t i = 0; i < parts()->count(); ++i) {
      parts()->part(i).ReportDropped();
    }
    return;
  }
  ForEachBlock([](const AllocatorCore& core, const uint8_t* block) {
    core.ReportDropped(block);
  });
}

SentBuffer Buffer::Send() {
  CheckSole("Send");
  Buffer contents;
  contents.Take(*this);
  state_ = State::kSent;
  return SentBuffer(std::move(contents));
}

void Buffer::Close() {
  if (!is_open()) return;
  CheckSole("Close");
  Release();
  BecomeInaccessible(State::kClosed);
}

void Buffer::ReleaseSlow() {
  CheckSole("destruction");
  switch (memory_) {
    case Memory::kPooled:
    case Memory::kUnpooled:
      core_->Free(data_, capacity_);
      break;
    case Memory::kShared:
      extension_.shared->ReleasePart();
      break;
    case Memory::kComposite:
      delete extension_.parts;
      break;
  }
}

// ------------------------------------------------------------ broken rules

std::string Buffer::Describe() const {
  static constexpr const char* kStates[] = {"empty: moved from or never set",
                                            "open", "sent", "closed"};
  const size_t capacity = is_open() ? capacity_ : growth_limit_;
  return absl::StrFormat(
      "buffer %p at %p (%s%s%s%s; capacity %d, reader %d, writer %d)", this,
      data_, kStates[static_cast<int>(state_)],
      is_composite() ? ", composite" : "", read_only_ ? ", read-only" : "",
      IsBorrowed() ? ", borrowed" : "", capacity, reader_, writer_);
}

void Buffer::Die(const std::string& what) const {
  Fatal("%s: %s", what.c_str(), Describe().c_str());
}

void Buffer::DieNotOpen(const char* operation) const {
  Die(absl::StrCat(operation, " of a buffer that is not open"));
}

void Buffer::DieReadOnly(const char* operation) const {
  Die(absl::StrCat(operation, " of a read-only buffer"));
}

void Buffer::DieBorrowed(const char* operation) const {
  CheckOpen(operation);
  Die(absl::StrCat(operation, " of a buffer that a cursor or a visit uses"));
}

void Buffer::DieOutOfBounds(const char* operation, size_t offset,
                            size_t size) const {
  CheckOpen(operation);
  Die(absl::StrFormat("%s of %d bytes at offset %d is out of bounds", operation,
                      size, offset));
}

}  // namespace poolscope
