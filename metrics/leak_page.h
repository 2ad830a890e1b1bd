// The page on leaks: from the same values, as text in Netty's layout or as
// JSON.
//
//   allocator rpc: level simple, 41 blocks tracked
//     leaked: 0 blocks in 0 reports; suspect: 17 blocks in 1 report
//
//   LEAK: allocator rpc: 17 blocks (243712 bytes asked for, 17 live) suspect
//   Recent access records: none
//   Created at:
//           ForgetMessage() (relay+0x41c2f)
//
// Looks up symbols: slow.
//
// Thread safety: thread-safe; it works on the values given.
#ifndef POOLSCOPE_METRICS_LEAK_PAGE_H_
#define POOLSCOPE_METRICS_LEAK_PAGE_H_

#include <string>

#include "absl/types/span.h"
#include "poolscope/metrics/leak_source.h"
#include "poolscope/metrics/report_emitter.h"

namespace poolscope {

std::string LeakPageText(absl::Span<const LeakFindings> detectors);

void EmitLeakPage(absl::Span<const LeakFindings> detectors,
                  ReportEmitter& emitter);

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_LEAK_PAGE_H_
