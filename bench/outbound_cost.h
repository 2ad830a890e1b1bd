// What an OutboundBuffer adds to the writev() that it makes: messages of 256 B,
// each a Buffer that is allocated, added, flushed in batches, written and given
// back, on a channel that is registered; less a bare writev() of as many pieces
// of 256 B. Both write to /dev/null, which takes everything and looks at none
// of it, and so hides least. They run in turn, 20 ms each; the difference of a
// round is a sample.
//
//   outbound/N_above_writev     ns a message, batches of N
//   outbound/N_writev           ns a message, writev() alone
#ifndef POOLSCOPE_BENCH_OUTBOUND_COST_H_
#define POOLSCOPE_BENCH_OUTBOUND_COST_H_

#include "poolscope/bench/trial.h"

namespace poolscope::bench {

Trial OutboundCostTrial();

}  // namespace poolscope::bench

#endif  // POOLSCOPE_BENCH_OUTBOUND_COST_H_
