// The file as it is written, read back, and refused.
#include "poolscope/exporter/blackbox/black_box_file.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "poolscope/exporter/blackbox/black_box_reader.h"
#include "poolscope/exporter/gzip_stream.h"
#include "poolscope/tests/exporter/blackbox/test_file.h"

namespace poolscope {
namespace {

constexpr uint64_t kBytes = BlackBoxFile::kMinBytes;

std::unique_ptr<BlackBoxFile> Create(const std::string& path) {
  absl::StatusOr<std::unique_ptr<BlackBoxFile>> file =
      BlackBoxFile::Create(path, kBytes);
  EXPECT_TRUE(file.ok()) << file.status();
  return file.ok() ? *std::move(file) : nullptr;
}

// A record with names of its own.
absl::Status Append(BlackBoxFile& file, const std::string& values,
                    const std::string& native = "") {
  GzipStream gzip;
  RecordPrefix prefix{};
  prefix.taken_nanos = 1700000000000000000;
  prefix.names_sequence = file.sequence();
  prefix.names_bytes = 2;
  prefix.values_bytes = static_cast<uint32_t>(values.size());
  prefix.native_bytes = static_cast<uint32_t>(native.size());
  return file.Append(prefix,
                     gzip.Compress(absl::StrCat("a\n", values, native)));
}

// Text that takes about as many bytes when it is compressed.
std::string Noise(size_t bytes, uint64_t seed) {
  std::string text;
  while (text.size() < bytes) {
    seed = seed * 6364136223846793005 + 1442695040888963407;
    text.push_back(static_cast<char>(seed >> 56));
  }
  return text;
}

TEST(BlackBoxFileTest, WhatIsAppendedIsRead) {
  const TestFolder folder;
  const std::unique_ptr<BlackBoxFile> file = Create(folder.box());
  ASSERT_TRUE(Append(*file, "a 1\n", "walk\n").ok());
  ASSERT_TRUE(Append(*file, "a 2\n").ok());
  const absl::StatusOr<BlackBox> box = ReadBlackBox(folder.box());
  ASSERT_TRUE(box.ok()) << box.status();
  EXPECT_EQ(box->pid, getpid());
  EXPECT_EQ(box->program, program_invocation_short_name);
  EXPECT_EQ(box->file_bytes, kBytes);
  EXPECT_EQ(box->found_bytes, kBytes);
  EXPECT_EQ(box->missing, 0u);
  EXPECT_FALSE(box->torn);
  ASSERT_EQ(box->records.size(), 2u);
  EXPECT_EQ(box->records[0].sequence, 1u);
  EXPECT_EQ(box->records[0].values, "a 1\n");
  EXPECT_EQ(box->records[0].native, "walk\n");
  EXPECT_EQ(box->records[1].values, "a 2\n");
  EXPECT_EQ(box->records[1].native, "");
  EXPECT_EQ(box->records[1].taken, absl::FromUnixSeconds(1700000000));
}

TEST(BlackBoxFileTest, NamesAreThoseOfTheRecordThatIsNamed) {
  const TestFolder folder;
  const std::unique_ptr<BlackBoxFile> file = Create(folder.box());
  const auto append = [&](uint64_t names_sequence, const std::string& text,
                          uint32_t names_bytes) {
    GzipStream gzip;
    RecordPrefix prefix{};
    prefix.names_sequence = names_sequence;
    prefix.names_bytes = names_bytes;
    prefix.values_bytes = static_cast<uint32_t>(text.size()) - names_bytes;
    ASSERT_TRUE(file->Append(prefix, gzip.Compress(text)).ok());
  };
  append(1, "a\n1\n", 2);
  append(1, "2\n", 0);
  append(3, "b\n3\n", 2);
  append(1, "4\n", 0);
  append(2, "5\n", 0);  // that has none itself
  append(9, "6\n", 0);  // nor does one that is not there
  append(3, "7\n", 0);
  const absl::StatusOr<BlackBox> box = ReadBlackBox(folder.box());
  ASSERT_TRUE(box.ok()) << box.status();
  std::string text;
  for (const BlackBoxRecord& record : box->records) {
    absl::StrAppend(&text, record.sequence, *record.names, record.values);
  }
  EXPECT_EQ(text, "1a\n1\n2a\n2\n3b\n3\n4a\n4\n5a\n5\n7b\n7\n");
  EXPECT_EQ(box->missing, 1u);
  EXPECT_FALSE(box->torn);
}

TEST(BlackBoxFileTest, AllBlocksAreThereFromTheStart) {
  const TestFolder folder;
  const std::unique_ptr<BlackBoxFile> file = Create(folder.box());
  struct stat found;
  ASSERT_EQ(stat(folder.box().c_str(), &found), 0);
  EXPECT_EQ(static_cast<uint64_t>(found.st_size), kBytes);
  EXPECT_GE(static_cast<uint64_t>(found.st_blocks) * 512, kBytes);
  EXPECT_EQ(found.st_mode & 0777, 0600u);
}

TEST(BlackBoxFileTest, TheRingKeepsTheNewestWithoutAGap) {
  const TestFolder folder;
  const std::unique_ptr<BlackBoxFile> file = Create(folder.box());
  // 255 blocks: records of one to seven, over several rounds.
  uint64_t appended = 0;
  for (int i = 0; i < 400; ++i) {
    const size_t bytes = 100 + i * 7919 % 24000;
    ASSERT_TRUE(Append(*file, Noise(bytes, i)).ok());
    ++appended;
    if (i % 50 != 49) continue;
    const absl::StatusOr<BlackBox> box = ReadBlackBox(folder.box());
    ASSERT_TRUE(box.ok()) << box.status();
    ASSERT_FALSE(box->records.empty());
    EXPECT_EQ(box->records.back().sequence, appended);
    EXPECT_EQ(box->records.back().values, Noise(bytes, i));
    EXPECT_EQ(box->missing, 0u);
    EXPECT_FALSE(box->torn);
    if (i > 200) {
      EXPECT_GT(box->records.size(), 40u);
    }
    for (const BlackBoxRecord& record : box->records) {
      const uint64_t seed = record.sequence - 1;
      EXPECT_EQ(record.values, Noise(100 + seed * 7919 % 24000, seed));
    }
  }
}

TEST(BlackBoxFileTest, ARecordFillsAnEighthAtMost) {
  const TestFolder folder;
  const std::unique_ptr<BlackBoxFile> file = Create(folder.box());
  // 31 blocks of 255 less a prefix, and one byte more.
  constexpr size_t kMost = 31 * kBlackBoxBlockBytes - sizeof(RecordPrefix);
  const RecordPrefix prefix{};
  EXPECT_TRUE(file->Append(prefix, std::string(kMost, 'x')).ok());
  const absl::Status status = file->Append(prefix, std::string(kMost + 1, 'x'));
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(absl::StrContains(status.message(), "make it larger")) << status;
  // It was not written, and the next one is.
  ASSERT_TRUE(Append(*file, "a 1\n").ok());
  const absl::StatusOr<BlackBox> box = ReadBlackBox(folder.box());
  ASSERT_TRUE(box.ok()) << box.status();
  EXPECT_EQ(box->records.back().sequence, 2u);
}

TEST(BlackBoxFileTest, TheRunBeforeIsKeptOnce) {
  const TestFolder folder;
  for (const char* run : {"1", "2", "3"}) {
    const std::unique_ptr<BlackBoxFile> file = Create(folder.box());
    ASSERT_TRUE(Append(*file, run).ok());
  }
  EXPECT_EQ(ReadBlackBox(folder.box())->records.back().values, "3");
  EXPECT_EQ(ReadBlackBox(folder.previous())->records.back().values, "2");
}

TEST(BlackBoxFileTest, ARunOfAnotherVersionIsKeptAsWell) {
  const TestFolder folder;
  { Create(folder.box()); }
  std::string older = ReadAll(folder.box());
  older[8] = 0;  // the version
  for (int i = 0; i < 2; ++i) {
    WriteAll(folder.box(), older);
    const std::unique_ptr<BlackBoxFile> file = Create(folder.box());
    ASSERT_TRUE(Append(*file, "a 1\n").ok());
    EXPECT_EQ(ReadAll(folder.previous()), older);
    EXPECT_EQ(ReadBlackBox(folder.box())->records.size(), 1u);
  }
}

TEST(BlackBoxFileTest, ItsDescriptorIsNoneThatAProgramWritesTo) {
  const TestFolder folder;
  const int input = dup(STDIN_FILENO);
  close(STDIN_FILENO);
  const std::unique_ptr<BlackBoxFile> file = Create(folder.box());
  EXPECT_EQ(fcntl(STDIN_FILENO, F_GETFD), -1);
  dup2(input, STDIN_FILENO);
  close(input);
  EXPECT_TRUE(Append(*file, "a 1\n").ok());
}

TEST(BlackBoxFileTest, AnEmptyFileIsTaken) {
  const TestFolder folder;
  WriteAll(folder.box(), "");
  const std::unique_ptr<BlackBoxFile> file = Create(folder.box());
  ASSERT_TRUE(Append(*file, "a 1\n").ok());
  EXPECT_NE(access(folder.previous().c_str(), F_OK), 0);
}

TEST(BlackBoxFileTest, WhatIsNotKnownIsLeftAsItIs) {
  const TestFolder folder;
  { Create(folder.box()); }
  std::string damaged = ReadAll(folder.box());
  damaged[30] ^= 1;
  const struct {
    std::string bytes;
    absl::StatusCode code;
    const char* why;
  } kCases[] = {
      {"important", absl::StatusCode::kInvalidArgument,
       "this is no black box of poolscope"},
      {std::string(4096, '\0'), absl::StatusCode::kInvalidArgument,
       "this is no black box of poolscope"},
      {damaged, absl::StatusCode::kInvalidArgument,
       "a black box whose first block is damaged"},
      {damaged.substr(0, 4095), absl::StatusCode::kInvalidArgument,
       "a black box whose first block is damaged"},
  };
  for (const auto& c : kCases) {
    WriteAll(folder.box(), c.bytes);
    const auto file = BlackBoxFile::Create(folder.box(), kBytes);
    ASSERT_FALSE(file.ok());
    EXPECT_EQ(file.status().code(), c.code);
    EXPECT_EQ(file.status().message(),
              absl::StrCat(folder.box(), ": ", c.why,
                           "; it is left as it is: move it, or name another "
                           "file"));
    EXPECT_EQ(ReadAll(folder.box()), c.bytes);
  }
}

TEST(BlackBoxFileTest, AForeignFileWhereThePreviousOneGoesIsLeftAsItIs) {
  const TestFolder folder;
  { ASSERT_TRUE(Append(*Create(folder.box()), "a 1\n").ok()); }
  WriteAll(folder.previous(), "important");
  const auto file = BlackBoxFile::Create(folder.box(), kBytes);
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(
      file.status().message(),
      absl::StrCat(folder.previous(), ": this is no black box of poolscope"));
  EXPECT_EQ(ReadAll(folder.previous()), "important");
  EXPECT_EQ(ReadBlackBox(folder.box())->records.size(), 1u);
}

TEST(BlackBoxFileTest, WhatCannotBeReadWhereThePreviousOneGoesIsLeft) {
  const TestFolder folder;
  { ASSERT_TRUE(Append(*Create(folder.box()), "a 1\n").ok()); }
  ASSERT_EQ(symlink("box.previous", folder.previous().c_str()), 0);
  const auto file = BlackBoxFile::Create(folder.box(), kBytes);
  EXPECT_EQ(file.status().message(),
            absl::StrCat(folder.previous(),
                         ": cannot be read, nor be replaced: Too many levels "
                         "of symbolic links"));
  EXPECT_EQ(ReadBlackBox(folder.box())->records.size(), 1u);
}

TEST(BlackBoxFileTest, AFileInUseNamesItsProcess) {
  const TestFolder folder;
  const std::unique_ptr<BlackBoxFile> first = Create(folder.box());
  ASSERT_TRUE(Append(*first, "a 1\n").ok());
  const auto second = BlackBoxFile::Create(folder.box(), kBytes);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(absl::StrContains(
      second.status().message(),
      absl::StrCat("in use as the black box of process ", getpid())))
      << second.status();
  EXPECT_EQ(ReadBlackBox(folder.box())->records.size(), 1u);
}

TEST(BlackBoxFileTest, OtherKindsOfFilesAreRefused) {
  const TestFolder folder;
  const auto inside = BlackBoxFile::Create(folder.box() + "/none", kBytes);
  EXPECT_EQ(inside.status().message(),
            folder.box() +
                "/none: the black box cannot be made: No such file or "
                "directory");
  const auto device = BlackBoxFile::Create("/dev/null", kBytes);
  EXPECT_EQ(device.status().message(), "/dev/null: not a regular file");
  ASSERT_EQ(mkfifo(folder.box().c_str(), 0600), 0);
  const auto fifo = BlackBoxFile::Create(folder.box(), kBytes);
  EXPECT_EQ(fifo.status().message(), folder.box() + ": not a regular file");
  ASSERT_EQ(unlink(folder.box().c_str()), 0);
  ASSERT_EQ(symlink("box.previous", folder.box().c_str()), 0);
  const auto link = BlackBoxFile::Create(folder.box(), kBytes);
  EXPECT_EQ(link.status().message(),
            folder.box() +
                ": a symbolic link, which is not followed; name the file "
                "itself");
  EXPECT_NE(access(folder.previous().c_str(), F_OK), 0);
}

TEST(BlackBoxFileTest, ALimitOnFilesIsSaidAtTheStart) {
  const TestFolder folder;
  struct rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = kBytes - 1;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto file = BlackBoxFile::Create(folder.box(), kBytes);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_EQ(file.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(file.status().message(),
            absl::StrCat(folder.box(), ": a file may have ", kBytes - 1,
                         " bytes (ulimit -f), not ", kBytes));
  EXPECT_NE(access(folder.box().c_str(), F_OK), 0);
}

TEST(BlackBoxFileTest, AFileThatIsCutOrRemovedIsAnErrorAndNoSignal) {
  const TestFolder folder;
  const std::unique_ptr<BlackBoxFile> file = Create(folder.box());
  ASSERT_TRUE(Append(*file, "a 1\n").ok());
  ASSERT_EQ(truncate(folder.box().c_str(), 0), 0);
  absl::Status status = Append(*file, "a 2\n");
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(status.message(), folder.box() + ": was removed or cut short");
  ASSERT_EQ(unlink(folder.box().c_str()), 0);
  EXPECT_FALSE(Append(*file, "a 3\n").ok());
}

// What the disk may hold after the end, and what a reader may meet: a header,
// and three records of two blocks each, the second one begun.
class DamageTest : public testing::Test {
 protected:
  static constexpr size_t kBlocks = 7;

  DamageTest() {
    const std::unique_ptr<BlackBoxFile> file = Create(folder_.box());
    for (int i = 1; i <= 3; ++i) {
      EXPECT_TRUE(Append(*file, Values(i)).ok());
    }
    bytes_ = ReadAll(folder_.box()).substr(0, kBlocks * kBlackBoxBlockBytes);
  }

  static std::string Values(uint64_t sequence) {
    return absl::StrCat("a ", sequence, Noise(4200, sequence));
  }

  // Of each block the bytes in use, and a sample of the zeros behind them.
  std::vector<size_t> Places() const {
    std::vector<size_t> places;
    for (size_t block = 0; block < bytes_.size();
         block += kBlackBoxBlockBytes) {
      size_t used = kBlackBoxBlockBytes;
      while (used > 0 && bytes_[block + used - 1] == '\0') --used;
      for (size_t at = 0; at < kBlackBoxBlockBytes; ++at) {
        // In the middle of what is compressed one byte is as any other.
        const bool inner = at > 128 && at + 128 < used;
        if (at > used + 1 || inner ? at % 16 == 0 : true) {
          places.push_back(block + at);
        }
      }
    }
    return places;
  }

  // Whatever is read is one of the records as it was written.
  static void ExpectNothingWrong(const BlackBox& box) {
    for (const BlackBoxRecord& record : box.records) {
      ASSERT_GE(record.sequence, 1u);
      ASSERT_LE(record.sequence, 3u);
      ASSERT_EQ(*record.names, "a\n");
      ASSERT_EQ(record.values, Values(record.sequence));
      ASSERT_EQ(record.taken, absl::FromUnixSeconds(1700000000));
    }
  }

  const TestFolder folder_;
  std::string bytes_;
};

TEST_F(DamageTest, NoByteThatIsFlippedMakesAWrongFigure) {
  size_t whole = 0;
  for (const size_t at : Places()) {
    std::string damaged = bytes_;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << at % 8));
    WriteAll(folder_.box(), damaged);
    const absl::StatusOr<BlackBox> box = ReadBlackBox(folder_.box());
    if (!box.ok()) {
      EXPECT_LT(at, sizeof(BlackBoxHeader));
      continue;
    }
    ExpectNothingWrong(*box);
    EXPECT_GE(box->records.size(), 2u) << at;
    if (box->records.size() == 3) ++whole;
  }
  // Those behind the end of the header and of each record.
  EXPECT_GT(whole, 500u);
}

TEST_F(DamageTest, NoLengthMakesAWrongFigure) {
  std::vector<size_t> lengths = Places();
  lengths.push_back(bytes_.size());
  // Downwards, so that the file is only ever cut.
  size_t most = 0;
  for (auto length = lengths.rbegin(); length != lengths.rend(); ++length) {
    ASSERT_EQ(truncate(folder_.box().c_str(), static_cast<off_t>(*length)), 0);
    const absl::StatusOr<BlackBox> box = ReadBlackBox(folder_.box());
    EXPECT_EQ(box.ok(), *length >= kBlackBoxBlockBytes) << *length;
    if (!box.ok()) continue;
    ExpectNothingWrong(*box);
    EXPECT_EQ(box->found_bytes, *length);
    most = std::max(most, box->records.size());
  }
  EXPECT_EQ(most, 3u);
}

TEST_F(DamageTest, ATornRecordIsLeftOutAndTheOneBeforeIsShown) {
  // The second block of the last one was not written.
  std::string torn = bytes_;
  torn.replace(6 * kBlackBoxBlockBytes, kBlackBoxBlockBytes,
               kBlackBoxBlockBytes, '\0');
  WriteAll(folder_.box(), torn);
  absl::StatusOr<BlackBox> box = ReadBlackBox(folder_.box());
  ASSERT_TRUE(box.ok()) << box.status();
  ExpectNothingWrong(*box);
  ASSERT_EQ(box->records.size(), 2u);
  EXPECT_TRUE(box->torn);
  EXPECT_EQ(box->missing, 0u);

  // The one in the middle was damaged.
  torn = bytes_;
  torn[4 * kBlackBoxBlockBytes + 5] ^= 1;
  WriteAll(folder_.box(), torn);
  box = ReadBlackBox(folder_.box());
  ASSERT_TRUE(box.ok()) << box.status();
  ExpectNothingWrong(*box);
  ASSERT_EQ(box->records.size(), 2u);
  EXPECT_FALSE(box->torn);
  EXPECT_EQ(box->missing, 1u);
}

TEST_F(DamageTest, RecordsOfAnotherRunAreNotTakenForThisOnes) {
  const TestFolder other;
  const std::unique_ptr<BlackBoxFile> file = Create(other.box());
  const std::string fresh = ReadAll(other.box());
  WriteAll(folder_.box(), fresh.substr(0, kBlackBoxBlockBytes) +
                              bytes_.substr(kBlackBoxBlockBytes));
  const absl::StatusOr<BlackBox> box = ReadBlackBox(folder_.box());
  ASSERT_TRUE(box.ok()) << box.status();
  EXPECT_TRUE(box->records.empty());
}

}  // namespace
}  // namespace poolscope
