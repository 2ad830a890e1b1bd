#include "poolscope/tests/allocator/buffer/buffer_trace.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "poolscope/allocator/buffer/byte_cursor.h"
#include "poolscope/allocator/buffer/composite_buffer.h"
#include "poolscope/allocator/buffer/const_buffer.h"
#include "poolscope/allocator/buffer/sent_buffer.h"
#include "poolscope/tests/allocator/buffer/buffer_model.h"
#include "poolscope/tests/allocator/buffer/trace_source.h"

namespace poolscope {
namespace {

constexpr size_t kSlots = 4;
constexpr size_t kMaxBytes = 4096;  // of a buffer; larger ones are not grown

using Model = BufferModel;

struct Slot {
  Buffer buffer;
  Model model;
};

class Player {
 public:
  Player(absl::Span<const uint8_t> trace, BufferAllocator& pooled,
         BufferAllocator& unpooled)
      : source_(trace), pooled_(pooled), unpooled_(unpooled) {}

  std::string Play(size_t* operations) {
    while (!source_.ended() && problem_.empty()) {
      operation_ = source_.Byte() % kOperationCount;
      Slot& slot = slots_[source_.UpTo(kSlots - 1)];
      (this->*kOperations[operation_])(slot);
      for (Slot& each : slots_) Compare(each);
      ++*operations;
    }
    if (problem_.empty()) return "";
    return absl::StrFormat("operation %d (of kind %d): %s", *operations,
                           operation_, problem_);
  }

 private:
  using Operation = void (Player::*)(Slot& slot);
  static const Operation kOperations[];
  static const size_t kOperationCount;

  void Fail(const std::string& problem) {
    if (problem_.empty()) problem_ = problem;
  }
  void Expect(bool condition, const char* what) {
    if (!condition) Fail(what);
  }

  // What an operation needs; a slot without it is passed over.
  static bool IsOpen(const Slot& slot) { return slot.buffer.is_open(); }
  static bool IsWritable(const Slot& slot) {
    return IsOpen(slot) && !slot.model.read_only;
  }
  BufferAllocator& Allocator() {
    return source_.Byte() % 2 == 0 ? pooled_ : unpooled_;
  }
  template <typename T>
  std::optional<T> Granted(absl::StatusOr<T> result) {
    if (result.ok()) return *std::move(result);
    Fail(result.status().ToString());
    return std::nullopt;
  }
  // Takes on a new buffer whose bytes are not defined yet.
  void Start(Slot& slot, Buffer buffer) {
    slot.model = Model();
    slot.model.bytes = source_.Some(buffer.capacity());
    slot.buffer = std::move(buffer);
    slot.buffer.SetBytes(0, slot.model.bytes);
  }
  // Memory that a growth of the buffer added.
  void TakeOnGrowth(Slot& slot) {
    Model& model = slot.model;
    const size_t before = model.bytes.size();
    if (slot.buffer.capacity() < before) return Fail("growing lost capacity");
    const Bytes more = source_.Some(slot.buffer.capacity() - before);
    slot.buffer.SetBytes(before, more);
    model.bytes.insert(model.bytes.end(), more.begin(), more.end());
  }

  void Compare(const Slot& slot) {
    const Buffer& buffer = slot.buffer;
    const Model& model = slot.model;
    if (!buffer.is_open()) {
      Expect(buffer.capacity() == 0 && buffer.readable_bytes() == 0,
             "a buffer that is not open has bytes");
      return;
    }
    Expect(buffer.capacity() == model.bytes.size(), "capacity");
    Expect(buffer.reader_offset() == model.reader, "reader offset");
    Expect(buffer.writer_offset() == model.writer, "writer offset");
    Expect(buffer.read_only() == model.read_only, "read-only");
    Expect(buffer.writable_bytes() == model.writable(), "writable bytes");
    if (!problem_.empty()) return;
    Bytes bytes(buffer.capacity());
    buffer.GetBytes(0, absl::MakeSpan(bytes));
    Expect(bytes == model.bytes, "bytes");
  }

  // --- where buffers come from ---

