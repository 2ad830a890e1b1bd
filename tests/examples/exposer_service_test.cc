// The example with a Registry and an Exposer of its own.
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdint>
#include <string>

#include "poolscope/tests/examples/example_service.h"

namespace poolscope {
namespace {

// As gRPC frames it: not compressed, the length, the message.
std::string Frame(const std::string& message) {
  std::string frame(1, '\0');
  for (int shift = 24; shift >= 0; shift -= 8) {
    frame.push_back(static_cast<char>(message.size() >> shift));
  }
  return frame + message;
}

TEST(ExposerServiceTest, ItsMetricsAndThePoolsComeInOneScrape) {
  ExampleService service("examples/exposer_service");
  const std::string call = Frame(std::string(20000, 'x'));
  TcpClient one(service.port());
  TcpClient two(service.port());
  for (TcpClient* client : {&one, &two, &one}) {
    ASSERT_TRUE(client->Send(call));
    ASSERT_EQ(client->Receive(call.size()), call);
  }
  ASSERT_TRUE(one.Send(Frame("")));
  ASSERT_EQ(one.Receive(5), Frame(""));

  const Exposition scrape = service.Scrape();
  EXPECT_EQ(scrape.Value("rpc_calls_total", {{"code", "OK"}}), "4");
  EXPECT_EQ(
      scrape.Sum("poolscope_arena_allocations_total", {{"allocator", "rpc"}}),
      4u);
  EXPECT_GE(scrape.Sum("poolscope_arena_allocated_bytes_total",
                       {{"allocator", "rpc"}}),
            3u * call.size());
  EXPECT_EQ(service.End(SIGTERM), 0) << service.errors();
}

TEST(ExposerServiceTest, WhatIsNoCallEndsItsConnectionAlone) {
  ExampleService service("examples/exposer_service");
  TcpClient good(service.port());
  for (const std::string& bad :
       {std::string("\1\0\0\0\1x", 6), std::string("\0\0\x40\0\1", 5)}) {
    TcpClient client(service.port());
    ASSERT_TRUE(client.Send(bad));
    EXPECT_EQ(client.Receive(1), "");
  }
  ASSERT_TRUE(good.Send(Frame("a")));
  EXPECT_EQ(good.Receive(6), Frame("a"));
  EXPECT_EQ(service.Scrape().Value("rpc_calls_total", {{"code", "OK"}}), "1");
  // A call of which the rest never comes does not hold up the end.
  ASSERT_TRUE(good.Send(Frame("abc").substr(0, 6)));
  EXPECT_EQ(service.End(SIGINT), 0) << service.errors();
}

}  // namespace
}  // namespace poolscope
