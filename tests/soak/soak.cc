#include "poolscope/tests/soak/soak.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/tests/allocator/pool/stress/stats_identities.h"
#include "poolscope/tests/exporter/http_client.h"
#include "poolscope/tests/metrics/exposition.h"

namespace poolscope::soak {
namespace {

using std::chrono::milliseconds;

// Between two looks of each kind, at least.
constexpr milliseconds kSnapshotPause(5);
constexpr milliseconds kTrimPause(10);
constexpr milliseconds kScrapePause(20);
constexpr milliseconds kCheckPause(50);

// What is wrong with an exposition, or "".
std::string WrongInScrape(const HttpReply& reply) {
  if (reply.status != 200) {
    return absl::StrCat("GET /metrics gave status ", reply.status);
  }
  const absl::StatusOr<Exposition> scrape = ParseExposition(reply.body);
  if (!scrape.ok()) return scrape.status().ToString();
  const absl::Status identities = CheckIdentities(*scrape);
  return identities.ok() ? "" : identities.ToString();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Soak>> Soak::Start(const Options& options) {
  std::unique_ptr<Soak> soak(new Soak);
  SidecarOptions sidecar_options;
  sidecar_options.listen_address = "127.0.0.1:0";
  sidecar_options.server_threads = 2;
  sidecar_options.request_timeout = absl::Seconds(20);
  absl::StatusOr<std::unique_ptr<Sidecar>> sidecar =
      Sidecar::Start(sidecar_options);
  if (!sidecar.ok()) return sidecar.status();
  soak->sidecar_ = *std::move(sidecar);
  soak->url_ = soak->sidecar_->url();

  for (ChunkLayout layout : options.layouts) {
    absl::StatusOr<std::unique_ptr<SoakPool>> pool =
        SoakPool::Create(layout, &soak->problems_);
    if (!pool.ok()) return pool.status();
    soak->pools_.push_back(*std::move(pool));
    const absl::Status registered =
        soak->sidecar_->RegisterAllocator(soak->pools_.back()->allocator());
    if (!registered.ok()) return registered;
  }
  Soak* self = soak.get();
  for (int i = 0; i < options.threads; ++i) {
    soak->workers_.emplace_back([self, seed = options.seed + i, i] {
      self->Work(seed, /*new_threads=*/i % 2 == 1);
    });
  }
  soak->watchers_.emplace_back([self] { self->Scrape(); });
  for (const std::unique_ptr<SoakPool>& owned : soak->pools_) {
    SoakPool* pool = owned.get();
    soak->watchers_.emplace_back([self, pool] { self->Watch(pool); });
    soak->watchers_.emplace_back([self, pool] { self->Trim(pool); });
    soak->watchers_.emplace_back([self, pool] { self->Check(pool); });
  }
  return soak;
}

Soak::~Soak() {
  StopThreads();
  if (sidecar_ != nullptr) sidecar_->Stop();
}

void Soak::StopThreads() {
  stop_.Set();
  for (std::thread& worker : workers_) worker.join();
  workers_.clear();
  // Until here they watch how the threads end.
  stop_watching_.Set();
  for (std::thread& watcher : watchers_) watcher.join();
  watchers_.clear();
}

void Soak::Work(uint64_t seed, bool new_threads) {
  Random random(seed);
  const auto session = [&] {
    pools_[Below(&random, pools_.size())]->Session(&random, stop_);
  };
  while (!stop_.IsSet()) {
    if (!new_threads) {
      session();
      continue;
    }
    std::thread(session).join();
    ++threads_ended_;
  }
}

template <typename F>
void Soak::Repeat(milliseconds pause, F&& look) {
  milliseconds wait = pause;
  while (!stop_watching_.WaitFor(wait)) {
    const auto begun = std::chrono::steady_clock::now();
    look();
    const auto took = std::chrono::steady_clock::now() - begun;
    wait = std::max(pause, std::chrono::duration_cast<milliseconds>(9 * took));
  }
}

void Soak::Watch(SoakPool* pool) {
  const StatsOptions everything{true, true};
  AllocatorStats before = pool->allocator()->Stats(everything);
  Repeat(kSnapshotPause, [&] {
    AllocatorStats now = pool->allocator()->Stats(everything);
    problems_.AddIfAny(pool->name(), BrokenIdentity(now));
    problems_.AddIfAny(pool->name(), CounterThatFell(before, now));
    before = std::move(now);
    ++snapshots_;
  });
}

void Soak::Trim(SoakPool* pool) {
  Random random;
  Repeat(kTrimPause, [&] {
    if (Below(&random, 2) == 0) {
      pool->allocator()->Maintain();
    } else {
      pool->allocator()->Trim();
    }
    ++trims_;
  });
}

void Soak::Check(SoakPool* pool) {
  Repeat(kCheckPause, [&] {
    const absl::Status status = pool->allocator()->CheckInvariants();
    if (!status.ok()) {
      problems_.Add(absl::StrCat(pool->name(), ": ", status.ToString()));
    }
    ++checks_;
  });
}

void Soak::Scrape() {
  bool gzip = false;
  Repeat(kScrapePause, [&] {
    // Anew each time: the pause may be longer than an idle connection lives.
    HttpClient client(sidecar_->port());
    problems_.AddIfAny("scrape",
                       WrongInScrape(client.Request("GET", "/metrics")));
    const HttpReply page =
        client.Request("GET", "/debug/arenas?format=json",
                       (gzip = !gzip) ? "Accept-Encoding: gzip\r\n" : "");
    if (page.status != 200) {
      problems_.Add(
          absl::StrCat("GET /debug/arenas gave status ", page.status));
    }
    ++scrapes_;
  });
}

SoakProgress Soak::Progress() const {
  SoakProgress progress;
  for (const std::unique_ptr<SoakPool>& pool : pools_) {
    progress.work += pool->Counts();
    const AllocatorStats stats = pool->allocator()->Stats();
    progress.used_bytes += stats.direct_used_bytes;
    progress.limit_bytes += stats.direct_limit_bytes;
  }
  progress.threads_ended = threads_ended_;
  progress.scrapes = scrapes_;
  progress.snapshots = snapshots_;
  progress.trims = trims_;
  progress.checks = checks_;
  return progress;
}

std::vector<std::string> Soak::End() {
  StopThreads();
  for (const std::unique_ptr<SoakPool>& pool : pools_) pool->Drain();
  const HttpReply last = Get(sidecar_->port(), "/metrics");
  problems_.AddIfAny("last scrape", WrongInScrape(last));
  const absl::StatusOr<Exposition> scrape = ParseExposition(last.body);
  if (scrape.ok()) {
    const uint64_t pinned = scrape->Sum("poolscope_arena_pinned_bytes", {});
    if (pinned != 0) {
      problems_.Add(absl::StrCat("last scrape: ", pinned, " bytes pinned"));
    }
  }
  for (const std::unique_ptr<SoakPool>& pool : pools_) pool->CheckAtRest();
  sidecar_->Stop();
  return problems_.All();
}

}  // namespace poolscope::soak
