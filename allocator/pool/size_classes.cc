#include "poolscope/allocator/pool/size_classes.h"

#include <algorithm>

namespace poolscope {
namespace pool_internal {
namespace {

constexpr SizeClassTables MakeTables() {
  SizeClassTables tables;
  for (int i = 0; i < kMaxSizeClasses; ++i) tables.size[i] = ClassSize(i);
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

constexpr SizeClassTables kSizeClasses = MakeTables();

int AlignedSizeClassFor(size_t size, size_t alignment) {
  size = std::max<size_t>(size, 1);
  size = (size + alignment - 1) & ~(alignment - 1);
  int index = SizeClassFor(size);
  while (kSizeClasses.size[index] % alignment != 0) ++index;
  return index;
}

ClassLayout::ClassLayout(size_t page_bytes, size_t chunk_bytes)
    : page_bytes_(page_bytes) {
  while (count_ < kMaxSizeClasses && kSizeClasses.size[count_] <= chunk_bytes) {
    const size_t size = kSizeClasses.size[count_];
    if (size < 4 * page_bytes) small_count_ = count_ + 1;
    if (size < page_bytes) {
      run_pages_[count_] = std::min<size_t>(SlabPages(size, page_bytes),
                                            chunk_bytes / page_bytes);
      run_elements_[count_] = std::min<size_t>(
          kMaxSlabElements, run_pages_[count_] * page_bytes / size);
    } else {
      run_pages_[count_] = (size + page_bytes - 1) / page_bytes;
      run_elements_[count_] = 1;
    }
    ++count_;
  }
}

}  // namespace pool_internal
}  // namespace poolscope
