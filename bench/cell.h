// Cell: one pattern of use, run by any policy that can.
//
//   for (const Cell& cell : AllCells()) {
//     if (!cell.Takes(policy)) continue;
//     std::unique_ptr<Workload> workload = cell.make(policy);
//     workload->Run(1000);  // a thousand allocations, a thousand frees
//   }
#ifndef POOLSCOPE_BENCH_CELL_H_
#define POOLSCOPE_BENCH_CELL_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "poolscope/bench/policy.h"
#include "poolscope/bench/workload.h"

namespace poolscope::bench {

enum class CellKind {
  kPair,       // every policy
  kSizedPair,  // policies with a sized free
  kHandover,   // allocators: blocks are freed on another thread
  kBareRing,   // the ring without an allocator, in the floor's column
};

struct Cell {
  std::string group;  // the table it belongs to
  std::string name;   // unique; what a filter is matched with
  CellKind kind = CellKind::kPair;
  std::function<std::unique_ptr<Workload>(const Policy&)> make;

  bool Takes(const Policy& policy) const;
};

// In the order of the tables, the cells of a group side by side.
const std::vector<Cell>& AllCells();

}  // namespace poolscope::bench

#endif  // POOLSCOPE_BENCH_CELL_H_
