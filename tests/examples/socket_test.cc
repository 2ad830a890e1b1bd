#include "poolscope/examples/demo/socket.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace poolscope::demo {
namespace {

constexpr int kPatienceMillis = 30000;

// Lets the process open no further descriptor while it lives.
class DescriptorShortage {
 public:
  DescriptorShortage() {
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &before_), 0);
    rlimit now = before_;
    now.rlim_cur = 0;  // what is open stays so
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &now), 0);
  }
  ~DescriptorShortage() { setrlimit(RLIMIT_NOFILE, &before_); }

  // One more, with the number of one that is closed.
  void Allow(int fd) {
    rlimit now = before_;
    now.rlim_cur = static_cast<rlim_t>(fd) + 1;
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &now), 0);
  }

 private:
  rlimit before_{};
};

// The lowest number that is free.
int NextDescriptor() {
  const int fd = dup(STDIN_FILENO);
  close(fd);
  return fd;
}

TEST(SocketTest, WithoutDescriptorsWhoWaitsIsRefusedAndTheListenerLives) {
  absl::StatusOr<Listener> listener = ListenOnLoopback();
  ASSERT_TRUE(listener.ok()) << listener.status();
  const int spare_number = NextDescriptor();
  SpareDescriptor spare;
  spare.Keep();
  absl::StatusOr<UniqueFd> first = ConnectToLoopback(listener->port);
  ASSERT_TRUE(first.ok()) << first.status();
  pollfd waiting{listener->fd.get(), POLLIN, 0};
  ASSERT_EQ(poll(&waiting, 1, kPatienceMillis), 1);
  {
    DescriptorShortage shortage;
    shortage.Allow(spare_number);
    const absl::StatusOr<UniqueFd> none = Accept(listener->fd);
    EXPECT_TRUE(absl::IsInternal(none.status())) << none.status();
    EXPECT_TRUE(spare.Refuse(listener->fd));
    // Nobody waits any more, which is no fault.
    EXPECT_TRUE(spare.Refuse(listener->fd));
  }
  // The one that waited was closed.
  pollfd refused{first->get(), POLLIN, 0};
  ASSERT_EQ(poll(&refused, 1, kPatienceMillis), 1);
  char byte = 0;
  EXPECT_LE(read(first->get(), &byte, 1), 0);

  absl::StatusOr<UniqueFd> second = ConnectToLoopback(listener->port);
  ASSERT_TRUE(second.ok()) << second.status();
  ASSERT_EQ(poll(&waiting, 1, kPatienceMillis), 1);
  EXPECT_TRUE(Accept(listener->fd).ok());
}

TEST(SocketTest, WithoutASpareDescriptorNobodyCanBeRefused) {
  absl::StatusOr<Listener> listener = ListenOnLoopback();
  ASSERT_TRUE(listener.ok()) << listener.status();
  SpareDescriptor spare;
  EXPECT_FALSE(spare.Refuse(listener->fd));
}

}  // namespace
}  // namespace poolscope::demo
