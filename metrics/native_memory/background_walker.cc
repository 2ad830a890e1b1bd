#include "poolscope/metrics/native_memory/background_walker.h"

#include <algorithm>
#include <new>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"

namespace poolscope {

BackgroundWalker::BackgroundWalker(WalkFunction walk,
                                   ResidentFunction resident_bytes,
                                   BackgroundWalkerOptions options)
    : walk_(std::move(walk)),
      resident_bytes_(std::move(resident_bytes)),
      options_(options) {
  MutexLock lock(&mutex_);
  last_ = std::make_shared<const NativeMemoryStats>();
}

std::unique_ptr<std::promise<BackgroundWalker::Outcome>>
BackgroundWalker::Begin(MemoryWalk::Detail detail, absl::Duration budget,
                        Flight* current) {
  if (flight_ != nullptr) {
    *current = *flight_;
    return nullptr;
  }
  auto promise = std::make_unique<std::promise<Outcome>>();
  flight_ = std::make_shared<Flight>();
  flight_->detail = detail;
  flight_->budget = budget;
  flight_->outcome = promise->get_future().share();
  return promise;
}

absl::Duration BackgroundWalker::BudgetOf(Caller caller) const {
  return caller == Caller::kBackground ? options_.budget
                                       : options_.budget_on_demand;
}

BackgroundWalker::Outcome BackgroundWalker::Walk(
    MemoryWalk::Detail detail, Caller caller, std::promise<Outcome>* promise) {
  const int64_t begun = options_.clock->NowNanos();
  Stats kept;
  Outcome outcome = Stats();
  // Whatever comes of it, those who wait for it must be told.
  try {
    absl::StatusOr<NativeMemoryStats> walked = walk_(detail, BudgetOf(caller));
    if (walked.ok()) {
      // Megabytes, perhaps: they live as long as who asked needs them.
      std::vector<OwnedMapping> mappings = std::move(walked->mappings);
      walked->mappings.clear();
      kept = std::make_shared<const NativeMemoryStats>(*walked);
      walked->mappings = std::move(mappings);
      outcome = std::make_shared<const NativeMemoryStats>(*std::move(walked));
    } else {
      outcome = walked.status();
    }
  } catch (const std::bad_alloc&) {
    outcome = absl::ResourceExhaustedError(
        "there is no memory for a walk over the mappings");
  }
  const int64_t ended = options_.clock->NowNanos();
  {
    MutexLock lock(&mutex_);
    flight_ = nullptr;
    const int64_t next = begun + absl::ToInt64Nanoseconds(options_.interval);
    if (outcome.ok()) {
      last_ = std::move(kept);
      last_nanos_ = begun;
      latest_ = absl::OkStatus();
      due_nanos_ = std::max(due_nanos_, next);
    }
    if (caller == Caller::kBackground) {
      latest_ = outcome.status();
      const auto pause =
          static_cast<int64_t>((ended - begun) / options_.most_share);
      due_nanos_ = std::max(next, begun + pause);
    }
  }
  promise->set_value(outcome);
  return outcome;
}

void BackgroundWalker::WalkIfDue() {
  const int64_t now = options_.clock->NowNanos();
  {
    MutexLock lock(&mutex_);
    if (flight_ != nullptr || now < due_nanos_) return;
  }
  const uint64_t resident_bytes = resident_bytes_();
  std::unique_ptr<std::promise<Outcome>> promise;
  {
    MutexLock lock(&mutex_);
    if (resident_bytes > options_.most_resident_bytes) {
      due_nanos_ = now + absl::ToInt64Nanoseconds(options_.interval);
      latest_ = absl::FailedPreconditionError(absl::StrCat(
          "no walk in the background: ", resident_bytes,
          " bytes are resident, more than ", options_.most_resident_bytes));
      return;
    }
    Flight current;
    promise = Begin(MemoryWalk::Detail::kCategories, options_.budget, &current);
  }
  if (promise == nullptr) return;
  Walk(MemoryWalk::Detail::kCategories, Caller::kBackground, promise.get())
      .IgnoreError();
}

absl::StatusOr<BackgroundWalker::Stats> BackgroundWalker::WalkNow(
    MemoryWalk::Detail detail) {
  {
    MutexLock lock(&mutex_);
    if (requests_ >= options_.most_requests) {
      return absl::ResourceExhaustedError(
          absl::StrCat(requests_,
                       " requests wait for a walk over the mappings "
                       "already; try again"));
    }
    ++requests_;
  }
  const absl::Cleanup leave = [this] {
    MutexLock lock(&mutex_);
    --requests_;
  };
  const absl::Duration budget = BudgetOf(Caller::kRequest);
  while (true) {
    Flight current;
    std::unique_ptr<std::promise<Outcome>> promise;
    {
      MutexLock lock(&mutex_);
      promise = Begin(detail, budget, &current);
    }
    if (promise != nullptr) {
      return Walk(detail, Caller::kRequest, promise.get());
    }
    const Outcome& outcome = current.outcome.get();
    const bool has_detail = current.detail == MemoryWalk::Detail::kMappings ||
                            detail == MemoryWalk::Detail::kCategories;
    if (has_detail && (outcome.ok() || current.budget >= budget)) {
      return outcome;
    }
  }
}

LastMemoryWalk BackgroundWalker::Latest() const {
  LastMemoryWalk result;
  int64_t begun;
  {
    MutexLock lock(&mutex_);
    result.stats = last_;
    result.latest = latest_;
    begun = last_nanos_;
  }
  if (result.stats->walk_id != 0) {
    result.age_seconds = 1e-9 * (options_.clock->NowNanos() - begun);
  }
  return result;
}

}  // namespace poolscope
