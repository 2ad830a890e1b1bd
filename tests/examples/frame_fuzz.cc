// What a client of the relay or the aggregator may send, as a target of
// libFuzzer: `./dev fuzz frame`.
//
// The first byte of the input says into pieces of how many bytes the rest is
// cut, which is fed to a parser whole and in pieces. These end it, besides the
// sanitizers: pieces that give other frames than the whole, payloads that are
// not what was sent, a frame that would not be encoded as it came.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "poolscope/examples/demo/frame.h"

namespace poolscope::demo {
namespace {

constexpr uint32_t kMaxPayloadBytesHere = 4096;

void Check(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "frame_fuzz: %s\n", what);
  std::abort();
}

// Puts the frames together again as they came.
class Recorder final : public FrameSink {
 public:
  absl::Status OnHeader(const FrameHeader& header) override {
    Check(!inside_, "a header within a frame");
    Check(header.length <= kMaxPayloadBytesHere, "a payload above the maximum");
    Check(header.status == FrameStatus::kOk || header.length == 0,
          "a payload of a frame that failed");
    inside_ = true;
    left_ = header.length;
    length_ = header.length;
    const EncodedHeader bytes = EncodeHeader(header);
    bytes_.append(bytes.data(), bytes.size());
    return absl::OkStatus();
  }
  void OnPayload(size_t offset, absl::string_view part) override {
    Check(inside_ && !part.empty() && part.size() <= left_, "a part too many");
    Check(offset == length_ - left_, "a part at the wrong place");
    left_ -= part.size();
    bytes_.append(part.data(), part.size());
  }
  void OnEnd() override {
    Check(inside_ && left_ == 0, "an end before the payload's");
    inside_ = false;
    ends_.push_back(bytes_.size());
  }

  // All that was received, frames that have no end yet included.
  const std::string& bytes() const { return bytes_; }
  const std::vector<size_t>& ends() const { return ends_; }
  bool inside() const { return inside_; }

 private:
  bool inside_ = false;
  size_t length_ = 0;
  size_t left_ = 0;
  std::string bytes_;
  std::vector<size_t> ends_;
};

// False where the bytes are no frames.
bool Feed(absl::string_view bytes, size_t step, Recorder& recorder) {
  FrameParser parser(kMaxPayloadBytesHere);
  for (size_t i = 0; i < bytes.size(); i += step) {
    if (!parser.Feed(bytes.substr(i, step), recorder).ok()) return false;
  }
  // An end within a header is not seen by the recorder.
  if (recorder.inside()) {
    Check(!parser.Finish().ok(), "an end within a frame is accepted");
  }
  return true;
}

void Play(absl::string_view bytes, size_t step) {
  Recorder whole;
  Recorder pieces;
  const bool ok = Feed(bytes, bytes.empty() ? 1 : bytes.size(), whole);
  Check(Feed(bytes, step, pieces) == ok, "pieces are judged otherwise");
  Check(pieces.ends() == whole.ends(), "pieces give other frames");
  Check(pieces.bytes() == whole.bytes(), "pieces give other bytes");
  Check(bytes.substr(0, whole.bytes().size()) == whole.bytes(),
        "frames are not what was sent");
}

}  // namespace
}  // namespace poolscope::demo

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  poolscope::demo::Play(
      absl::string_view(reinterpret_cast<const char*>(data) + 1, size - 1),
      1 + data[0] % 64);
  return 0;
}
