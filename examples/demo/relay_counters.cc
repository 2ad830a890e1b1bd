#include "poolscope/examples/demo/relay_counters.h"

namespace poolscope::demo {

void RelayCounters::NoteRefusal(const absl::Status& reason) {
  first_refusal_.Note(reason.message());
}

void RelayCounters::NoteBroken(const absl::Status& reason) {
  Add(broken_connections);
  first_broken_.Note(reason.message());
}

}  // namespace poolscope::demo
