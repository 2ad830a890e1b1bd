#include "poolscope/examples/demo/frame.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace poolscope::demo {
namespace {

void Store(uint64_t value, size_t bytes, char* to) {
  for (size_t i = 0; i < bytes; ++i) {
    to[i] = static_cast<char>(value >> (8 * i));
  }
}

uint64_t Load(const char* from, size_t bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes; ++i) {
    value |= uint64_t{static_cast<unsigned char>(from[i])} << (8 * i);
  }
  return value;
}

}  // namespace

EncodedHeader EncodeHeader(const FrameHeader& header) {
  EncodedHeader bytes{};
  Store(header.length, 4, &bytes[0]);
  Store(static_cast<uint64_t>(header.kind), 1, &bytes[4]);
  Store(static_cast<uint64_t>(header.status), 1, &bytes[5]);
  Store(header.id, 8, &bytes[8]);
  Store(header.seed, 8, &bytes[16]);
  return bytes;
}

absl::Status FrameParser::BeginFrame(FrameSink& sink) {
  const char* const bytes = header_bytes_.data();
  const uint64_t kind = Load(bytes + 4, 1);
  const uint64_t status = Load(bytes + 5, 1);
  if ((kind != static_cast<uint64_t>(FrameKind::kRequest) &&
       kind != static_cast<uint64_t>(FrameKind::kAnswer)) ||
      status >= kFrameStatusCount || Load(bytes + 6, 2) != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("no frame header: kind ", kind, ", status ", status));
  }
  FrameHeader header;
  header.length = static_cast<uint32_t>(Load(bytes, 4));
  header.kind = static_cast<FrameKind>(kind);
  header.status = static_cast<FrameStatus>(status);
  header.id = Load(bytes + 8, 8);
  header.seed = Load(bytes + 16, 8);
  if (header.status != FrameStatus::kOk && header.length != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("a frame of status ", status, " announces ", header.length,
                     " bytes of payload; it can have none"));
  }
  if (header.length > max_payload_bytes_) {
    return absl::InvalidArgumentError(
        absl::StrCat("a frame announces ", header.length,
                     " bytes of payload; the maximum is ", max_payload_bytes_));
  }
  payload_length_ = header.length;
  payload_filled_ = 0;
  return sink.OnHeader(header);
}

absl::Status FrameParser::Feed(absl::string_view bytes, FrameSink& sink) {
  while (!bytes.empty()) {
    if (header_filled_ < kFrameHeaderBytes) {
      const size_t part =
          std::min(bytes.size(), kFrameHeaderBytes - header_filled_);
      std::memcpy(header_bytes_.data() + header_filled_, bytes.data(), part);
      header_filled_ += part;
      bytes.remove_prefix(part);
      if (header_filled_ < kFrameHeaderBytes) return absl::OkStatus();
      const absl::Status status = BeginFrame(sink);
      if (!status.ok()) return status;
    }
    const size_t part =
        std::min<size_t>(bytes.size(), payload_length_ - payload_filled_);
    if (part > 0) {
      sink.OnPayload(payload_filled_, bytes.substr(0, part));
      payload_filled_ += static_cast<uint32_t>(part);
      bytes.remove_prefix(part);
    }
    if (payload_filled_ == payload_length_) {
      header_filled_ = 0;
      sink.OnEnd();
    }
  }
  return absl::OkStatus();
}

absl::Status FrameParser::Finish() const {
  if (header_filled_ == 0) return absl::OkStatus();
  if (header_filled_ < kFrameHeaderBytes) {
    return absl::DataLossError(
        absl::StrCat("the connection ended after ", header_filled_, " of ",
                     kFrameHeaderBytes, " bytes of a frame header"));
  }
  return absl::DataLossError(
      absl::StrCat("the connection ended after ", payload_filled_, " of ",
                   payload_length_, " bytes of a payload"));
}

}  // namespace poolscope::demo
