// The C interface over the C++ one. Each opaque struct of the header is one
// object here; what it is told is checked where C++ would have a type for it.
#include "poolscope/exporter/c/poolscope.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "poolscope/allocator/base/clock.h"
#include "poolscope/allocator/leak/leak_detector.h"
#include "poolscope/allocator/leak/leak_level.h"
#include "poolscope/allocator/outbound/channel_registry.h"
#include "poolscope/allocator/outbound/outbound_failure.h"
#include "poolscope/allocator/outbound/registered_channel.h"
#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/allocator/pool/pool_options.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/exporter/sidecar.h"
#include "poolscope/exporter/sidecar_environment.h"
#include "poolscope/exporter/tls/tls_security.h"
#include "poolscope/exporter/users.h"
#include "poolscope/metrics/build_info.h"
#include "poolscope/metrics/native_memory/native_memory_category.h"

using poolscope::LeakDetector;
using poolscope::NativeMemoryCategory;
using poolscope::PooledAllocator;

struct poolscope_allocator {
  std::shared_ptr<LeakDetector> detector;
  std::unique_ptr<PooledAllocator> pool;
};

struct poolscope_sidecar {
  std::unique_ptr<poolscope::Sidecar> sidecar;
  std::string url;
};

struct poolscope_channels {
  poolscope::ChannelRegistry registry;
};

struct poolscope_channel {
  // A message that waits.
  struct Message {
    uint64_t unwritten_bytes;
    int64_t queued_at_nanos;
  };

  explicit poolscope_channel(poolscope::RegisteredChannel registered)
      : figures(std::move(registered)) {}

  void ShowOldest() {
    figures.SetOldest(messages.empty() ? 0 : messages.front().queued_at_nanos);
  }

  poolscope::RegisteredChannel figures;
  std::deque<Message> messages;
  uint64_t pending_bytes = 0;
};

namespace {

// The thread's last failure. Refusals of memory are put into words only when
// somebody asks.
struct LastError {
  std::string text;
  const char* plain = nullptr;  // instead of `text`; a literal
  bool refusal = false;
};
thread_local LastError last_error;

void Fail(const absl::Status& status) {
  last_error.text = std::string(status.message());
  last_error.plain = nullptr;
  last_error.refusal = false;
}

// Allocates nothing.
void FailPlain(const char* text) noexcept {
  last_error.plain = text;
  last_error.refusal = false;
}

// What `call` returns. No exception gets into a program in C: then it is
// `failed`, and the reason is the last error.
template <typename Call, typename Result>
Result Guarded(Result failed, Call call) noexcept {
  try {
    return call();
  } catch (const std::bad_alloc&) {
    FailPlain("out of memory");
  } catch (...) {
    FailPlain("an exception that poolscope does not know");
  }
  return failed;
}

// Of functions that return a status, or an object that they make.
template <typename Call>
int GuardedStatus(Call call) noexcept {
  return Guarded(-1, std::move(call));
}
template <typename T, typename Call>
T* GuardedObject(Call call) noexcept {
  return Guarded(static_cast<T*>(nullptr), std::move(call));
}

int Done(const absl::Status& status) {
  if (status.ok()) return 0;
  Fail(status);
  return -1;
}

void* Granted(void* block) {
  if (block == nullptr) last_error.refusal = true;
  return block;
}

// The caller's struct as this library knows it: what an older header has not is
// at its default, what a newer one adds must be 0.
template <typename Options>
absl::Status ReadOptions(const Options* given, Options* options) {
  if (given == nullptr) return absl::OkStatus();
  const size_t bytes = given->struct_bytes;
  if (bytes < sizeof(size_t)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "struct_bytes is ", bytes, "; begin with POOLSCOPE_..._INIT"));
  }
  for (size_t i = sizeof(Options); i < bytes; ++i) {
    if (reinterpret_cast<const char*>(given)[i] != 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("options of ", bytes,
                       " bytes were given to a library "
                       "that knows ",
                       sizeof(Options)));
    }
  }
  std::memcpy(options, given, std::min(bytes, sizeof(Options)));
  return absl::OkStatus();
}

std::string TextOrNone(const char* text) {
  return text == nullptr ? std::string() : std::string(text);
}

