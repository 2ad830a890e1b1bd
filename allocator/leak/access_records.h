// AccessRecords: where a block was touched, the last access among them.
//
// Netty's back-off, with a target T of 4 records, the creation counted as one:
// while there are n >= T, a new record takes the place of the newest with
// probability 1 - 2^-k, k = min(n - T, 30), and else is put on top of it. So
// the number grows with the logarithm of the accesses; the first ones and the
// last always survive.
//
// Thread safety: thread-compatible.
#ifndef POOLSCOPE_ALLOCATOR_LEAK_ACCESS_RECORDS_H_
#define POOLSCOPE_ALLOCATOR_LEAK_ACCESS_RECORDS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace poolscope {

struct AccessRecord {
  std::string hint;  // empty: none was given
  std::vector<void*> stack;

  // What it takes.
  size_t bytes() const {
    return sizeof(AccessRecord) + hint.capacity() +
           stack.capacity() * sizeof(void*);
  }
};

class AccessRecords {
 public:
  // `random`: 64 random bits, drawn for this record.
  void Add(AccessRecord record, int target, uint64_t random) {
    const size_t n = records_.size() + 1;  // the creation is the first
    if (n >= static_cast<size_t>(target) && !records_.empty()) {
      const uint64_t k = n - target < 30 ? n - target : 30;
      if ((random & ((uint64_t{1} << k) - 1)) != 0) {
        ReplaceNewest(std::move(record));
        return;
      }
    }
    bytes_ += record.bytes();
    records_.reserve(n);  // no more than is counted: there are few
    records_.push_back(std::move(record));
  }
  // Where bytes() may grow by `room` only: in the place of the newest, or not
  // at all.
  void AddInPlace(AccessRecord record, size_t room) {
    if (records_.empty() || record.bytes() > records_.back().bytes() + room) {
      ++dropped_;
    } else {
      ReplaceNewest(std::move(record));
    }
  }

  const std::vector<AccessRecord>& oldest_first() const { return records_; }
  uint64_t dropped() const { return dropped_; }
  // Of the records.
  size_t bytes() const { return bytes_; }

 private:
  void ReplaceNewest(AccessRecord record) {
    bytes_ += record.bytes();
    bytes_ -= records_.back().bytes();
    records_.back() = std::move(record);
    ++dropped_;
  }

  std::vector<AccessRecord> records_;
  uint64_t dropped_ = 0;
  size_t bytes_ = 0;
};

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_LEAK_ACCESS_RECORDS_H_
