#include "poolscope/metrics/native_memory/native_memory_category.h"

#include <algorithm>
#include <iterator>

#include "absl/base/attributes.h"
#include "absl/base/thread_annotations.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "poolscope/allocator/base/mutex.h"
#include "poolscope/metrics/process/memory_owner.h"

namespace poolscope {
namespace {

// What the report has beside the owners of mappings.
constexpr absl::string_view kTakenNames[] = {"Total", "Sidecar",
                                             "Native Memory Tracking"};

bool IsTaken(absl::string_view name) {
  for (size_t i = 0; i < kMemoryOwnerCount; ++i) {
    if (absl::EqualsIgnoreCase(name,
                               MemoryOwnerName(static_cast<MemoryOwner>(i)))) {
      return true;
    }
  }
  return std::any_of(std::begin(kTakenNames), std::end(kTakenNames),
                     [&](absl::string_view other) {
                       return absl::EqualsIgnoreCase(name, other);
                     });
}

// Hooks are plain functions, so what they count in is the process's. Never
// destroyed: the destructors are trivial.
ABSL_CONST_INIT Mutex registry_mutex;
ABSL_CONST_INIT
std::array<NativeMemoryCategory, NativeMemoryCategory::kMaxCategories>
    categories;
// Grows under the mutex. Released once the new category has its name, acquired
// by whoever reads names without the mutex.
ABSL_CONST_INIT std::atomic<size_t> category_count{0};

// What was taken less what came back; 0 where more came back than was recorded.
uint64_t Difference(uint64_t taken, uint64_t returned) {
  return taken - std::min(taken, returned);
}

}  // namespace

absl::Status NativeMemoryCategory::CheckName(absl::string_view name) {
  bool good = name.size() >= 2 && name.size() <= kMaxNameLength &&
              absl::ascii_isupper(name.front()) && name.back() != ' ' &&
              !absl::StrContains(name, "  ");
  for (char c : name) good = good && (absl::ascii_isalpha(c) || c == ' ');
  if (good) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "native memory category \"", absl::CHexEscape(name),
      "\": the name must have 2 to ", kMaxNameLength,
      " letters and single blanks, and begin with an upper-case letter"));
}

absl::StatusOr<NativeMemoryCategory*> NativeMemoryCategory::Register(
    absl::string_view name) {
  absl::Status status = CheckName(name);
  if (!status.ok()) return status;
  MutexLock lock(&registry_mutex);
  // Relaxed: it changes under the mutex alone.
  const size_t count = category_count.load(std::memory_order_relaxed);
  bool taken = IsTaken(name);
  for (size_t i = 0; i < count; ++i) {
    taken = taken || absl::EqualsIgnoreCase(name, categories[i].name());
  }
  if (taken) {
    return absl::AlreadyExistsError(
        absl::StrCat("native memory category \"", name,
                     "\" is there already; give each its own name"));
  }
  if (count == kMaxCategories) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "native memory category \"", name, "\": there are ", kMaxCategories,
        " already, the most there can be; count "
        "under one of them"));
  }
  NativeMemoryCategory& category = categories[count];
  std::copy(name.begin(), name.end(), category.name_.begin());
  category_count.store(count + 1, std::memory_order_release);
  return &category;
}

std::vector<NativeMemoryTag> NativeMemoryCategory::Snapshot() {
  const size_t count = category_count.load(std::memory_order_acquire);
  std::vector<NativeMemoryTag> tags;
  tags.reserve(count);
  for (size_t i = 0; i < count; ++i) tags.push_back(categories[i].Read());
  return tags;
}

size_t NativeMemoryCategory::OverheadBytes() {
  return category_count.load(std::memory_order_acquire) *
         sizeof(NativeMemoryCategory);
}

absl::string_view NativeMemoryCategory::name() const { return name_.data(); }

NativeMemoryCategory::Shard& NativeMemoryCategory::ThisThreadsShard() {
  // Relaxed: threads are to be spread, and no more.
  ABSL_CONST_INIT static std::atomic<size_t> threads{0};
  thread_local const size_t shard =
      threads.fetch_add(1, std::memory_order_relaxed) % kShards;
  return shards_[shard];
}