absl::StatusOr<std::unique_ptr<poolscope_allocator>> CreateAllocator(
    const poolscope_allocator_options* given) {
  poolscope_allocator_options asked = POOLSCOPE_ALLOCATOR_OPTIONS_INIT;
  if (absl::Status status = ReadOptions(given, &asked); !status.ok()) {
    return status;
  }
  poolscope::PoolOptions options;
  if (asked.name != nullptr) options.name = asked.name;
  options.max_direct_memory_bytes = asked.max_direct_memory_bytes;
  if (asked.arenas != 0) options.arenas = asked.arenas;

  poolscope::LeakDetectorOptions leak_options;
  leak_options.allocator = options.name;
  if (asked.leak_detection != nullptr) {
    absl::StatusOr<poolscope::LeakLevel> level =
        poolscope::ParseLeakLevel(asked.leak_detection);
    if (!level.ok()) return level.status();
    leak_options.level = *level;
  }
  auto made = std::make_unique<poolscope_allocator>();
  absl::StatusOr<std::shared_ptr<LeakDetector>> detector =
      LeakDetector::Create(std::move(leak_options));
  if (!detector.ok()) return detector.status();
  made->detector = *std::move(detector);
  options.observer = made->detector;
  absl::StatusOr<std::unique_ptr<PooledAllocator>> pool =
      PooledAllocator::Create(std::move(options));
  if (!pool.ok()) return pool.status();
  made->pool = *std::move(pool);
  made->detector->ControlSampling(
      [pool = made->pool.get()](size_t interval_bytes) {
        pool->SetSampleInterval(interval_bytes);
      });
  return made;
}

absl::StatusOr<std::unique_ptr<poolscope_sidecar>> StartSidecar(
    const poolscope_sidecar_options* given) {
  poolscope_sidecar_options asked = POOLSCOPE_SIDECAR_OPTIONS_INIT;
  if (absl::Status status = ReadOptions(given, &asked); !status.ok()) {
    return status;
  }
  poolscope::SidecarOptions options;
  if (asked.listen_address != nullptr) {
    options.listen_address = asked.listen_address;
  }
  options.allow_remote = asked.allow_remote != 0;
  if (asked.users_file != nullptr) {
    absl::StatusOr<std::vector<poolscope::User>> users =
        poolscope::ReadUsersFile(asked.users_file);
    if (!users.ok()) return users.status();
    options.users = *std::move(users);
  }
  if (asked.health_listen != nullptr) {
    options.health_listen = asked.health_listen;
  }
  poolscope::TlsFiles files;
  files.cert_file = TextOrNone(asked.tls_cert_file);
  files.key_file = TextOrNone(asked.tls_key_file);
  files.client_ca_file = TextOrNone(asked.tls_client_ca_file);
  files.on_reload = &poolscope::SayReloadOnStderr;
  absl::StatusOr<std::shared_ptr<poolscope::TlsSecurity>> tls =
      poolscope::TlsSecurity::LoadIfGiven(std::move(files));
  if (!tls.ok()) return tls.status();
  options.security = *std::move(tls);
  if (asked.hosts != nullptr) {
    options.hosts = poolscope::SplitHosts(asked.hosts);
  }
  absl::StatusOr<std::unique_ptr<poolscope::Sidecar>> sidecar =
      poolscope::Sidecar::Start(std::move(options));
  if (!sidecar.ok()) return sidecar.status();
  auto made = std::make_unique<poolscope_sidecar>();
  made->sidecar = *std::move(sidecar);
  made->url = made->sidecar->url();
  return made;
}

// What it points at, now the caller's; null when it failed.
template <typename T>
T* Given(absl::StatusOr<std::unique_ptr<T>> made) {
  if (made.ok()) return made->release();
  Fail(made.status());
  return nullptr;
}

poolscope_allocator_stats Totals(const poolscope::AllocatorStats& stats) {
  poolscope_allocator_stats totals = POOLSCOPE_ALLOCATOR_STATS_INIT;
  totals.used_bytes = stats.direct_used_bytes;
  totals.limit_bytes = stats.direct_limit_bytes;
  totals.peak_bytes = stats.direct_peak_bytes;
  totals.pinned_bytes = stats.pinned_bytes + stats.huge_used_bytes;
  totals.cached_bytes = stats.cached_bytes;
  totals.metadata_bytes = stats.metadata_bytes;
  for (const poolscope::ArenaStats& arena : stats.arenas) {
    for (const poolscope::KindCounts& counts : arena.by_kind) {
      totals.allocations += counts.allocations;
      totals.deallocations += counts.deallocations;
    }
  }
  for (const poolscope::ThreadCacheKindStats& kind :
       stats.thread_cache_by_kind) {
    totals.thread_cache_hits += kind.hits;
    totals.thread_cache_misses += kind.misses;
  }
  totals.refused_at_limit = stats.allocation_failures_limit;
  totals.refused_by_system = stats.allocation_failures_mapping;
  return totals;
}

