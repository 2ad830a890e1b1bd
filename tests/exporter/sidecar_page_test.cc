// The page at / and all that it points to, over real sockets.

#include <memory>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/leak/leak_detector.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/bench/gunzip.h"
#include "poolscope/exporter/sidecar.h"
#include "poolscope/tests/exporter/http_client.h"

namespace poolscope {
namespace {

class SidecarPageTest : public testing::Test {
 protected:
  // With a leak detector: without one there is no heap profile.
  SidecarPageTest() : detector_(LeakDetector::Create({}).value()) {
    PoolOptions pool_options;
    pool_options.max_direct_memory_bytes = 256 << 20;
    pool_options.observer = detector_;
    pool_ = *PooledAllocator::Create(pool_options);
    SidecarOptions options;
    options.listen_address = "127.0.0.1:0";
    sidecar_ = *Sidecar::Start(options);
    EXPECT_TRUE(sidecar_->RegisterAllocator(pool_.get(), detector_).ok());
    client_ = std::make_unique<HttpClient>(sidecar_->port());
  }

  std::shared_ptr<LeakDetector> detector_;
  std::unique_ptr<PooledAllocator> pool_;
  std::unique_ptr<Sidecar> sidecar_;
  std::unique_ptr<HttpClient> client_;
};

// What stands in quotes behind each `begin` in `text`.
std::set<std::string> Targets(absl::string_view text, absl::string_view begin,
                              char quote) {
  std::set<std::string> targets;
  for (size_t at = text.find(begin); at != absl::string_view::npos;
       at = text.find(begin)) {
    text.remove_prefix(at + begin.size());
    targets.insert(absl::StrReplaceAll(text.substr(0, text.find(quote)),
                                       {{"&amp;", "&"}}));
  }
  return targets;
}

TEST_F(SidecarPageTest, EveryLinkAndPartIsThere) {
  const HttpReply page = client_->Request("GET", "/");
  ASSERT_EQ(page.status, 200);
  std::set<std::string> targets = Targets(page.body, "href=\"", '"');
  targets.merge(Targets(page.body, "src=\"", '"'));
  for (const char* path : {"/metrics", "/debug/arenas", "/debug/memory",
                           "/healthz", "/ui/main.js", "/ui/ui.css"}) {
    EXPECT_EQ(targets.count(path), 1u) << path;
  }
  for (const std::string& target : targets) {
    EXPECT_EQ(client_->Request("GET", target).status, 200) << target;
  }
}

TEST_F(SidecarPageTest, EveryModuleThatAScriptImportsIsThere) {
  std::set<std::string> seen = {"main.js"};
  for (std::set<std::string> next = seen; !next.empty();) {
    const std::string name = *next.begin();
    next.erase(name);
    const HttpReply script = client_->Request("GET", "/ui/" + name);
    EXPECT_EQ(script.status, 200) << name;
    for (const std::string& import : Targets(script.body, " from './", '\'')) {
      if (seen.insert(import).second) next.insert(import);
    }
  }
  EXPECT_GT(seen.size(), 8u);
}

TEST_F(SidecarPageTest, PagesThatScriptsAskForAreThere) {
  const HttpReply script = client_->Request("GET", "/ui/main.js");
  const std::set<std::string> asked = Targets(script.body, "url: '", '\'');
  EXPECT_EQ(asked.size(), 4u);
  for (const std::string& target : asked) {
    EXPECT_EQ(client_->Request("GET", target).status, 200) << target;
  }
}

TEST_F(SidecarPageTest, ABrowserIsToldWhatItMayLoad) {
  const HttpReply page = client_->Request("GET", "/");
  EXPECT_TRUE(absl::StrContains(page.headers.at("content-security-policy"),
                                "script-src 'self'"));
  EXPECT_EQ(page.headers.at("cache-control"), "no-store");
  // Every other page allows nothing, whatever a browser takes it for.
  for (const char* path : {"/metrics", "/debug/arenas", "/ui/main.js"}) {
    const HttpReply other = client_->Request("GET", path);
    EXPECT_FALSE(absl::StrContains(other.headers.at("content-security-policy"),
                                   "'self'"))
        << path;
    EXPECT_EQ(other.headers.at("x-content-type-options"), "nosniff") << path;
  }
}

TEST_F(SidecarPageTest, PartsAreCompressedAndKept) {
  const HttpReply plain = client_->Request("GET", "/ui/dygraph.min.js");
  const HttpReply packed = client_->Request("GET", "/ui/dygraph.min.js",
                                            "Accept-Encoding: gzip\r\n");
  EXPECT_EQ(packed.headers.at("content-encoding"), "gzip");
  EXPECT_LT(packed.body.size(), plain.body.size() / 2);
  const absl::StatusOr<std::string> unpacked = bench::Gunzip(packed.body);
  ASSERT_TRUE(unpacked.ok()) << unpacked.status();
  EXPECT_EQ(*unpacked, plain.body);
  EXPECT_EQ(packed.headers.at("etag"), plain.headers.at("etag"));

  const HttpReply known = client_->Request(
      "GET", "/ui/dygraph.min.js",
      absl::StrCat("If-None-Match: ", plain.headers.at("etag"), "\r\n"));
  EXPECT_EQ(known.status, 304);
  EXPECT_EQ(known.headers.at("etag"), plain.headers.at("etag"));
  // The connection goes on.
  const HttpReply metrics = client_->Request("GET", "/metrics");
  EXPECT_TRUE(
      absl::StrContains(metrics.body, "{handler=\"/ui/\",code=\"304\"} 1\n"));
}

}  // namespace
}  // namespace poolscope
