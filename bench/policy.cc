#include "poolscope/bench/policy.h"

#include <dlfcn.h>
#include <link.h>

#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace poolscope::bench {
namespace {

// The function `symbol` of the object behind `handle`, and of no other: a
// lookup by handle also searches the object's own dependencies.
absl::StatusOr<void*> LookUp(void* handle, const PolicySpec& spec,
                             const char* symbol) {
  void* address = dlsym(handle, symbol);
  if (address == nullptr) {
    return absl::NotFoundError(absl::StrCat(spec.object, " has no function ",
                                            symbol, "; ", spec.remedy));
  }
  link_map* object = nullptr;
  Dl_info where;
  if (dlinfo(handle, RTLD_DI_LINKMAP, &object) != 0 ||
      dladdr(address, &where) == 0) {
    return absl::InternalError(
        absl::StrCat("cannot tell which object ", symbol, " is from"));
  }
  if (reinterpret_cast<uintptr_t>(where.dli_fbase) != object->l_addr) {
    return absl::InternalError(absl::StrCat(symbol, " of ", object->l_name,
                                            " resolves to ", where.dli_fname));
  }
  return address;
}

// LookUp, as a function of the pointer's type.
template <typename Function>
absl::Status Bind(void* handle, const PolicySpec& spec, const char* symbol,
                  Function& function) {
  const absl::StatusOr<void*> address = LookUp(handle, spec, symbol);
  if (!address.ok()) return address.status();
  function = reinterpret_cast<Function>(*address);
  return absl::OkStatus();
}

absl::Status BindPoolHooks(void* handle, const PolicySpec& spec,
                           PoolHooks& hooks) {
  absl::Status status;
  status.Update(Bind(handle, spec, "poolscope_bench_idle", hooks.idle));
  status.Update(Bind(handle, spec, "poolscope_bench_maintain", hooks.maintain));
  status.Update(Bind(handle, spec, "poolscope_bench_trim", hooks.trim));
  status.Update(Bind(handle, spec, "poolscope_bench_figures", hooks.figures));
  status.Update(Bind(handle, spec, "poolscope_bench_buffer_allocate",
                     hooks.buffer_allocate));
  status.Update(Bind(handle, spec, "poolscope_bench_buffer_destroy",
                     hooks.buffer_destroy));
  status.Update(
      Bind(handle, spec, "poolscope_bench_outbound_open", hooks.outbound_open));
  status.Update(Bind(handle, spec, "poolscope_bench_outbound_write",
                     hooks.outbound_write));
  status.Update(Bind(handle, spec, "poolscope_bench_outbound_close",
                     hooks.outbound_close));
  status.Update(Bind(handle, spec, "poolscope_bench_watch", hooks.watch));
  status.Update(Bind(handle, spec, "poolscope_bench_disabled_malloc",
                     hooks.disabled_allocate));
  status.Update(
      Bind(handle, spec, "poolscope_bench_disabled_free", hooks.disabled_free));
  status.Update(Bind(handle, spec, "poolscope_bench_simple_malloc",
                     hooks.simple_allocate));
  status.Update(
      Bind(handle, spec, "poolscope_bench_simple_free", hooks.simple_free));
  return status;
}

}  // namespace

const std::vector<PolicySpec>& AllPolicies() {
  // The sized deallocation of C++14 is the one name that they share; taken
  // from the library's own handle it is the library's own function.
  static constexpr char kSizedDelete[] = "_ZdlPvm";
  static const auto& policies = *new std::vector<PolicySpec>{
      {"glibc", Role::kPeer, "libc.so.6", false, "malloc", "free", nullptr,
       "this is not glibc"},
      {"jemalloc", Role::kPeer, "libjemalloc.so.2", false, "malloc", "free",
       kSizedDelete, "apt-get install libjemalloc2"},
      {"tcmalloc", Role::kPeer, "libtcmalloc_minimal.so.4", false, "malloc",
       "free", kSizedDelete, "apt-get install libtcmalloc-minimal4"},
      {"mimalloc", Role::kPeer, "libmimalloc.so.2.0", false, "malloc", "free",
       kSizedDelete, "apt-get install libmimalloc2.0"},
      {"floor", Role::kFloor, "libfloor.so", true, "bench_floor_malloc",
       "bench_floor_free", "bench_floor_sized_free", "./dev build"},
      {"poolscope", Role::kOurs, "libpoolscope_shim.so", true,
       "poolscope_bench_malloc", "poolscope_bench_free",
       "poolscope_bench_sized_free", "./dev build", /*has_pool_hooks=*/true},
      {"buddy", Role::kVariant, "libpoolscope_buddy_shim.so", true,
       "poolscope_bench_malloc", "poolscope_bench_free",
       "poolscope_bench_sized_free", "./dev build", /*has_pool_hooks=*/true},
      {"no_stats", Role::kNoStats, "libpoolscope_no_stats_shim.so", true,
       "poolscope_bench_malloc", "poolscope_bench_free",
       "poolscope_bench_sized_free", "./dev build", /*has_pool_hooks=*/true},
  };
  return policies;
}

absl::StatusOr<Policy> LoadPolicy(const PolicySpec& spec,
                                  const std::string& program_directory) {
  const std::string path =
      spec.built_here ? absl::StrCat(program_directory, "/", spec.object)
                      : spec.object;
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    return absl::NotFoundError(absl::StrCat(dlerror(), "; ", spec.remedy));
  }
  Policy policy;
  policy.name = spec.name;
  policy.role = spec.role;

  absl::Status status;
  status.Update(Bind(handle, spec, spec.allocate, policy.allocate));
  status.Update(Bind(handle, spec, spec.free, policy.free));
  if (spec.sized_free != nullptr) {
    status.Update(Bind(handle, spec, spec.sized_free, policy.sized_free));
  }
  if (spec.has_pool_hooks) {
    status.Update(BindPoolHooks(handle, spec, policy.pool));
  }
  if (!status.ok()) return status;
  return policy;
}

absl::Status TryOnce(const Policy& policy) {
  for (size_t size = 16; size <= size_t{1} << 20; size *= 2) {
    for (const bool sized : {false, true}) {
      if (sized && policy.sized_free == nullptr) continue;
      void* block = policy.allocate(size);
      if (block == nullptr) {
        return absl::InternalError(absl::StrCat("refused ", size, " bytes"));
      }
      std::memset(block, 0x5a, size);
      if (sized) {
        policy.sized_free(block, size);
      } else {
        policy.free(block);
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace poolscope::bench
