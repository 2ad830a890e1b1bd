// The handlers over a registry of made-up snapshots, without a socket.

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/debugging/symbolize.h"
#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/leak/leak_stats.h"
#include "poolscope/allocator/outbound/outbound_stats.h"
#include "poolscope/exporter/arenas_handler.h"
#include "poolscope/exporter/channels_handler.h"
#include "poolscope/exporter/health_handlers.h"
#include "poolscope/exporter/http_message.h"
#include "poolscope/exporter/metrics_handler.h"
#include "poolscope/exporter/scraper.h"
#include "poolscope/metrics/leak_source.h"
#include "poolscope/metrics/metric_registry.h"
#include "poolscope/tests/exporter/slow_collectable.h"
#include "poolscope/tests/metrics/exposition.h"
#include "poolscope/tests/metrics/live_allocations.h"
#include "poolscope/tests/metrics/sample_stats.h"
#include "prometheus/registry.h"

namespace poolscope {
namespace {

class HandlersTest : public testing::Test {
 protected:
  void AddAllocators() {
    for (const char* name : {"one", "two"}) {
      ASSERT_TRUE(
          registry_.AddAllocator(name, [](bool) { return SampleStats(); })
              .ok());
    }
  }

  HttpResponse Arenas(absl::string_view query, absl::string_view accept = "") {
    ArenasHandler handler(&registry_);
    HttpRequest request;
    request.query = query;
    request.headers = {{"Accept", accept}};
    return handler.Handle(request);
  }

  // The page on channels, of which there are 30.
  HttpResponse Channels(absl::string_view query,
                        absl::string_view accept = "") {
    ChannelsHandler handler(&registry_);
    HttpRequest request;
    request.query = query;
    request.headers = {{"Accept", accept}};
    return handler.Handle(request);
  }
  void AddChannels() {
    const auto top = [](size_t count) {
      return std::vector<ChannelStats>(std::min<size_t>(count, 30));
    };
    ASSERT_TRUE(registry_.AddChannels({SampleOutboundStats, top}).ok());
  }

