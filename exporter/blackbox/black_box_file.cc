#include "poolscope/exporter/blackbox/black_box_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "poolscope/exporter/signal_blocker.h"

namespace poolscope {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

absl::Status Refused(absl::string_view path, absl::string_view what,
                     int error) {
  const std::string message =
      absl::StrCat(path, ": ", what, ": ", std::strerror(error));
  return error == ENOSPC || error == EDQUOT
             ? absl::ResourceExhaustedError(message)
             : absl::UnavailableError(message);
}

absl::Status Named(absl::string_view path, const absl::Status& status) {
  return absl::Status(status.code(),
                      absl::StrCat(path, ": ", status.message()));
}

// The header of an open file; fails as DecodeHeader() does.
absl::Status ReadHeader(int fd, BlackBoxHeader& header) {
  char bytes[kBlackBoxBlockBytes];
  const ssize_t got = pread(fd, bytes, sizeof(bytes), 0);
  return DecodeHeader(absl::string_view(bytes, std::max<ssize_t>(got, 0)),
                      header);
}

// Opens or makes the file; -1, and errno, where that is refused. Never gives
// one of the first three, which a program writes to although it was closed.
int OpenAboveStderr(const std::string& path, int flags) {
  // A FIFO would wait for its other end.
  constexpr int kFlags = O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW;
  const Descriptor low(open(path.c_str(), kFlags | flags, 0600));
  if (low.get() < 0) return -1;
  return fcntl(low.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
}

// Opens or makes the file, and locks it.
absl::StatusOr<int> OpenLocked(const std::string& path, int flags) {
  Descriptor fd(OpenAboveStderr(path, flags));
  if (fd.get() < 0) {
    return errno == ELOOP
               ? absl::InvalidArgumentError(
                     absl::StrCat(path,
                                  ": a symbolic link, which is not "
                                  "followed; name the file itself"))
               : Refused(path, "the black box cannot be made", errno);
  }
  if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    BlackBoxHeader header;
    if (!ReadHeader(fd.get(), header).ok()) {
      return absl::FailedPreconditionError(
          absl::StrCat(path, ": in use by another process"));
    }
    return absl::FailedPreconditionError(absl::StrCat(
        path, ": in use as the black box of process ", header.pid, " (",
        absl::string_view(header.program,
                          strnlen(header.program, sizeof(header.program))),
        "), or of a child of it; give each process a file of its own"));
  }
  // Whoever moves a file away holds its lock: from here on nobody can.
  struct stat opened;
  struct stat there;
  if (fstat(fd.get(), &opened) != 0 || lstat(path.c_str(), &there) != 0 ||
      opened.st_dev != there.st_dev || opened.st_ino != there.st_ino) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, ": in use by another process, which starts now"));
  }
  return fd.release();
}

// Whether there is a black box in an open file, of whichever version; fails as
// DecodeHeader() does.
absl::Status CheckBlackBox(int fd) {
  BlackBoxHeader header;
  absl::Status known = ReadHeader(fd, header);
  return absl::IsFailedPrecondition(known) ? absl::OkStatus() : known;
}

// Keeps the black box of a run before, which is open and locked, under another
// name.
absl::Status KeepPrevious(const std::string& path) {
  const std::string previous = absl::StrCat(path, ".previous");
  const Descriptor other(
      open(previous.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (other.get() >= 0) {
    const absl::Status known = CheckBlackBox(other.get());
    if (!known.ok()) return Named(previous, known);
  } else if (errno != ENOENT) {
    return Refused(previous, "cannot be read, nor be replaced", errno);
  }
  if (rename(path.c_str(), previous.c_str()) != 0) {
    return Refused(path, "cannot be kept as .previous", errno);
  }
  return absl::OkStatus();
}

// What is not known is left as it is.
absl::StatusOr<int> OpenEmpty(const std::string& path) {
  const absl::StatusOr<int> opened = OpenLocked(path, 0);
  if (!opened.ok()) return opened.status();
  Descriptor fd(*opened);
  struct stat found;
  if (fstat(fd.get(), &found) != 0) return Refused(path, "fstat", errno);
  if (!S_ISREG(found.st_mode)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": not a regular file"));
  }
  if (found.st_size == 0) return fd.release();
  absl::Status known = CheckBlackBox(fd.get());
  if (!known.ok()) {
    return Named(path, absl::Status(known.code(),
                                    absl::StrCat(known.message(),
                                                 "; it is left as it is: move "
                                                 "it, or name another file")));
  }
  known = KeepPrevious(path);
  if (!known.ok()) return known;
  return OpenLocked(path, O_EXCL);
}

