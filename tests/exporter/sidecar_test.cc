// The sidecar over real sockets and real allocators.

#include "poolscope/exporter/sidecar.h"

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/allocator/outbound/channel_registry.h"
#include "poolscope/allocator/outbound/memory_governor.h"
#include "poolscope/allocator/outbound/memory_use.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/metrics/metric_names.h"
#include "poolscope/tests/exporter/http_client.h"
#include "poolscope/tests/exporter/json.h"
#include "poolscope/tests/exporter/thread_shortage.h"
#include "poolscope/tests/metrics/exposition.h"
#include "prometheus/counter.h"
#include "prometheus/registry.h"

namespace poolscope {
namespace {

std::unique_ptr<PooledAllocator> MakePool(PoolOptions options = {}) {
  options.max_direct_memory_bytes = 256 << 20;
  if (!options.arenas.has_value()) options.arenas = 2;
  absl::StatusOr<std::unique_ptr<PooledAllocator>> pool =
      PooledAllocator::Create(options);
  EXPECT_TRUE(pool.ok()) << pool.status();
  return *std::move(pool);
}

std::unique_ptr<Sidecar> StartSidecar(SidecarOptions options = {}) {
  options.listen_address = "127.0.0.1:0";
  absl::StatusOr<std::unique_ptr<Sidecar>> sidecar = Sidecar::Start(options);
  EXPECT_TRUE(sidecar.ok()) << sidecar.status();
  return *std::move(sidecar);
}

Exposition Scrape(int port) {
  const HttpReply reply = Get(port, "/metrics");
  EXPECT_EQ(reply.status, 200);
  absl::StatusOr<Exposition> scrape = ParseExposition(reply.body);
  EXPECT_TRUE(scrape.ok()) << scrape.status();
  if (!scrape.ok()) return Exposition();
  EXPECT_TRUE(CheckIdentities(*scrape).ok()) << CheckIdentities(*scrape);
  return *std::move(scrape);
}

TEST(SidecarTest, TellsWhereItListens) {
  const std::unique_ptr<Sidecar> sidecar = StartSidecar();
  EXPECT_GT(sidecar->port(), 0);
  EXPECT_EQ(sidecar->url(), absl::StrCat("http://127.0.0.1:", sidecar->port()));
}

TEST(SidecarTest, RefusesBadOptionsInOneLineThatNamesThem) {
  const auto expect_bad = [](const SidecarOptions& options,
                             absl::string_view words) {
    const absl::Status status = Sidecar::Start(options).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_TRUE(absl::StrContains(status.message(), words)) << status;
    EXPECT_FALSE(absl::StrContains(status.message(), "\n")) << status;
  };
  SidecarOptions options;
  options.listen_address = "9464";
  expect_bad(options, "\"9464\"");
  options = {};
  options.server_threads = 0;
  expect_bad(options, "server_threads is 0");
  options.server_threads = 257;
  expect_bad(options, "server_threads is 257");
  options = {};
  options.request_timeout = absl::ZeroDuration();
  expect_bad(options, "request_timeout is 0");
  options.request_timeout = absl::InfiniteDuration();
  expect_bad(options, "request_timeout is inf");
  options = {};
  options.max_request_bytes = 1023;
  expect_bad(options, "max_request_bytes is 1023");
  options.max_request_bytes = 1048577;
  expect_bad(options, "max_request_bytes is 1048577");
  options = {};
  options.max_connections = 0;
  expect_bad(options, "max_connections is 0");
  options.max_connections = 65537;
  expect_bad(options, "max_connections is 65537");
  options = {};
  options.max_connections_per_address = 0;
  expect_bad(options, "max_connections_per_address is 0");
  options = {};
  options.maintain_interval = absl::Microseconds(1);
  expect_bad(options, "maintain_interval is 1us");
  options.maintain_interval = absl::Hours(1) + absl::Nanoseconds(1);
  expect_bad(options, "maintain_interval is 1h0.000000001s");
  options = {};
  options.sample_interval = absl::Microseconds(1);
  expect_bad(options, "sample_interval is 1us");
}

TEST(SidecarTest, RefusesRequestsLargerThanItIsToldTo) {
  SidecarOptions options;
  options.listen_address = "127.0.0.1:0";
  options.max_request_bytes = 1024;
  const std::unique_ptr<Sidecar> sidecar = *Sidecar::Start(options);
  for (const auto& [size, status] : {std::pair(500, 200), {1500, 431}}) {
    HttpClient client(sidecar->port());
    const std::string header =
        absl::StrCat("X: ", std::string(size, 'x'), "\r\n");
    EXPECT_EQ(client.Request("GET", "/healthz", header).status, status);
  }
}

TEST(SidecarTest, HasNoMoreConnectionsThanItIsToldTo) {
  for (int SidecarOptions::*bound :
       {&SidecarOptions::max_connections,
        &SidecarOptions::max_connections_per_address}) {
    SidecarOptions options;
    options.*bound = 2;
    options.request_timeout = absl::Minutes(1);  // nobody is closed by it
    const std::unique_ptr<Sidecar> sidecar = StartSidecar(options);
    HttpClient first(sidecar->port());
    HttpClient second(sidecar->port());
    HttpClient third(sidecar->port());
    EXPECT_EQ(third.Request("GET", "/healthz").status, 200);
    EXPECT_TRUE(first.AtEnd());
    EXPECT_EQ(second.Request("GET", "/healthz").status, 200);
  }
}

TEST(SidecarTest, ClosesWhoIsIdleForAsLongAsItIsTold) {
  SidecarOptions options;
  options.request_timeout = absl::Milliseconds(1);
  const std::unique_ptr<Sidecar> sidecar = StartSidecar(options);
  HttpClient idle(sidecar->port());
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(idle.AtEnd());
  // Nor is it the default of two.
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
}

TEST(SidecarTest, RefusesOtherThanLoopbackUnlessToldSo) {
  SidecarOptions options;
  // From the range for documentation: no interface has it.
  options.listen_address = "192.0.2.1:0";
  absl::Status status = Sidecar::Start(options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_TRUE(absl::StrContains(status.message(), "allow_remote")) << status;
  options.listen_address = "0.0.0.0:0";
  EXPECT_EQ(Sidecar::Start(options).status().code(),
            absl::StatusCode::kPermissionDenied);
  options.listen_address = "192.0.2.1:0";
  options.allow_remote = true;
  EXPECT_EQ(Sidecar::Start(options).status().code(),
            absl::StatusCode::kUnavailable);
}

TEST(SidecarTest, NamesThePortThatIsTaken) {
  const std::unique_ptr<Sidecar> first = StartSidecar();
  SidecarOptions options;
  options.listen_address = absl::StrCat("127.0.0.1:", first->port());
  const absl::Status status = Sidecar::Start(options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(absl::StrContains(status.message(), options.listen_address))
      << status;
}

TEST(SidecarTest, MetricsOfTwoAllocatorsAndACollectable) {
  PoolOptions options;
  options.name = "one";
  const std::unique_ptr<PooledAllocator> one = MakePool(options);
  options.name = "two";
  const std::unique_ptr<PooledAllocator> two = MakePool(options);
  auto theirs = std::make_shared<prometheus::Registry>();
  prometheus::BuildCounter()
      .Name("requests_total")
      .Help("h")
      .Register(*theirs)
      .Add({})
      .Increment(7);
  const std::unique_ptr<Sidecar> sidecar = StartSidecar();
  ASSERT_TRUE(sidecar->RegisterAllocator(one.get()).ok());
  ASSERT_TRUE(sidecar->RegisterAllocator(two.get()).ok());
  ChannelRegistry channels;
  ASSERT_TRUE(sidecar->RegisterChannels(&channels).ok());
  MemoryGovernor governor({}, [] { return MemoryUse{1, 2}; });
  ASSERT_TRUE(sidecar->RegisterGovernor(&governor).ok());
  sidecar->RegisterCollectable(theirs);

  const HttpReply reply = Get(sidecar->port(), "/metrics");
  EXPECT_EQ(reply.headers.at("content-type"),
            "text/plain; version=0.0.4; charset=utf-8");
  Exposition scrape = Scrape(sidecar->port());
  // Each family of the catalogue, and theirs, from the start. What malloc and
  // the kernel tell depends on the machine.
  for (const MetricRow& row : AllMetrics()) {
    if (row.metric >= Metric::kGlibcArenas &&
        row.metric <= Metric::kMemoryStalled) {
      continue;
    }
    EXPECT_EQ(scrape.types.count(std::string(row.descriptor.name)), 1u)
        << row.descriptor.name;
  }
  EXPECT_EQ(scrape.Value("requests_total", {}), "7");
  EXPECT_EQ(scrape.Sum("poolscope_arena_allocations_total", {}), 0u);

  void* block = one->Allocate(14336);
  scrape = Scrape(sidecar->port());
  EXPECT_EQ(
      scrape.Sum("poolscope_arena_allocations_total", {{"allocator", "one"}}),
      1u);
  EXPECT_EQ(scrape.Sum("poolscope_arena_pinned_bytes", {{"allocator", "one"}}),
            14336u);
  EXPECT_EQ(
      scrape.Sum("poolscope_arena_allocations_total", {{"allocator", "two"}}),
      0u);
  one->Free(block);

  sidecar->UnregisterCollectable(theirs);
  sidecar->UnregisterChannels(&channels);
  sidecar->UnregisterGovernor(&governor);
  sidecar->UnregisterAllocator(two.get());
  scrape = Scrape(sidecar->port());
  EXPECT_EQ(scrape.types.count("requests_total"), 0u);
  EXPECT_EQ(scrape.LabelValues("poolscope_snapshot_id", "allocator"),
            std::vector<std::string>{"one"});
}

TEST(SidecarTest, RefusesTwoAllocatorsOfOneName) {
  const std::unique_ptr<PooledAllocator> one = MakePool();
  const std::unique_ptr<PooledAllocator> other = MakePool();
  const std::unique_ptr<Sidecar> sidecar = StartSidecar();
  ASSERT_TRUE(sidecar->RegisterAllocator(one.get()).ok());
  EXPECT_EQ(sidecar->RegisterAllocator(other.get()).code(),
            absl::StatusCode::kAlreadyExists);
  // The refused one leaves no trace: the first stays registered.
  sidecar->UnregisterAllocator(other.get());
  EXPECT_EQ(Scrape(sidecar->port())
                .LabelValues("poolscope_snapshot_id", "allocator")
                .size(),
            1u);
}

TEST(SidecarTest, ShowsAllocatorsOfBuffersAlike) {
  const std::unique_ptr<PooledAllocator> pool = MakePool();
  const std::unique_ptr<BufferAllocator> pooled =
      BufferAllocator::Pooled(pool.get());
  UnpooledOptions options;
  options.max_direct_memory_bytes = 1 << 20;
  absl::StatusOr<std::unique_ptr<BufferAllocator>> unpooled =
      BufferAllocator::Unpooled(options);
  ASSERT_TRUE(unpooled.ok()) << unpooled.status();
  const std::unique_ptr<Sidecar> sidecar = StartSidecar();
  ASSERT_TRUE(sidecar->RegisterAllocator(pooled.get()).ok());
  ASSERT_TRUE(sidecar->RegisterAllocator(unpooled->get()).ok());
  EXPECT_EQ(sidecar->RegisterAllocator(pool.get()).code(),
            absl::StatusCode::kAlreadyExists);
  for (BufferAllocator* allocator : {pooled.get(), unpooled->get()}) {
    const std::string& name = allocator->name();
    absl::StatusOr<Buffer> buffer = allocator->Allocate(1000);
    ASSERT_TRUE(allocator->Allocate(100'000).ok());
    const Exposition scrape = Scrape(sidecar->port());
    const auto sum = [&](const char* metric, const char* kind) {
      return scrape.Sum(metric, {{"allocator", name}, {"kind", kind}});
    };
    EXPECT_EQ(sum("poolscope_arena_allocations_total", "small"), 1);
    EXPECT_EQ(sum("poolscope_arena_deallocations_total", "small"), 0);
    EXPECT_EQ(sum("poolscope_arena_allocations_total", "normal"), 1);
    EXPECT_EQ(sum("poolscope_arena_deallocations_total", "normal"), 1);
    EXPECT_EQ(
        scrape.Sum("poolscope_requested_bytes_total", {{"allocator", name}}),
        101'000);
  }
  EXPECT_EQ(Get(sidecar->port(), "/debug/arenas").status, 200);
  sidecar->UnregisterAllocator(unpooled->get());
  EXPECT_EQ(
      Scrape(sidecar->port()).LabelValues("poolscope_snapshot_id", "allocator"),
      std::vector<std::string>{"default"});
}

TEST(SidecarTest, CountsItsRequests) {
  const std::unique_ptr<PooledAllocator> pool = MakePool();
  const std::unique_ptr<Sidecar> sidecar = StartSidecar();
  ASSERT_TRUE(sidecar->RegisterAllocator(pool.get()).ok());
  const auto requests = [&](const char* handler, const char* code) {
    return Scrape(sidecar->port())
        .Value("poolscope_http_requests_total",
               {{"handler", handler}, {"code", code}});
  };
  EXPECT_EQ(requests("/metrics", "200"), "0");
  HttpClient client(sidecar->port());
  EXPECT_EQ(client.Request("GET", "/healthz").status, 200);
  EXPECT_EQ(client.Request("GET", "/nothing").status, 404);
  EXPECT_EQ(client.Request("POST", "/metrics").status, 405);
  // A request is counted once its answer is out. On one connection each is
  // counted before the next is read.
  const HttpReply reply = client.Request("GET", "/metrics");
  const absl::StatusOr<Exposition> scrape = ParseExposition(reply.body);
  ASSERT_TRUE(scrape.ok()) << scrape.status();
  for (const auto& [handler, code] :
       {std::pair("/healthz", "200"), std::pair("other", "404"),
        std::pair("/metrics", "405")}) {
    EXPECT_EQ(scrape->Value("poolscope_http_requests_total",
                            {{"handler", handler}, {"code", code}}),
              "1")
        << handler;
  }
  EXPECT_EQ(scrape->Value("poolscope_http_request_duration_seconds_count",
                          {{"handler", "/healthz"}}),
            "1");
}

TEST(SidecarTest, PathsMethodsAndQueries) {
  const std::unique_ptr<PooledAllocator> pool = MakePool();
  const std::unique_ptr<Sidecar> sidecar = StartSidecar();
  HttpClient client(sidecar->port());
  EXPECT_EQ(client.Request("GET", "/-/ready").status, 503);
  ASSERT_TRUE(sidecar->RegisterAllocator(pool.get()).ok());
  for (const char* path : {"/", "/metrics", "/healthz", "/-/ready",
                           "/debug/arenas", "/debug/channels"}) {
    EXPECT_EQ(client.Request("GET", path).status, 200) << path;
    const HttpReply head = client.Request("HEAD", path);
    EXPECT_EQ(head.status, 200) << path;
    EXPECT_NE(head.headers.at("content-length"), "0") << path;
    const HttpReply post = client.Request("POST", path);
    EXPECT_EQ(post.status, 405) << path;
    EXPECT_EQ(post.headers.at("allow"), "GET, HEAD");
  }
  EXPECT_EQ(client.Request("GET", "/debug/arenas?format=xml").status, 400);
  EXPECT_EQ(client.Request("GET", "/debug/arenas?allocator=default").status,
            200);
  EXPECT_EQ(
      client.Request("GET", absl::StrCat("/metrics?", std::string(3000, 'x')))
          .status,
      414);
}

TEST(SidecarTest, ScrapesAllocateNothingFromThePool) {
  const std::unique_ptr<PooledAllocator> pool = MakePool();
  const std::unique_ptr<Sidecar> sidecar = StartSidecar();
  ASSERT_TRUE(sidecar->RegisterAllocator(pool.get()).ok());
  pool->Free(pool->Allocate(1000));
  HttpClient client(sidecar->port());
  for (int i = 0; i < 20; ++i) {
    client.Request("GET", "/metrics");
    client.Request("GET", "/debug/arenas");
  }
  const Exposition scrape = Scrape(sidecar->port());
  EXPECT_EQ(scrape.Sum("poolscope_arena_allocations_total", {}), 1u);
  EXPECT_EQ(scrape.Sum("poolscope_thread_caches", {}), 1u);
}

TEST(SidecarTest, MaintainsItsAllocators) {
  PoolOptions pool_options;
  pool_options.use_thread_caches = false;
  pool_options.empty_chunk_decay = absl::Milliseconds(1);
  const std::unique_ptr<PooledAllocator> pool = MakePool(pool_options);
  SidecarOptions options;
  options.maintain_interval = absl::Milliseconds(1);
  const std::unique_ptr<Sidecar> sidecar = StartSidecar(options);
  ASSERT_TRUE(sidecar->RegisterAllocator(pool.get()).ok());
  pool->Free(pool->Allocate(1 << 20));
  // The chunk is unmapped though nobody calls the allocator any more.
  while (
      Scrape(sidecar->port()).Sum("poolscope_chunk_deallocations_total", {}) ==
      0) {
  }
  EXPECT_EQ(Scrape(sidecar->port()).Sum("poolscope_chunks", {}), 0u);
}

TEST(SidecarTest, UnregisteredAllocatorsMayBeDestroyedWhileItRuns) {
  SidecarOptions options;
  options.maintain_interval = absl::Milliseconds(1);
  const std::unique_ptr<Sidecar> sidecar = StartSidecar(options);
  for (int i = 0; i < 50; ++i) {
    std::unique_ptr<PooledAllocator> pool = MakePool();
    ASSERT_TRUE(sidecar->RegisterAllocator(pool.get()).ok());
    pool->Free(pool->Allocate(100));
    Scrape(sidecar->port());
    sidecar->UnregisterAllocator(pool.get());
    pool.reset();
  }
  EXPECT_EQ(Get(sidecar->port(), "/-/ready").status, 503);
}

TEST(SidecarTest, StopMayBeCalledTwiceAndFreesThePort) {
  const std::unique_ptr<PooledAllocator> pool = MakePool();
  const std::unique_ptr<Sidecar> sidecar = StartSidecar();
  ASSERT_TRUE(sidecar->RegisterAllocator(pool.get()).ok());
  sidecar->Stop();
  sidecar->Stop();
  EXPECT_FALSE(HttpClient(sidecar->port()).connected());
  sidecar->UnregisterAllocator(pool.get());
}

TEST(SidecarTest, ArenaReportAddsUpToTheMetrics) {
  // A sampled block that is freed may become a shared one, which is cached in
  // no thread's cache.
  PoolOptions pool_options;
  pool_options.sampling = false;
  const std::unique_ptr<PooledAllocator> pool = MakePool(pool_options);
  SidecarOptions options;
  options.maintain_interval = absl::ZeroDuration();
  const std::unique_ptr<Sidecar> sidecar = StartSidecar(options);
  ASSERT_TRUE(sidecar->RegisterAllocator(pool.get()).ok());
  std::vector<void*> blocks;
  for (int round = 0; round < 40; ++round) {
    for (size_t size : {16, 1000, 14336, 65536, 300000, 5000000}) {
      if (size > 1000000 && round > 1) continue;
      blocks.push_back(pool->Allocate(size));
      ASSERT_NE(blocks.back(), nullptr);
    }
  }
  for (size_t i = 0; i < blocks.size(); i += 2) {
    pool->Free(blocks[i]);
    blocks[i] = nullptr;
  }

  // Nothing moves between the two requests.
  const Exposition scrape = Scrape(sidecar->port());
  const HttpReply reply = Get(sidecar->port(), "/debug/arenas?format=json");
  EXPECT_EQ(reply.headers.at("content-type"), "application/json");
  const absl::StatusOr<Json> parsed = ParseJson(reply.body);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  const std::vector<Json>& allocators = (*parsed)["allocators"].elements;
  ASSERT_EQ(allocators.size(), 1u);
  const Json& report = allocators[0];
  const auto metric = [&](const std::string& name, const LabelMap& labels) {
    return scrape.Sum("poolscope_" + name, labels);
  };

  EXPECT_GT(report["snapshot_id"].Integer(), metric("snapshot_id", {}));
  for (const char* name :
       {"direct_memory_used_bytes", "direct_memory_limit_bytes",
        "direct_memory_peak_bytes", "huge_used_bytes"}) {
    EXPECT_EQ(report[name].Integer(), metric(name, {})) << name;
  }
  EXPECT_GT(report["huge_used_bytes"].Integer(), 0u);

  const Json& arenas = report["arenas"];
  ASSERT_EQ(arenas.elements.size(), 2u);
  for (const Json& arena : arenas.elements) {
    const std::string index = arena["arena"].text;
    for (const char* name : {"reserved_bytes", "used_bytes", "pinned_bytes",
                             "cached_bytes", "peak_used_bytes"}) {
      EXPECT_EQ(arena[name].Integer(),
                metric(std::string("arena_") + name, {{"arena", index}}))
          << name;
    }
    for (const Json& list : arena["lists"].elements) {
      const LabelMap labels = {{"arena", index}, {"list", list["list"].text}};
      EXPECT_EQ(list["chunks"].Integer(), metric("chunks", labels));
      EXPECT_EQ(list["free_bytes"].Integer(),
                metric("chunk_list_free_bytes", labels));
      uint64_t chunks = 0;
      uint64_t free_bytes = 0;
      for (const Json& chunk : arena["chunks"].elements) {
        if (chunk["list"].text != list["list"].text) continue;
        ++chunks;
        free_bytes += chunk["free_bytes"].Integer();
      }
      EXPECT_EQ(chunks, list["chunks"].Integer());
      EXPECT_EQ(free_bytes, list["free_bytes"].Integer());
    }
    for (const Json& kind : arena["kinds"].elements) {
      const LabelMap labels = {{"arena", index}, {"kind", kind["kind"].text}};
      EXPECT_EQ(kind["allocations_total"].Integer(),
                metric("arena_allocations_total", labels));
      EXPECT_EQ(kind["active_allocations"].Integer(),
                metric("arena_active_allocations", labels));
    }
    const Json& chunks = arena["chunks"];
    EXPECT_EQ(chunks.Sum("size_bytes"), arena["reserved_bytes"].Integer());
    EXPECT_EQ(chunks.Sum("used_bytes"), arena["used_bytes"].Integer());
    EXPECT_EQ(chunks.Sum("pinned_bytes"), arena["pinned_bytes"].Integer());
    EXPECT_EQ(chunks.Sum("cached_bytes"), arena["cached_bytes"].Integer());
  }
  EXPECT_GT(arenas.Sum("pinned_bytes"), 0u);
  EXPECT_GT(arenas.Sum("cached_bytes"), 0u);

  const Json& size_classes = report["size_classes"];
  EXPECT_EQ(size_classes.Sum("allocations_total"),
            metric("size_class_allocations_total", {}));
  EXPECT_EQ(size_classes.Sum("active_elements"),
            metric("size_class_active_elements", {}));
  EXPECT_EQ(size_classes.Sum("allocations_total"),
            metric("allocation_size_bytes_count", {}));
  EXPECT_EQ(report["thread_caches"].Sum("cached_bytes"),
            metric("thread_cache_bytes", {}));
  EXPECT_EQ(report["thread_caches"].elements.size(),
            metric("thread_caches", {}));
  EXPECT_EQ(report["thread_caches"].Sum("requests_total"),
            metric("thread_cache_requests_total", {}));

  for (void* block : blocks) pool->Free(block);
  EXPECT_TRUE(pool->CheckInvariants().ok()) << pool->CheckInvariants();
}

TEST(SidecarTest, WithoutThreadsItSaysSo) {
  const ThreadShortage shortage;
  SidecarOptions options;
  options.listen_address = "127.0.0.1:0";
  for (const absl::Duration interval : {absl::Seconds(1), absl::Seconds(0)}) {
    options.maintain_interval = interval;
    const absl::Status status = Sidecar::Start(options).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
    EXPECT_TRUE(absl::StrContains(status.message(), "ulimit -u")) << status;
  }
}

}  // namespace
}  // namespace poolscope