  MetricRegistry registry_{MetricRegistryOptions{}};
};

// An address in the function that calls it.
__attribute__((noinline)) void* Here() { return __builtin_return_address(0); }

bool Contains(absl::string_view text, absl::string_view part) {
  return text.find(part) != absl::string_view::npos;
}

TEST_F(HandlersTest, MetricsAreAnExpositionOfTheRightType) {
  AddAllocators();
  TextWriterPool writers;
  Scraper scraper(&registry_, &writers);
  ASSERT_TRUE(scraper.Start().ok());
  MetricsHandler handler(&scraper);
  const HttpResponse response = handler.Handle(HttpRequest());
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(response.vary, "Accept");
  const absl::StatusOr<Exposition> scrape = ParseExposition(response.body);
  ASSERT_TRUE(scrape.ok()) << scrape.status();
  EXPECT_EQ(scrape->LabelValues("poolscope_snapshot_id", "allocator").size(),
            2u);
}

TEST_F(HandlersTest, ScrapesUseTheirBufferAgain) {
  AddAllocators();
  TextWriterPool writers;
  Scraper scraper(&registry_, &writers);
  ASSERT_TRUE(scraper.Start().ok());
  MetricsHandler handler(&scraper);
  EXPECT_EQ(writers.held_bytes(), 0u);
  // The last text is kept; so there are two that take turns.
  std::set<const char*> texts;
  for (int i = 0; i < 4; ++i) {
    texts.insert(handler.Handle(HttpRequest()).body.data());
  }
  const uint64_t held = writers.held_bytes();
  EXPECT_GT(held, 0u);
  for (int i = 0; i < 10; ++i) {
    texts.insert(handler.Handle(HttpRequest()).body.data());
  }
  EXPECT_EQ(texts.size(), 2u);
  EXPECT_EQ(writers.held_bytes(), held);
}

TEST_F(HandlersTest, MetricsComeInOpenMetricsWhereItIsAskedFor) {
  AddAllocators();
  TextWriterPool writers;
  Scraper scraper(&registry_, &writers);
  ASSERT_TRUE(scraper.Start().ok());
  MetricsHandler handler(&scraper);
  HttpRequest request;
  request.headers = {{"Accept", "application/openmetrics-text;version=1.0.0"}};
  const HttpResponse response = handler.Handle(request);
  EXPECT_EQ(response.content_type,
            "application/openmetrics-text; version=1.0.0; charset=utf-8");
  EXPECT_TRUE(Contains(response.body, "# TYPE poolscope_build info\n"));
  EXPECT_TRUE(absl::EndsWith(response.body, "\n# EOF\n"));
}

TEST_F(HandlersTest, LateMetricsAreEarlierOnesOrNone) {
  const auto slow = std::make_shared<SlowCollectable>();
  registry_.AddCollectable(slow);
  TextWriterPool writers;
  Scraper scraper(&registry_, &writers);
  ASSERT_TRUE(scraper.Start().ok());
  MetricsHandler handler(&scraper);
  HttpRequest hurried;
  hurried.headers = {{"x-prometheus-scrape-timeout-seconds", "0.001"}};
  slow->Hold();
  const HttpResponse none = handler.Handle(hurried);
  EXPECT_EQ(none.status, 503);
  EXPECT_EQ(none.body,
            "the figures did not come within the time for a scrape, and there "
            "are no earlier ones\n");
  slow->Release();
  const HttpResponse first = handler.Handle(HttpRequest());
  EXPECT_TRUE(Contains(
      first.body, "poolscope_scrape_success{collector=\"collectables\"} 1\n"));
  slow->Hold();
  const HttpResponse late = handler.Handle(hurried);
  EXPECT_EQ(late.status, 200);
  EXPECT_EQ(late.content_type, first.content_type);
  EXPECT_TRUE(Contains(
      late.body, "poolscope_scrape_success{collector=\"collectables\"} 0\n"));
  EXPECT_TRUE(ParseExposition(late.body).ok());
  scraper.Stop();
  const HttpResponse stopped = handler.Handle(hurried);
  EXPECT_EQ(stopped.status, 503);
  EXPECT_EQ(stopped.body, "the server is being stopped\n");
  slow->Release();
}

TEST_F(HandlersTest, ReadyOnceThereIsSomethingToShow) {
  ReadyHandler handler(&registry_);
  EXPECT_EQ(handler.Handle(HttpRequest()).status, 503);
  const auto theirs = std::make_shared<prometheus::Registry>();
  registry_.AddCollectable(theirs);
  EXPECT_EQ(handler.Handle(HttpRequest()).status, 200);
  registry_.RemoveCollectable(theirs);
  EXPECT_EQ(handler.Handle(HttpRequest()).status, 503);
  AddChannels();
  EXPECT_EQ(handler.Handle(HttpRequest()).status, 200);
  registry_.RemoveChannels();
  AddAllocators();
  EXPECT_EQ(handler.Handle(HttpRequest()).status, 200);
}

TEST_F(HandlersTest, ArenasAreTextUnlessJsonIsAskedFor) {
  AddAllocators();
  for (const auto& [query, accept] :
       {std::pair("", ""), std::pair("", "*/*"), std::pair("", "text/html"),
        std::pair("format=text", "application/json"),
        std::pair("", "application/json;q=0.1, text/plain")}) {
    const HttpResponse response = Arenas(query, accept);
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.content_type, "text/plain; charset=utf-8");
    EXPECT_EQ(response.body.substr(0, 12), "allocators:\n") << accept;
  }
  for (const auto& [query, accept] :
       {std::pair("format=json", ""), std::pair("", "application/json"),
        std::pair("", "text/plain;q=0.5, application/json"),
        std::pair("format=json", "text/plain")}) {
    const HttpResponse response = Arenas(query, accept);
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.content_type, "application/json");
    EXPECT_EQ(response.body.substr(0, 15), "{\"allocators\":[") << accept;
  }
}

TEST_F(HandlersTest, ArenasOfOneAllocator) {
  AddAllocators();
  const HttpResponse response = Arenas("format=json&allocator=two");
  EXPECT_EQ(response.status, 200);
  EXPECT_TRUE(Contains(response.body, "\"allocator\":\"two\""));
  EXPECT_FALSE(Contains(response.body, "\"allocator\":\"one\""));
  EXPECT_TRUE(Contains(response.body, "\"snapshot_id\":17"));
}

