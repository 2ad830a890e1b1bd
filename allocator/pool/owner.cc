#include "poolscope/allocator/pool/owner.h"

#include "poolscope/allocator/pool/memory_source.h"

namespace poolscope {
namespace pool_internal {
namespace {

// The next index; 0 is kNoOwner. Relaxed: only uniqueness matters.
std::atomic<uint32_t> next_index{1};

}  // namespace

std::atomic<OwnerDirectory::Leaf*> OwnerDirectory::roots_[kRoots];

bool OwnerDirectory::Add(Owner* owner) {
  const uint32_t index = next_index.fetch_add(1, std::memory_order_relaxed);
  if (index >= kLeafEntries * kRoots) {
    next_index.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  std::atomic<Leaf*>& root = roots_[index / kLeafEntries];
  Leaf* leaf = root.load(std::memory_order_acquire);
  if (leaf == nullptr) {
    MemorySource* system = MemorySource::System();
    void* fresh = system->Map(sizeof(Leaf), 4096, MemorySource::Use::kMetadata);
    if (fresh == nullptr) return false;
    if (root.compare_exchange_strong(leaf, static_cast<Leaf*>(fresh),
                                     std::memory_order_acq_rel)) {
      leaf = static_cast<Leaf*>(fresh);
    } else {
      system->Unmap(fresh, sizeof(Leaf));
    }
  }
  leaf->owners[index % kLeafEntries].store(owner, std::memory_order_release);
  owner->id = index << 1;
  return true;
}

void OwnerDirectory::Remove(const Owner& owner) {
  const uint32_t index = owner.id >> 1;
  roots_[index / kLeafEntries]
      .load(std::memory_order_acquire)
      ->owners[index % kLeafEntries]
      .store(nullptr, std::memory_order_release);
}

void OwnerDirectory::AppendRanges(std::vector<PoolRange>* ranges) {
  // Tables are added in order; where a race left a hole, none follows it yet.
  for (const std::atomic<Leaf*>& root : roots_) {
    const Leaf* leaf = root.load(std::memory_order_acquire);
    if (leaf == nullptr) return;
    ranges->push_back(MetadataRange(leaf, sizeof(Leaf)));
  }
}

}  // namespace pool_internal
}  // namespace poolscope
