#include "poolscope/metrics/process/malloc_figures.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "poolscope/metrics/process/glibc_malloc.h"

namespace poolscope {
namespace {

absl::StatusOr<MallocFigures> ReadGlibc() {
  const absl::StatusOr<GlibcMalloc> malloc = ReadGlibcMalloc();
  if (!malloc.ok()) return malloc.status();
  MallocFigures figures;
  figures.in_use_bytes = malloc->in_use_bytes() + malloc->mmapped_bytes;
  figures.free_bytes = malloc->free_bytes();
  figures.mapped_bytes = malloc->mapped_bytes() + malloc->mmapped_bytes;
  figures.arenas = malloc->arenas.size();
  const uint64_t main_bytes = malloc->arenas[0].in_use_bytes();
  figures.main_arena_mapped_bytes = malloc->arenas[0].mapped_bytes;
  figures.main_arena_in_use_bytes = main_bytes;
  figures.thread_arenas_in_use_bytes = malloc->in_use_bytes() - main_bytes;
  return figures;
}

// A value of jemalloc's, if it has one of this name and size.
template <typename Value>
std::optional<Value> Mallctl(const MallocLibrary& library,
                             const std::string& name) {
  Value value{};
  size_t size = sizeof(value);
  if (library.mallctl(name.c_str(), &value, &size, nullptr, 0) != 0 ||
      size != sizeof(value)) {
    return std::nullopt;
  }
  return value;
}

absl::StatusOr<MallocFigures> ReadJemalloc(const MallocLibrary& library) {
  // jemalloc's figures stand still until their epoch is advanced.
  uint64_t epoch = 1;
  library.mallctl("epoch", nullptr, nullptr, &epoch, sizeof(epoch));
  const auto allocated = Mallctl<size_t>(library, "stats.allocated");
  const auto mapped = Mallctl<size_t>(library, "stats.mapped");
  const auto metadata = Mallctl<size_t>(library, "stats.metadata");
  const auto slots = Mallctl<unsigned>(library, "arenas.narenas");
  if (!allocated || !mapped || !metadata || !slots) {
    return absl::DataLossError(
        "jemalloc has no statistics: it was built without them");
  }
  MallocFigures figures;
  figures.in_use_bytes = *allocated;
  figures.mapped_bytes = *mapped;
  const uint64_t not_free = uint64_t{*allocated} + *metadata;
  figures.free_bytes = *mapped - std::min<uint64_t>(*mapped, not_free);
  uint64_t arenas = 0;
  for (unsigned i = 0; i < *slots; ++i) {
    arenas += Mallctl<bool>(library, absl::StrCat("arena.", i, ".initialized"))
                  .value_or(false);
  }
  figures.arenas = arenas;
  return figures;
}

absl::StatusOr<MallocFigures> ReadTcmalloc(const MallocLibrary& library) {
  size_t allocated = 0;
  size_t heap = 0;
  size_t page_heap_free = 0;
  size_t unmapped = 0;
  size_t central = 0;
  size_t transfer = 0;
  size_t threads = 0;
  const struct {
    const char* name;
    size_t* value;
  } kProperties[] = {
      {"generic.current_allocated_bytes", &allocated},
      {"generic.heap_size", &heap},
      {"tcmalloc.pageheap_free_bytes", &page_heap_free},
      {"tcmalloc.pageheap_unmapped_bytes", &unmapped},
      {"tcmalloc.central_cache_free_bytes", &central},
      {"tcmalloc.transfer_cache_free_bytes", &transfer},
      {"tcmalloc.thread_cache_free_bytes", &threads},
  };
  for (const auto& property : kProperties) {
    if (!library.get_numeric_property(property.name, property.value)) {
      return absl::DataLossError(
          absl::StrCat("tcmalloc does not tell ", property.name));
    }
  }
  MallocFigures figures;
  figures.in_use_bytes = allocated;
  figures.free_bytes = page_heap_free + central + transfer + threads;
  figures.mapped_bytes = heap - std::min(heap, unmapped);
  figures.arenas = 1;
  return figures;
}

bool AddArea(const void*, const MimallocArea* area, void*, size_t,
             void* argument) {
  *static_cast<uint64_t*>(argument) += area->used_count * area->block_bytes;
  return true;
}

MallocFigures ReadMimalloc(const MallocLibrary& library) {
  size_t committed = 0;
  size_t ignored = 0;
  library.mi_process_info(&ignored, &ignored, &ignored, &ignored, &ignored,
                          &committed, &ignored, &ignored);
  MallocFigures figures;
  figures.mapped_bytes = committed;
  if (library.mi_heap_get_default != nullptr &&
      library.mi_heap_visit_blocks != nullptr) {
    uint64_t in_use = 0;
    library.mi_heap_visit_blocks(library.mi_heap_get_default(),
                                 /*visit_all_blocks=*/false, &AddArea, &in_use);
    figures.thread_in_use_bytes = in_use;
  }
  return figures;
}

}  // namespace

absl::StatusOr<MallocFigures> ReadMallocFigures() {
  const MallocLibrary& library = TheMalloc();
  absl::StatusOr<MallocFigures> figures = MallocFigures();
  switch (library.kind) {
    case MallocKind::kGlibc:
      figures = ReadGlibc();
      break;
    case MallocKind::kJemalloc:
      figures = ReadJemalloc(library);
      break;
    case MallocKind::kTcmalloc:
      figures = ReadTcmalloc(library);
      break;
    case MallocKind::kMimalloc:
      figures = ReadMimalloc(library);
      break;
    case MallocKind::kOther:
      break;
  }
  if (figures.ok()) figures->kind = library.kind;
  return figures;
}

}  // namespace poolscope
