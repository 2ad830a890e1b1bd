#include "poolscope/allocator/outbound/read_gate.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstddef>
#include <string>

#include "gtest/gtest.h"

namespace poolscope {
namespace {

TEST(ReadGateTest, ReadsAtFirst) {
  ReadGate gate;
  EXPECT_TRUE(gate.reading());
  EXPECT_FALSE(gate.ShouldRead());  // nothing there
  gate.NoteReadable();
  EXPECT_TRUE(gate.ShouldRead());
}

TEST(ReadGateTest, OnlyTheFirstReasonPausesAndOnlyTheLastResumes) {
  ReadGate gate;
  EXPECT_FALSE(gate.Resume(PauseReason::kWatermark));
  EXPECT_TRUE(gate.Pause(PauseReason::kWatermark));
  EXPECT_FALSE(gate.Pause(PauseReason::kWatermark));
  EXPECT_FALSE(gate.Pause(PauseReason::kMemory));
  EXPECT_FALSE(gate.Pause(PauseReason::kUser));
  EXPECT_FALSE(gate.reading());

  EXPECT_FALSE(gate.Resume(PauseReason::kWatermark));
  EXPECT_FALSE(gate.paused_by(PauseReason::kWatermark));
  EXPECT_TRUE(gate.paused_by(PauseReason::kMemory));
  EXPECT_TRUE(gate.paused_by(PauseReason::kUser));
  EXPECT_FALSE(gate.Resume(PauseReason::kWatermark));
  EXPECT_FALSE(gate.Resume(PauseReason::kUser));
  EXPECT_FALSE(gate.reading());
  EXPECT_TRUE(gate.Resume(PauseReason::kMemory));
  EXPECT_TRUE(gate.reading());
  EXPECT_FALSE(gate.Resume(PauseReason::kMemory));
}

TEST(ReadGateTest, AnEdgeIsKeptWhilePaused) {
  ReadGate gate;
  gate.Pause(PauseReason::kUser);
  gate.NoteReadable();
  EXPECT_FALSE(gate.ShouldRead());
  EXPECT_TRUE(gate.Resume(PauseReason::kUser));
  EXPECT_TRUE(gate.ShouldRead());
  gate.NoteDrained();
  EXPECT_FALSE(gate.ShouldRead());
}

// One end of a socket pair with a gate before it, in an epoll of its own.
class ReadGateEpollTest : public testing::TestWithParam<uint32_t> {
 protected:
  void SetUp() override {
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
                         ends),
              0);
    socket_ = ends[0];
    peer_ = ends[1];
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    ASSERT_GE(epoll_, 0);
    Control(EPOLL_CTL_ADD, EPOLLIN);
  }
  void TearDown() override {
    close(epoll_);
    close(socket_);
    close(peer_);
  }

  bool edge_triggered() const { return GetParam() != 0; }

  void Control(int operation, uint32_t events) {
    epoll_event event = {};
    event.events = events | GetParam();
    ASSERT_EQ(epoll_ctl(epoll_, operation, socket_, &event), 0);
  }

  void Send(const std::string& bytes) {
    ASSERT_EQ(write(peer_, bytes.data(), bytes.size()),
              static_cast<ssize_t>(bytes.size()));
  }

  // What epoll tells now. Bytes that were sent on a socket pair are there.
  bool Poll() {
    epoll_event event;
    return epoll_wait(epoll_, &event, 1, 0) == 1;
  }

  // As the header has it.
  void Turn() {
    if (!Poll()) return;
    ++wakeups_;
    if (edge_triggered()) gate_.NoteReadable();
    if (edge_triggered() ? gate_.ShouldRead() : gate_.reading()) Read();
  }
  void Pause(PauseReason reason) {
    if (gate_.Pause(reason) && !edge_triggered()) Control(EPOLL_CTL_MOD, 0);
  }
  void Resume(PauseReason reason) {
    if (!gate_.Resume(reason)) return;
    if (!edge_triggered()) {
      Control(EPOLL_CTL_MOD, EPOLLIN);
    } else if (gate_.ShouldRead()) {
      Read();
    }
  }

  // Until the socket is empty, or for `pieces` of two bytes, after which the
  // watermark pauses it.
  void Read() {
    char piece[2];
    while (gate_.ShouldRead() || (!edge_triggered() && gate_.reading())) {
      const ssize_t got = read(socket_, piece, sizeof piece);
      if (got < 0) {
        ASSERT_EQ(errno, EAGAIN);
        gate_.NoteDrained();
        return;
      }
      received_.append(piece, got);
      if (--pieces_ == 0) Pause(PauseReason::kWatermark);
    }
  }

  ReadGate gate_;
  int socket_ = -1;
  int peer_ = -1;
  int epoll_ = -1;
  int pieces_ = 1000;
  int wakeups_ = 0;
  std::string received_;
};

TEST_P(ReadGateEpollTest, WhatCameWhilePausedIsReadOnResumption) {
  Pause(PauseReason::kMemory);
  Send("abc");
  Turn();
  EXPECT_EQ(received_, "");
  Turn();
  EXPECT_EQ(received_, "");

  Resume(PauseReason::kMemory);
  Turn();
  EXPECT_EQ(received_, "abc");
}

TEST_P(ReadGateEpollTest, APausedSocketDoesNotWakeTheLoopOverAndOver) {
  Pause(PauseReason::kMemory);
  Send("abc");
  for (int i = 0; i < 10; ++i) Turn();
  // The one edge, or nothing.
  EXPECT_EQ(wakeups_, edge_triggered() ? 1 : 0);
}

TEST_P(ReadGateEpollTest, WhatWasThereBeforeAPauseIsReadAfterIt) {
  Send("abc");
  Pause(PauseReason::kMemory);
  Turn();
  EXPECT_EQ(received_, "");
  Resume(PauseReason::kMemory);
  Turn();
  EXPECT_EQ(received_, "abc");
}

TEST_P(ReadGateEpollTest, APauseAmidReadingLosesNothing) {
  // The edge was told before the pause; no other comes for the rest.
  pieces_ = 2;
  Send("abcdefgh");
  Turn();
  EXPECT_EQ(received_, "abcd");
  for (int i = 0; i < 3; ++i) Turn();
  EXPECT_EQ(received_, "abcd");

  pieces_ = 1;
  Resume(PauseReason::kWatermark);
  Turn();
  EXPECT_EQ(received_, "abcdef");

  pieces_ = 1000;
  Resume(PauseReason::kWatermark);
  Turn();
  EXPECT_EQ(received_, "abcdefgh");
  // All of it was read: a further resumption has nothing to read.
  Pause(PauseReason::kUser);
  EXPECT_FALSE(gate_.ShouldRead());
  Resume(PauseReason::kUser);
  EXPECT_EQ(received_, "abcdefgh");
}

TEST_P(ReadGateEpollTest, TheLastOfSeveralReasonsResumes) {
  Pause(PauseReason::kMemory);
  Pause(PauseReason::kWatermark);
  Send("abc");
  Turn();
  Resume(PauseReason::kMemory);
  Turn();
  EXPECT_EQ(received_, "");
  Resume(PauseReason::kWatermark);
  Turn();
  EXPECT_EQ(received_, "abc");
}

INSTANTIATE_TEST_SUITE_P(Triggers, ReadGateEpollTest,
                         testing::Values(0u, static_cast<uint32_t>(EPOLLET)),
                         [](const testing::TestParamInfo<uint32_t>& info) {
                           return info.param == 0 ? "Level" : "Edge";
                         });

}  // namespace
}  // namespace poolscope
