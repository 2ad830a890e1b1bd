#include "poolscope/bench/pairs.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <vector>

namespace poolscope::bench {
namespace {

class HotPair final : public Workload {
 public:
  HotPair(const Policy& policy, size_t size)
      : allocate_(policy.allocate), free_(policy.free), size_(size) {}

  void Run(uint64_t pairs) override {
    const AllocateFunction allocate = allocate_;
    const FreeFunction free = free_;
    const size_t size = size_;
    for (uint64_t i = 0; i < pairs; ++i) free(allocate(size));
  }

 private:
  const AllocateFunction allocate_;
  const FreeFunction free_;
  const size_t size_;
};

class SizedHotPair final : public Workload {
 public:
  SizedHotPair(const Policy& policy, size_t size)
      : allocate_(policy.allocate), free_(policy.sized_free), size_(size) {}

  void Run(uint64_t pairs) override {
    const AllocateFunction allocate = allocate_;
    const SizedFreeFunction free = free_;
    const size_t size = size_;
    for (uint64_t i = 0; i < pairs; ++i) free(allocate(size), size);
  }

 private:
  const AllocateFunction allocate_;
  const SizedFreeFunction free_;
  const size_t size_;
};

class Batch final : public Workload {
 public:
  Batch(const Policy& policy, const SizeTable& sizes, Order order)
      : allocate_(policy.allocate),
        free_(policy.free),
        sizes_(sizes),
        order_(order) {}

  void Run(uint64_t pairs) override {
    const AllocateFunction allocate = allocate_;
    const FreeFunction free = free_;
    const size_t* const sizes = sizes_.data();
    const size_t mask = sizes_.size() - 1;
    std::array<void*, kBatch> blocks;
    while (pairs > 0) {
      const size_t count = std::min<uint64_t>(pairs, kBatch);
      for (size_t i = 0; i < count; ++i) {
        blocks[i] = allocate(sizes[next_++ & mask]);
      }
      if (order_ == Order::kLifo) {
        for (size_t i = count; i-- > 0;) free(blocks[i]);
      } else {
        for (size_t i = 0; i < count; ++i) free(blocks[i]);
      }
      pairs -= count;
    }
  }

 private:
  static constexpr size_t kBatch = 64;

  const AllocateFunction allocate_;
  const FreeFunction free_;
  const SizeTable sizes_;
  const Order order_;
  size_t next_ = 0;
};

class Replacement final : public Workload {
 public:
  Replacement(const Policy& policy, const SizeTable& sizes, size_t live)
      : allocate_(policy.allocate),
        free_(policy.free),
        sizes_(sizes),
        blocks_(live),
        order_(kOrderLength) {
    for (void*& block : blocks_) block = allocate_(NextSize());
    // Drawn beforehand, so that no generator runs beside the allocator.
    std::mt19937_64 engine(1);
    for (uint32_t& slot : order_) slot = engine() % live;
  }

  ~Replacement() override {
    for (void* block : blocks_) free_(block);
  }

  void Run(uint64_t pairs) override {
    for (uint64_t i = 0; i < pairs; ++i) {
      void*& block = blocks_[order_[next_slot_++ % kOrderLength]];
      free_(block);
      block = allocate_(NextSize());
    }
  }

 private:
  static constexpr size_t kOrderLength = 16384;

  size_t NextSize() { return sizes_[next_size_++ & (sizes_.size() - 1)]; }

  const AllocateFunction allocate_;
  const FreeFunction free_;
  const SizeTable sizes_;
  std::vector<void*> blocks_;
  std::vector<uint32_t> order_;
  size_t next_size_ = 0;
  size_t next_slot_ = 0;
};

}  // namespace

std::unique_ptr<Workload> MakeHotPair(const Policy& policy, size_t size) {
  return std::make_unique<HotPair>(policy, size);
}

std::unique_ptr<Workload> MakeSizedHotPair(const Policy& policy, size_t size) {
  return std::make_unique<SizedHotPair>(policy, size);
}

std::unique_ptr<Workload> MakeBatch(const Policy& policy,
                                    const SizeTable& sizes, Order order) {
  return std::make_unique<Batch>(policy, sizes, order);
}

std::unique_ptr<Workload> MakeReplacement(const Policy& policy,
                                          const SizeTable& sizes, size_t live) {
  return std::make_unique<Replacement>(policy, sizes, live);
}

}  // namespace poolscope::bench
