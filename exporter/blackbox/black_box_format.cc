#include "poolscope/exporter/blackbox/black_box_format.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "zlib.h"

namespace poolscope {
namespace {

constexpr char kHeaderMagic[] = {'P', 'S', 'C', 'O', 'P', 'E', 'B', 'B'};
constexpr char kRecordMagic[] = {'P', 'S', 'B', 'R'};

static_assert(sizeof(BlackBoxHeader) == 112, "no gaps, and for good");
static_assert(sizeof(RecordPrefix) == 64, "no gaps, and for good");
static_assert(sizeof(BlackBoxHeader) <= kBlackBoxBlockBytes);

uint32_t Checksum(uint32_t crc, const void* bytes, size_t size) {
  return static_cast<uint32_t>(
      crc32_z(crc, static_cast<const Bytef*>(bytes), size));
}

uint32_t ChecksumOf(BlackBoxHeader header) {
  header.crc = 0;
  return Checksum(0, &header, sizeof(header));
}

uint32_t ChecksumOf(RecordPrefix prefix, absl::string_view stored) {
  prefix.crc = 0;
  return Checksum(Checksum(0, &prefix, sizeof(prefix)), stored.data(),
                  stored.size());
}

}  // namespace

uint64_t BlocksOf(uint64_t stored_bytes) {
  return (sizeof(RecordPrefix) + stored_bytes + kBlackBoxBlockBytes - 1) /
         kBlackBoxBlockBytes;
}

std::string EncodeHeader(BlackBoxHeader header) {
  std::memcpy(header.magic, kHeaderMagic, sizeof(kHeaderMagic));
  header.version = kBlackBoxVersion;
  header.crc = ChecksumOf(header);
  std::string block(kBlackBoxBlockBytes, '\0');
  std::memcpy(&block[0], &header, sizeof(header));
  return block;
}

absl::Status DecodeHeader(absl::string_view bytes, BlackBoxHeader& header) {
  header = BlackBoxHeader{};
  constexpr size_t kVersionEnd =
      offsetof(BlackBoxHeader, version) + sizeof(header.version);
  if (bytes.size() < kVersionEnd ||
      std::memcmp(bytes.data(), kHeaderMagic, sizeof(kHeaderMagic)) != 0) {
    return absl::InvalidArgumentError("this is no black box of poolscope");
  }
  std::memcpy(&header, bytes.data(), std::min(bytes.size(), sizeof(header)));
  if (header.version != kBlackBoxVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat("a black box of version ", header.version,
                     "; this poolscope has ", "version ", kBlackBoxVersion));
  }
  if (bytes.size() < kBlackBoxBlockBytes || header.crc != ChecksumOf(header) ||
      header.file_bytes % kBlackBoxBlockBytes != 0) {
    return absl::InvalidArgumentError(
        "a black box whose first block is damaged");
  }
  return absl::OkStatus();
}

void EncodeRecord(RecordPrefix prefix, absl::string_view stored,
                  std::string& out) {
  std::memcpy(prefix.magic, kRecordMagic, sizeof(kRecordMagic));
  prefix.stored_bytes = static_cast<uint32_t>(stored.size());
  prefix.crc = ChecksumOf(prefix, stored);
  out.assign(reinterpret_cast<const char*>(&prefix), sizeof(prefix));
  out.append(stored.data(), stored.size());
  out.resize(BlocksOf(stored.size()) * kBlackBoxBlockBytes, '\0');
}

RecordState DecodeRecord(absl::string_view bytes, uint64_t run,
                         RecordPrefix& prefix, absl::string_view& stored) {
  if (bytes.size() < sizeof(prefix)) return RecordState::kNone;
  std::memcpy(&prefix, bytes.data(), sizeof(prefix));
  if (std::memcmp(prefix.magic, kRecordMagic, sizeof(kRecordMagic)) != 0 ||
      prefix.run != run) {
    return RecordState::kNone;
  }
  bytes.remove_prefix(sizeof(prefix));
  stored = bytes.substr(0, prefix.stored_bytes);
  return stored.size() == prefix.stored_bytes &&
                 prefix.crc == ChecksumOf(prefix, stored)
             ? RecordState::kWhole
             : RecordState::kDamaged;
}

}  // namespace poolscope