  void Allocate(Slot& slot) {
    BufferAllocator& allocator = Allocator();
    if (auto buffer = Granted(allocator.Allocate(source_.UpTo(300)))) {
      Start(slot, *std::move(buffer));
    }
  }
  void AllocateComposite(Slot& slot) {
    std::vector<Buffer> pieces(source_.UpTo(5));
    for (Buffer& piece : pieces) {
      BufferAllocator& allocator = Allocator();
      auto buffer = Granted(allocator.Allocate(source_.UpTo(20)));
      if (!buffer) return;
      piece = *std::move(buffer);
    }
    if (auto composite = Granted(Allocator().Compose(std::move(pieces)))) {
      Start(slot, *std::move(composite));
    }
  }
  void MakeConst(Slot& slot) {
    const Bytes bytes = source_.Some(source_.UpTo(40));
    auto constant = Granted(Allocator().MakeConst(bytes));
    if (!constant) return;
    slot.buffer = constant->Get();
    slot.model = {bytes, 0, bytes.size(), true};
  }
  void CopyRange(Slot& slot) {
    Slot& to = slots_[source_.UpTo(kSlots - 1)];
    if (!IsOpen(slot)) return;
    const size_t offset = source_.UpTo(slot.model.bytes.size());
    const size_t size = source_.UpTo(slot.model.bytes.size() - offset);
    auto copy = Granted(slot.buffer.Copy(offset, size));
    if (!copy) return;
    Model model = {slot.model.Slice(offset, size), 0, size, false};
    to.buffer = *std::move(copy);
    to.model = std::move(model);
  }
  void Close(Slot& slot) { slot.buffer.Close(); }
  void SendAndReceive(Slot& slot) {
    if (!IsOpen(slot)) return;
    SentBuffer sent = slot.buffer.Send();
    Expect(!slot.buffer.is_open(), "a sent buffer is open");
    SentBuffer moved = std::move(sent);
    if (source_.Byte() % 8 == 0) {
      moved.Discard();
    } else {
      slot.buffer = moved.Receive();
    }
  }
  void Swap(Slot& slot) {
    Slot& other = slots_[source_.UpTo(kSlots - 1)];
    std::swap(slot.buffer, other.buffer);
    std::swap(slot.model, other.model);
  }

  // --- offsets ---

  void MoveReader(Slot& slot) {
    if (!IsOpen(slot)) return;
    slot.model.reader = source_.UpTo(slot.model.writer);
    slot.buffer.set_reader_offset(slot.model.reader);
  }
  void MoveWriter(Slot& slot) {
    if (!IsWritable(slot)) return;
    Model& model = slot.model;
    model.writer =
        model.reader + source_.UpTo(model.bytes.size() - model.reader);
    slot.buffer.set_writer_offset(model.writer);
  }

  // --- bytes ---

  void WriteBytes(Slot& slot) {
    if (!IsWritable(slot)) return;
    Model& model = slot.model;
    const Bytes bytes = source_.Some(source_.UpTo(model.writable()));
    slot.buffer.WriteBytes(bytes);
    std::copy(bytes.begin(), bytes.end(), model.bytes.begin() + model.writer);
    model.writer += bytes.size();
  }
  void ReadBytes(Slot& slot) {
    if (!IsOpen(slot)) return;
    Model& model = slot.model;
    Bytes bytes(source_.UpTo(model.readable()));
    slot.buffer.ReadBytes(absl::MakeSpan(bytes));
    Expect(bytes == model.Slice(model.reader, bytes.size()), "ReadBytes");
    model.reader += bytes.size();
  }
  void SetBytes(Slot& slot) {
    if (!IsWritable(slot)) return;
    const size_t offset = source_.UpTo(slot.model.bytes.size());
    const Bytes bytes =
        source_.Some(source_.UpTo(slot.model.bytes.size() - offset));
    slot.buffer.SetBytes(offset, bytes);
    std::copy(bytes.begin(), bytes.end(), slot.model.bytes.begin() + offset);
  }
  void Fill(Slot& slot) {
    if (!IsWritable(slot)) return;
    const uint8_t value = source_.Byte();
    slot.buffer.Fill(value);
    std::fill(slot.model.bytes.begin(), slot.model.bytes.end(), value);
  }
  // A number of `size` bytes, of which the codec's little or big end is first.
  template <typename Codec>
  void Numbers(Slot& slot, bool big) {
    Model& model = slot.model;
    constexpr size_t kSize = Codec::kBytes;
    if (!IsWritable(slot) || model.bytes.size() < kSize) return;
    const uint64_t mask = ~uint64_t{0} >> (64 - 8 * kSize);
    const uint64_t number = source_.Number() & mask;
    Bytes bytes(kSize);
    for (size_t i = 0; i < kSize; ++i) {
      bytes[big ? kSize - 1 - i : i] = static_cast<uint8_t>(number >> (8 * i));
    }
    const auto value = static_cast<typename Codec::Value>(number);
    if (model.writable() >= kSize && source_.Byte() % 2 == 0) {
      slot.buffer.Write<Codec>(value);
      std::copy(bytes.begin(), bytes.end(), model.bytes.begin() + model.writer);
      model.writer += kSize;
    } else {
      const size_t offset = source_.UpTo(model.bytes.size() - kSize);
      slot.buffer.Set<Codec>(offset, value);
      std::copy(bytes.begin(), bytes.end(), model.bytes.begin() + offset);
      Expect(slot.buffer.Get<Codec>(offset) == value, "Get after Set");
    }
    if (model.readable() < kSize) return;
    const Bytes next = model.Slice(model.reader, kSize);
    uint64_t expected = 0;
    for (size_t i = 0; i < kSize; ++i) {
      expected = expected << 8 | next[big ? i : kSize - 1 - i];
    }
    Expect(slot.buffer.Read<Codec>() ==
               static_cast<typename Codec::Value>(expected),
           "Read of a number");
    model.reader += kSize;
  }
  void Numbers16(Slot& slot) { Numbers<BigEndian<uint16_t>>(slot, true); }
  void Numbers24(Slot& slot) { Numbers<LittleEndian<U24>>(slot, false); }
  void Numbers32(Slot& slot) { Numbers<LittleEndian<uint32_t>>(slot, false); }
  void Numbers64(Slot& slot) { Numbers<BigEndian<uint64_t>>(slot, true); }

