#include "poolscope/metrics/native_memory/tagged_bytes.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/numeric/int128.h"

namespace poolscope {
namespace {

using Row = NativeMemoryCategoryStats;

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

// `bytes`, of `available` in `rows` together, leave them for `to`.
void MoveMalloc(uint64_t bytes, uint64_t count, const std::vector<Row*>& rows,
                Row& to) {
  uint64_t available = 0;
  for (const Row* row : rows) available += row->malloc_bytes;
  uint64_t left = bytes;
  for (Row* row : rows) {
    // What is left of the request, as what is left of the rows: the last row
    // gives the rest, and none gives more than it has.
    const uint64_t taken = Share(row->malloc_bytes, left, available);
    available -= row->malloc_bytes;
    left -= taken;
    if (taken == 0) continue;
    const uint64_t blocks = Share(count, taken, bytes);
    row->malloc_count -= std::min(row->malloc_count, blocks);
    row->live_count -= std::min(row->live_count, blocks);
    MoveResident(taken, row->committed_bytes(), *row, to);
    row->malloc_bytes -= taken;
  }
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

}  // namespace

void MergeTags(absl::Span<const NativeMemoryTag> tags,
               absl::Span<const absl::string_view> malloc_rows,
               NativeMemoryStats& stats) {
  if (tags.empty() || stats.categories.empty()) return;
  std::vector<Row*> rows;
  uint64_t malloc_available = 0;
  for (Row& row : stats.categories) {
    if (!absl::c_linear_search(malloc_rows, row.name)) continue;
    rows.push_back(&row);
    malloc_available += row.malloc_bytes;
  }
  Row& unknown = stats.categories.back();
  // Reserved beyond what is committed, and committed, each on its own: so that
  // committed never exceeds reserved on either side.
  const uint64_t committed_available = unknown.mmap_committed_bytes;
  const uint64_t idle_available =
      unknown.mmap_reserved_bytes - committed_available;
  uint64_t malloc_claims = 0;
  uint64_t committed_claims = 0;
  uint64_t idle_claims = 0;
  for (const NativeMemoryTag& tag : tags) {
    malloc_claims += tag.malloc_bytes;
    committed_claims += tag.committed_bytes;
    idle_claims += tag.reserved_bytes - tag.committed_bytes;
  }

  std::vector<Row> added;
  for (const NativeMemoryTag& tag : tags) {
    Row row;
    row.name = tag.name;
    row.malloc_count = tag.malloc_count;
    row.live_count = tag.malloc_count;
    row.resident_is_estimate = true;
    MoveMalloc(Granted(tag.malloc_bytes, malloc_claims, malloc_available),
               tag.malloc_count, rows, row);
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
