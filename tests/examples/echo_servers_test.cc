// The examples that send back what they get: with a loop of epoll, and of Asio.
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdint>
#include <string>

#include "poolscope/tests/examples/example_service.h"

namespace poolscope {
namespace {

class EchoServersTest : public testing::TestWithParam<std::string> {
 protected:
  ExampleService service_{"examples/" + GetParam()};
};

uint64_t Allocations(const Exposition& scrape) {
  return scrape.Sum("poolscope_arena_allocations_total", {});
}
uint64_t PinnedBytes(const Exposition& scrape) {
  return scrape.Sum("poolscope_arena_pinned_bytes", {});
}

TEST_P(EchoServersTest, EachMessageTakesABufferOfThePoolAndGivesItBack) {
  TcpClient peer(service_.port());
  EXPECT_EQ(Allocations(service_.Scrape()), 0u);
  for (int i = 1; i <= 3; ++i) {
    const std::string message(1000 * i, static_cast<char>('a' + i));
    ASSERT_TRUE(peer.Send(message));
    ASSERT_EQ(peer.Receive(message.size()), message);
  }
  service_.AwaitScrape([](const Exposition& scrape) {
    // An idle peer holds none.
    return Allocations(scrape) >= 3 && PinnedBytes(scrape) == 0;
  });
  EXPECT_EQ(service_.End(SIGTERM), 0) << service_.errors();
}

TEST_P(EchoServersTest, WhatAPeerDoesNotTakeStaysInOneBuffer) {
  const std::string block(1 << 20, 'x');
  TcpClient peer(service_.port());
  // Both directions are full once the server holds a buffer and takes no more.
  size_t sent = 0;
  service_.AwaitScrape([&](const Exposition& scrape) {
    const size_t now = peer.SendSome(block);
    sent += now;
    return now == 0 && PinnedBytes(scrape) > 0;
  });
  EXPECT_EQ(PinnedBytes(service_.Scrape()), 16384u);
  EXPECT_EQ(peer.Receive(sent), std::string(sent, 'x'));
  peer.FinishSending();
  EXPECT_EQ(peer.Receive(1), "");
  service_.AwaitScrape(
      [](const Exposition& scrape) { return PinnedBytes(scrape) == 0; });
  EXPECT_EQ(service_.End(SIGINT), 0) << service_.errors();
}

TEST_P(EchoServersTest, APeerThatGoesTakesWhatItWasOwedWithIt) {
  {
    TcpClient peer(service_.port());
    service_.AwaitScrape([&](const Exposition& scrape) {
      return peer.SendSome(std::string(1 << 20, 'x')) == 0 &&
             PinnedBytes(scrape) > 0;
    });
  }
  service_.AwaitScrape(
      [](const Exposition& scrape) { return PinnedBytes(scrape) == 0; });
  TcpClient next(service_.port());
  ASSERT_TRUE(next.Send("hello"));
  EXPECT_EQ(next.Receive(5), "hello");
  EXPECT_EQ(service_.End(SIGTERM), 0) << service_.errors();
}

TEST_P(EchoServersTest, EndsWhileAPeerIsConnectedThatDoesNotRead) {
  TcpClient peer(service_.port());
  service_.AwaitScrape([&](const Exposition& scrape) {
    return peer.SendSome(std::string(1 << 20, 'x')) == 0 &&
           PinnedBytes(scrape) > 0;
  });
  EXPECT_EQ(service_.End(SIGTERM), 0) << service_.errors();
}

INSTANTIATE_TEST_SUITE_P(Examples, EchoServersTest,
                         testing::Values("epoll_server", "asio_server"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace poolscope
