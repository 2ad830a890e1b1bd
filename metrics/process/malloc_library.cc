#include "poolscope/metrics/process/malloc_library.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>

#include <cstdint>

// Null unless the program is linked with them.
extern "C" {
extern char mallctl[] __attribute__((weak));
extern char MallocExtension_GetNumericProperty[] __attribute__((weak));
extern char MallocExtension_ReleaseFreeMemory[] __attribute__((weak));
extern char mi_process_info[] __attribute__((weak));
extern char mi_heap_get_default[] __attribute__((weak));
extern char mi_heap_visit_blocks[] __attribute__((weak));
extern char mi_collect[] __attribute__((weak));
}

namespace poolscope {
namespace {

// The object, program or library, that an address lies in; null when there is
// none.
const void* ObjectOf(const void* address) {
  Dl_info info;
  if (address == nullptr || dladdr(address, &info) == 0) return nullptr;
  return info.dli_fbase;
}

// The object that serves malloc(). A program that is not built to be moved
// (-no-pie) and takes the address of malloc() has a stub of its own there,
// which then is the function's address everywhere; so the others are asked too.
const void* ObjectOfMalloc() {
  for (const char* name : {"malloc", "posix_memalign", "malloc_usable_size"}) {
    const void* const address = dlsym(RTLD_DEFAULT, name);
    Dl_info info;
    void* symbol = nullptr;
    if (address == nullptr ||
        dladdr1(address, &info, &symbol, RTLD_DL_SYMENT) == 0) {
      continue;
    }
    const bool stub =
        symbol != nullptr &&
        static_cast<const ElfW(Sym)*>(symbol)->st_shndx == SHN_UNDEF;
    if (!stub) return info.dli_fbase;
  }
  return nullptr;
}

// The functions of the one object that malloc() lies in.
class MallocObject {
 public:
  MallocObject() : object_(ObjectOfMalloc()) {}

  // Sets `function` unless it lies elsewhere, and says whether it did.
  template <typename Function>
  bool Find(const char* name, const void* weak, Function*& function) const {
    const void* address = dlsym(RTLD_DEFAULT, name);
    if (address == nullptr) address = weak;
    if (object_ == nullptr || ObjectOf(address) != object_) return false;
    function =
        reinterpret_cast<Function*>(reinterpret_cast<std::uintptr_t>(address));
    return true;
  }

 private:
  const void* const object_;
};

MallocLibrary FindMalloc() {
  const MallocObject object;
  MallocLibrary library;
  const char* (*gnu_get_libc_version)() = nullptr;
  if (object.Find("mallctl", mallctl, library.mallctl)) {
    library.kind = MallocKind::kJemalloc;
  } else if (object.Find("MallocExtension_GetNumericProperty",
                         MallocExtension_GetNumericProperty,
                         library.get_numeric_property)) {
    library.kind = MallocKind::kTcmalloc;
    object.Find("MallocExtension_ReleaseFreeMemory",
                MallocExtension_ReleaseFreeMemory, library.release_free_memory);
  } else if (object.Find("mi_process_info", mi_process_info,
                         library.mi_process_info)) {
    library.kind = MallocKind::kMimalloc;
    object.Find("mi_heap_get_default", mi_heap_get_default,
                library.mi_heap_get_default);
    object.Find("mi_heap_visit_blocks", mi_heap_visit_blocks,
                library.mi_heap_visit_blocks);
    object.Find("mi_collect", mi_collect, library.mi_collect);
  } else if (object.Find("gnu_get_libc_version", nullptr,
                         gnu_get_libc_version)) {
    library.kind = MallocKind::kGlibc;
    object.Find("malloc_info", nullptr, library.malloc_info);
    object.Find("malloc_trim", nullptr, library.malloc_trim);
  }
  return library;
}

}  // namespace

absl::string_view MallocKindName(MallocKind kind) {
  switch (kind) {
    case MallocKind::kGlibc:
      return "glibc";
    case MallocKind::kJemalloc:
      return "jemalloc";
    case MallocKind::kTcmalloc:
      return "tcmalloc";
    case MallocKind::kMimalloc:
      return "mimalloc";
    case MallocKind::kOther:
      return "other";
  }
  return "other";
}

const MallocLibrary& TheMalloc() {
  static const MallocLibrary library = FindMalloc();
  return library;
}

}  // namespace poolscope
