#include "poolscope/exporter/preload/process_table.h"

#include <signal.h>
#include <sys/mman.h>

#include <cerrno>
#include <new>
#include <utility>

#include "absl/strings/str_cat.h"
#include "prometheus/client_metric.h"
#include "prometheus/metric_family.h"
#include "prometheus/metric_type.h"

namespace poolscope {
namespace {

constexpr int kPortBits = 16;

uint64_t Word(pid_t process, uint16_t port) {
  return static_cast<uint64_t>(process) << kPortBits | port;
}

pid_t ProcessOf(uint64_t word) { return static_cast<pid_t>(word >> kPortBits); }

bool Runs(pid_t process) { return kill(process, 0) == 0 || errno == EPERM; }

void* SharedMemory(size_t bytes) {
  void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? nullptr : memory;
}

}  // namespace

ProcessTable::ProcessTable(ListenAddress address)
    : address_(std::move(address)),
      // Never unmapped: it outlives this object in other processes anyway.
      slots_(static_cast<Slots*>(SharedMemory(sizeof(Slots)))) {
  if (slots_ != nullptr) new (slots_) Slots{};
}

void ProcessTable::Set(pid_t process, uint16_t port) {
  if (slots_ == nullptr) return;
  for (Slot& slot : *slots_) {
    if (ProcessOf(slot.load(std::memory_order_relaxed)) != process) continue;
    slot.store(Word(process, port), std::memory_order_relaxed);
    return;
  }
  for (Slot& slot : *slots_) {
    uint64_t word = slot.load(std::memory_order_relaxed);
    if (word != 0 && Runs(ProcessOf(word))) continue;
    if (slot.compare_exchange_strong(word, Word(process, port),
                                     std::memory_order_relaxed)) {
      return;
    }
  }
}

std::vector<ProcessTable::Entry> ProcessTable::Entries() const {
  std::vector<Entry> entries;
  if (slots_ == nullptr) return entries;
  for (const Slot& slot : *slots_) {
    const uint64_t word = slot.load(std::memory_order_relaxed);
    if (word == 0 || !Runs(ProcessOf(word))) continue;
    entries.push_back({ProcessOf(word), static_cast<uint16_t>(word)});
  }
  return entries;
}

std::vector<prometheus::MetricFamily> ProcessTable::Collect() const {
  prometheus::MetricFamily family;
  family.name = "poolscope_listening_process_info";
  family.help =
      "The processes that listen, of those that forked from one another.";
  family.type = prometheus::MetricType::Gauge;
  for (const Entry& entry : Entries()) {
    ListenAddress address = address_;
    address.port = entry.port;
    prometheus::ClientMetric& metric = family.metric.emplace_back();
    metric.label = {{"pid", absl::StrCat(entry.process)},
                    {"url", absl::StrCat("http://", address.ToString())}};
    metric.gauge.value = 1;
  }
  return {std::move(family)};
}

}  // namespace poolscope
