#include "poolscope/metrics/native_memory/nmt_report.h"

#include <cstddef>
#include <map>
#include <utility>

namespace poolscope {
namespace {

using Side = uint64_t NmtFigure::*;

// The entry that `key` stands for, made by `make` where there is none. Entries
// keep the order in which they were met: those of the present, then those that
// are gone.
template <typename Key, typename Entry, typename Make>
Entry& Find(const Key& key, std::map<Key, size_t>& index,
            std::vector<Entry>& entries, Make make) {
  const auto [found, is_new] = index.emplace(key, entries.size());
  if (is_new) entries.push_back(make());
  return entries[found->second];
}

void AddFigures(const NativeMemoryCategoryStats& from, Side side,
                NmtCategory& to) {
  to.reserved.*side += from.reserved_bytes();
  to.committed.*side += from.committed_bytes();
  to.resident.*side += from.resident_bytes;
  to.malloc_bytes.*side += from.malloc_bytes;
  to.malloc_count.*side += from.malloc_count;
  to.mmap_reserved.*side += from.mmap_reserved_bytes;
  to.mmap_committed.*side += from.mmap_committed_bytes;
  to.live_count.*side += from.live_count;
  to.threads.*side += from.threads;
}

// Puts one side of the comparison into the report.
class Join {
 public:
  explicit Join(NmtReport* report) : report_(*report) {}

  void Add(const NativeMemoryStats& stats, Side side) {
    for (const NativeMemoryCategoryStats& from : stats.categories) {
      NmtCategory& to = Find(from.name, categories_, report_.categories, [&] {
        NmtCategory category;
        category.name = from.name;
        category.peak_committed_bytes = from.peak_committed_bytes;
        category.resident_is_estimate = from.resident_is_estimate;
        return category;
      });
      AddFigures(from, side, to);
      AddFigures(from, side, report_.total);
    }
    for (const NativeMemoryDetail& from : stats.details) {
      Find(std::pair(from.category, from.name), details_, report_.details,
           [&] {
             return NmtDetail{from.category, from.name, {}};
           }).bytes.*
          side += from.bytes;
    }
    if (!IsDetail(report_.view)) return;
    for (const OwnedMapping& from : stats.mappings) {
      NmtMapping& to = Find(from.start, mappings_, report_.mappings, [&] {
        return NmtMapping{from, {}, {}};
      });
      to.reserved.*side += from.end - from.start;
      to.resident.*side += from.resident_bytes;
    }
    for (const NativeMemoryCallSite& from : stats.call_sites) {
      NmtCallSite& to =
          Find(std::pair(from.category, from.frames), sites_,
               report_.call_sites, [&] {
                 return NmtCallSite{from.category, from.frames, {}, {}};
               });
      to.malloc_bytes.*side += from.malloc_bytes;
      to.malloc_count.*side += from.malloc_count;
    }
  }

 private:
  NmtReport& report_;
  std::map<std::string, size_t> categories_;
  std::map<std::pair<std::string, std::string>, size_t> details_;
  std::map<uint64_t, size_t> mappings_;  // by their start
  std::map<std::pair<std::string, std::vector<std::string>>, size_t> sites_;
};

bool Changed(const NmtFigure& figure) { return figure.now != figure.early; }

template <typename Entry, typename Keep>
void KeepOnly(std::vector<Entry>& entries, Keep keep) {
  std::vector<Entry> kept;
  for (Entry& entry : entries) {
    if (keep(entry)) kept.push_back(std::move(entry));
  }
  entries = std::move(kept);
}

}  // namespace

NmtReport MakeNmtReport(const NativeMemoryStats& now,
                        const NativeMemoryStats* baseline, NmtView view) {
  NmtReport report;
  report.view = view;
  report.walk_id = now.walk_id;
  report.walked_at_unix_nanos = now.walked_at_unix_nanos;
  report.walk_seconds = now.walk_seconds;
  report.mapping_count = now.mapping_count;
  report.tracking_overhead_bytes = now.tracking_overhead_bytes;
  report.largest_unknown = now.largest_unknown;
  report.total.name = "Total";
  Join join(&report);
  join.Add(now, &NmtFigure::now);
  if (!IsDiff(view)) return report;
  report.baseline_walk_id = baseline->walk_id;
  join.Add(*baseline, &NmtFigure::early);
  KeepOnly(report.mappings, [](const NmtMapping& mapping) {
    return Changed(mapping.reserved) || Changed(mapping.resident);
  });
  KeepOnly(report.call_sites, [](const NmtCallSite& site) {
    return Changed(site.malloc_bytes) || Changed(site.malloc_count);
  });
  return report;
}

}  // namespace poolscope
