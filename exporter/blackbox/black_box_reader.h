// ReadBlackBox(): what a black box holds, however its process ended.
//
//   absl::StatusOr<BlackBox> box = ReadBlackBox("/var/lib/relay/black-box");
//   box->records.back().values     // the last second
//
// Every block is tried for the beginning of a record; what is not whole is left
// out and counted. The process may be writing meanwhile: it is not disturbed,
// and a record that is half written is as one that was when it died.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_EXPORTER_BLACKBOX_BLACK_BOX_READER_H_
#define POOLSCOPE_EXPORTER_BLACKBOX_BLACK_BOX_READER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace poolscope {

struct BlackBoxRecord {
  uint64_t sequence = 0;
  absl::Time taken;
  bool last = false;  // written by Sidecar::Stop()
  // For JoinExposition(). Never null; shared by the records that have the same.
  std::shared_ptr<const std::string> names;
  std::string values;
  std::string native;  // for ParseNativeMemoryText()
};

struct BlackBox {
  std::string program;
  int64_t pid = 0;
  absl::Time started;
  uint64_t file_bytes = 0;   // as it was made
  uint64_t found_bytes = 0;  // fewer: it was cut short since

  std::vector<BlackBoxRecord> records;  // by sequence
  // Records behind the first of these that are not there whole, or without
  // their names.
  uint64_t missing = 0;
  // Begun behind the last one, and not whole: it was being written when the
  // process died, or was damaged since.
  bool torn = false;
};

// Errors begin with the path: NotFoundError and the like where it cannot be
// read; InvalidArgumentError or FailedPreconditionError as DecodeHeader() has
// them. Without whole records `records` is empty.
absl::StatusOr<BlackBox> ReadBlackBox(const std::string& path);

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_BLACKBOX_BLACK_BOX_READER_H_
