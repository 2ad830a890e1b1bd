#include "poolscope/tests/allocator/buffer/buffer_kinds.h"

#include <algorithm>
#include <cstdint>

namespace poolscope {
namespace {

// Pieces of 3, 1, 5 and 2 bytes in turn, of both allocators.
Buffer MakeComposite(BufferMaker& maker, size_t size) {
  static constexpr size_t kPieces[] = {3, 1, 5, 2};
  std::vector<Buffer> pieces;
  for (size_t i = 0; size > 0; ++i) {
    const size_t piece = std::min(size, kPieces[i % 4]);
    BufferAllocator& allocator = i % 3 == 2 ? maker.unpooled() : maker.pooled();
    pieces.push_back(Must(allocator.Allocate(piece)));
    size -= piece;
  }
  return Must(maker.pooled().Compose(std::move(pieces)));
}

Buffer ReadOnly(Buffer filled) {
  filled.MakeReadOnly();
  return filled;
}

}  // namespace

BufferMaker::BufferMaker()
    : pooled_(BufferAllocator::Pooled(pool_.get())),
      unpooled_(Must(BufferAllocator::Unpooled(UnpooledOptions{}))) {}

BufferMaker::~BufferMaker() {
  kept_.clear();
  for (const BufferAllocator* allocator : {pooled_.get(), unpooled_.get()}) {
    for (const ArenaStats& arena : allocator->Stats().arenas) {
      for (const KindCounts& counts : arena.by_kind) {
        EXPECT_EQ(counts.active, 0) << allocator->name();
      }
    }
  }
}

Buffer BufferKind::MakeFilled(BufferMaker& maker, absl::string_view bytes,
                              size_t reader) const {
  Buffer buffer = make(maker, reader + bytes.size());
  buffer.set_writer_offset(reader);
  buffer.set_reader_offset(reader);
  buffer.WriteBytes(bytes);
  return finish == nullptr ? std::move(buffer) : finish(std::move(buffer));
}

std::vector<BufferKind> ExactBufferKinds() {
  return {
      {"pooled", 0,
       [](BufferMaker& maker, size_t size) {
         return Must(maker.pooled().Allocate(size));
       }},
      {"unpooled", 0,
       [](BufferMaker& maker, size_t size) {
         return Must(maker.unpooled().Allocate(size));
       }},
      {"composite", 0, MakeComposite},
      {"composite_of_one", 0,
       [](BufferMaker& maker, size_t size) -> Buffer {
         return Must(
             maker.unpooled().Compose(Must(maker.pooled().Allocate(size))));
       }},
      {"composite_that_grew", 0,
       [](BufferMaker& maker, size_t size) -> Buffer {
         Buffer buffer = Must(maker.pooled().Compose());
         EXPECT_TRUE(buffer.EnsureWritable(size / 2, 0, false).ok());
         EXPECT_TRUE(buffer.EnsureWritable(size, 0, false).ok());
         return buffer;
       }},
      {"composite_part", 0,
       [](BufferMaker& maker, size_t size) {
         Buffer whole = MakeComposite(maker, size + 11);
         maker.Keep(whole.Split(4));
         Buffer part = whole.Split(size);
         maker.Keep(std::move(whole));
         return part;
       }},
      {"head_of_a_split", 0,
       [](BufferMaker& maker, size_t size) {
         Buffer whole = Must(maker.pooled().Allocate(size + 5));
         Buffer head = whole.Split(size);
         maker.Keep(std::move(whole));
         return head;
       }},
      {"rest_of_a_split", 0,
       [](BufferMaker& maker, size_t size) {
         Buffer whole = Must(maker.unpooled().Allocate(size + 5));
         maker.Keep(whole.Split(5));
         return whole;
       }},
      {"last_part_of_a_split", 0,
       [](BufferMaker& maker, size_t size) {
         Buffer whole = Must(maker.pooled().Allocate(size + 5));
         whole.Split(5).Close();
         return whole;
       }},
      {"copied", 0,
       [](BufferMaker& maker, size_t size) {
         Buffer original = MakeComposite(maker, size);
         original.Fill(0);
         Buffer copy = Must(original.Copy(0, size));
         copy.ResetOffsets();
         return copy;
       }},
      {"received", 0,
       [](BufferMaker& maker, size_t size) {
         return Must(maker.pooled().Allocate(size)).Send().Receive();
       }},
      {"moved", 0,
       [](BufferMaker& maker, size_t size) {
         Buffer original = Must(maker.pooled().Allocate(size));
         Buffer moved;
         moved = std::move(original);
         return moved;
       }},
      {"grown", 0,
       [](BufferMaker& maker, size_t size) {
         Buffer buffer = Must(maker.pooled().Allocate(size / 2));
         EXPECT_TRUE(buffer.EnsureWritable(size, 0, false).ok());
         return buffer;
       }},
  };
}

std::vector<BufferKind> WritableBufferKinds() {
  std::vector<BufferKind> kinds = ExactBufferKinds();
  for (const auto& [name, extra] :
       {std::pair<const char*, size_t>{"pooled_normal", 100'000},
        {"pooled_huge", size_t{5} << 20}}) {
    const size_t more = extra;
    kinds.push_back({name, extra, [more](BufferMaker& maker, size_t size) {
                       return Must(maker.pooled().Allocate(size + more));
                     }});
  }
  return kinds;
}

std::vector<BufferKind> AllBufferKinds() {
  std::vector<BufferKind> kinds = WritableBufferKinds();
  for (const BufferKind& kind : ExactBufferKinds()) {
    const absl::string_view name = kind.name;
    if (name == "pooled") {
      kinds.push_back({"read_only", 0, kind.make, ReadOnly});
    } else if (name == "composite") {
      kinds.push_back({"read_only_composite", 0, kind.make, ReadOnly});
    } else if (name == "rest_of_a_split") {
      kinds.push_back({"read_only_part", 0, kind.make, ReadOnly});
    }
  }
  return kinds;
}

std::string ReadableOf(const Buffer& buffer) {
  std::string bytes(buffer.readable_bytes(), '\0');
  buffer.GetBytes(
      buffer.reader_offset(),
      absl::MakeSpan(reinterpret_cast<uint8_t*>(&bytes[0]), bytes.size()));
  return bytes;
}

}  // namespace poolscope
