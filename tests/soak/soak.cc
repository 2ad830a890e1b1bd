#include "poolscope/tests/soak/soak.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/leak/leak_level.h"
#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/metrics/process/process_memory.h"
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
constexpr milliseconds kFailurePause(20);
// All levels in one tide of the workers.
constexpr milliseconds kLevelPause(250);
constexpr milliseconds kResidentPause(200);

// Of all threads, which have low and high tides together. About a second, and
// the same work where the machine is slow.
constexpr uint64_t kSessionsATide = 128;

// The shorter the windows are, the more the load alone moves them.
constexpr absl::Duration kLong = absl::Minutes(20);
constexpr double kLongShare = 0.02;
constexpr double kShortShare = 0.20;

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
  std::unique_ptr<Soak> soak(new Soak(options));
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
  }
  absl::StatusOr<std::unique_ptr<SoakMessages>> messages =
      SoakMessages::Create(&soak->problems_);
  if (!messages.ok()) return messages.status();
  soak->messages_ = *std::move(messages);
  const absl::Status registered = soak->Register();
  if (!registered.ok()) return registered;

  Soak* self = soak.get();
  for (int i = 0; i < options.threads; ++i) {
    soak->workers_.emplace_back([self, seed = options.seed + i, i] {
      self->Work(seed, /*new_threads=*/i % 2 == 1);
    });
  }
  soak->workers_.emplace_back([self] {
    while (!self->stop_.IsSet()) self->messages_->Round(&self->stop_);
  });
  soak->watchers_.emplace_back([self] { self->Scrape(); });
  soak->watchers_.emplace_back([self] { self->ChangeLevels(); });
  soak->watchers_.emplace_back([self] { self->SampleResident(); });
  for (SoakAllocator* each : soak->Allocators()) {
    soak->watchers_.emplace_back([self, each] { self->Watch(each); });
    soak->watchers_.emplace_back([self, each] { self->Trim(each); });
    soak->watchers_.emplace_back([self, each] { self->Check(each); });
    soak->watchers_.emplace_back([self, each] { self->FailMappings(each); });
  }
  return soak;
}

absl::Status Soak::Register() {
  for (SoakAllocator* each : Allocators()) {
    const absl::Status status =
        sidecar_->RegisterAllocator(each->pool(), each->detector());
    if (!status.ok()) return status;
  }
  return sidecar_->RegisterChannels(messages_->channels());
}

std::vector<SoakAllocator*> Soak::Allocators() const {
  std::vector<SoakAllocator*> allocators;
  for (const std::unique_ptr<SoakPool>& pool : pools_) {
    allocators.push_back(pool->allocator());
  }
  allocators.push_back(messages_->allocator());
  return allocators;
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
    // Relaxed: a number that nothing else hangs on.
    const uint64_t session = sessions_.fetch_add(1, std::memory_order_relaxed);
    const bool high_tide = session / kSessionsATide % 2 == 1;
    pools_[Below(&random, pools_.size())]->Session(&random, high_tide, stop_);
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

void Soak::Watch(SoakAllocator* allocator) {
  const StatsOptions everything{true, true};
  AllocatorStats before = allocator->pool()->Stats(everything);
  Repeat(kSnapshotPause, [&] {
    AllocatorStats now = allocator->pool()->Stats(everything);
    problems_.AddIfAny(allocator->name(), BrokenIdentity(now));
    problems_.AddIfAny(allocator->name(), CounterThatFell(before, now));
    before = std::move(now);
    ++snapshots_;
  });
}

void Soak::Trim(SoakAllocator* allocator) {
  Random random;
  Repeat(kTrimPause, [&] {
    if (Below(&random, 2) == 0) {
      allocator->pool()->Maintain();
    } else {
      allocator->pool()->Trim();
    }
    ++trims_;
  });
}

void Soak::Check(SoakAllocator* allocator) {
  Repeat(kCheckPause, [&] {
    const absl::Status status = allocator->pool()->CheckInvariants();
    if (!status.ok()) {
      problems_.Add(absl::StrCat(allocator->name(), ": ", status.ToString()));
    }
    ++checks_;
  });
}

void Soak::FailMappings(SoakAllocator* allocator) {
  Random random;
  Repeat(kFailurePause, [&] { allocator->FailAMapping(&random); });
}

void Soak::ChangeLevels() {
  size_t next = 0;
  Repeat(kLevelPause, [&] {
    HttpClient client(sidecar_->port());
    const std::string target = absl::StrCat(
        "/-/leak-level?level=", LeakLevelName(kLeakLevels[next++ % 4]));
    const HttpReply reply =
        client.Request("POST", target, "Content-Length: 0\r\n");
    if (reply.status != 200) {
      problems_.Add(
          absl::StrCat("POST ", target, " gave status ", reply.status));
    }
    ++level_changes_;
  });
}

void Soak::SampleResident() {
  const absl::Time begun = absl::Now();
  absl::Duration leaked_until;
  Repeat(kResidentPause, [&] {
    // How the threads end is no part of it.
    if (stop_.IsSet()) return;
    const absl::Duration now = absl::Now() - begun;
    if (options_.leak_kib_per_second > 0) {
      const size_t bytes =
          static_cast<size_t>(absl::ToDoubleSeconds(now - leaked_until) *
                              (options_.leak_kib_per_second << 10));
      leaked_.push_back(std::make_unique<char[]>(bytes));
      std::memset(leaked_.back().get(), 1, bytes);
      leaked_until = now;
    }
    const absl::StatusOr<ProcessMemory> memory = ReadProcessMemory("/proc");
    if (!memory.ok()) {
      problems_.Add(memory.status().ToString());
      return;
    }
    resident_.push_back({now, memory->resident_bytes});
    resident_bytes_ = memory->resident_bytes;
  });
}

void Soak::Scrape() {
  bool gzip = false;
  Repeat(kScrapePause, [&] {
    // A connection each: with few threads the server keeps none alive while
    // another waits.
    problems_.AddIfAny("scrape",
                       WrongInScrape(Get(sidecar_->port(), "/metrics")));
    const HttpReply page =
        Get(sidecar_->port(), "/debug/arenas?format=json",
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
    const AllocatorStats stats = pool->pool()->Stats();
    progress.used_bytes += stats.direct_used_bytes;
    progress.limit_bytes += stats.direct_limit_bytes;
  }
  for (const SoakAllocator* each : Allocators()) {
    progress.refused_mappings += each->refused_mappings();
  }
  progress.messages = messages_->Account();
  progress.threads_ended = threads_ended_;
  progress.scrapes = scrapes_;
  progress.snapshots = snapshots_;
  progress.trims = trims_;
  progress.checks = checks_;
  progress.level_changes = level_changes_;
  progress.resident_bytes = resident_bytes_;
  return progress;
}

void Soak::CheckResident() {
  if (!kJudgesResident || resident_.empty()) return;
  const absl::Duration time = resident_.back().at;
  if (time < kLeastJudged) return;
  const double share = time < kLong ? kShortShare : kLongShare;
  const ResidentWindows windows = JudgeResident(resident_);
  if (IsFlat(windows, share)) return;
  problems_.Add(absl::StrCat("resident memory is not flat within ", 100 * share,
                             " %: ", windows.Text()));
}

std::vector<std::string> Soak::End() {
  StopThreads();
  CheckResident();
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
  messages_->CheckAtRest();
  sidecar_->Stop();
  if (testing::Test::HasFailure()) {
    problems_.Add("memory was unmapped or purged that was not mapped");
  }
  return problems_.All();
}

}  // namespace poolscope::soak
