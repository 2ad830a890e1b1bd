#include "poolscope/metrics/process/malloc_trim.h"

#include "poolscope/metrics/process/malloc_library.h"

namespace poolscope {

bool TrimMalloc() {
  const MallocLibrary& library = TheMalloc();
  if (library.malloc_trim != nullptr) {
    library.malloc_trim(0);
  } else if (library.mallctl != nullptr) {
    library.mallctl("thread.tcache.flush", nullptr, nullptr, nullptr, 0);
    // 4096 stands for all arenas (MALLCTL_ARENAS_ALL).
    return library.mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0) ==
           0;
  } else if (library.release_free_memory != nullptr) {
    library.release_free_memory();
  } else if (library.mi_collect != nullptr) {
    library.mi_collect(/*force=*/true);
  } else {
    return false;
  }
  return true;
}

}  // namespace poolscope
