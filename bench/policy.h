// Policy: one allocator under measurement, as functions of a shared object.
//
// Every policy is called the same way, through pointers into an object that was
// opened with dlopen(RTLD_LOCAL), so that all pay the same for the call and
// none replaces the program's own malloc. LoadPolicy() proves by address that
// each function comes from the object it was asked from.
//
//   for (const PolicySpec& spec : AllPolicies()) {
//     absl::StatusOr<Policy> policy = LoadPolicy(spec, directory);
//     if (!policy.ok()) continue;  // not installed: the status says so
//     void* block = policy->allocate(256);
//     policy->free(block);
//   }
//
// Policies are plain values; their objects stay loaded until the process ends.
#ifndef POOLSCOPE_BENCH_POLICY_H_
#define POOLSCOPE_BENCH_POLICY_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "poolscope/bench/pool_hooks.h"

namespace poolscope::bench {

// What a policy is to the table.
enum class Role {
  kPeer,     // compared with
  kOurs,     // compared
  kVariant,  // ours in another way; shown, and never compared
  kNoStats,  // ours without statistics: what they cost is the difference
  kFloor,    // a limit to hold all against; no allocator
};

using AllocateFunction = void* (*)(size_t);
using FreeFunction = void (*)(void*);
using SizedFreeFunction = void (*)(void*, size_t);

struct Policy {
  std::string name;
  Role role = Role::kPeer;
  AllocateFunction allocate = nullptr;
  FreeFunction free = nullptr;
  SizedFreeFunction sized_free = nullptr;  // null where there is none
  PoolHooks pool;                          // null but for poolscope
};

// Where a policy is found.
struct PolicySpec {
  const char* name;
  Role role;
  const char* object;    // a file of Debian's, or one built beside the program
  bool built_here;       // `object` stands in the program's directory
  const char* allocate;  // symbols
  const char* free;
  const char* sized_free;  // null where there is none
  const char* remedy;      // what to do when it is missing
  bool has_pool_hooks = false;
};

// In the order of the table's columns.
const std::vector<PolicySpec>& AllPolicies();

// Opens the object and looks its functions up. NotFoundError, in one line with
// the remedy, when the object or a function is missing; InternalError when a
// function turns out to be another object's.
absl::StatusOr<Policy> LoadPolicy(const PolicySpec& spec,
                                  const std::string& program_directory);

// Uses each function for a first time, with sizes up to 1 MiB. InternalError
// when one refuses.
absl::Status TryOnce(const Policy& policy);

}  // namespace poolscope::bench

#endif  // POOLSCOPE_BENCH_POLICY_H_
