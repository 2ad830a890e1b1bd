#include "poolscope/exporter/trimmer.h"

#include <atomic>
#include <future>
#include <new>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "poolscope/exporter/http_message.h"
#include "poolscope/exporter/trim_handler.h"
#include "poolscope/tests/exporter/json.h"

namespace poolscope {
namespace {

bool NoMalloc() { return false; }

TEST(TrimmerTest, TrimsEveryAllocatorThenMalloc) {
  std::vector<std::string> order;
  Trimmer trimmer("/proc", [&] {
    order.push_back("malloc");
    return true;
  });
  int keys[2];
  for (int i : {0, 1}) {
    const std::string name = i == 0 ? "a" : "b";
    trimmer.Add(&keys[i], name, [&order, name, i] {
      order.push_back(name);
      return 100 + i;
    });
  }
  const std::optional<TrimReport> report = trimmer.Trim();
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(order, (std::vector<std::string>{"a", "b", "malloc"}));
  ASSERT_EQ(report->allocators.size(), 2u);
  EXPECT_EQ(report->allocators[1].allocator, "b");
  EXPECT_EQ(report->allocators[1].trimmed_bytes, 101u);
  EXPECT_TRUE(report->malloc_trimmed);
  EXPECT_GT(report->resident_before_bytes, 0u);
  EXPECT_EQ(report->trimmed_bytes(), 201 + report->malloc_trimmed_bytes);
}

TEST(TrimmerTest, CountsByWhatCameOfIt) {
  Trimmer trimmer("/proc", NoMalloc);
  ASSERT_TRUE(trimmer.Trim().has_value());
  EXPECT_EQ(trimmer.Stats().nothing, 1u);
  uint64_t bytes = 1;
  trimmer.Add(&bytes, "a", [&] { return bytes; });
  ASSERT_TRUE(trimmer.Trim().has_value());
  bytes = 41;
  ASSERT_TRUE(trimmer.Trim().has_value());
  bytes = 0;
  ASSERT_TRUE(trimmer.Trim().has_value());
  const TrimStats stats = trimmer.Stats();
  EXPECT_EQ(stats.freed, 2u);
  EXPECT_EQ(stats.nothing, 2u);
  EXPECT_EQ(stats.busy, 0u);
  EXPECT_EQ(stats.trimmed_bytes, 42u);
}

TEST(TrimmerTest, OneAtATime) {
  Trimmer trimmer("/proc", NoMalloc);
  std::promise<void> entered;
  std::promise<void> go_on;
  std::shared_future<void> may_go_on = go_on.get_future().share();
  trimmer.Add(&entered, "a", [&] {
    entered.set_value();
    may_go_on.wait();
    return 5;
  });
  std::thread first([&] { EXPECT_TRUE(trimmer.Trim().has_value()); });
  entered.get_future().wait();
  EXPECT_FALSE(trimmer.Trim().has_value());
  TrimHandler handler(&trimmer);
  EXPECT_EQ(handler.Handle(HttpRequest()).status, 409);
  EXPECT_EQ(trimmer.Stats().busy, 2u);
  go_on.set_value();
  first.join();
  EXPECT_EQ(trimmer.Stats().freed, 1u);
  entered = std::promise<void>();
  EXPECT_TRUE(trimmer.Trim().has_value());
}

TEST(TrimmerTest, ATrimThatRunsOutOfMemoryIsNotUnderWayForEver) {
  Trimmer trimmer("/proc", NoMalloc);
  bool memory = false;
  trimmer.Add(&trimmer, "a", [&] {
    if (!memory) throw std::bad_alloc();
    return 5;
  });
  EXPECT_THROW(static_cast<void>(trimmer.Trim()), std::bad_alloc);
  memory = true;
  EXPECT_TRUE(trimmer.Trim().has_value());
}

TEST(TrimmerTest, RemoveWaitsForTheTrimThatRuns) {
  Trimmer trimmer("/proc", NoMalloc);
  std::promise<void> entered;
  std::promise<void> go_on;
  std::atomic<bool> finished = false;
  trimmer.Add(&trimmer, "a", [&] {
    entered.set_value();
    go_on.get_future().wait();
    finished = true;
    return 0;
  });
  std::thread trim([&] { trimmer.Trim(); });
  entered.get_future().wait();
  std::thread remover([&] {
    trimmer.Remove(&trimmer);
    EXPECT_TRUE(finished);
  });
  go_on.set_value();
  remover.join();
  trim.join();
  EXPECT_TRUE(trimmer.Trim()->allocators.empty());
  trimmer.Remove(&trimmer);
}

TEST(TrimmerTest, WithoutProcfsNothingIsSaidOfResidentBytes) {
  Trimmer trimmer("/nonexistent", [] { return true; });
  const std::optional<TrimReport> report = trimmer.Trim();
  ASSERT_TRUE(report.has_value());
  EXPECT_FALSE(report->resident_before_bytes.has_value());
  EXPECT_EQ(report->malloc_trimmed_bytes, 0u);
  TrimHandler handler(&trimmer);
  EXPECT_FALSE(
      absl::StrContains(handler.Handle(HttpRequest()).body, "resident"));
}

TEST(TrimHandlerTest, AnswersWithWhatCameBack) {
  Trimmer trimmer("/nonexistent", NoMalloc);
  trimmer.Add(&trimmer, "rpc", [] { return 4096; });
  TrimHandler handler(&trimmer);
  HttpRequest request;
  const HttpResponse text = handler.Handle(request);
  EXPECT_EQ(text.status, 200);
  EXPECT_TRUE(absl::StrContains(text.body, "trimmed_bytes: 4096\n"))
      << text.body;
  EXPECT_TRUE(absl::StrContains(text.body, "rpc"));
  request.query = "format=json";
  const HttpResponse json = handler.Handle(request);
  EXPECT_EQ(json.content_type, "application/json");
  const absl::StatusOr<Json> parsed = ParseJson(std::string(json.body));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ((*parsed)["trimmed_bytes"].Integer(), 4096u);
  EXPECT_EQ((*parsed)["allocators"].elements[0]["allocator"].text, "rpc");
  EXPECT_EQ((*parsed)["malloc"]["trimmed"].text, "false");
}

TEST(TrimHandlerTest, BadParametersTrimNothing) {
  Trimmer trimmer("/proc", NoMalloc);
  TrimHandler handler(&trimmer);
  for (const char* query : {"format=xml", "allocator=rpc", "all=1", "%"}) {
    HttpRequest request;
    request.query = query;
    EXPECT_EQ(handler.Handle(request).status, 400) << query;
  }
  EXPECT_EQ(trimmer.Stats().nothing, 0u);
}

}  // namespace
}  // namespace poolscope
