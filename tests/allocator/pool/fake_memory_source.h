// FakeMemorySource: the operating system's memory, counted, and refused on
// demand.
//
//   FakeMemorySource source;
//   options.memory_source = &source;
//   ...
//   EXPECT_EQ(source.live_bytes(MemorySource::Use::kBlocks), 0);
//   source.FailCall(3);            // the third Map() from now returns null
//   source.FailFrom(3);            // so do all that follow
//   source.FailNone();
//
// Mappings are real ones, of MemorySource::System(). A mapping that is returned
// with another size than it was made with, or was never made, is reported as a
// test failure; so is a purge outside every mapping. Huge blocks are counted,
// and fail, together with the other blocks: Use::kHugeBlocks is Use::kBlocks;
// UseOf() alone tells them apart.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_TESTS_ALLOCATOR_POOL_FAKE_MEMORY_SOURCE_H_
#define POOLSCOPE_TESTS_ALLOCATOR_POOL_FAKE_MEMORY_SOURCE_H_

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <map>
#include <mutex>

#include "gtest/gtest.h"
#include "poolscope/allocator/pool/memory_source.h"

namespace poolscope {

class FakeMemorySource final : public MemorySource {
 public:
  void* Map(size_t bytes, size_t alignment, Use use) override {
    std::lock_guard<std::mutex> lock(mutex_);
    Counts& counts = counts_[Index(use)];
    ++calls_;
    const int64_t call = ++calls_since_;
    if (call == fail_call_ || call >= fail_from_ || fails_[Index(use)]) {
      ++counts.refused;
      return nullptr;
    }
    void* base = MemorySource::System()->Map(bytes, alignment, use);
    if (base == nullptr) return nullptr;
    ++counts.mapped;
    ++counts.live;
    counts.live_bytes += bytes;
    if (counts.live_bytes > counts.peak_bytes) {
      counts.peak_bytes = counts.live_bytes;
    }
    mappings_[reinterpret_cast<uintptr_t>(base)] = {bytes, use};
    return base;
  }

  void Unmap(void* base, size_t bytes) override {
    std::lock_guard<std::mutex> lock(mutex_);
    auto found = mappings_.find(reinterpret_cast<uintptr_t>(base));
    if (found == mappings_.end()) {
      ADD_FAILURE() << "unmapped, but never mapped: " << base;
      return;
    }
    EXPECT_EQ(found->second.bytes, bytes) << "at " << base;
    Counts& counts = counts_[Index(found->second.use)];
    --counts.live;
    counts.live_bytes -= found->second.bytes;
    mappings_.erase(found);
    MemorySource::System()->Unmap(base, bytes);
  }

  bool Purge(void* base, size_t bytes) override {
    std::lock_guard<std::mutex> lock(mutex_);
    const uintptr_t address = reinterpret_cast<uintptr_t>(base);
    auto after = mappings_.upper_bound(address);
    if (after == mappings_.begin()) {
      ADD_FAILURE() << "purged outside every mapping: " << base;
      return false;
    }
    const auto& [start, mapping] = *--after;
    EXPECT_LE(address + bytes, start + mapping.bytes) << "at " << base;
    if (refuse_purges_) return false;
    purged_bytes_ += bytes;
    return MemorySource::System()->Purge(base, bytes);
  }

  // The `n`th Map() from now (1: the next) returns null.
  void FailCall(int64_t n) { SetFailures(n, kNever); }
  // The `n`th Map() from now and all after it return null.
  void FailFrom(int64_t n) { SetFailures(kNever, n); }
  // No Map() fails from now on.
  void FailNone() {
    SetFailures(kNever, kNever);
    FailUse(Use::kBlocks, false);
    FailUse(Use::kMetadata, false);
  }
  // Every Map() for `use` returns null, or none does.
  void FailUse(Use use, bool fail) {
    std::lock_guard<std::mutex> lock(mutex_);
    fails_[Index(use)] = fail;
  }
  void RefusePurges(bool refuse) {
    std::lock_guard<std::mutex> lock(mutex_);
    refuse_purges_ = refuse;
  }

  // Calls of Map(), refused ones included.
  int64_t calls() const { return Read(calls_); }
  // Calls of Map() since the failures were last set: with none failing, how
  // many there are to make fail in turn.
  int64_t calls_since_set() const { return Read(calls_since_); }

  int64_t live_mappings(Use use) const {
    return Read(counts_[Index(use)].live);
  }
  int64_t live_bytes(Use use) const {
    return Read(counts_[Index(use)].live_bytes);
  }
  int64_t peak_bytes(Use use) const {
    return Read(counts_[Index(use)].peak_bytes);
  }
  // Mappings ever made, and refused by this object.
  int64_t mapped(Use use) const { return Read(counts_[Index(use)].mapped); }
  int64_t refused(Use use) const { return Read(counts_[Index(use)].refused); }
  int64_t purged_bytes() const { return Read(purged_bytes_); }
  // What the mapping in which `pointer` lies was asked for.
  Use UseOf(const void* pointer) const {
    std::lock_guard<std::mutex> lock(mutex_);
    const uintptr_t address = reinterpret_cast<uintptr_t>(pointer);
    auto after = mappings_.upper_bound(address);
    if (after == mappings_.begin() ||
        address - std::prev(after)->first >= std::prev(after)->second.bytes) {
      ADD_FAILURE() << "in no mapping: " << pointer;
      return Use::kMetadata;
    }
    return std::prev(after)->second.use;
  }

 private:
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

  struct Counts {
    int64_t mapped = 0;
    int64_t refused = 0;
    int64_t live = 0;
    int64_t live_bytes = 0;
    int64_t peak_bytes = 0;
  };
  struct Mapping {
    size_t bytes;
    Use use;
  };

  static int Index(Use use) { return use == Use::kMetadata ? 1 : 0; }

  int64_t Read(const int64_t& value) const {
    std::lock_guard<std::mutex> lock(mutex_);
    return value;
  }

  void SetFailures(int64_t call, int64_t from) {
    std::lock_guard<std::mutex> lock(mutex_);
    calls_since_ = 0;
    fail_call_ = call;
    fail_from_ = from;
  }

  mutable std::mutex mutex_;
  std::map<uintptr_t, Mapping> mappings_;
  Counts counts_[2];
  int64_t calls_ = 0;
  int64_t calls_since_ = 0;
  int64_t fail_call_ = kNever;
  int64_t fail_from_ = kNever;
  bool fails_[2] = {false, false};
  bool refuse_purges_ = false;
  int64_t purged_bytes_ = 0;
};

}  // namespace poolscope

#endif  // POOLSCOPE_TESTS_ALLOCATOR_POOL_FAKE_MEMORY_SOURCE_H_
