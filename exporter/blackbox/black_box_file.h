// BlackBoxFile: the ring file of one process, open for writing.
//
//   absl::StatusOr<std::unique_ptr<BlackBoxFile>> file =
//       BlackBoxFile::Create("/var/lib/relay/black-box", 16 << 20);
//   each second: (*file)->Append(record, gzipped);
//
// A record is written by one pwrite() into the page cache, which belongs to the
// kernel: it is there for a reader at once, and outlives the process however
// that ends. Not a crash of the machine; only the header is synced.
//
// Why not through a mapping: a store to a mapped page raises SIGBUS, in
// whatever process, when the file was cut short, its disk is full or broken; a
// write is answered with an error. The pages are the same ones. Nor are they
// counted then among what the process has resident, which is shown here.
//
// Create() never overwrites what it does not know: a file at the path must be
// empty or a black box, of whichever version. That one is of a run before,
// maybe of one that crashed: it is kept as FILE.previous, in place of the one
// before. All blocks are allocated at once, so that a disk that is full later
// takes none away.
//
// The file is locked (flock) while this lives: a second process gets an error
// that names the first. A child made by fork() holds the lock as well, until it
// ends or executes another program.
//
// Thread safety: thread-compatible.
#ifndef POOLSCOPE_EXPORTER_BLACKBOX_BLACK_BOX_FILE_H_
#define POOLSCOPE_EXPORTER_BLACKBOX_BLACK_BOX_FILE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "poolscope/exporter/blackbox/black_box_format.h"

namespace poolscope {

class BlackBoxFile {
 public:
  static constexpr uint64_t kMinBytes = uint64_t{1} << 20;
  static constexpr uint64_t kMaxBytes = uint64_t{1} << 30;

  // `bytes` is from kMinBytes to kMaxBytes, and rounded up to whole blocks.
  // Errors begin with the path. InvalidArgumentError: another kind of file is
  // there; FailedPreconditionError: a black box in use;
  // ResourceExhaustedError: there is no room; UnavailableError: the system
  // refuses it otherwise.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<BlackBoxFile>> Create(
      const std::string& path, uint64_t bytes);
  ~BlackBoxFile();
  BlackBoxFile(const BlackBoxFile&) = delete;
  BlackBoxFile& operator=(const BlackBoxFile&) = delete;

  // Writes one record over the oldest ones. Run, sequence, checksum and size
  // are put into `prefix` here. ResourceExhaustedError for one larger than an
  // eighth of the ring; UnavailableError when the system does not take it, or
  // the file was removed or cut short. The next one is written where this one
  // was to be.
  absl::Status Append(const RecordPrefix& prefix, absl::string_view stored);

  // That of the next record.
  uint64_t sequence() const { return sequence_; }
  // What the records have together.
  uint64_t ring_bytes() const { return file_bytes_ - kBlackBoxBlockBytes; }

  size_t capacity_bytes() const { return block_.capacity(); }

 private:
  BlackBoxFile(std::string path, int fd, const BlackBoxHeader& header);

  absl::Status WriteAt(uint64_t offset, absl::string_view bytes) const;

  const std::string path_;
  const int fd_;
  const uint64_t file_bytes_;
  const uint64_t run_;
  uint64_t sequence_ = 1;                  // of the next record
  uint64_t offset_ = kBlackBoxBlockBytes;  // of the next record
  std::string block_;                      // reused
};

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_BLACKBOX_BLACK_BOX_FILE_H_
