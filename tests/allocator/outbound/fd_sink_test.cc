// Peers that read slowly, not at all, or no longer: what is accepted for them
// is what they receive, and all is accounted for.
#include "poolscope/allocator/outbound/fd_sink.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/outbound/channel_registry.h"
#include "poolscope/allocator/outbound/outbound_buffer.h"
#include "poolscope/allocator/outbound/outbound_failure.h"
#include "poolscope/allocator/outbound/outbound_stats.h"
#include "poolscope/tests/allocator/buffer/buffer_kinds.h"
#include "poolscope/tests/allocator/outbound/socket_pair.h"

namespace poolscope {
namespace {

struct PairKind {
  const char* name;
  SocketPair (*make)();
};

class PeerTest : public testing::Test {
 protected:
  explicit PeerTest(SocketPair pair)
      : pair_(std::move(pair)), sink_(pair_.near()) {
    OutboundOptions options;
    options.initial_write_bytes = sink_.InitialWriteBytes();
    out_.emplace(std::move(options),
                 *registry_.Register({"peers", "far end", ""}));
  }

  // Messages of any size and make, flushed; at least `size` bytes.
  void AddSome(size_t size) {
    const size_t end = expected_.size() + size;
    while (expected_.size() < end) {
      std::vector<Buffer> parts;
      const size_t count = 1 + random_() % 4;
      for (size_t i = 0; i < count; ++i) {
        std::string bytes(random_() % 1500, '\0');
        for (char& byte : bytes) byte = static_cast<char>(random_());
        expected_ += bytes;
        parts.push_back(Must(maker_.pooled().CopyOf(bytes)));
      }
      Buffer message = count == 1
                           ? std::move(parts[0])
                           : Must(maker_.pooled().Compose(std::move(parts)));
      const size_t bytes = message.readable_bytes();
      ++added_;
      out_->Add(std::move(message),
                [this, bytes](const absl::Status& status, Buffer back) {
                  EXPECT_EQ(back.readable_bytes(), bytes);
                  ++(status.ok() ? completed_ : failed_);
                });
    }
    out_->AddFlush();
    CheckAccounts();
  }

  // Queued = written + failed + pending, here and in the registry.
  void CheckAccounts() {
    out_->CheckInvariants();
    const OutboundStats stats = registry_.Stats();
    ASSERT_EQ(stats.groups.size(), 1);
    const OutboundGroupStats& group = stats.groups[0];
    uint64_t failed = 0;
    for (const uint64_t bytes : group.failed_bytes) failed += bytes;
    EXPECT_EQ(group.queued_bytes, expected_.size());
    EXPECT_EQ(group.pending_bytes, out_->unwritten_bytes());
    EXPECT_EQ(group.pending_messages, out_->size());
    EXPECT_EQ(group.queued_bytes,
              group.written_bytes + failed + group.pending_bytes);
    EXPECT_EQ(added_, completed_ + failed_ + out_->size());
    written_ = group.written_bytes;
  }

  // False when the sink is full.
  bool WriteAll() {
    for (;;) {
      const absl::StatusOr<bool> all = out_->WriteTo(sink_);
      EXPECT_TRUE(all.ok()) << all.status();
      CheckAccounts();
      if (!all.ok() || *all) return true;
      if (!out_->needs_turn()) return false;
    }
  }