TEST_F(HandlersTest, ArenasNameWhoAskedForTheOldestSampleOfAChunk) {
  absl::InitializeSymbolizer("/proc/self/exe");
  for (const char* name : {"one", "two"}) {
    const auto stats = [name](bool) { return SampleStats(name); };
    ASSERT_TRUE(registry_.AddAllocator(name, stats).ok());
  }
  const HttpResponse unknown = Arenas("format=json");
  EXPECT_TRUE(Contains(unknown.body, "\"oldest_sample\":41,"));
  EXPECT_FALSE(Contains(unknown.body, "TestBody")) << unknown.body;
  // Block 41 of that allocator, not another.
  void* const here = Here();
  LeakSource source;
  source.stats = [] { return LeakStats(); };
  source.live = [here] {
    return MakeLive({{40, 1, 16, {nullptr}}, {41, 1, 16, {here}}});
  };
  registry_.AddLeakDetector("two", source);
  for (const char* query : {"format=json", "format=text", "allocator=two"}) {
    const HttpResponse known = Arenas(query);
    EXPECT_TRUE(Contains(known.body, "AskedForTheOldestSample")) << known.body;
  }
  EXPECT_FALSE(
      Contains(Arenas("allocator=one").body, "AskedForTheOldestSample"));
}

TEST_F(HandlersTest, ArenasRefuseBadQueriesInOneLine) {
  AddAllocators();
  for (const auto& [query, word] :
       {std::pair("format=xml", "xml"), std::pair("format=", "format="),
        std::pair("allocator=three", "three"),
        std::pair("allocator=", "allocator="), std::pair("top=3", "top"),
        std::pair("format=%zz", "%"),
        std::pair("format=text&format=json", "twice"),
        std::pair("allocator=%0a", "\\n")}) {
    const HttpResponse response = Arenas(query);
    EXPECT_EQ(response.status, 400) << query;
    EXPECT_TRUE(Contains(response.body, word)) << response.body;
    EXPECT_EQ(response.body.find('\n'), response.body.size() - 1);
  }
}

TEST_F(HandlersTest, ChannelsAreTextUnlessJsonIsAskedFor) {
  AddChannels();
  const HttpResponse text = Channels("");
  EXPECT_EQ(text.status, 200);
  EXPECT_EQ(text.content_type, "text/plain; charset=utf-8");
  EXPECT_EQ(text.body.substr(0, 8), "groups:\n");
  EXPECT_TRUE(Contains(text.body, "channels:\n"));
  for (const auto& [query, accept] :
       {std::pair("format=json", ""), std::pair("", "application/json")}) {
    const HttpResponse json = Channels(query, accept);
    EXPECT_EQ(json.status, 200);
    EXPECT_EQ(json.content_type, "application/json");
    EXPECT_EQ(json.body.substr(0, 29), "{\"groups\":[{\"group\":\"clients\"");
  }
}

TEST_F(HandlersTest, TopSaysHowManyChannels) {
  AddChannels();
  const auto count = [&](absl::string_view query) {
    const HttpResponse response = Channels(query);
    EXPECT_EQ(response.status, 200) << query;
    int channels = 0;
    for (size_t at = response.body.find("\"peer\""); at != std::string::npos;
         at = response.body.find("\"peer\"", at + 1)) {
      ++channels;
    }
    return channels;
  };
  EXPECT_EQ(count("format=json"), 20);
  EXPECT_EQ(count("format=json&top=1"), 1);
  EXPECT_EQ(count("format=json&top=29"), 29);
  EXPECT_EQ(count("top=1000&format=json"), 30);
}

TEST_F(HandlersTest, ChannelsRefuseBadQueriesInOneLine) {
  AddChannels();
  for (const auto& [query, word] :
       {std::pair("top=0", "top=0: must be a number from 1 to 1000"),
        std::pair("top=1001", "1001"), std::pair("top=-1", "-1"),
        std::pair("top=+5", "top= 5"), std::pair("top=%2b5", "top=+5"),
        std::pair("top=", "top="), std::pair("top=x", "x"),
        std::pair("top=99999999999999999999", "999"),
        std::pair("top=1&top=2", "twice"), std::pair("top=%0a", "\\n"),
        std::pair("format=xml", "xml"),
        std::pair("allocator=a", "allocator")}) {
    const HttpResponse response = Channels(query);
    EXPECT_EQ(response.status, 400) << query;
    EXPECT_TRUE(Contains(response.body, word)) << response.body;
    EXPECT_EQ(response.body.find('\n'), response.body.size() - 1);
  }
}

TEST_F(HandlersTest, WithoutChannelsTheirPageSaysSo) {
  EXPECT_EQ(Channels("").body, "groups:\n  none\nchannels:\n  none\n");
}

}  // namespace
}  // namespace poolscope
