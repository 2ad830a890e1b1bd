// ProcessTable: which processes of a family listen, and where; shared by all
// that fork from the one which made it.
//
//   parent, port 9464 --+
//   child, port 40001 --+--> one page of shared memory --> any one's /metrics:
//   child, port 40002 --+
//
//   poolscope_listening_process_info{pid="40",url="http://127.0.0.1:9464"} 1
//   poolscope_listening_process_info{pid="41",url="http://127.0.0.1:40001"} 1
//
// There is room for 512; what is beyond is left out.
//
// Thread safety: thread-safe, and safe among the processes.
//
// Ownership: the page lives as long as a process of the family.
#ifndef POOLSCOPE_EXPORTER_PRELOAD_PROCESS_TABLE_H_
#define POOLSCOPE_EXPORTER_PRELOAD_PROCESS_TABLE_H_

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "poolscope/exporter/listen_address.h"
#include "prometheus/collectable.h"

namespace poolscope {

class ProcessTable final : public prometheus::Collectable {
 public:
  static constexpr size_t kMostProcesses = 512;

  struct Entry {
    pid_t process;
    uint16_t port;
  };

  // `address` is that of every one, but for the port. Where the system gives no
  // shared memory, the table stays empty.
  explicit ProcessTable(ListenAddress address);
  ProcessTable(const ProcessTable&) = delete;
  ProcessTable& operator=(const ProcessTable&) = delete;

  // `process` listens on `port`, and on no other any more. Takes the place of
  // one that has ended when there is no free one.
  void Set(pid_t process, uint16_t port);

  // Those that run, in no order.
  std::vector<Entry> Entries() const;

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  // Process and port in one word, so that none is seen with another's port; 0
  // is free. Nothing is published by it: relaxed is enough.
  using Slot = std::atomic<uint64_t>;
  using Slots = std::array<Slot, kMostProcesses>;
  static_assert(Slot::is_always_lock_free);

  const ListenAddress address_;
  Slots* const slots_;  // null: no shared memory
};

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_PRELOAD_PROCESS_TABLE_H_
