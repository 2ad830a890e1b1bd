// WebSocketLoadProcess: the process of websocket_load.h, as the demo sees it.
//
//   auto load = WebSocketLoadProcess::Start(options);
//   ... load->Poll(); load->counts() ...
//   absl::Status status = load->Finish(timeout);
//
// It ends with the object, by force if it must, and with the thread that
// started it, however that ends.
//
// Thread-compatible.
#ifndef POOLSCOPE_EXAMPLES_DEMO_WEBSOCKET_LOAD_PROCESS_H_
#define POOLSCOPE_EXAMPLES_DEMO_WEBSOCKET_LOAD_PROCESS_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "poolscope/examples/demo/socket.h"
#include "poolscope/examples/demo/websocket_load.h"
#include "poolscope/examples/demo/websocket_load_counts.h"

namespace poolscope::demo {

class WebSocketLoadProcess {
 public:
  // Starts this program once more, with the argument of a load.
  static absl::StatusOr<std::unique_ptr<WebSocketLoadProcess>> Start(
      const WebSocketLoadOptions& options);

  ~WebSocketLoadProcess();
  WebSocketLoadProcess(const WebSocketLoadProcess&) = delete;
  WebSocketLoadProcess& operator=(const WebSocketLoadProcess&) = delete;

  // Takes in what it has said so far. An error when it has ended, or has said
  // why it must.
  absl::Status Poll();
  const WebSocketLoadCounts& counts() const { return counts_; }

  // Has it close its connections, and waits for its end. DeadlineExceededError
  // when that does not come in time.
  absl::Status Finish(absl::Duration timeout);

 private:
  WebSocketLoadProcess(pid_t pid, UniqueFd orders, UniqueFd reports)
      : pid_(pid), orders_(std::move(orders)), reports_(std::move(reports)) {}

  // Reads what is there; false once there will be no more.
  bool ReadReports();
  // Waits for the process; a second time it does nothing.
  int Reap();

  const pid_t pid_;
  UniqueFd orders_;
  const UniqueFd reports_;
  std::string unread_;
  std::string error_;  // what it said last
  WebSocketLoadCounts counts_;
  bool reaped_ = false;
};

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_WEBSOCKET_LOAD_PROCESS_H_
