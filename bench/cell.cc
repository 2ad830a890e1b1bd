#include "poolscope/bench/cell.h"

#include "absl/strings/str_cat.h"
#include "poolscope/bench/handover.h"
#include "poolscope/bench/mixed_sizes.h"
#include "poolscope/bench/pairs.h"

namespace poolscope::bench {
namespace {

std::vector<Cell> MakeCells() {
  constexpr size_t kHotSizes[] = {16,   64,    256,   1024,
                                  4096, 14336, 65536, size_t{1} << 20};
  std::vector<Cell> cells;
  for (const size_t size : kHotSizes) {
    cells.push_back(
        {"hot pair", absl::StrCat("hot/", size), CellKind::kPair,
         [size](const Policy& policy) { return MakeHotPair(policy, size); }});
  }
  for (const size_t size : kHotSizes) {
    cells.push_back({"hot pair, sized free", absl::StrCat("hot_sized/", size),
                     CellKind::kSizedPair, [size](const Policy& policy) {
                       return MakeSizedHotPair(policy, size);
                     }});
  }

  const SizeTable& mixed = MixedSizes();
  const struct {
    const char* name;
    SizeTable sizes;
  } kSizes[] = {{"mixed", mixed}, {"14336", {14336}}, {"256", {256}}};

  for (const auto& [name, sizes] : kSizes) {
    for (const Order order : {Order::kLifo, Order::kFifo}) {
      cells.push_back({"batches of 64",
                       absl::StrCat("batch/", name,
                                    order == Order::kLifo ? "_lifo" : "_fifo"),
                       CellKind::kPair,
                       [sizes = sizes, order](const Policy& policy) {
                         return MakeBatch(policy, sizes, order);
                       }});
    }
  }
  cells.push_back({"random replacement", "random/mixed_1000", CellKind::kPair,
                   [&mixed](const Policy& policy) {
                     return MakeReplacement(policy, mixed, 1000);
                   }});

  for (const auto& [name, sizes] : kSizes) {
    cells.push_back({"one thread allocates, another frees",
                     absl::StrCat("handover/", name), CellKind::kHandover,
                     [sizes = sizes](const Policy& policy) {
                       return MakeHandover(policy, sizes);
                     }});
  }
  cells.push_back({"one thread allocates, another frees", "handover/bare_ring",
                   CellKind::kBareRing,
                   [](const Policy&) { return MakeBareRing(); }});
  return cells;
}

}  // namespace

bool Cell::Takes(const Policy& policy) const {
  switch (kind) {
    case CellKind::kPair:
      return true;
    case CellKind::kSizedPair:
      return policy.sized_free != nullptr;
    case CellKind::kHandover:
      return policy.role != Role::kFloor;
    case CellKind::kBareRing:
      return policy.role == Role::kFloor;
  }
  return false;
}

const std::vector<Cell>& AllCells() {
  static const auto& cells = *new std::vector<Cell>(MakeCells());
  return cells;
}

}  // namespace poolscope::bench