// Beyond this limit the kernel sends SIGXFSZ, which ends the process.
absl::Status CheckFileSizeLimit(const std::string& path, uint64_t bytes) {
  rlimit limit;
  if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat(path, ": a file may have ", limit.rlim_cur,
                     " bytes (ulimit -f), not ", bytes));
  }
  return absl::OkStatus();
}

// All blocks, so that none is to be found later.
absl::Status AllocateBlocks(const std::string& path, int fd, uint64_t bytes) {
  // On the disk before the size is: a crash of the machine leaves a black box,
  // not zeros.
  if (fdatasync(fd) != 0) return Refused(path, "fdatasync", errno);
  int error;
  {
    // A signal of the service's would end it half way.
    const SignalBlocker blocker;
    error = posix_fallocate(fd, 0, static_cast<off_t>(bytes));
  }
  if (error == 0) return absl::OkStatus();
  return Refused(path,
                 absl::StrCat("no room for a black box of ", bytes, " bytes"),
                 error);
}

BlackBoxHeader HeaderOfThisProcess(uint64_t file_bytes) {
  BlackBoxHeader header{};
  header.file_bytes = file_bytes;
  std::random_device random;
  header.run = uint64_t{random()} << 32 | random();
  header.started_nanos = absl::GetCurrentTimeNanos();
  header.pid = getpid();
  std::strncpy(header.program, program_invocation_short_name,
               sizeof(header.program) - 1);
  return header;
}

}  // namespace

absl::StatusOr<std::unique_ptr<BlackBoxFile>> BlackBoxFile::Create(
    const std::string& path, uint64_t bytes) {
  const uint64_t file_bytes = (bytes + kBlackBoxBlockBytes - 1) /
                              kBlackBoxBlockBytes * kBlackBoxBlockBytes;
  absl::Status status = CheckFileSizeLimit(path, file_bytes);
  if (!status.ok()) return status;
  const absl::StatusOr<int> fd = OpenEmpty(path);
  if (!fd.ok()) return fd.status();
  const BlackBoxHeader header = HeaderOfThisProcess(file_bytes);
  std::unique_ptr<BlackBoxFile> file(new BlackBoxFile(path, *fd, header));
  // The header first: a file that is not finished is known for a black box.
  status = file->WriteAt(0, EncodeHeader(header));
  if (status.ok()) status = AllocateBlocks(path, *fd, file_bytes);
  if (!status.ok()) {
    unlink(path.c_str());
    return status;
  }
  return file;
}

BlackBoxFile::BlackBoxFile(std::string path, int fd,
                           const BlackBoxHeader& header)
    : path_(std::move(path)),
      fd_(fd),
      file_bytes_(header.file_bytes),
      run_(header.run) {}

BlackBoxFile::~BlackBoxFile() { close(fd_); }

absl::Status BlackBoxFile::WriteAt(uint64_t offset,
                                   absl::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t written =
        pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      return Refused(path_, "not written", written == 0 ? EIO : errno);
    }
    bytes.remove_prefix(written);
    offset += written;
  }
  return absl::OkStatus();
}

absl::Status BlackBoxFile::Append(const RecordPrefix& prefix,
                                  absl::string_view stored) {
  const uint64_t bytes = BlocksOf(stored.size()) * kBlackBoxBlockBytes;
  if (bytes > ring_bytes() / 8) {
    return absl::ResourceExhaustedError(absl::StrCat(
        path_, ": a record of ", bytes, " bytes is more than an eighth of the ",
        "file; make it larger"));
  }
  struct stat found;
  if (fstat(fd_, &found) != 0 || found.st_nlink == 0 ||
      static_cast<uint64_t>(found.st_size) < file_bytes_) {
    return absl::UnavailableError(
        absl::StrCat(path_, ": was removed or cut short"));
  }
  if (bytes > file_bytes_ - offset_) {
    // Records of the round before are not to outlive this one in the rest.
    block_.assign(file_bytes_ - offset_, '\0');
    absl::Status status = WriteAt(offset_, block_);
    if (!status.ok()) return status;
    offset_ = kBlackBoxBlockBytes;
  }
  RecordPrefix complete = prefix;
  complete.run = run_;
  complete.sequence = sequence_;
  EncodeRecord(complete, stored, block_);
  absl::Status status = WriteAt(offset_, block_);
  if (!status.ok()) return status;
  offset_ += bytes;
  ++sequence_;
  return absl::OkStatus();
}

}  // namespace poolscope
