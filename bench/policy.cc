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

// A first use of every function, sizes up to the largest cell's.
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
       "poolscope_bench_sized_free", "./dev build"},
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

  const absl::StatusOr<void*> allocate = LookUp(handle, spec, spec.allocate);
  if (!allocate.ok()) return allocate.status();
  policy.allocate = reinterpret_cast<AllocateFunction>(*allocate);

  const absl::StatusOr<void*> free = LookUp(handle, spec, spec.free);
  if (!free.ok()) return free.status();
  policy.free = reinterpret_cast<FreeFunction>(*free);

  if (spec.sized_free != nullptr) {
    const absl::StatusOr<void*> sized = LookUp(handle, spec, spec.sized_free);
    if (!sized.ok()) return sized.status();
    policy.sized_free = reinterpret_cast<SizedFreeFunction>(*sized);
  }
  if (absl::Status tried = TryOnce(policy); !tried.ok()) return tried;
  return policy;
}

}  // namespace poolscope::bench
