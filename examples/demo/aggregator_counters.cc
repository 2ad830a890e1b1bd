#include "poolscope/examples/demo/aggregator_counters.h"

#include "absl/strings/str_cat.h"

namespace poolscope::demo {

void AggregatorCounters::CountRefusal(const Refusal& refusal) {
  Add(refusal.kind == RefusalKind::kHuge ? refused_huge : refused_chunk);
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!first_refusal_.empty()) return;
  first_refusal_ = absl::StrCat(RefusalKindName(refusal.kind), ": ",
                                refusal.reason.message());
}

void AggregatorCounters::NoteBroken(const absl::Status& reason) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (first_broken_.empty()) first_broken_ = std::string(reason.message());
}

std::string AggregatorCounters::first_refusal() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return first_refusal_;
}

std::string AggregatorCounters::first_broken() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return first_broken_;
}

}  // namespace poolscope::demo
