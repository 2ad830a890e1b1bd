// The writer between a test that posts and a store that the test plays itself.
#include "poolscope/examples/demo/store_writer.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "poolscope/allocator/buffer/buffer.h"
#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/allocator/outbound/registered_channel.h"
#include "poolscope/allocator/outbound/writability.h"
#include "poolscope/examples/demo/frame.h"
#include "poolscope/examples/demo/socket.h"

namespace poolscope::demo {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(30);
constexpr uint64_t kSocketBufferBytes = 16 << 10;
// More than the kernel takes of it while nobody reads.
constexpr uint32_t kLargeBytes = 1 << 20;

bool Ready(const UniqueFd& fd, short events) {
  pollfd poll_fd{fd.get(), events, 0};
  return poll(&poll_fd, 1,
              static_cast<int>(absl::ToInt64Milliseconds(kPatience))) == 1;
}

bool Happens(std::promise<void>& event) {
  return event.get_future().wait_for(absl::ToChronoSeconds(kPatience)) ==
         std::future_status::ready;
}

class StoreWriterTest : public testing::Test {
 protected:
  void SetUp() override {
    auto allocator = BufferAllocator::Unpooled(UnpooledOptions());
    ASSERT_TRUE(allocator.ok()) << allocator.status();
    allocator_ = *std::move(allocator);
    auto listener = ListenOnLoopback();
    ASSERT_TRUE(listener.ok()) << listener.status();
    // Before the connection, which inherits them.
    ASSERT_TRUE(SetSocketBuffers(listener->fd, kSocketBufferBytes).ok());
    auto socket = ConnectToLoopback(listener->port);
    ASSERT_TRUE(socket.ok()) << socket.status();
    ASSERT_TRUE(SetSocketBuffers(*socket, kSocketBufferBytes).ok());
    ASSERT_TRUE(Ready(listener->fd, POLLIN));
    auto store = Accept(listener->fd);
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);

    StoreWriterOptions options;
    options.watermarks = {kLargeBytes / 4, kLargeBytes / 2};
    options.on_answer = [this](const StoreAnswer& answer) {
      answers_.push_back(answer);
      if (answers_.size() == 1) answered_.set_value();
    };
    options.on_room = [this] {
      // Who is told may ask.
      EXPECT_TRUE(writer_->writable());
      if (++rooms_ == 1) room_.set_value();
    };
    auto writer = StoreWriter::Create(*std::move(socket), RegisteredChannel(),
                                      std::move(options));
    ASSERT_TRUE(writer.ok()) << writer.status();
    writer_ = *std::move(writer);
    ASSERT_TRUE(writer_->Start().ok());
  }

  void TearDown() override {
    writer_.reset();
    // Whatever became of the messages, their memory is back.
    EXPECT_EQ(allocator_->Stats().pinned_bytes, 0u);
  }

  void Post(uint64_t request_id, uint32_t length) {
    absl::StatusOr<Buffer> payload =
        allocator_->CopyOf(std::string(length, 'x'));
    ASSERT_TRUE(payload.ok()) << payload.status();
    const Origin origin{0, 7, request_id, length};
    const FrameHeader header{length, FrameKind::kRequest, FrameStatus::kOk,
                             request_id, request_id + 1000};
    writer_->Post({origin, header, payload->Send()});
  }

  void PostUntilUnwritable() {
    Post(1, kLargeBytes);
    while (writer_->writable()) std::this_thread::yield();
  }

  // The store takes so much.
  void Read(size_t bytes) {
    std::vector<char> buffer(bytes);
    for (size_t got = 0; got < bytes;) {
      ASSERT_TRUE(Ready(store_, POLLIN)) << got;
      const ssize_t n = recv(store_.get(), buffer.data() + got, bytes - got, 0);
      ASSERT_GT(n, 0) << got;
      got += static_cast<size_t>(n);
    }
  }

  void ExpectLost(const StoreAnswer& answer, uint64_t request_id) {
    EXPECT_EQ(answer.origin.request_id, request_id);
    EXPECT_EQ(answer.seed, request_id + 1000);
    EXPECT_EQ(answer.status, FrameStatus::kUpstreamLost);
  }

  std::unique_ptr<BufferAllocator> allocator_;
  UniqueFd store_;
  // Of the writer's thread; the test looks at them when it has ended.
  std::vector<StoreAnswer> answers_;
  int rooms_ = 0;
  // The first time that either happens.
  std::promise<void> answered_;
  std::promise<void> room_;
  std::unique_ptr<StoreWriter> writer_;
};

TEST_F(StoreWriterTest, AStoreThatReadsOnMakesRoom) {
  PostUntilUnwritable();
  Read(kFrameHeaderBytes + kLargeBytes);
  ASSERT_TRUE(Happens(room_));
  EXPECT_TRUE(writer_->writable());
  writer_->Stop();
  EXPECT_EQ(rooms_, 1);
  EXPECT_TRUE(writer_->broken().ok()) << writer_->broken();
}

// Else those who wait for room wait for ever.
TEST_F(StoreWriterTest, AStoreThatGoesMakesRoom) {
  PostUntilUnwritable();
  store_.Close();
  ASSERT_TRUE(Happens(answered_));
  writer_->Stop();
  EXPECT_EQ(rooms_, 1);
  EXPECT_TRUE(writer_->writable());
  EXPECT_FALSE(writer_->broken().ok());
  ASSERT_EQ(answers_.size(), 1u);
  ExpectLost(answers_[0], 1);
}

TEST_F(StoreWriterTest, WhatComesAfterTheStoreHasGoneIsLostAtOnce) {
  store_.Close();
  ASSERT_TRUE(Happens(room_));
  Post(1, kLargeBytes);
  ASSERT_TRUE(Happens(answered_));
  EXPECT_TRUE(writer_->writable());
  writer_->Stop();
  ASSERT_EQ(answers_.size(), 1u);
  ExpectLost(answers_[0], 1);
}

TEST_F(StoreWriterTest, StoppingFreesWhatWaits) {
  PostUntilUnwritable();
  Post(2, 100);
  writer_->Stop();
  Post(3, 100);
  EXPECT_TRUE(writer_->broken().ok()) << writer_->broken();
  EXPECT_TRUE(answers_.empty());
}

}  // namespace
}  // namespace poolscope::demo
