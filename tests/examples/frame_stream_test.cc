#include "poolscope/examples/demo/frame_stream.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "poolscope/examples/demo/frame.h"
#include "poolscope/examples/demo/pattern.h"
#include "poolscope/examples/demo/socket.h"

namespace poolscope::demo {
namespace {

// Counts the frames whose payload is what their seed says.
class Checker final : public FrameSink {
 public:
  absl::Status OnHeader(const FrameHeader& header) override {
    header_ = header;
    intact_ = true;
    return absl::OkStatus();
  }
  void OnPayload(size_t offset, absl::string_view part) override {
    intact_ = intact_ && MatchesPattern(header_.seed, offset, part);
  }
  void OnEnd() override { ids.push_back(intact_ ? header_.id : 0); }

  std::vector<uint64_t> ids;  // 0 for a frame that is not intact

 private:
  FrameHeader header_;
  bool intact_ = true;
};

class FrameStreamTest : public testing::Test {
 protected:
  void SetUp() override {
    int fds[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    near_ = UniqueFd(fds[0]);
    far_ = UniqueFd(fds[1]);
  }

  void Push(uint32_t length, uint64_t id) {
    queue_.Push(FrameHeader{length, FrameKind::kRequest, FrameStatus::kOk, id,
                            id + 100},
                id + 100);
  }

  UniqueFd near_;
  UniqueFd far_;
  SeededFrameQueue queue_;
  std::vector<char> buffer_ = std::vector<char>(kIoBufferBytes);
  FrameParser parser_;
  Checker checker_;
};

TEST_F(FrameStreamTest, WhatTheSocketDoesNotTakeIsSentLater) {
  // Far more than a socket holds.
  const std::vector<uint64_t> ids = {1, 2, 3, 4};
  for (const uint64_t id : ids) Push(1 << 20, id);
  int full = 0;
  while (checker_.ids.size() < ids.size()) {
    const absl::StatusOr<bool> all_out =
        queue_.Flush(near_, absl::MakeSpan(buffer_));
    ASSERT_TRUE(all_out.ok()) << all_out.status();
    if (!*all_out) ++full;
    EXPECT_EQ(*all_out, queue_.empty());
    ASSERT_TRUE(
        ReadFrames(far_, absl::MakeSpan(buffer_), parser_, checker_).ok());
  }
  EXPECT_GT(full, 0);
  EXPECT_EQ(checker_.ids, ids);
}

TEST_F(FrameStreamTest, ATinyBufferCutsHeadersAndPayloadsAnywhere) {
  for (uint64_t id = 1; id <= 20; ++id) Push(static_cast<uint32_t>(id), id);
  std::vector<char> tiny(7);
  ASSERT_TRUE(*queue_.Flush(near_, absl::MakeSpan(tiny)));
  ASSERT_TRUE(
      ReadFrames(far_, absl::MakeSpan(buffer_), parser_, checker_).ok());
  ASSERT_EQ(checker_.ids.size(), 20u);
  for (uint64_t id = 1; id <= 20; ++id) EXPECT_EQ(checker_.ids[id - 1], id);
}

TEST_F(FrameStreamTest, APeerThatClosesBetweenFramesIsNotAnError) {
  Push(10, 1);
  ASSERT_TRUE(*queue_.Flush(near_, absl::MakeSpan(buffer_)));
  near_.Close();
  ASSERT_TRUE(
      ReadFrames(far_, absl::MakeSpan(buffer_), parser_, checker_).ok());
  EXPECT_EQ(checker_.ids, std::vector<uint64_t>{1});
  EXPECT_TRUE(absl::IsOutOfRange(
      ReadFrames(far_, absl::MakeSpan(buffer_), parser_, checker_)));
}

TEST_F(FrameStreamTest, APeerThatClosesInsideAFrameLostData) {
  const EncodedHeader header = EncodeHeader(FrameHeader{10});
  ASSERT_EQ(send(near_.get(), header.data(), header.size(), 0),
            static_cast<ssize_t>(header.size()));
  near_.Close();
  absl::Status status;
  while (status.ok()) {
    status = ReadFrames(far_, absl::MakeSpan(buffer_), parser_, checker_);
  }
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
}

TEST_F(FrameStreamTest, SendingToAClosedPeerIsAnErrorAndNoSignal) {
  far_.Close();
  Push(10, 1);
  EXPECT_FALSE(queue_.Flush(near_, absl::MakeSpan(buffer_)).ok());
}

}  // namespace
}  // namespace poolscope::demo
