#include "poolscope/allocator/pool/size_classes.h"

#include <algorithm>

namespace poolscope {
namespace pool_internal {
namespace {

constexpr size_t RunClassSize(int index) {
  if (index < 4) return size_t{16} * (index + 1);
  const int group = index / 4;  // 1, 2, ...
  const size_t base = size_t{32} << group;
  return base + (base >> 2) * (index % 4 + 1);
}

constexpr int kTinyClasses = 31;  // 16, 32, ... 496

constexpr size_t BuddyClassSize(int index) {
  if (index < kTinyClasses) return size_t{16} * (index + 1);
  return size_t{512} << (index - kTinyClasses);
}

constexpr SizeClassTables MakeTables(size_t (*size_of)(int)) {
  SizeClassTables tables;
  while (tables.count < kMaxSizeClasses && size_of(tables.count) <= size_t{1}
                                                                        << 30) {
    tables.size[tables.count] = size_of(tables.count);
    ++tables.count;
  }
  int index = 0;
  for (size_t i = 0; i < tables.small.size(); ++i) {
    while (tables.size[index] < i * 16) ++index;
    tables.small[i] = BinOffset(index);
  }
  index = 0;
  for (size_t i = 0; i < tables.large.size(); ++i) {
    while (tables.size[index] < (i + 1) * 4096) ++index;
    tables.large[i] = BinOffset(index);
  }
  return tables;
}

// Netty's rule: grow page by page until the elements fill the run exactly or
// there are as many as a bitmap holds, then step back if there are more.
uint32_t SlabPages(size_t element, size_t page) {
  const size_t most = std::min<size_t>(kMaxSlabElements, page / 16);
  size_t run = 0;
  size_t elements = 0;
  do {
    run += page;
    elements = run / element;
  } while (elements < most && run != elements * element);
  while (elements > most && run > page) {
    run -= page;
    elements = run / element;
  }
  return run / page;
}

}  // namespace

constexpr SizeClassTables kRunClasses = MakeTables(RunClassSize);
constexpr SizeClassTables kBuddyClasses = MakeTables(BuddyClassSize);
static_assert(kRunClasses.size[kClassOf64] == 64);
static_assert(kBuddyClasses.size[kClassOf64] == 64);

int SizeClassTables::AlignedClassFor(size_t bytes, size_t alignment) const {
  bytes = std::max<size_t>(bytes, 1);
  bytes = (bytes + alignment - 1) & ~(alignment - 1);
  int index = ClassFor(bytes);
  while (size[index] % alignment != 0) ++index;
  return index;
}

ClassLayout::ClassLayout(size_t page_bytes, size_t chunk_bytes,
                         ChunkLayout layout)
    : tables_(layout == ChunkLayout::kRuns ? kRunClasses : kBuddyClasses),
      page_bytes_(page_bytes) {
  const size_t small_end =
      layout == ChunkLayout::kBuddy ? page_bytes : 4 * page_bytes;
  while (count_ < tables_.count && size(count_) <= chunk_bytes) {
    const size_t bytes = size(count_);
    if (bytes < small_end) small_count_ = count_ + 1;
    if (bytes >= page_bytes) {
      run_pages_[count_] = (bytes + page_bytes - 1) / page_bytes;
      run_elements_[count_] = 1;
    } else {
      // The buddy tree's slabs are a page each, whatever is left of it.
      run_pages_[count_] = layout == ChunkLayout::kBuddy
                               ? 1
                               : std::min<size_t>(SlabPages(bytes, page_bytes),
                                                  chunk_bytes / page_bytes);
      run_elements_[count_] = std::min<size_t>(
          kMaxSlabElements, run_pages_[count_] * page_bytes / bytes);
    }
    ++count_;
  }
}

}  // namespace pool_internal
}  // namespace poolscope
