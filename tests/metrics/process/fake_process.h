// FakeProcess: mappings, what stands in memory and what of it is resident, as
// a process would have them; for Attribute().
//
//   FakeProcess process;
//   process.Add(0x10000, 0x20000, "rw-p", /*resident_bytes=*/0x3000);
//   process.Write(0x10000, {0, 0x5002});
//   EXPECT_EQ(process.Attributed(), "10000-15000 Glibc Mmapped ...");
//
// Thread safety: thread-compatible.
#ifndef POOLSCOPE_TESTS_METRICS_PROCESS_FAKE_PROCESS_H_
#define POOLSCOPE_TESTS_METRICS_PROCESS_FAKE_PROCESS_H_

#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "poolscope/metrics/process/attribution.h"

namespace poolscope {

struct FakeProcess {
  // In ascending order.
  void Add(uint64_t start, uint64_t end, const char* permissions,
           uint64_t resident_bytes = 0, const std::string& name = "",
           uint64_t inode = 0) {
    Mapping& mapping = mappings.emplace_back();
    mapping.start = start;
    mapping.end = end;
    mapping.readable = permissions[0] == 'r';
    mapping.writable = permissions[1] == 'w';
    mapping.executable = permissions[2] == 'x';
    mapping.shared = permissions[3] == 's';
    mapping.resident_bytes = resident_bytes;
    mapping.name = name;
    mapping.inode = inode;
  }

  void Write(uint64_t address, std::initializer_list<uint64_t> values) {
    for (const uint64_t value : values) {
      words[address] = value;
      address += sizeof(value);
    }
  }

  std::vector<OwnedRange> Ranges() const {
    const auto read = [this](uint64_t address, absl::Span<uint64_t> out) {
      ++reads;
      for (uint64_t& word : out) {
        const auto found = words.find(address);
        if (!readable) return false;
        word = found == words.end() ? 0 : found->second;
        address += sizeof(word);
      }
      return true;
    };
    const auto resident = [this](uint64_t start, uint64_t) {
      const auto found = measured.find(start);
      return found == measured.end() ? std::nullopt
                                     : std::optional<uint64_t>(found->second);
    };
    return Attribute({mappings, claims, threads, default_stack_bytes,
                      malloc_is_glibc, read, resident});
  }

  // A line a range: addresses, owner, resident and live count, and whether the
  // former is an estimate, and its detail.
  std::string Attributed() const {
    std::string text;
    for (const OwnedRange& range : Ranges()) {
      absl::StrAppend(
          &text, absl::Hex(range.start), "-", absl::Hex(range.end), " ",
          MemoryOwnerName(range.owner), " ", absl::Hex(range.resident_bytes),
          range.resident_is_estimate ? "~ #" : " #", range.live_count,
          range.detail.empty() ? "" : " ", range.detail, "\n");
    }
    return text;
  }

  std::vector<Mapping> mappings;
  std::vector<MemoryClaim> claims;
  std::vector<ThreadAnchor> threads;
  uint64_t default_stack_bytes = 0x10000;
  bool malloc_is_glibc = true;
  std::map<uint64_t, uint64_t> words;  // others read as 0
  bool readable = true;
  // By the start of the range; others cannot be measured.
  std::map<uint64_t, uint64_t> measured;
  mutable int reads = 0;
};

}  // namespace poolscope

#endif  // POOLSCOPE_TESTS_METRICS_PROCESS_FAKE_PROCESS_H_