NativeMemoryCategory* Category(poolscope_category* category) {
  return reinterpret_cast<NativeMemoryCategory*>(category);
}

int ReadStats(const poolscope_allocator& allocator,
              poolscope_allocator_stats* stats) {
  const size_t bytes = stats->struct_bytes;
  if (bytes < sizeof(size_t)) {
    return Done(absl::InvalidArgumentError(absl::StrCat(
        "struct_bytes is ", bytes, "; begin with POOLSCOPE_..._INIT")));
  }
  poolscope_allocator_stats totals = Totals(allocator.pool->Stats());
  totals.struct_bytes = bytes;
  std::memcpy(stats, &totals, std::min(bytes, sizeof(totals)));
  return 0;
}

poolscope_category* RegisterCategory(const char* name) {
  absl::StatusOr<NativeMemoryCategory*> category =
      NativeMemoryCategory::Register(TextOrNone(name));
  if (category.ok()) return reinterpret_cast<poolscope_category*>(*category);
  Fail(category.status());
  return nullptr;
}

poolscope_channel* OpenChannel(poolscope_channels* channels, const char* group,
                               const char* name, const char* peer) {
  absl::StatusOr<poolscope::RegisteredChannel> registered =
      channels->registry.Register(
          {TextOrNone(group), TextOrNone(name), TextOrNone(peer)});
  if (registered.ok()) return new poolscope_channel(*std::move(registered));
  Fail(registered.status());
  return nullptr;
}

absl::Status CountWritten(poolscope_channel* channel, uint64_t bytes) {
  if (bytes > channel->pending_bytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(bytes, " bytes were said to be written, of ",
                     channel->pending_bytes, " that are pending"));
  }
  channel->pending_bytes -= bytes;
  channel->figures.CountWritten(bytes);
  while (!channel->messages.empty() &&
         channel->messages.front().unwritten_bytes <= bytes) {
    bytes -= channel->messages.front().unwritten_bytes;
    channel->messages.pop_front();
    channel->figures.CountCompleted();
  }
  if (bytes > 0) channel->messages.front().unwritten_bytes -= bytes;
  channel->ShowOldest();
  return absl::OkStatus();
}

void FailAll(poolscope_channel* channel, poolscope::OutboundFailure failure) {
  for (const poolscope_channel::Message& message : channel->messages) {
    channel->figures.CountFailed(message.unwritten_bytes, failure);
  }
  channel->messages.clear();
  channel->pending_bytes = 0;
  channel->ShowOldest();
}

}  // namespace