  void CopyInto(Slot& slot) {
    Slot& to = slots_[source_.UpTo(kSlots - 1)];
    if (!IsOpen(slot) || !IsWritable(to)) return;
    const size_t from = source_.UpTo(slot.model.bytes.size());
    const size_t at = source_.UpTo(to.model.bytes.size());
    const size_t size = source_.UpTo(
        std::min(slot.model.bytes.size() - from, to.model.bytes.size() - at));
    slot.buffer.CopyInto(from, &to.buffer, at, size);
    const Bytes bytes = slot.model.Slice(from, size);
    std::copy(bytes.begin(), bytes.end(), to.model.bytes.begin() + at);
  }
  void Search(Slot& slot) {
    if (!IsOpen(slot)) return;
    const Bytes readable =
        slot.model.Slice(slot.model.reader, slot.model.readable());
    // Mostly something that is there.
    const size_t begin = source_.UpTo(readable.size());
    const size_t size =
        source_.UpTo(std::min<size_t>(readable.size() - begin, 6));
    Bytes needle(readable.begin() + begin, readable.begin() + begin + size);
    if (source_.Byte() % 4 == 0) needle.push_back(source_.Byte());
    const auto found = std::search(readable.begin(), readable.end(),
                                   needle.begin(), needle.end());
    std::optional<size_t> expected;
    if (found != readable.end() || needle.empty()) {
      expected = found - readable.begin();
    }
    Expect(slot.buffer.BytesBefore(needle) == expected, "BytesBefore");
  }
  void Visit(Slot& slot) {
    if (!IsOpen(slot)) return;
    const Model& model = slot.model;
    Bytes seen;
    const int pieces =
        slot.buffer.ForEachReadable([&](absl::Span<const uint8_t> piece) {
          seen.insert(seen.end(), piece.begin(), piece.end());
          return true;
        });
    Expect(seen == model.Slice(model.reader, model.readable()),
           "ForEachReadable");
    Expect(pieces == static_cast<int>(slot.buffer.CountReadableComponents()),
           "CountReadableComponents");
    size_t room = 0;
    slot.buffer.ForEachWritable([&](absl::Span<uint8_t> piece) {
      room += piece.size();
      return true;
    });
    Expect(room == model.writable(), "ForEachWritable");
  }
  void Iterate(Slot& slot) {
    if (!IsOpen(slot)) return;
    const size_t offset = source_.UpTo(slot.model.bytes.size());
    const size_t size = source_.UpTo(slot.model.bytes.size() - offset);
    Bytes expected = slot.model.Slice(offset, size);
    const bool reverse = source_.Byte() % 2 == 0;
    const uint8_t stride = source_.Byte();
    if (reverse) std::reverse(expected.begin(), expected.end());
    ByteCursor cursor = reverse ? slot.buffer.OpenReverseCursor(offset, size)
                                : slot.buffer.OpenCursor(offset, size);
    Bytes seen;
    for (uint8_t step = stride;; ++step) {
      if (step % 3 == 0 && cursor.ReadU64()) {
        for (int i = 7; i >= 0; --i) {
          seen.push_back(static_cast<uint8_t>(cursor.u64() >> (8 * i)));
        }
      } else if (cursor.ReadByte()) {
        seen.push_back(cursor.byte());
      } else {
        break;
      }
      Expect(cursor.bytes_left() == size - seen.size(), "bytes_left");
    }
    Expect(seen == expected, "cursor");
  }