void NativeMemoryCategory::RecordMalloc(size_t bytes) {
  Shard& shard = ThisThreadsShard();
  shard.malloc_count.fetch_add(1, std::memory_order_relaxed);
  NoteGrowth(shard.malloced_bytes.fetch_add(bytes, std::memory_order_relaxed),
             bytes);
}

void NativeMemoryCategory::RecordFree(size_t bytes) {
  Shard& shard = ThisThreadsShard();
  shard.free_count.fetch_add(1, std::memory_order_release);
  shard.freed_bytes.fetch_add(bytes, std::memory_order_release);
}

void NativeMemoryCategory::RecordReserve(size_t bytes) {
  ThisThreadsShard().reserved_bytes.fetch_add(bytes, std::memory_order_relaxed);
}

void NativeMemoryCategory::RecordCommit(size_t bytes) {
  NoteGrowth(ThisThreadsShard().committed_bytes.fetch_add(
                 bytes, std::memory_order_release),
             bytes);
}

void NativeMemoryCategory::RecordUncommit(size_t bytes) {
  ThisThreadsShard().uncommitted_bytes.fetch_add(bytes,
                                                 std::memory_order_release);
}

void NativeMemoryCategory::RecordRelease(size_t bytes) {
  ThisThreadsShard().released_bytes.fetch_add(bytes, std::memory_order_release);
}

void NativeMemoryCategory::NoteGrowth(uint64_t before, size_t bytes) {
  if (((before ^ (before + bytes)) >> kPeakStepBits) == 0) return;
  const Sums sums = ReadSums();
  RaisePeak(sums.malloc_bytes + sums.committed_bytes);
}

uint64_t NativeMemoryCategory::RaisePeak(uint64_t committed_bytes) const {
  uint64_t peak = peak_committed_bytes_.load(std::memory_order_relaxed);
  while (peak < committed_bytes) {
    if (peak_committed_bytes_.compare_exchange_weak(
            peak, committed_bytes, std::memory_order_relaxed)) {
      return committed_bytes;
    }
  }
  return peak;
}

uint64_t NativeMemoryCategory::Sum(std::atomic<uint64_t> Shard::*sum,
                                   std::memory_order order) const {
  uint64_t total = 0;
  for (const Shard& shard : shards_) total += (shard.*sum).load(order);
  return total;
}

NativeMemoryCategory::Sums NativeMemoryCategory::ReadSums() const {
  // From the end of a block's life to its beginning; see Shard. A mapping that
  // is seen committed is seen reserved, one seen released is seen uncommitted:
  // so what is committed is never above what is reserved.
  constexpr std::memory_order kAcquire = std::memory_order_acquire;
  constexpr std::memory_order kRelaxed = std::memory_order_relaxed;
  const uint64_t released = Sum(&Shard::released_bytes, kAcquire);
  const uint64_t uncommitted = Sum(&Shard::uncommitted_bytes, kAcquire);
  const uint64_t committed = Sum(&Shard::committed_bytes, kAcquire);
  const uint64_t reserved = Sum(&Shard::reserved_bytes, kRelaxed);
  const uint64_t freed = Sum(&Shard::freed_bytes, kAcquire);
  const uint64_t frees = Sum(&Shard::free_count, kAcquire);
  Sums sums;
  sums.malloc_bytes = Difference(Sum(&Shard::malloced_bytes, kRelaxed), freed);
  sums.malloc_count = Difference(Sum(&Shard::malloc_count, kRelaxed), frees);
  sums.reserved_bytes = Difference(reserved, released);
  // The bound holds by the order above unless the embedder's calls are out of
  // order.
  sums.committed_bytes =
      std::min(Difference(committed, uncommitted), sums.reserved_bytes);
  return sums;
}

NativeMemoryTag NativeMemoryCategory::Read() const {
  const Sums sums = ReadSums();
  NativeMemoryTag tag;
  tag.name = std::string(name());
  tag.malloc_bytes = sums.malloc_bytes;
  tag.malloc_count = sums.malloc_count;
  tag.reserved_bytes = sums.reserved_bytes;
  tag.committed_bytes = sums.committed_bytes;
  tag.peak_committed_bytes =
      RaisePeak(sums.malloc_bytes + sums.committed_bytes);
  return tag;
}

}  // namespace poolscope
