// Who goes where there is no room, at times of the test's own.

#include "poolscope/exporter/connection_table.h"

#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "poolscope/exporter/http_connection.h"
#include "poolscope/exporter/http_exchange.h"
#include "poolscope/exporter/listening_socket.h"
#include "poolscope/tests/exporter/scripted_client.h"

namespace poolscope {
namespace {

using std::chrono::seconds;
using State = HttpConnection::State;

constexpr seconds kTimeout(2);

class ConnectionTableTest : public testing::Test {
 protected:
  ~ConnectionTableTest() override {
    for (const int end : other_ends_) close(end);
  }

  // A connection that has sent `bytes`.
  HttpConnection* Add(const Peer& peer, const std::string& bytes = "") {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    other_ends_.push_back(ends[1]);
    clients_.emplace_back();
    clients_.back().sent = bytes;
    clients_.back().takes = 0;
    HttpConnection::Limits limits;
    limits.timeout = kTimeout;
    limits.max_head_bytes = 1024;
    HttpConnection* const added = table_.Add(
        peer, std::make_unique<HttpConnection>(
                  next_id_++, ends[0],
                  std::make_unique<ScriptedTransport>(&clients_.back()), limits,
                  &service_, now_));
    exchange_ = added->Advance(now_);
    return added;
  }
  // One that is being served, as of when it is answered.
  HttpConnection* AddServed(const Peer& peer) {
    HttpConnection* const added =
        Add(peer, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(added->state(), State::kServing);
    return added;
  }
  HttpConnection* AddDeaf(const Peer& peer, size_t bytes) {
    HttpConnection* const added = AddServed(peer);
    exchange_->response.SetBody(std::string(bytes, 'x'));
    added->Answer(std::move(exchange_), now_);
    EXPECT_EQ(added->Advance(now_), nullptr);
    EXPECT_EQ(added->state(), State::kWriting);
    return added;
  }

  static Peer From(uint64_t network) {
    Peer peer;
    peer.network = network;
    return peer;
  }

  SteadyTime now_ = SteadyTime() + seconds(1000);
  CountingService service_;
  std::deque<ScriptedClient> clients_;
  std::vector<int> other_ends_;
  std::unique_ptr<HttpExchange> exchange_;
  uint64_t next_id_ = 0;
  ConnectionTable table_{3, 2};
};

TEST_F(ConnectionTableTest, TheLongestIdleGoesAtTheBoundOfAll) {
  const HttpConnection* const first = Add(From(1));
  now_ += seconds(1);
  Add(From(2));
  EXPECT_TRUE(table_.MakeRoom(From(3), now_));
  EXPECT_EQ(table_.closed_for_room(), 0u);
  Add(From(3));
  EXPECT_TRUE(table_.MakeRoom(From(4), now_));
  EXPECT_EQ(table_.closed_for_room(), 1u);
  EXPECT_EQ(first->state(), State::kClosed);
  // It counts no longer, though it is not swept yet.
  EXPECT_TRUE(table_.MakeRoom(From(4), now_));
  EXPECT_EQ(table_.closed_for_room(), 1u);
  EXPECT_EQ(table_.Find(0), nullptr);
  EXPECT_NE(table_.Find(1), nullptr);
  table_.Sweep();
  EXPECT_EQ(table_.entries().size(), 2u);
  EXPECT_EQ(table_.Find(0), nullptr);
  EXPECT_NE(table_.Find(2), nullptr);
}

TEST_F(ConnectionTableTest, APeerAtItsBoundGivesOneOfItsOwn) {
  const HttpConnection* const other = Add(From(1));
  now_ += seconds(1);
  const HttpConnection* const own = Add(From(2));
  AddServed(From(2));
  EXPECT_TRUE(table_.MakeRoom(From(2), now_));
  EXPECT_EQ(own->state(), State::kClosed);
  EXPECT_EQ(other->state(), State::kReading);
  EXPECT_TRUE(table_.MakeRoom(From(2), now_));
  table_.Sweep();
  AddServed(From(2));
  EXPECT_FALSE(table_.MakeRoom(From(2), now_));
}

TEST_F(ConnectionTableTest, ASlowAnswerGoesWhereNobodyIsIdle) {
  const HttpConnection* const deaf = AddDeaf(From(1), 10000);
  AddServed(From(2));
  AddServed(From(3));
  now_ += kTimeout;
  EXPECT_FALSE(table_.MakeRoom(From(4), now_));
  now_ += std::chrono::nanoseconds(1);
  EXPECT_TRUE(table_.MakeRoom(From(4), now_));
  EXPECT_EQ(deaf->state(), State::kClosed);
  EXPECT_EQ(service_.statuses, std::vector<int>{200});
}

TEST_F(ConnectionTableTest, OneThatHasHungUpGoesWhereNobodyIsIdle) {
  AddServed(From(1));
  HttpConnection* const gone = AddServed(From(2));
  const HttpConnection* const idle = Add(From(3));
  gone->HangUp();
  EXPECT_TRUE(table_.MakeRoom(From(4), now_));
  EXPECT_EQ(idle->state(), State::kClosed);
  table_.Sweep();
  AddServed(From(3));
  EXPECT_TRUE(table_.MakeRoom(From(4), now_));
  EXPECT_EQ(gone->state(), State::kClosed);
}

TEST_F(ConnectionTableTest, AnIdleOneGoesBeforeASlowAnswer) {
  const HttpConnection* const deaf = AddDeaf(From(1), 10000);
  now_ += seconds(60);
  const HttpConnection* const idle = Add(From(2));
  AddServed(From(3));
  EXPECT_TRUE(table_.MakeRoom(From(4), now_));
  EXPECT_EQ(idle->state(), State::kClosed);
  EXPECT_EQ(deaf->state(), State::kWriting);
}

TEST_F(ConnectionTableTest, AnIdleOneGoesThoughAnAnswerIsUnderWayForLonger) {
  HttpConnection* const idle = AddServed(From(1));
  std::unique_ptr<HttpExchange> exchange = std::move(exchange_);
  const HttpConnection* const deaf = AddDeaf(From(2), 10000);
  AddServed(From(3));
  now_ += seconds(60);
  clients_.front().takes = 10000;
  idle->Answer(std::move(exchange), now_);
  EXPECT_EQ(idle->Advance(now_), nullptr);
  ASSERT_EQ(idle->state(), State::kReading);
  EXPECT_TRUE(table_.MakeRoom(From(4), now_));
  EXPECT_EQ(idle->state(), State::kClosed);
  EXPECT_EQ(deaf->state(), State::kWriting);
}

TEST_F(ConnectionTableTest, TheOldestAnswersGoForOneThatNeedsTheRoom) {
  const HttpConnection* const first = AddDeaf(From(1), 100000);
  now_ += seconds(1);
  const HttpConnection* const second = AddDeaf(From(2), 100000);
  table_.MakeRoomForAnswer(100000, 301000, now_);
  EXPECT_EQ(first->state(), State::kWriting);
  table_.MakeRoomForAnswer(100000, 250000, now_);
  EXPECT_EQ(first->state(), State::kClosed);
  EXPECT_EQ(second->state(), State::kWriting);
  // More than there may be at all: it is the only one then.
  table_.MakeRoomForAnswer(1000000, 250000, now_);
  EXPECT_EQ(second->state(), State::kClosed);
}

// Its memory is there until the last byte is taken.
TEST_F(ConnectionTableTest, AnAnswerCountsWholeUntilItIsTaken) {
  HttpConnection* const slow = AddDeaf(From(1), 100000);
  clients_.back().takes = 90000;
  EXPECT_EQ(slow->Advance(now_), nullptr);
  table_.MakeRoomForAnswer(100000, 200000, now_);
  EXPECT_EQ(slow->state(), State::kWriting);
  table_.MakeRoomForAnswer(100001, 200000, now_);
  EXPECT_EQ(slow->state(), State::kClosed);
}

TEST_F(ConnectionTableTest, WhoIsServedStays) {
  const HttpConnection* const served = AddServed(From(1));
  now_ += seconds(3600);
  EXPECT_FALSE(table_.CloseIdlest(now_));
  EXPECT_EQ(served->state(), State::kServing);
}

}  // namespace
}  // namespace poolscope
