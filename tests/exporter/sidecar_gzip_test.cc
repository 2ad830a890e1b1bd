// gzip and the memory of scrapes, over real sockets and real allocators.

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/bench/gunzip.h"
#include "poolscope/exporter/sidecar.h"
#include "poolscope/tests/exporter/http_client.h"
#include "poolscope/tests/exporter/json.h"
#include "poolscope/tests/metrics/exposition.h"

namespace poolscope {
namespace {

constexpr char kGzip[] = "Accept-Encoding: gzip\r\n";

class SidecarGzipTest : public testing::Test {
 protected:
  SidecarGzipTest() {
    PoolOptions pool_options;
    pool_options.max_direct_memory_bytes = 256 << 20;
    pool_options.arenas = 2;
    pool_ = *PooledAllocator::Create(pool_options);
    SidecarOptions options;
    options.listen_address = "127.0.0.1:0";
    options.maintain_interval = absl::ZeroDuration();  // nothing moves
    sidecar_ = *Sidecar::Start(options);
    EXPECT_TRUE(sidecar_->RegisterAllocator(pool_.get()).ok());
    client_ = std::make_unique<HttpClient>(sidecar_->port());
  }

  std::unique_ptr<PooledAllocator> pool_;
  std::unique_ptr<Sidecar> sidecar_;
  std::unique_ptr<HttpClient> client_;
};

// The body as it was before a Content-Encoding, which `reply` must have.
std::string Unzipped(const HttpReply& reply) {
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.headers.count("content-encoding"), 1u);
  EXPECT_TRUE(absl::EndsWith(reply.headers.at("vary"), "Accept-Encoding"));
  EXPECT_EQ(reply.headers.at("content-length"),
            absl::StrCat(reply.body.size()));
  const absl::StatusOr<std::string> body = bench::Gunzip(reply.body);
  EXPECT_TRUE(body.ok()) << body.status();
  return body.ok() ? *body : "";
}

Exposition Parsed(absl::string_view text) {
  const absl::StatusOr<Exposition> scrape = ParseExposition(text);
  EXPECT_TRUE(scrape.ok()) << scrape.status();
  return scrape.ok() ? *scrape : Exposition();
}

// Series that count or time the requests, or measure the process.
bool Moves(absl::string_view name) {
  for (const absl::string_view beginning :
       {"poolscope_http_", "poolscope_snapshot_", "poolscope_scrape_",
        "poolscope_tracking_overhead_bytes", "poolscope_lock_",
        "poolscope_oldest_allocation_age_seconds", "process_"}) {
    if (name.substr(0, beginning.size()) == beginning) return true;
  }
  return false;
}

TEST_F(SidecarGzipTest, TheTextIsTheSame) {
  std::vector<void*> blocks;
  for (size_t size = 16; size < 100000; size *= 2) {
    blocks.push_back(pool_->Allocate(size));
  }
  const HttpReply plain = client_->Request("GET", "/metrics");
  EXPECT_EQ(plain.headers.count("content-encoding"), 0u);
  EXPECT_EQ(plain.headers.at("vary"), "Accept, Accept-Encoding");
  const HttpReply gzipped = client_->Request("GET", "/metrics", kGzip);
  EXPECT_EQ(gzipped.headers.at("content-type"),
            plain.headers.at("content-type"));
  EXPECT_LT(gzipped.body.size(), plain.body.size() / 4);

  const Exposition first = Parsed(plain.body);
  const Exposition second = Parsed(Unzipped(gzipped));
  EXPECT_EQ(first.types, second.types);
  ASSERT_EQ(first.samples.size(), second.samples.size());
  int compared = 0;
  for (size_t i = 0; i < first.samples.size(); ++i) {
    EXPECT_EQ(first.samples[i].name, second.samples[i].name);
    EXPECT_EQ(first.samples[i].labels, second.samples[i].labels);
    if (Moves(first.samples[i].name)) continue;
    EXPECT_EQ(first.samples[i].value, second.samples[i].value)
        << first.samples[i].name;
    ++compared;
  }
  EXPECT_GT(compared, 100);
  for (void* block : blocks) pool_->Free(block);
}

TEST_F(SidecarGzipTest, OnlyWhereTheHeaderAsks) {
  for (const auto& [header, gzip] :
       {std::pair("", false), std::pair("Accept-Encoding:\r\n", false),
        std::pair("Accept-Encoding: gzip;q=0\r\n", false),
        std::pair("Accept-Encoding: br, deflate\r\n", false),
        std::pair("Accept-Encoding: gzip;q=abc\r\n", false),
        std::pair("Accept-Encoding: ;;;,,=,q=1\r\n", false),
        std::pair("accept-encoding: deflate, GZIP;q=0.5\r\n", true),
        std::pair("Accept-Encoding: *\r\n", true)}) {
    const HttpReply reply = client_->Request("GET", "/metrics", header);
    EXPECT_EQ(reply.status, 200) << header;
    EXPECT_EQ(reply.headers.count("content-encoding"), gzip ? 1u : 0u)
        << header;
    Parsed(gzip ? Unzipped(reply) : reply.body);
  }
}

TEST_F(SidecarGzipTest, HeadSaysTheSameAndSendsNothing) {
  const HttpReply head = client_->Request("HEAD", "/metrics", kGzip);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.headers.at("content-encoding"), "gzip");
  EXPECT_EQ(head.headers.at("vary"), "Accept, Accept-Encoding");
  EXPECT_NE(head.headers.at("content-length"), "0");
  // What follows on the connection is the next answer.
  Parsed(Unzipped(client_->Request("GET", "/metrics", kGzip)));
}

