#include "poolscope/metrics/native_memory/tagged_bytes.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/numeric/int128.h"
#include "absl/strings/string_view.h"
#include "poolscope/metrics/process/malloc_library.h"

namespace poolscope {
namespace {

using Row = NativeMemoryCategoryStats;

// Whatever malloc the program has, it is in one of these.
constexpr absl::string_view kGlibcHeap = "Glibc Heap";
constexpr absl::string_view kOtherMalloc = "Other Malloc";
constexpr absl::string_view kMallocRows[] = {kGlibcHeap, "Glibc Thread Arenas",
                                             "Glibc Mmapped", kOtherMalloc};

std::vector<Row*> MallocRows(NativeMemoryStats& stats) {
  std::vector<Row*> rows;
  for (Row& row : stats.categories) {
    if (absl::c_linear_search(kMallocRows, row.name)) rows.push_back(&row);
  }
  return rows;
}

// value * part / whole, rounded down; 0 of nothing.
uint64_t Share(uint64_t value, uint64_t part, uint64_t whole) {
  if (whole == 0) return 0;
  return absl::Uint128Low64(absl::uint128(value) * part / whole);
}

// The residency of `bytes` of a row's committed ones.
void MoveResident(uint64_t bytes, uint64_t row_committed, Row& from, Row& to) {
  const uint64_t resident = Share(from.resident_bytes, bytes, row_committed);
  from.resident_bytes -= resident;
  to.resident_bytes += resident;
  from.resident_is_estimate = true;
  to.resident_is_estimate = true;
}

// The bytes of a row that blocks of malloc may be in: those in use, or where
// that is not known those committed.
using Available = uint64_t (*)(const Row&);
uint64_t InUse(const Row& row) { return row.malloc_bytes; }
uint64_t Committed(const Row& row) { return row.mmap_committed_bytes; }

uint64_t Sum(const std::vector<Row*>& rows, Available available) {
  uint64_t sum = 0;
  for (const Row* row : rows) sum += available(*row);
  return sum;
}

// Calls take(row, bytes) for each row's part of `bytes`, in proportion to what
// is available. The parts add up to `bytes`, of which there are at most as many
// as are available; none is above what its row has.
template <typename Take>
void Spread(uint64_t bytes, const std::vector<Row*>& rows, Available available,
            Take take) {
  uint64_t left_available = Sum(rows, available);
  for (Row* row : rows) {
    // What is left of the request, as what is left of the rows: the last row
    // gives the rest.
    const uint64_t of_row = available(*row);
    const uint64_t taken = Share(of_row, bytes, left_available);
    left_available -= of_row;
    bytes -= taken;
    if (taken > 0) take(*row, taken);
  }
}

// Mapped and committed bytes of a row are those of malloc's blocks.
void MakeMalloc(Row& row, uint64_t bytes) {
  row.mmap_reserved_bytes -= bytes;
  row.mmap_committed_bytes -= bytes;
  row.malloc_bytes += bytes;
}

// `bytes`, which there are, leave the malloc's rows for `to`.
void MoveMalloc(uint64_t bytes, uint64_t count, const std::vector<Row*>& rows,
                Available available, Row& to) {
  Spread(bytes, rows, available, [&](Row& row, uint64_t taken) {
    MoveResident(taken, row.committed_bytes(), row, to);
    if (available == Committed) MakeMalloc(row, taken);
    row.malloc_bytes -= taken;
    const uint64_t blocks = Share(count, taken, bytes);
    row.malloc_count -= std::min(row.malloc_count, blocks);
  });
  to.malloc_bytes = bytes;
}

// The same of mappings.
void MoveMapped(uint64_t reserved, uint64_t committed, Row& from, Row& to) {
  MoveResident(committed, from.committed_bytes(), from, to);
  from.mmap_reserved_bytes -= reserved;
  from.mmap_committed_bytes -= committed;
  to.mmap_reserved_bytes = reserved;
  to.mmap_committed_bytes = committed;
}

// As much of what `tag` claims as there is of what all tags claim.
uint64_t Granted(uint64_t claim, uint64_t claims, uint64_t available) {
  return claims <= available ? claim : Share(claim, available, claims);
}

// Takes what `name` has less than `mapped_bytes` out of Unknown.
void RaiseMapped(absl::string_view name, uint64_t mapped_bytes,
                 NativeMemoryStats& stats) {
  const auto row = absl::c_find_if(
      stats.categories, [name](const Row& r) { return r.name == name; });
  if (row == stats.categories.end()) return;
  Row& unknown = stats.categories.back();
  if (mapped_bytes <= row->mmap_committed_bytes) return;
  const uint64_t bytes = std::min(mapped_bytes - row->mmap_committed_bytes,
                                  unknown.mmap_committed_bytes);
  if (bytes == 0) return;
  const uint64_t resident = std::min(bytes, unknown.resident_bytes);
  unknown.mmap_reserved_bytes -= bytes;
  unknown.mmap_committed_bytes -= bytes;
  unknown.resident_bytes -= resident;
  unknown.resident_is_estimate = true;
  row->mmap_reserved_bytes += bytes;
  row->mmap_committed_bytes += bytes;
  row->resident_bytes += resident;
  row->resident_is_estimate = true;
}

}  // namespace

void MergeMallocMapped(const MallocFigures& malloc, NativeMemoryStats& stats) {
  if (malloc.kind == MallocKind::kGlibc) {
    RaiseMapped(kGlibcHeap, malloc.main_arena_mapped_bytes.value_or(0), stats);
  } else {
    RaiseMapped(kOtherMalloc, malloc.mapped_bytes.value_or(0), stats);
  }
}

void MergeMallocInUse(const MallocFigures& malloc, NativeMemoryStats& stats) {
  const auto merge = [&](absl::string_view name,
                         std::optional<uint64_t> in_use_bytes) {
    for (Row& row : stats.categories) {
      if (row.name != name) continue;
      MakeMalloc(row,
                 std::min(in_use_bytes.value_or(0), row.mmap_committed_bytes));
    }
  };
  if (malloc.kind == MallocKind::kGlibc) {
    merge(kGlibcHeap, malloc.main_arena_in_use_bytes);
    merge("Glibc Thread Arenas", malloc.thread_arenas_in_use_bytes);
    // Unmapped as soon as it is freed: what is there is in use.
    merge("Glibc Mmapped", std::numeric_limits<uint64_t>::max());
  } else {
    merge(kOtherMalloc, malloc.in_use_bytes);
  }
}

void MergeTags(absl::Span<const NativeMemoryTag> tags,
               NativeMemoryStats& stats) {
  if (tags.empty() || stats.categories.empty()) return;
  uint64_t malloc_claims = 0;
  uint64_t committed_claims = 0;
  uint64_t idle_claims = 0;
  for (const NativeMemoryTag& tag : tags) {
    malloc_claims += tag.malloc_bytes;
    committed_claims += tag.committed_bytes;
    idle_claims += tag.reserved_bytes - tag.committed_bytes;
  }
  const std::vector<Row*> rows = MallocRows(stats);
  const Available available = Sum(rows, InUse) > 0 ? InUse : Committed;
  // A malloc that does not tell what it has mapped has at least these.
  if (available == Committed) RaiseMapped(kOtherMalloc, malloc_claims, stats);
  const uint64_t malloc_available = Sum(rows, available);
  Row& unknown = stats.categories.back();
  // Reserved beyond what is committed, and committed, each on its own: so that
  // committed never exceeds reserved on either side.
  const uint64_t committed_available = unknown.mmap_committed_bytes;
  const uint64_t idle_available =
      unknown.mmap_reserved_bytes - committed_available;

  std::vector<Row> added;
  for (const NativeMemoryTag& tag : tags) {
    Row row;
    row.name = tag.name;
    row.malloc_count = tag.malloc_count;
    row.live_count = tag.malloc_count;
    row.resident_is_estimate = true;
    MoveMalloc(Granted(tag.malloc_bytes, malloc_claims, malloc_available),
               tag.malloc_count, rows, available, row);
    const uint64_t committed =
        Granted(tag.committed_bytes, committed_claims, committed_available);
    const uint64_t idle = Granted(tag.reserved_bytes - tag.committed_bytes,
                                  idle_claims, idle_available);
    if (committed + idle > 0) {
      MoveMapped(committed + idle, committed, unknown, row);
    }
    row.peak_committed_bytes =
        std::max(tag.peak_committed_bytes, row.committed_bytes());
    added.push_back(std::move(row));
  }
  stats.categories.insert(stats.categories.end() - 1,
                          std::make_move_iterator(added.begin()),
                          std::make_move_iterator(added.end()));
}

}  // namespace poolscope