  // --- capacity and ownership ---

  void EnsureWritable(Slot& slot) {
    if (!IsWritable(slot)) return;
    Model& model = slot.model;
    const size_t size = source_.UpTo(200);
    const size_t growth = source_.UpTo(100);
    const bool compact = source_.Byte() % 2 == 0;
    if (model.bytes.size() + size + growth > kMaxBytes) return;
    const size_t room = model.writable();
    const size_t before = model.bytes.size();
    const absl::Status status =
        slot.buffer.EnsureWritable(size, growth, compact);
    if (!status.ok()) return Fail(status.ToString());
    if (room >= size) return;
    if (compact && room + model.reader >= size) return Compacted(slot);
    TakeOnGrowth(slot);
    Expect(model.bytes.size() == before + std::max(size - room, growth),
           "growth of EnsureWritable");
  }
  void GrowByWriting(Slot& slot) {
    Model& model = slot.model;
    if (!IsWritable(slot) || model.bytes.size() > kMaxBytes / 2) return;
    const size_t limit = model.bytes.size() + source_.UpTo(60);
    slot.buffer.set_implicit_growth_limit(limit);
    const Bytes bytes = source_.Some(source_.UpTo(limit - model.writer));
    slot.buffer.WriteBytes(bytes);
    // Beyond what is written the memory is new.
    const size_t end = model.writer + bytes.size();
    Expect(slot.buffer.capacity() <= limit, "implicit growth limit");
    model.bytes.resize(std::max(end, model.bytes.size()));
    std::copy(bytes.begin(), bytes.end(), model.bytes.begin() + model.writer);
    model.writer = end;
    TakeOnGrowth(slot);
    slot.buffer.set_implicit_growth_limit(slot.buffer.capacity());
  }
  void Compact(Slot& slot) {
    if (!IsWritable(slot)) return;
    slot.buffer.Compact();
    Compacted(slot);
  }
  // What lies behind the readable bytes afterwards is not defined.
  void Compacted(Slot& slot) {
    Model& model = slot.model;
    model.Compact();
    const Bytes rest = source_.Some(model.bytes.size() - model.writer);
    slot.buffer.SetBytes(model.writer, rest);
    std::copy(rest.begin(), rest.end(), model.bytes.begin() + model.writer);
  }
  void SplitAt(Slot& slot) {
    if (!IsOpen(slot)) return;
    const size_t offset = source_.UpTo(slot.model.bytes.size());
    TakeSplit(slot, slot.buffer.Split(offset));
  }
  // The buffer has given `head` away.
  void TakeSplit(Slot& slot, Buffer head) {
    Model& model = slot.model;
    const size_t offset = head.capacity();
    if (offset > model.bytes.size()) return Fail("split beyond the end");
    Model front = model.Split(offset);
    Slot& to = slots_[source_.UpTo(kSlots - 1)];
    to.buffer = std::move(head);
    to.model = std::move(front);
  }
  void MakeReadOnly(Slot& slot) {
    // Seldom, since there is no way back.
    if (!IsOpen(slot) || source_.Byte() % 4 != 0) return;
    // An empty composite one becomes what it is extended with.
    if (slot.buffer.capacity() == 0) return;
    slot.buffer.MakeReadOnly();
    slot.model.read_only = true;
  }

  // --- composite ---

