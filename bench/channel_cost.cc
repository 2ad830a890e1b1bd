#include "poolscope/bench/channel_cost.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "poolscope/allocator/base/clock.h"
#include "poolscope/allocator/outbound/channel_registry.h"
#include "poolscope/allocator/outbound/registered_channel.h"
#include "poolscope/metrics/channel_source.h"
#include "poolscope/metrics/metric_registry.h"
#include "poolscope/metrics/text_writer.h"

namespace poolscope::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr int kChannels = 100'000;
constexpr int kGroups = 10;
constexpr int kMessages = 10'000'000;
constexpr int kScrapes = 31;
constexpr double kBarMs = 5;
constexpr uint64_t kMessageBytes = 14336;
// More than the caches hold.
constexpr size_t kOtherBytes = 64 << 20;

double NanosSince(SteadyClock::time_point start) {
  return std::chrono::duration<double, std::nano>(SteadyClock::now() - start)
      .count();
}

std::vector<ChannelDescription> Descriptions(int count) {
  std::vector<ChannelDescription> descriptions;
  for (int i = 0; i < count; ++i) {
    descriptions.push_back({absl::StrCat("group-", i % kGroups),
                            absl::StrCat("connection-", i),
                            absl::StrCat("10.0.", i / 256 % 256, ".", i % 256,
                                         ":", 32768 + i % 8)});
  }
  return descriptions;
}

// Queues a message on every second channel; every tenth is unwritable.
void Fill(std::vector<RegisteredChannel>& channels) {
  const int64_t now = Clock::Real()->NowNanos();
  for (size_t i = 0; i < channels.size(); ++i) {
    if (i % 2 == 0) {
      channels[i].CountQueued(kMessageBytes);
      channels[i].SetOldest(now);
    }
    if (i % 10 == 0) channels[i].CountTransition(/*writable=*/false, now);
  }
}

void Drain(std::vector<RegisteredChannel>& channels) {
  for (size_t i = 0; i < channels.size(); i += 2) {
    channels[i].CountWritten(kMessageBytes);
    channels[i].CountCompleted();
  }
}

double CountNanos(RegisteredChannel& channel, int messages) {
  const SteadyClock::time_point start = SteadyClock::now();
  for (int i = 0; i < messages; ++i) {
    channel.CountQueued(kMessageBytes);
    channel.SetOldest(i);
    channel.CountWritten(kMessageBytes);
    channel.CountCompleted();
    channel.SetOldest(0);
  }
  return NanosSince(start) / messages;
}

// The time of `call`, its caches cold.
template <typename Call>
double ColdMs(std::vector<char>& other, Call call) {
  for (size_t i = 0; i < other.size(); i += 64) ++other[i];
  const SteadyClock::time_point start = SteadyClock::now();
  call();
  return NanosSince(start) / 1e6;
}

absl::Status Run(const Policy&, TrialOptions options,
                 const OnFigure& on_figure) {
  const int count = options.quick ? kChannels / 10 : kChannels;
  ChannelRegistry registry;
  std::vector<RegisteredChannel> channels;
  channels.reserve(count);
  std::vector<ChannelDescription> descriptions = Descriptions(count);
  SteadyClock::time_point start = SteadyClock::now();
  for (ChannelDescription& description : descriptions) {
    absl::StatusOr<RegisteredChannel> channel =
        registry.Register(std::move(description));
    if (!channel.ok()) return channel.status();
    channels.push_back(*std::move(channel));
  }
  on_figure("channels/register", NanosSince(start) / count);
  on_figure("channels/count",
            CountNanos(channels[count / 2],
                       options.quick ? kMessages / 10 : kMessages));

  MetricRegistryOptions metric_options;
  metric_options.process_metrics = false;
  MetricRegistry metrics(metric_options);
  absl::Status status =
      metrics.AddChannels({[&] { return registry.Stats(); },
                           [&](size_t top) { return registry.Top(top); }});
  if (!status.ok()) return status;
  TextWriter text;
  std::vector<char> other(kOtherBytes);
  Fill(channels);
  for (int i = 0; i < kScrapes; ++i) {
    on_figure("channels/stats_ms", ColdMs(other, [&] { registry.Stats(); }));
    on_figure("channels/top_20_ms", ColdMs(other, [&] { registry.Top(20); }));
    on_figure("channels/scrape_ms", ColdMs(other, [&] {
                text.Clear();
                metrics.Collect(text);
              }));
  }
  Drain(channels);
  metrics.RemoveChannels();
  start = SteadyClock::now();
  channels.clear();
  on_figure("channels/unregister", NanosSince(start) / count);
  return absl::OkStatus();
}

}  // namespace

Trial ChannelCostTrial() {
  Trial trial;
  trial.group = "outbound channels";
  trial.name = "channel_cost";
  trial.cells = {{"channels/register", std::nullopt},
                 {"channels/count", std::nullopt},
                 {"channels/unregister", std::nullopt},
                 {"channels/stats_ms", std::nullopt},
                 {"channels/top_20_ms", std::nullopt},
                 {"channels/scrape_ms", Bar{Bar::Side::kAtMost, kBarMs}}};
  trial.ours_only = true;
  trial.runs = 5;
  trial.run = Run;
  return trial;
}

}  // namespace poolscope::bench
