#include "poolscope/examples/demo/aggregator_counters.h"

#include "absl/strings/str_cat.h"

namespace poolscope::demo {

void AggregatorCounters::CountRefusal(const Refusal& refusal) {
  Add(refusal.kind == RefusalKind::kHuge ? refused_huge : refused_chunk);
  first_refusal_.Note(absl::StrCat(RefusalKindName(refusal.kind), ": ",
                                   refusal.reason.message()));
}

void AggregatorCounters::NoteBroken(const absl::Status& reason) {
  first_broken_.Note(reason.message());
}

}  // namespace poolscope::demo