  BufferMaker maker_;
  ChannelRegistry registry_;
  SocketPair pair_;
  FdSink sink_;
  std::optional<OutboundBuffer> out_;
  std::mt19937 random_{1};
  std::string expected_;  // all that was added
  uint64_t written_ = 0;  // of that, by the registry
  uint64_t added_ = 0;    // messages
  uint64_t completed_ = 0;
  uint64_t failed_ = 0;
};

class AnyPeerTest : public PeerTest,
                    public testing::WithParamInterface<PairKind> {
 protected:
  AnyPeerTest() : PeerTest(GetParam().make()) {}
};

INSTANTIATE_TEST_SUITE_P(Kinds, AnyPeerTest,
                         testing::Values(PairKind{"tcp", SocketPair::Tcp},
                                         PairKind{"unix", SocketPair::Unix},
                                         PairKind{"pipe", SocketPair::Pipe}),
                         [](const auto& info) { return info.param.name; });

TEST_P(AnyPeerTest, ReadsOneByteAtATime) {
  AddSome(100'000);
  std::string received;
  bool all = false;
  while (received.size() < expected_.size()) {
    if (!all) all = WriteAll();
    pair_.AwaitFarReadable();
    received += pair_.Read(1);
  }
  EXPECT_TRUE(all);
  EXPECT_TRUE(received == expected_);
  EXPECT_EQ(written_, expected_.size());
  EXPECT_EQ(completed_, added_);
}

TEST_P(AnyPeerTest, ReadsNothingAndThenAll) {
  AddSome(1'000'000);
  EXPECT_FALSE(WriteAll());
  EXPECT_FALSE(WriteAll()) << "still full";
  EXPECT_GT(written_, 0);
  EXPECT_LT(written_, expected_.size() / 2);
  EXPECT_FALSE(out_->writable());
  std::string received;
  while (received.size() < expected_.size()) {
    pair_.AwaitFarReadable();
    received += pair_.Read(1 << 20);
    WriteAll();
  }
  EXPECT_TRUE(received == expected_);
  EXPECT_TRUE(out_->writable());
  EXPECT_EQ(completed_, added_);
}

TEST_P(AnyPeerTest, NeverReadsAndIsClosed) {
  AddSome(300'000);
  EXPECT_FALSE(WriteAll());
  const uint64_t accepted = written_;
  out_->Close(OutboundFailure::kClosed, absl::AbortedError("too slow"));
  CheckAccounts();
  EXPECT_EQ(written_, accepted);
  EXPECT_EQ(added_, completed_ + failed_);
  pair_.CloseNear();
  EXPECT_TRUE(pair_.ReadUntilEnd() == expected_.substr(0, accepted));
}

TEST_P(AnyPeerTest, ReadsWhileMoreIsAdded) {
  std::string received;
  for (int i = 0; i < 200; ++i) {
    AddSome(2000);
    WriteAll();
    received += pair_.Read(random_() % 4000);
  }
  while (!WriteAll()) received += pair_.Read(5000);
  pair_.CloseNear();
  received += pair_.ReadUntilEnd();
  EXPECT_TRUE(received == expected_);
}

class TcpPeerTest : public PeerTest {
 protected:
  TcpPeerTest() : PeerTest(SocketPair::Tcp()) {}
};

TEST_F(TcpPeerTest, Resets) {
  AddSome(300'000);
  EXPECT_FALSE(WriteAll());
  const std::string received = pair_.Read(1000);
  EXPECT_EQ(received, expected_.substr(0, received.size()));
  pair_.ResetFar();
  pair_.AwaitNearError();
  const absl::StatusOr<bool> all = out_->WriteTo(sink_);
  ASSERT_FALSE(all.ok());
  EXPECT_EQ(all.status().message(), absl::StrCat("write to fd ", pair_.near(),
                                                 ": Connection reset by peer"));
  CheckAccounts();
  EXPECT_GT(out_->size(), 0) << "nothing is lost by an error";
  EXPECT_FALSE(out_->WriteTo(sink_).ok()) << "and no SIGPIPE";
  out_->Close(OutboundFailure::kTransport, all.status());
  CheckAccounts();
  EXPECT_TRUE(out_->empty());
  EXPECT_EQ(added_, completed_ + failed_);
  EXPECT_EQ(registry_.Stats()
                .groups[0]
                .failed_bytes[static_cast<int>(OutboundFailure::kTransport)],
            expected_.size() - written_);
}

TEST_F(TcpPeerTest, HalfClosesAndReadsOn) {
  AddSome(50'000);
  WriteAll();
  ASSERT_EQ(shutdown(pair_.far(), SHUT_WR), 0);
  AddSome(50'000);
  std::string received;
  while (!WriteAll()) {
    pair_.AwaitFarReadable();
    received += pair_.Read(3000);
  }
  pair_.CloseNear();
  received += pair_.ReadUntilEnd();
  EXPECT_TRUE(received == expected_);
}

class UnixPeerTest : public PeerTest {
 protected:
  UnixPeerTest() : PeerTest(SocketPair::Unix()) {}
};

TEST_F(UnixPeerTest, ClosesItsReadingHalf) {
  AddSome(1000);
  ASSERT_EQ(shutdown(pair_.far(), SHUT_RD), 0);
  EXPECT_EQ(out_->WriteTo(sink_).status(),
            absl::FailedPreconditionError(
                absl::StrCat("write to fd ", pair_.near(), ": Broken pipe")));
  CheckAccounts();
  EXPECT_EQ(written_, 0);
}

class PipePeerTest : public PeerTest {
 protected:
  PipePeerTest() : PeerTest(SocketPair::Pipe()) {}
};

TEST_F(PipePeerTest, IsGone) {
  const auto before = signal(SIGPIPE, SIG_IGN);
  AddSome(1000);
  pair_.CloseFar();
  EXPECT_EQ(out_->WriteTo(sink_).status(),
            absl::FailedPreconditionError(
                absl::StrCat("write to fd ", pair_.near(), ": Broken pipe")));
  CheckAccounts();
  signal(SIGPIPE, before);
}

TEST(FdSinkTest, StartsWithTwiceTheSendBuffer) {
  const SocketPair tcp = SocketPair::Tcp();
  for (const int size : {4096, 100'000}) {
    ASSERT_EQ(
        setsockopt(tcp.near(), SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
    int doubled = 0;  // by the kernel, for its own use
    socklen_t length = sizeof(doubled);
    ASSERT_EQ(getsockopt(tcp.near(), SOL_SOCKET, SO_SNDBUF, &doubled, &length),
              0);
    EXPECT_EQ(FdSink(tcp.near()).InitialWriteBytes(), 2 * doubled);
  }
  EXPECT_EQ(FdSink(SocketPair::Pipe().near()).InitialWriteBytes(), 128 << 10);
}

TEST(FdSinkTest, ABadDescriptorIsAnError) {
  FdSink sink(-1);
  char byte = 'x';
  const iovec piece = {&byte, 1};
  EXPECT_EQ(sink.Write({&piece, 1}).status().message(),
            "write to fd -1: Bad file descriptor");
}

TEST(FdSinkTest, WritesAtMost1024PiecesACall) {
  for (const PairKind& kind : {PairKind{"unix", SocketPair::Unix},
                               PairKind{"pipe", SocketPair::Pipe}}) {
    const SocketPair pair = kind.make();
    FdSink sink(pair.near());
    char byte = 'x';
    const std::vector<iovec> pieces(1025, iovec{&byte, 1});
    EXPECT_EQ(*sink.Write(pieces), 1024) << kind.name;
    EXPECT_EQ(pair.Read(2000), std::string(1024, 'x'));
  }
}

TEST(FdSinkTest, DoesNotWaitEvenOnASocketThatBlocks) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  FdSink sink(ends[0]);
  std::string bytes(1 << 20, 'x');
  const iovec piece = {bytes.data(), bytes.size()};
  while (*sink.Write({&piece, 1}) > 0) {
  }
  close(ends[0]);
  close(ends[1]);
}

}  // namespace
}  // namespace poolscope
