#include "poolscope/examples/demo/message_counts.h"

#include <numeric>

#include "absl/strings/str_cat.h"

namespace poolscope::demo {

const char* FailureName(Failure failure) {
  switch (failure) {
    case Failure::kRequestRefused:
      return "request refused";
    case Failure::kAnswerRefused:
      return "answer refused";
    case Failure::kUpstreamLost:
      return "upstream lost";
    case Failure::kCorrupt:
      return "corrupt";
    case Failure::kConnectionLost:
      return "connection lost";
    case Failure::kRejected:
      return "answer rejected";
    case Failure::kHugeRefused:
      return "huge block refused";
    case Failure::kGivenUp:
      return "given up";
  }
  return "unknown";
}

uint64_t MessageTotals::failed_total() const {
  return std::accumulate(failed.begin(), failed.end(), uint64_t{0});
}

std::string FailuresText(const MessageTotals& messages) {
  std::string text = absl::StrCat(messages.failed_total(), " failed");
  const char* separator = " (";
  for (int i = 0; i < kFailureCount; ++i) {
    const Failure failure = static_cast<Failure>(i);
    if (messages.failed_by(failure) == 0) continue;
    absl::StrAppend(&text, separator, messages.failed_by(failure), " ",
                    FailureName(failure));
    separator = ", ";
  }
  if (messages.failed_total() > 0) text += ')';
  return text;
}

MessageTotals MessageCounts::Totals() const {
  MessageTotals totals;
  for (size_t i = 0; i < failed_.size(); ++i) {
    totals.failed[i] = failed_[i].load(std::memory_order_acquire);
  }
  totals.answered = answered_.load(std::memory_order_acquire);
  // Last: it may count messages that ended since, never miss one.
  totals.sent = sent_.load(std::memory_order_relaxed);
  totals.in_flight = totals.sent - totals.answered - totals.failed_total();
  return totals;
}

}  // namespace poolscope::demo
