// The messages of the demo, on the wire: a header of 24 bytes, then the
// payload that its first field announces.
//
//   0        4    5      6        8            16            24
//   | length | kind | status | 0 | id         | seed        | payload ...
//
// All fields are little-endian. `length` is the payload's, 0 to a maximum that
// the reader sets. `id` matches an answer to its request on one connection;
// `seed` says what the payload must hold (pattern.h) and travels unchanged from
// the client to the upstream and back.
//
//   client --kRequest--> relay --kRequest--> upstream
//   client <--kAnswer--- relay <--kAnswer--- upstream
//
// An answer whose status is not kOk has no payload and says why.
#ifndef POOLSCOPE_EXAMPLES_DEMO_FRAME_H_
#define POOLSCOPE_EXAMPLES_DEMO_FRAME_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace poolscope::demo {

enum class FrameKind : uint8_t { kRequest = 1, kAnswer = 2 };

// How a message ended.
enum class FrameStatus : uint8_t {
  kOk = 0,
  kRequestRefused = 1,  // no memory for the request's payload
  kAnswerRefused = 2,   // no memory for the answer's payload
  kUpstreamLost = 3,    // the connection to the upstream is gone
  kCorrupt = 4,         // the payload is not what its seed says
  kRejected = 5,        // the answer was not admitted: its client is too slow
  kHugeRefused = 6,     // no memory for a block larger than a chunk
  kGivenUp = 7,         // dropped half-assembled, to let others complete
};
inline constexpr int kFrameStatusCount = 8;

struct FrameHeader {
  uint32_t length = 0;
  FrameKind kind = FrameKind::kRequest;
  FrameStatus status = FrameStatus::kOk;
  uint64_t id = 0;
  uint64_t seed = 0;
};

inline constexpr size_t kFrameHeaderBytes = 24;
// The largest payload that the demo sends or accepts.
inline constexpr uint32_t kMaxPayloadBytes = 128 << 20;

using EncodedHeader = std::array<char, kFrameHeaderBytes>;
EncodedHeader EncodeHeader(const FrameHeader& header);

// Receives what a FrameParser finds, in order: a header, its payload in any
// number of parts, the end.
class FrameSink {
 public:
  virtual ~FrameSink() = default;
  // An error ends the parse: the frame cannot be accepted at all.
  virtual absl::Status OnHeader(const FrameHeader& header) = 0;
  // `offset` counts from the payload's start.
  virtual void OnPayload(size_t offset, absl::string_view part) = 0;
  virtual void OnEnd() = 0;
};

// Cuts a stream of bytes into frames, wherever its reads were cut. Holds at
// most one header; a payload goes to the sink as it comes. Thread-compatible.
class FrameParser {
 public:
  explicit FrameParser(uint32_t max_payload_bytes = kMaxPayloadBytes)
      : max_payload_bytes_(max_payload_bytes) {}

  // InvalidArgumentError when the bytes are no frame or announce a payload
  // above the maximum, or the sink's error. The stream has then no meaning any
  // more: the parser must not be fed again.
  absl::Status Feed(absl::string_view bytes, FrameSink& sink);

  // The stream has ended: DataLossError when that was inside a frame.
  absl::Status Finish() const;

 private:
  absl::Status BeginFrame(FrameSink& sink);

  uint32_t max_payload_bytes_;
  EncodedHeader header_bytes_{};
  size_t header_filled_ = 0;
  uint32_t payload_length_ = 0;
  uint32_t payload_filled_ = 0;
};

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_FRAME_H_
