#include "poolscope/metrics/heap_profile.h"

#include <algorithm>
#include <cmath>

#include "poolscope/metrics/call_site.h"

namespace poolscope {

const std::string& HeapProfileBuilder::NameOf(uint64_t address) {
  const auto [it, added] = names_.try_emplace(address);
  if (added) it->second = name_(reinterpret_cast<const void*>(address + 1));
  return it->second;
}

HeapProfileBuilder::Stack HeapProfileBuilder::CallsOf(
    absl::Span<void* const> frames) {
  Stack calls;
  for (const void* return_address : frames) {
    // The last byte of the call: it lies in the caller even where the callee
    // does not return.
    const uint64_t call = reinterpret_cast<uint64_t>(return_address) - 1;
    if (calls.empty() && IsAllocatorFunction(NameOf(call))) continue;
    calls.push_back(call);
  }
  if (calls.empty()) calls.push_back(kNoStack);
  return calls;
}

void HeapProfileBuilder::Add(absl::string_view allocator,
                             const LiveAllocations& live) {
  // Map nodes stay where they are.
  std::vector<Totals*> totals_of_stack;
  for (const std::vector<void*>& frames : live.stacks) {
    totals_of_stack.push_back(
        &totals_[{std::string(allocator), CallsOf(frames)}]);
  }
  for (const LiveAllocation& block : live.allocations) {
    const ObservedAllocation& allocation = block.allocation;
    Totals& totals = *totals_of_stack[block.stack];
    totals.objects += allocation.weight;
    totals.bytes +=
        allocation.weight * static_cast<double>(allocation.class_bytes);
    ++blocks_;
  }
}

HeapProfile HeapProfileBuilder::Finish() {
  HeapProfile profile;
  double bytes = 0;
  for (const auto& [key, totals] : totals_) {
    const auto& [allocator, stack] = key;
    for (const uint64_t call : stack) {
      profile.functions[call] =
          call == kNoStack ? std::string(kNoStackName) : NameOf(call);
    }
    bytes += totals.bytes;
    profile.samples.push_back({allocator, stack, totals.objects, totals.bytes});
  }
  std::stable_sort(
      profile.samples.begin(), profile.samples.end(),
      [](const HeapProfile::Sample& a, const HeapProfile::Sample& b) {
        return a.bytes > b.bytes;
      });
  if (blocks_ > 0) {
    profile.period_bytes = static_cast<uint64_t>(std::llround(bytes / blocks_));
  }
  blocks_ = 0;
  totals_.clear();
  names_.clear();
  return profile;
}

}  // namespace poolscope
