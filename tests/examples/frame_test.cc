#include "poolscope/examples/demo/frame.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace poolscope::demo {
namespace {

struct Received {
  FrameHeader header;
  std::string payload;
};

// Keeps what it is given, and checks that it comes in order.
class Recorder final : public FrameSink {
 public:
  absl::Status OnHeader(const FrameHeader& header) override {
    if (header.id == refused_id) return absl::AbortedError("refused");
    EXPECT_FALSE(inside_);
    inside_ = true;
    current_ = Received{header, ""};
    return absl::OkStatus();
  }
  void OnPayload(size_t offset, absl::string_view part) override {
    EXPECT_TRUE(inside_);
    EXPECT_EQ(offset, current_.payload.size());
    EXPECT_FALSE(part.empty());
    current_.payload.append(part.data(), part.size());
  }
  void OnEnd() override {
    EXPECT_TRUE(inside_);
    inside_ = false;
    EXPECT_EQ(current_.payload.size(), current_.header.length);
    frames.push_back(current_);
  }

  std::vector<Received> frames;
  uint64_t refused_id = 0;

 private:
  bool inside_ = false;
  Received current_;
};

std::string Encode(const FrameHeader& header, const std::string& payload) {
  const EncodedHeader bytes = EncodeHeader(header);
  return std::string(bytes.data(), bytes.size()) + payload;
}

FrameHeader Request(uint32_t length, uint64_t id) {
  return FrameHeader{length, FrameKind::kRequest, FrameStatus::kOk, id,
                     id * 0x0123456789abcdef};
}

void ExpectSameHeader(const FrameHeader& got, const FrameHeader& want) {
  EXPECT_EQ(got.length, want.length);
  EXPECT_EQ(got.kind, want.kind);
  EXPECT_EQ(got.status, want.status);
  EXPECT_EQ(got.id, want.id);
  EXPECT_EQ(got.seed, want.seed);
}

TEST(FrameTest, TheHeaderIsLittleEndianWithTheLengthFirst) {
  const EncodedHeader bytes = EncodeHeader(
      FrameHeader{0x01020304, FrameKind::kAnswer, FrameStatus::kCorrupt,
                  0x1112131415161718, 0x2122232425262728});
  const std::string want(
      "\x04\x03\x02\x01\x02\x04\0\0"
      "\x18\x17\x16\x15\x14\x13\x12\x11"
      "\x28\x27\x26\x25\x24\x23\x22\x21",
      kFrameHeaderBytes);
  EXPECT_EQ(std::string(bytes.data(), bytes.size()), want);
}

TEST(FrameParserTest, FramesAreTheSameHoweverTheStreamIsCut) {
  const std::string stream = Encode(Request(5, 1), "hello") +
                             Encode(Request(0, 2), "") +
                             Encode(Request(11, 3), "hello again");
  for (size_t part = 1; part <= stream.size(); ++part) {
    FrameParser parser;
    Recorder recorder;
    for (size_t at = 0; at < stream.size(); at += part) {
      ASSERT_TRUE(parser.Feed(stream.substr(at, part), recorder).ok());
    }
    ASSERT_EQ(recorder.frames.size(), 3u) << "in parts of " << part;
    ExpectSameHeader(recorder.frames[0].header, Request(5, 1));
    EXPECT_EQ(recorder.frames[0].payload, "hello");
    ExpectSameHeader(recorder.frames[1].header, Request(0, 2));
    ExpectSameHeader(recorder.frames[2].header, Request(11, 3));
    EXPECT_EQ(recorder.frames[2].payload, "hello again");
    EXPECT_TRUE(parser.Finish().ok());
  }
}

TEST(FrameParserTest, AnEmptyPayloadEndsWithItsHeader) {
  FrameParser parser;
  Recorder recorder;
  const std::string bytes = Encode(Request(0, 9), "");
  ASSERT_TRUE(
      parser.Feed(bytes.substr(0, kFrameHeaderBytes - 1), recorder).ok());
  EXPECT_TRUE(recorder.frames.empty());
  ASSERT_TRUE(parser.Feed(bytes.substr(kFrameHeaderBytes - 1), recorder).ok());
  EXPECT_EQ(recorder.frames.size(), 1u);
}

TEST(FrameParserTest, TheMaximumIsAcceptedAndOneMoreIsAnError) {
  {
    FrameParser parser(16);
    Recorder recorder;
    EXPECT_TRUE(
        parser.Feed(Encode(Request(16, 1), std::string(16, 'x')), recorder)
            .ok());
    EXPECT_EQ(recorder.frames.size(), 1u);
  }
  FrameParser parser(16);
  Recorder recorder;
  const absl::Status status = parser.Feed(Encode(Request(17, 1), ""), recorder);
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_NE(status.message().find("17 bytes"), absl::string_view::npos);
  EXPECT_NE(status.message().find("maximum is 16"), absl::string_view::npos);
  EXPECT_TRUE(recorder.frames.empty());
}

TEST(FrameParserTest, WhatIsNoHeaderIsAnError) {
  FrameHeader failed = Request(1, 1);
  failed.status = FrameStatus::kRequestRefused;
  const std::string failed_with_payload = Encode(failed, "");
  std::string unknown_kind = Encode(Request(0, 1), "");
  unknown_kind[4] = 3;
  std::string unknown_status = Encode(Request(0, 1), "");
  unknown_status[5] = kFrameStatusCount;
  std::string reserved = Encode(Request(0, 1), "");
  reserved[7] = 1;
  for (const std::string& bytes :
       {failed_with_payload, unknown_kind, unknown_status, reserved}) {
    FrameParser parser;
    Recorder recorder;
    EXPECT_TRUE(absl::IsInvalidArgument(parser.Feed(bytes, recorder)));
  }
}

TEST(FrameParserTest, TheSinksRefusalEndsTheParse) {
  FrameParser parser;
  Recorder recorder;
  recorder.refused_id = 2;
  const absl::Status status = parser.Feed(
      Encode(Request(1, 1), "a") + Encode(Request(1, 2), "b"), recorder);
  EXPECT_TRUE(absl::IsAborted(status)) << status;
  EXPECT_EQ(recorder.frames.size(), 1u);
}

TEST(FrameParserTest, AStreamThatEndsInsideAFrameLostData) {
  const std::string bytes = Encode(Request(3, 1), "abc");
  for (size_t size = 0; size <= bytes.size(); ++size) {
    FrameParser parser;
    Recorder recorder;
    ASSERT_TRUE(parser.Feed(bytes.substr(0, size), recorder).ok());
    const bool whole = size == 0 || size == bytes.size();
    EXPECT_EQ(parser.Finish().ok(), whole) << "after " << size << " bytes";
  }
}

}  // namespace
}  // namespace poolscope::demo
