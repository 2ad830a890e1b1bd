#include "poolscope/exporter/scraper.h"

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "poolscope/allocator/base/mutex.h"
#include "poolscope/exporter/signal_blocker.h"
#include "poolscope/exporter/start_thread.h"
#include "poolscope/metrics/collectable_families.h"

namespace poolscope {
namespace {

using SteadyClock = std::chrono::steady_clock;

// What is collected in one format.
struct Slot {
  bool wanted = false;
  uint64_t begun = 0;                      // collections
  uint64_t done = 0;                       // the last of them that is complete
  std::shared_ptr<const TextWriter> text;  // its figures
  SteadyClock::time_point taken;           // when they were
};

}  // namespace

struct Scraper::State {
  State(MetricRegistry* registry, TextWriterPool* writers)
      : registry(registry), writers(writers) {}

  Slot& Of(ExpositionFormat format) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    return slots[static_cast<size_t>(format)];
  }

  // Not used by the thread while it asks collectables, nor after that once
  // `stopping` is set.
  MetricRegistry* const registry;
  TextWriterPool* const writers;

  Mutex mutex;
  std::condition_variable_any changed;
  bool stopping ABSL_GUARDED_BY(mutex) = false;
  bool asking ABSL_GUARDED_BY(mutex) = false;  // the thread is in their code
  std::array<Slot, kExpositionFormatCount> slots ABSL_GUARDED_BY(mutex);
};

Scraper::Scraper(MetricRegistry* registry, TextWriterPool* writers)
    : state_(std::make_shared<State>(registry, writers)) {}

Scraper::~Scraper() { Stop(); }

absl::Status Scraper::Start() {
  const SignalBlocker blocker;
  absl::StatusOr<std::thread> thread =
      StartThread([state = state_] { Run(state); });
  if (!thread.ok()) return thread.status();
  thread_ = *std::move(thread);
  return absl::OkStatus();
}

void Scraper::Stop() {
  bool asking = false;
  {
    MutexLock lock(&state_->mutex);
    state_->stopping = true;
    asking = state_->asking;
    for (Slot& slot : state_->slots) slot.text.reset();
  }
  state_->changed.notify_all();
  if (!thread_.joinable()) return;
  if (asking) {
    thread_.detach();
  } else {
    thread_.join();
  }
}

Scraper::Scrape Scraper::Get(ExpositionFormat format, absl::Duration patience) {
  const SteadyClock::time_point deadline =
      SteadyClock::now() + absl::ToChronoNanoseconds(patience);
  Scrape scrape;
  scrape.format = format;
  State& state = *state_;
  MutexLock lock(&state.mutex);
  BasicLock basic(&state.mutex);
  Slot& slot = state.Of(format);
  // One under way may have begun before something that the scraper knows of.
  const uint64_t own = slot.begun + 1;
  slot.wanted = true;
  state.changed.notify_all();
  state.changed.wait_until(basic, deadline,
                           [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
                             return state.stopping || slot.done >= own;
                           });
  scrape.stopped = state.stopping;
  if (scrape.stopped) return scrape;
  scrape.late = slot.done < own;
  const Slot* from = &slot;
  if (slot.text == nullptr) {
    for (size_t i = 0; i < state.slots.size(); ++i) {
      if (state.slots[i].text == nullptr) continue;
      from = &state.slots[i];
      scrape.format = static_cast<ExpositionFormat>(i);
    }
  }
  scrape.text = from->text;
  if (scrape.late && scrape.text != nullptr) {
    scrape.age = absl::FromChrono(SteadyClock::now() - from->taken);
  }
  return scrape;
}

void Scraper::Run(std::shared_ptr<State> state) {
  size_t turn = 0;  // formats take turns, should both be wanted at all times
  while (true) {
    std::vector<std::weak_ptr<prometheus::Collectable>> collectables;
    Slot* slot = nullptr;
    {
      MutexLock lock(&state->mutex);
      BasicLock basic(&state->mutex);
      state->changed.wait(basic, [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
        for (size_t i = 0; slot == nullptr && i < state->slots.size(); ++i) {
          turn = (turn + 1) % state->slots.size();
          if (state->slots[turn].wanted) slot = &state->slots[turn];
        }
        return state->stopping || slot != nullptr;
      });
      if (state->stopping) return;
      slot->wanted = false;
      ++slot->begun;
      collectables = state->registry->Collectables();
      state->asking = true;
    }
    CollectableFamilies families = AskCollectables(collectables);
    {
      MutexLock lock(&state->mutex);
      state->asking = false;
      if (state->stopping) return;
    }
    // From here on Stop() waits.
    const SteadyClock::time_point taken = SteadyClock::now();
    std::shared_ptr<TextWriter> text = state->writers->Take();
    text->set_format(static_cast<ExpositionFormat>(turn));
    state->registry->Collect(std::move(families), *text);
    text->Finish();
    state->writers->Recount(*text);
    std::shared_ptr<const TextWriter> before = std::move(text);
    {
      MutexLock lock(&state->mutex);
      slot->done = slot->begun;
      slot->taken = taken;
      // Not kept beyond Stop(), which has thrown away the others.
      if (!state->stopping) slot->text.swap(before);
    }
    state->changed.notify_all();
  }
}

}  // namespace poolscope