extern "C" {

const char* poolscope_version(void) { return poolscope::kVersion.data(); }

const char* poolscope_last_error(void) {
  return Guarded("out of memory", [] {
    if (last_error.refusal) Fail(PooledAllocator::LastRefusal());
    return last_error.plain == nullptr ? last_error.text.c_str()
                                       : last_error.plain;
  });
}

poolscope_allocator* poolscope_allocator_create(
    const poolscope_allocator_options* options) {
  return GuardedObject<poolscope_allocator>(
      [&] { return Given(CreateAllocator(options)); });
}

void poolscope_allocator_destroy(poolscope_allocator* allocator) {
  delete allocator;
}

void* poolscope_allocate(poolscope_allocator* allocator, size_t size) {
  return Granted(allocator->pool->Allocate(size));
}

void* poolscope_allocate_aligned(poolscope_allocator* allocator, size_t size,
                                 size_t alignment) {
  return Granted(allocator->pool->Allocate(size, alignment));
}

void poolscope_free(void* block) { PooledAllocator::FreeBlock(block); }

size_t poolscope_usable_size(const void* block) {
  return PooledAllocator::UsableSize(block);
}

void poolscope_mark_thread_idle(void) { PooledAllocator::MarkThreadIdle(); }

uint64_t poolscope_trim(poolscope_allocator* allocator) {
  return Guarded(uint64_t{0},
                 [&] { return allocator->pool->Trim().trimmed_bytes; });
}

void poolscope_maintain(poolscope_allocator* allocator) {
  GuardedStatus([&] {
    allocator->pool->Maintain();
    allocator->detector->Check();
    return 0;
  });
}

int poolscope_allocator_read_stats(const poolscope_allocator* allocator,
                                   poolscope_allocator_stats* stats) {
  return GuardedStatus([&] { return ReadStats(*allocator, stats); });
}

poolscope_sidecar* poolscope_sidecar_start(
    const poolscope_sidecar_options* options) {
  return GuardedObject<poolscope_sidecar>(
      [&] { return Given(StartSidecar(options)); });
}

void poolscope_sidecar_stop(poolscope_sidecar* sidecar) { delete sidecar; }

int poolscope_sidecar_port(const poolscope_sidecar* sidecar) {
  return sidecar->sidecar->port();
}

const char* poolscope_sidecar_url(const poolscope_sidecar* sidecar) {
  return sidecar->url.c_str();
}

int poolscope_sidecar_register_allocator(poolscope_sidecar* sidecar,
                                         poolscope_allocator* allocator) {
  return GuardedStatus([&] {
    return Done(sidecar->sidecar->RegisterAllocator(allocator->pool.get(),
                                                    allocator->detector));
  });
}

void poolscope_sidecar_unregister_allocator(poolscope_sidecar* sidecar,
                                            poolscope_allocator* allocator) {
  sidecar->sidecar->UnregisterAllocator(allocator->pool.get());
}

int poolscope_sidecar_register_channels(poolscope_sidecar* sidecar,
                                        poolscope_channels* channels) {
  return GuardedStatus([&] {
    return Done(sidecar->sidecar->RegisterChannels(&channels->registry));
  });
}

void poolscope_sidecar_unregister_channels(poolscope_sidecar* sidecar,
                                           poolscope_channels* channels) {
  sidecar->sidecar->UnregisterChannels(&channels->registry);
}

poolscope_category* poolscope_category_register(const char* name) {
  return GuardedObject<poolscope_category>(
      [&] { return RegisterCategory(name); });
}

void poolscope_category_record_malloc(poolscope_category* category,
                                      size_t bytes) {
  Category(category)->RecordMalloc(bytes);
}

void poolscope_category_record_free(poolscope_category* category,
                                    size_t bytes) {
  Category(category)->RecordFree(bytes);
}

void poolscope_category_record_reserve(poolscope_category* category,
                                       size_t bytes) {
  Category(category)->RecordReserve(bytes);
}

void poolscope_category_record_commit(poolscope_category* category,
                                      size_t bytes) {
  Category(category)->RecordCommit(bytes);
}

void poolscope_category_record_uncommit(poolscope_category* category,
                                        size_t bytes) {
  Category(category)->RecordUncommit(bytes);
}

void poolscope_category_record_release(poolscope_category* category,
                                       size_t bytes) {
  Category(category)->RecordRelease(bytes);
}

poolscope_channels* poolscope_channels_create(void) {
  return GuardedObject<poolscope_channels>(
      [] { return new poolscope_channels(); });
}

void poolscope_channels_destroy(poolscope_channels* channels) {
  delete channels;
}

poolscope_channel* poolscope_channel_open(poolscope_channels* channels,
                                          const char* group, const char* name,
                                          const char* peer) {
  return GuardedObject<poolscope_channel>(
      [&] { return OpenChannel(channels, group, name, peer); });
}

void poolscope_channel_close(poolscope_channel* channel) {
  if (channel == nullptr) return;
  FailAll(channel, poolscope::OutboundFailure::kClosed);
  delete channel;
}

int poolscope_channel_queued(poolscope_channel* channel, uint64_t bytes) {
  return GuardedStatus([&] {
    channel->messages.push_back({bytes, poolscope::Clock::Real()->NowNanos()});
    channel->pending_bytes += bytes;
    channel->figures.CountQueued(bytes);
    channel->ShowOldest();
    return 0;
  });
}

int poolscope_channel_written(poolscope_channel* channel, uint64_t bytes) {
  return GuardedStatus([&] { return Done(CountWritten(channel, bytes)); });
}

void poolscope_channel_failed(poolscope_channel* channel) {
  FailAll(channel, poolscope::OutboundFailure::kTransport);
}

void poolscope_channel_set_writable(poolscope_channel* channel, int writable) {
  channel->figures.CountTransition(writable != 0,
                                   poolscope::Clock::Real()->NowNanos());
}

uint64_t poolscope_channel_pending_bytes(const poolscope_channel* channel) {
  return channel->pending_bytes;
}

}  // extern "C"
