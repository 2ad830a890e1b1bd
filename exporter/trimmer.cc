#include "poolscope/exporter/trimmer.h"

#include <algorithm>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/status/statusor.h"
#include "poolscope/metrics/process/malloc_library.h"
#include "poolscope/metrics/process/process_memory.h"

namespace poolscope {

uint64_t TrimReport::trimmed_bytes() const {
  uint64_t sum = malloc_trimmed_bytes;
  for (const AllocatorTrim& trim : allocators) sum += trim.trimmed_bytes;
  return sum;
}

Trimmer::Trimmer(std::string proc_root, std::function<bool()> trim_malloc)
    : proc_root_(std::move(proc_root)), trim_malloc_(std::move(trim_malloc)) {}

void Trimmer::Add(const void* key, std::string name, TrimFunction trim) {
  std::shared_ptr<Source> source(new Source{
      key, std::move(name), Removable<TrimFunction>(std::move(trim))});
  MutexLock lock(&mutex_);
  sources_.push_back(std::move(source));
}

void Trimmer::Remove(const void* key) {
  std::shared_ptr<Source> removed;
  {
    MutexLock lock(&mutex_);
    const auto found =
        std::find_if(sources_.begin(), sources_.end(),
                     [key](const auto& source) { return source->key == key; });
    if (found == sources_.end()) return;
    removed = *found;
    sources_.erase(found);
  }
  removed->trim.Remove();
}

std::optional<TrimReport> Trimmer::Trim() {
  {
    MutexLock lock(&mutex_);
    if (busy_) {
      ++stats_.busy;
      return std::nullopt;
    }
    busy_ = true;
  }
  const absl::Cleanup done = [this] {
    MutexLock lock(&mutex_);
    busy_ = false;
  };
  TrimReport report = TrimAll();
  const uint64_t trimmed_bytes = report.trimmed_bytes();
  MutexLock lock(&mutex_);
  ++(trimmed_bytes > 0 ? stats_.freed : stats_.nothing);
  stats_.trimmed_bytes += trimmed_bytes;
  return report;
}

TrimReport Trimmer::TrimAll() {
  std::vector<std::shared_ptr<Source>> sources;
  {
    MutexLock lock(&mutex_);
    sources = sources_;
  }
  TrimReport report;
  report.resident_before_bytes = ResidentBytes();
  for (const std::shared_ptr<Source>& source : sources) {
    source->trim.With([&](const TrimFunction& trim) {
      report.allocators.push_back({source->name, trim()});
    });
  }
  // After the pools, whose records lie in it.
  const std::optional<uint64_t> before = ResidentBytes();
  report.malloc = std::string(MallocKindName(TheMalloc().kind));
  report.malloc_trimmed = trim_malloc_();
  report.resident_after_bytes = ResidentBytes();
  if (report.malloc_trimmed && before > report.resident_after_bytes &&
      report.resident_after_bytes.has_value()) {
    report.malloc_trimmed_bytes = *before - *report.resident_after_bytes;
  }
  return report;
}

std::optional<uint64_t> Trimmer::ResidentBytes() const {
  const absl::StatusOr<ProcessMemory> memory = ReadProcessMemory(proc_root_);
  if (!memory.ok()) return std::nullopt;
  return memory->resident_bytes;
}

TrimStats Trimmer::Stats() const {
  MutexLock lock(&mutex_);
  return stats_;
}

}  // namespace poolscope