TEST_F(SidecarGzipTest, PagesTooAndSmallOnesPlain) {
  const std::string json =
      Unzipped(client_->Request("GET", "/debug/arenas?format=json", kGzip));
  const absl::StatusOr<Json> report = ParseJson(json);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ((*report)["allocators"].elements.size(), 1u);
  const HttpReply health = client_->Request("GET", "/healthz", kGzip);
  EXPECT_EQ(health.headers.count("content-encoding"), 0u);
  EXPECT_EQ(health.body, "ok\n");
}

TEST_F(SidecarGzipTest, ScrapesUseTheirOwnMemoryAgainAndNoneOfThePool) {
  const AllocatorStats before = pool_->Stats();
  uint64_t overhead = 0;
  uint64_t chunks = 0;
  for (int i = 0; i < 1000; ++i) {
    const bool gzip = i % 2 == 0;
    const HttpReply reply =
        client_->Request("GET", "/metrics", gzip ? kGzip : "");
    const bool look = i < 4 || i % 100 >= 98;
    if (!look) continue;
    const Exposition scrape = Parsed(gzip ? Unzipped(reply) : reply.body);
    const uint64_t now = scrape.Sum("poolscope_tracking_overhead_bytes", {});
    if (i == 3) {
      overhead = now;
      chunks = scrape.Sum("poolscope_chunk_allocations_total", {});
      // The text, the compressor and its output are in it.
      EXPECT_GT(overhead, before.metadata_bytes + 300000);
      EXPECT_LT(overhead, before.metadata_bytes + 1500000);
    } else if (i > 3) {
      EXPECT_EQ(now, overhead) << "after " << i << " scrapes";
      EXPECT_EQ(scrape.Sum("poolscope_chunk_allocations_total", {}), chunks);
    }
  }
  const AllocatorStats after = pool_->Stats();
  EXPECT_GE(after.snapshot_id, before.snapshot_id + 1000);
  EXPECT_EQ(after.metadata_bytes, before.metadata_bytes);
  EXPECT_EQ(after.requested_bytes, before.requested_bytes);
  EXPECT_EQ(after.thread_cache_count, before.thread_cache_count);
  EXPECT_EQ(after.direct_used_bytes, before.direct_used_bytes);
  for (size_t i = 0; i < after.arenas.size(); ++i) {
    EXPECT_EQ(after.arenas[i].allocated_bytes,
              before.arenas[i].allocated_bytes);
    EXPECT_EQ(after.arenas[i].freed_bytes, before.arenas[i].freed_bytes);
  }
}

}  // namespace
}  // namespace poolscope
