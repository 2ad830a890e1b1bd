// BlackBoxRecorder: one snapshot after another into a black box.
//
//   MetricRegistry::Collect() -> names, values --+
//   LastMemoryWalk -> text ----------------------+-> gzip -> BlackBoxFile
//
//   BlackBoxRecorder recorder(std::move(file), &registry, latest_walk);
//   each second: recorder.Record(/*last=*/false);
//   at the end:  recorder.Record(/*last=*/true);
//
// A record is /metrics as a scrape of that second would have got it, and what
// the last walk over the mappings found. What registered collectables show is
// not in it: that is code of the embedder, which might keep the thread when its
// figures are needed most. The names of the series are left out while they are
// those of a record not long before.
//
// Thread safety: Record() by one thread at a time, the others by any.
//
// Ownership: the registry is borrowed.
#ifndef POOLSCOPE_EXPORTER_BLACKBOX_BLACK_BOX_RECORDER_H_
#define POOLSCOPE_EXPORTER_BLACKBOX_BLACK_BOX_RECORDER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "poolscope/allocator/base/mutex.h"
#include "poolscope/exporter/blackbox/black_box_file.h"
#include "poolscope/exporter/gzip_stream.h"
#include "poolscope/metrics/metric_registry.h"
#include "poolscope/metrics/native_memory/last_memory_walk.h"
#include "poolscope/metrics/process_figures.h"
#include "poolscope/metrics/text_writer.h"

namespace poolscope {

class BlackBoxRecorder {
 public:
  BlackBoxRecorder(std::unique_ptr<BlackBoxFile> file, MetricRegistry* registry,
                   std::function<LastMemoryWalk()> latest_walk);
  BlackBoxRecorder(const BlackBoxRecorder&) = delete;
  BlackBoxRecorder& operator=(const BlackBoxRecorder&) = delete;

  // Takes a snapshot and writes it; as the `last` one where the sidecar stops.
  // An error is Append()'s; it shows in LatestRun(), and the next call tries
  // again.
  absl::Status Record(bool last);

  // How the latest record went; nothing before the first.
  std::optional<SampleRun> LatestRun() const;

  // Bytes held for the next record.
  size_t held_bytes() const;

  // Records up to the next one with names. One with them that is damaged, or
  // was overwritten, costs those behind it: a minute at most.
  static constexpr uint64_t kRecordsPerNames = 60;

 private:
  absl::Status Write(bool last);
  // Whether the next record needs the names: they changed, or those written
  // are old, or will soon be overwritten.
  bool NeedsNames() const;

  const std::unique_ptr<BlackBoxFile> file_;
  MetricRegistry* const registry_;
  const std::function<LastMemoryWalk()> latest_walk_;

  // Record()'s alone, kept for the next one.
  TextWriter metrics_;
  std::string names_;
  std::string values_;
  std::string plain_;
  // Of the last record with names; 0: there is none.
  uint64_t names_sequence_ = 0;
  std::string written_names_;
  uint64_t bytes_since_names_ = 0;
  GzipStream gzip_;

  mutable Mutex mutex_;
  bool recorded_ ABSL_GUARDED_BY(mutex_) = false;
  bool success_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t began_nanos_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t took_nanos_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t held_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_BLACKBOX_BLACK_BOX_RECORDER_H_