  void ComposeTwo(Slot& slot) {
    Slot& other = slots_[source_.UpTo(kSlots - 1)];
    if (&other == &slot || !IsOpen(slot) || !IsOpen(other)) return;
    if (slot.model.bytes.size() + other.model.bytes.size() > kMaxBytes) return;
    const bool mixed = slot.model.bytes.size() > 0 &&
                       other.model.bytes.size() > 0 &&
                       slot.model.read_only != other.model.read_only;
    absl::StatusOr<CompositeBuffer> composite =
        Allocator().Compose(std::move(slot.buffer), std::move(other.buffer));
    Expect(composite.ok() != mixed, "compose of read-only and writable");
    if (!composite.ok()) return;
    Model joined = slot.model;
    if (joined.bytes.empty()) joined = Model();
    joined.Join(other.model);
    slot.buffer = *std::move(composite);
    slot.model = std::move(joined);
  }
  void Extend(Slot& slot) {
    Slot& other = slots_[source_.UpTo(kSlots - 1)];
    if (&other == &slot || !slot.buffer.is_composite() || !IsOpen(other)) {
      return;
    }
    if (slot.model.bytes.size() + other.model.bytes.size() > kMaxBytes) return;
    const bool mixed = slot.model.bytes.size() > 0 &&
                       other.model.bytes.size() > 0 &&
                       slot.model.read_only != other.model.read_only;
    CompositeBuffer composite(std::move(slot.buffer));
    const absl::Status status = composite.ExtendWith(std::move(other.buffer));
    slot.buffer = std::move(composite);
    Expect(status.ok() != mixed, "extension of read-only by writable");
    if (status.ok()) slot.model.Join(other.model);
  }
  void SplitComponents(Slot& slot) {
    if (!slot.buffer.is_composite()) return;
    const size_t offset = source_.UpTo(slot.model.bytes.size());
    const bool floor = source_.Byte() % 2 == 0;
    CompositeBuffer composite(std::move(slot.buffer));
    const size_t components = composite.CountComponents();
    CompositeBuffer head = floor ? composite.SplitComponentsFloor(offset)
                                 : composite.SplitComponentsCeil(offset);
    Expect(floor ? head.capacity() <= offset : head.capacity() >= offset,
           "boundary");
    Expect(head.CountComponents() + composite.CountComponents() == components,
           "components were split");
    slot.buffer = std::move(composite);
    TakeSplit(slot, std::move(head));
  }
  void Decompose(Slot& slot) {
    if (!slot.buffer.is_composite()) return;
    BufferAllocator& allocator = Allocator();
    CompositeBuffer composite(std::move(slot.buffer));
    std::vector<Buffer> components = composite.Decompose();
    Expect(!composite.is_open(), "a decomposed buffer is open");
    if (components.empty()) return;
    // Together again they are what they were, or less where it was split with
    // all of it read.
    Model joined;
    for (const Buffer& component : components) {
      Model piece = {Bytes(component.capacity()), component.reader_offset(),
                     component.writer_offset(), component.read_only()};
      component.GetBytes(0, absl::MakeSpan(piece.bytes));
      joined.Join(piece);
    }
    Expect(joined.bytes == slot.model.bytes, "components");
    Expect(joined.reader == slot.model.reader &&
               joined.writer == slot.model.writer,
           "offsets of components");
    if (auto again = Granted(allocator.Compose(std::move(components)))) {
      slot.buffer = *std::move(again);
    }
  }
  void Flatten(Slot& slot) {
    if (!slot.buffer.is_composite()) return;
    CompositeBuffer composite(std::move(slot.buffer));
    if (auto flat = Granted(composite.Flatten())) {
      slot.buffer = *std::move(flat);
    }
  }
  void Consolidate(Slot& slot) {
    if (!slot.buffer.is_composite()) return;
    CompositeBuffer composite(std::move(slot.buffer));
    const size_t components = composite.CountComponents();
    const auto more = Granted(composite.Consolidate(source_.UpTo(100)));
    Expect(!more || !*more || composite.CountComponents() < components,
           "consolidation makes no progress");
    slot.buffer = std::move(composite);
  }

  TraceSource source_;
  BufferAllocator& pooled_;
  BufferAllocator& unpooled_;
  std::array<Slot, kSlots> slots_;
  std::string problem_;
  size_t operation_ = 0;
};

const Player::Operation Player::kOperations[] = {
    &Player::Allocate,
    &Player::AllocateComposite,
    &Player::MakeConst,
    &Player::CopyRange,
    &Player::Close,
    &Player::SendAndReceive,
    &Player::Swap,
    &Player::MoveReader,
    &Player::MoveWriter,
    &Player::WriteBytes,
    &Player::ReadBytes,
    &Player::SetBytes,
    &Player::Fill,
    &Player::Numbers16,
    &Player::Numbers24,
    &Player::Numbers32,
    &Player::Numbers64,
    &Player::CopyInto,
    &Player::Search,
    &Player::Visit,
    &Player::Iterate,
    &Player::EnsureWritable,
    &Player::GrowByWriting,
    &Player::Compact,
    &Player::SplitAt,
    &Player::MakeReadOnly,
    &Player::ComposeTwo,
    &Player::Extend,
    &Player::SplitComponents,
    &Player::Decompose,
    &Player::Flatten,
    &Player::Consolidate,
};
const size_t Player::kOperationCount = std::size(Player::kOperations);

}  // namespace

std::string RunBufferTrace(absl::Span<const uint8_t> trace,
                           BufferAllocator& pooled, BufferAllocator& unpooled,
                           size_t* operations) {
  size_t count = 0;
  std::string problem = Player(trace, pooled, unpooled).Play(&count);
  if (operations != nullptr) *operations = count;
  return problem;
}

}  // namespace poolscope
