// The layout of a black box's file; docs/black-box.md draws it.
//
//   block 0      BlackBoxHeader: what the file is, and of which process
//   block 1...   the ring: records, each from the beginning of a block on
//
//   record       RecordPrefix, then `stored_bytes` of a gzip member, then zeros
//                up to the end of the block
//   plain        `names_bytes` and `values_bytes` of SplitExposition(), then
//                `native_bytes` of NativeMemoryText(). A record without names
//                has those of the record `names_sequence`
//
// Both begin with a magic and carry a CRC-32 over all they have, so that what
// was cut, torn or changed is known for it. A record also names the run whose
// it is, a random number: nothing that a payload or an older file holds can
// pass for a record.
//
// Numbers are those of the machine, x86-64: little-endian.
//
// Thread safety: plain values and functions of them.
#ifndef POOLSCOPE_EXPORTER_BLACKBOX_BLACK_BOX_FORMAT_H_
#define POOLSCOPE_EXPORTER_BLACKBOX_BLACK_BOX_FORMAT_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace poolscope {

// A page of the page cache: a record never shares one with another.
inline constexpr size_t kBlackBoxBlockBytes = 4096;

// Grows whenever a reader of the one before would misread the file.
inline constexpr uint32_t kBlackBoxVersion = 1;

struct BlackBoxHeader {
  char magic[8];          // "PSCOPEBB"
  uint32_t version;       // these two stay where they are in every version
  uint32_t crc;           // of the header with 0 in its place
  uint64_t file_bytes;    // this block included
  uint64_t run;           // of every record
  int64_t started_nanos;  // since the epoch
  int64_t pid;
  char program[64];  // the end of its name cut off; zeros behind it
};

struct RecordPrefix {
  char magic[4];  // "PSBR"
  uint32_t crc;   // of prefix and stored bytes with 0 in its place
  uint64_t run;
  uint64_t sequence;        // 1, 2, 3, ...
  uint64_t names_sequence;  // of the record that has the names
  int64_t taken_nanos;      // since the epoch
  uint32_t stored_bytes;    // gzipped
  uint32_t names_bytes;     // plain
  uint32_t values_bytes;    // plain
  uint32_t native_bytes;    // plain
  uint32_t last;            // 1: written by Sidecar::Stop(); else 0
  uint32_t unused;          // 0
};

// Blocks that a record of `stored_bytes` takes.
uint64_t BlocksOf(uint64_t stored_bytes);

// `header` with magic, version and checksum, as one block.
std::string EncodeHeader(BlackBoxHeader header);
// Reads the first bytes of a file. InvalidArgumentError: no black box, or a
// damaged one; FailedPreconditionError: one of another version. The messages
// follow the file's name and a colon.
absl::Status DecodeHeader(absl::string_view bytes, BlackBoxHeader& header);

// `prefix` with magic and checksum, `stored`, and zeros: whole blocks.
// prefix.stored_bytes is that of `stored`. Replaces what was in `out`.
void EncodeRecord(RecordPrefix prefix, absl::string_view stored,
                  std::string& out);

enum class RecordState {
  kNone,     // nothing of this run begins here
  kDamaged,  // something did, and its bytes are not what they were
  kWhole,
};
// What begins at `bytes`, which end where the ring does. `stored` lies in them.
RecordState DecodeRecord(absl::string_view bytes, uint64_t run,
                         RecordPrefix& prefix, absl::string_view& stored);

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_BLACKBOX_BLACK_BOX_FORMAT_H_
