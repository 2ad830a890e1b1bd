#include "poolscope/exporter/blackbox/black_box_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "poolscope/exporter/blackbox/black_box_file.h"
#include "poolscope/exporter/blackbox/black_box_format.h"
#include "zlib.h"

namespace poolscope {
namespace {

// Deflate makes text at most some thousand times smaller.
constexpr uint64_t kMostInflation = 2000;

absl::StatusOr<std::string> ReadWhole(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    const int error = errno;
    return error == ENOENT
               ? absl::NotFoundError(absl::StrCat(path, ": no such file"))
               : absl::UnavailableError(
                     absl::StrCat(path, ": ", std::strerror(error)));
  }
  const absl::Cleanup close_it = [fd] { close(fd); };
  struct stat found;
  if (fstat(fd, &found) != 0 || !S_ISREG(found.st_mode)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": not a regular file"));
  }
  std::string bytes(std::min<uint64_t>(found.st_size, BlackBoxFile::kMaxBytes),
                    '\0');
  size_t size = 0;
  while (size < bytes.size()) {
    const ssize_t got =
        pread(fd, &bytes[size], bytes.size() - size, static_cast<off_t>(size));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      return absl::UnavailableError(
          absl::StrCat(path, ": ", std::strerror(errno)));
    }
    if (got == 0) break;
    size += got;
  }
  bytes.resize(size);
  return bytes;
}

// The plain text of a gzip member that has exactly `plain_bytes`.
std::optional<std::string> Inflate(absl::string_view stored,
                                   uint64_t plain_bytes) {
  if (plain_bytes > stored.size() * kMostInflation ||
      plain_bytes > std::numeric_limits<uInt>::max()) {
    return std::nullopt;
  }
  z_stream stream{};
  constexpr int kGzipWindowBits = 15 + 16;
  if (inflateInit2(&stream, kGzipWindowBits) != Z_OK) return std::nullopt;
  const absl::Cleanup end = [&stream] { inflateEnd(&stream); };
  std::string plain(plain_bytes, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(stored.data()));
  stream.avail_in = static_cast<uInt>(stored.size());
  stream.next_out = reinterpret_cast<Bytef*>(&plain[0]);
  stream.avail_out = static_cast<uInt>(plain.size());
  if (inflate(&stream, Z_FINISH) != Z_STREAM_END || stream.avail_out != 0) {
    return std::nullopt;
  }
  return plain;
}

// A whole record; `record.names` is null.
struct Opened {
  BlackBoxRecord record;
  uint64_t names_sequence;
  // Its own; null where it has none.
  std::shared_ptr<const std::string> names;
};

std::optional<Opened> Open(const RecordPrefix& prefix,
                           absl::string_view stored) {
  std::optional<std::string> plain =
      Inflate(stored, uint64_t{prefix.names_bytes} + prefix.values_bytes +
                          prefix.native_bytes);
  if (!plain.has_value()) return std::nullopt;
  Opened opened;
  opened.names_sequence = prefix.names_sequence;
  BlackBoxRecord& record = opened.record;
  record.sequence = prefix.sequence;
  record.taken = absl::FromUnixNanos(prefix.taken_nanos);
  record.last = prefix.last != 0;
  if (prefix.names_sequence == prefix.sequence) {
    opened.names = std::make_shared<const std::string>(
        plain->substr(0, prefix.names_bytes));
  }
  record.values = plain->substr(prefix.names_bytes, prefix.values_bytes);
  record.native =
      plain->substr(uint64_t{prefix.names_bytes} + prefix.values_bytes);
  return opened;
}

}  // namespace

absl::StatusOr<BlackBox> ReadBlackBox(const std::string& path) {
  const absl::StatusOr<std::string> bytes = ReadWhole(path);
  if (!bytes.ok()) return bytes.status();
  BlackBoxHeader header;
  const absl::Status known = DecodeHeader(*bytes, header);
  if (!known.ok()) {
    return absl::Status(known.code(),
                        absl::StrCat(path, ": ", known.message()));
  }
  BlackBox box;
  box.program.assign(header.program,
                     strnlen(header.program, sizeof(header.program)));
  box.pid = header.pid;
  box.started = absl::FromUnixNanos(header.started_nanos);
  box.file_bytes = header.file_bytes;
  box.found_bytes = bytes->size();

  std::map<uint64_t, Opened> whole;
  uint64_t damaged_sequence = 0;  // the highest
  const absl::string_view ring(
      bytes->data(), std::min<uint64_t>(bytes->size(), header.file_bytes));
  for (size_t at = kBlackBoxBlockBytes; at < ring.size();) {
    RecordPrefix prefix;
    absl::string_view stored;
    const RecordState state =
        DecodeRecord(ring.substr(at), header.run, prefix, stored);
    uint64_t blocks = 1;
    if (state == RecordState::kWhole) {
      std::optional<Opened> opened = Open(prefix, stored);
      if (opened.has_value()) {
        whole.emplace(prefix.sequence, *std::move(opened));
      }
      blocks = BlocksOf(stored.size());
    } else if (state == RecordState::kDamaged) {
      damaged_sequence = std::max(damaged_sequence, prefix.sequence);
    }
    at += blocks * kBlackBoxBlockBytes;
  }
  for (auto& [sequence, opened] : whole) {
    if (opened.names == nullptr) {
      const auto named = whole.find(opened.names_sequence);
      // The oldest outlive their names: those were before them in the ring.
      if (named == whole.end()) continue;
      opened.names = named->second.names;
      if (opened.names == nullptr) continue;
    }
    opened.record.names = opened.names;
    box.records.push_back(std::move(opened.record));
  }
  const uint64_t newest = whole.empty() ? 0 : whole.rbegin()->first;
  if (!box.records.empty()) {
    box.missing =
        newest - box.records.front().sequence + 1 - box.records.size();
  }
  box.torn = damaged_sequence > newest;
  return box;
}

}  // namespace poolscope
