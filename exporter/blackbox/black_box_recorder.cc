#include "poolscope/exporter/blackbox/black_box_recorder.h"

#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "poolscope/allocator/base/clock.h"
#include "poolscope/exporter/blackbox/black_box_format.h"
#include "poolscope/metrics/collectable_families.h"
#include "poolscope/metrics/history/exposition_split.h"
#include "poolscope/metrics/native_memory/native_memory_text.h"

namespace poolscope {

BlackBoxRecorder::BlackBoxRecorder(std::unique_ptr<BlackBoxFile> file,
                                   MetricRegistry* registry,
                                   std::function<LastMemoryWalk()> latest_walk)
    : file_(std::move(file)),
      registry_(registry),
      latest_walk_(std::move(latest_walk)) {}

absl::Status BlackBoxRecorder::Record(bool last) {
  const int64_t began_nanos = PreciseNanos();
  const absl::Status status = Write(last);
  const int64_t took_nanos = PreciseNanos() - began_nanos;
  MutexLock lock(&mutex_);
  recorded_ = true;
  success_ = status.ok();
  began_nanos_ = began_nanos;
  took_nanos_ = took_nanos;
  held_bytes_ = metrics_.capacity_bytes() + names_.capacity() +
                values_.capacity() + written_names_.capacity() +
                plain_.capacity() + gzip_.capacity_bytes() +
                file_->capacity_bytes();
  return status;
}

bool BlackBoxRecorder::NeedsNames() const {
  // With the largest record and what is cleared at the ring's end this stays
  // within the ring.
  return names_sequence_ == 0 || names_ != written_names_ ||
         file_->sequence() - names_sequence_ >= kRecordsPerNames ||
         bytes_since_names_ > file_->ring_bytes() / 2;
}

absl::Status BlackBoxRecorder::Write(bool last) {
  RecordPrefix prefix{};
  prefix.taken_nanos = absl::GetCurrentTimeNanos();
  prefix.last = last ? 1 : 0;
  metrics_.Clear();
  registry_->Collect(CollectableFamilies(), metrics_);
  SplitExposition(metrics_.text(), names_, values_);
  const std::string native = NativeMemoryText(*latest_walk_().stats);
  const bool with_names = NeedsNames();
  // A record that fails may have spoilt what the names are in.
  const uint64_t names_sequence =
      with_names ? file_->sequence() : names_sequence_;
  names_sequence_ = 0;

  plain_.clear();
  absl::StrAppend(&plain_, with_names ? names_ : "", values_, native);
  if (plain_.size() > std::numeric_limits<uint32_t>::max()) {
    return absl::ResourceExhaustedError("a snapshot of more than 4 GiB");
  }
  prefix.names_sequence = names_sequence;
  prefix.names_bytes = static_cast<uint32_t>(with_names ? names_.size() : 0);
  prefix.values_bytes = static_cast<uint32_t>(values_.size());
  prefix.native_bytes = static_cast<uint32_t>(native.size());
  const absl::string_view stored = gzip_.Compress(plain_);
  if (stored.empty()) {
    return absl::ResourceExhaustedError("no memory to compress a snapshot");
  }
  absl::Status status = file_->Append(prefix, stored);
  if (!status.ok()) return status;
  names_sequence_ = names_sequence;
  if (with_names) {
    written_names_ = names_;
    bytes_since_names_ = 0;
  }
  bytes_since_names_ += BlocksOf(stored.size()) * kBlackBoxBlockBytes;
  return absl::OkStatus();
}

std::optional<SampleRun> BlackBoxRecorder::LatestRun() const {
  MutexLock lock(&mutex_);
  if (!recorded_) return std::nullopt;
  return SampleRun{success_, 1e-9 * static_cast<double>(took_nanos_),
                   1e-9 * static_cast<double>(PreciseNanos() - began_nanos_)};
}

size_t BlackBoxRecorder::held_bytes() const {
  MutexLock lock(&mutex_);
  return held_bytes_;
}

}  // namespace poolscope
