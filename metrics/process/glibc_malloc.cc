#include "poolscope/metrics/process/glibc_malloc.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "poolscope/metrics/process/malloc_library.h"

namespace poolscope {
namespace {

// The number in ` name="..."`.
std::optional<uint64_t> Attribute(absl::string_view tag,
                                  absl::string_view name) {
  const std::string key = absl::StrCat(" ", name, "=\"");
  const size_t begin = tag.find(key);
  if (begin == absl::string_view::npos) return std::nullopt;
  tag.remove_prefix(begin + key.size());
  const size_t end = tag.find('"');
  uint64_t value = 0;
  if (end == absl::string_view::npos ||
      !absl::SimpleAtoi(tag.substr(0, end), &value)) {
    return std::nullopt;
  }
  return value;
}

absl::Status Missing(absl::string_view what) {
  return absl::DataLossError(absl::StrCat("malloc_info has no ", what));
}

// What malloc_info() adds to the size of each free chunk but the last of an
// arena: the flags in the chunk's lowest bits, which glibc does not mask there.
// The chunk before is in use (1). That the arena is not the main one (4) is
// marked in chunks in use alone.
constexpr uint64_t kFreeChunkFlags = 1;

// One arena: all between its <heap> and </heap>.
absl::StatusOr<GlibcArena> ParseArena(absl::string_view text) {
  GlibcArena arena;
  bool has_mapped = false;
  int totals = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::optional<uint64_t> size = Attribute(line, "size");
    if (absl::StartsWith(line, "<total type=\"fast\"")) {
      if (!size.has_value()) return Missing("size of what is free");
      arena.free_bytes += *size;
      ++totals;
    } else if (absl::StartsWith(line, "<total type=\"rest\"")) {
      const std::optional<uint64_t> count = Attribute(line, "count");
      if (!size.has_value() || count.value_or(0) == 0 ||
          (*count - 1) > *size / kFreeChunkFlags) {
        return Missing("size of what is free");
      }
      arena.free_bytes += *size - (*count - 1) * kFreeChunkFlags;
      ++totals;
    } else if (absl::StartsWith(line, "<system type=\"current\"")) {
      if (!size.has_value()) return Missing("size of an arena");
      arena.mapped_bytes = *size;
      has_mapped = true;
    }
  }
  if (!has_mapped || totals != 2) return Missing("totals of an arena");
  // The mapped size is read once the arena is unlocked, and may have shrunk.
  arena.free_bytes = std::min(arena.free_bytes, arena.mapped_bytes);
  return arena;
}

}  // namespace

uint64_t GlibcMalloc::mapped_bytes() const {
  uint64_t sum = 0;
  for (const GlibcArena& arena : arenas) sum += arena.mapped_bytes;
  return sum;
}

uint64_t GlibcMalloc::free_bytes() const {
  uint64_t sum = 0;
  for (const GlibcArena& arena : arenas) sum += arena.free_bytes;
  return sum;
}

absl::StatusOr<GlibcMalloc> ParseMallocInfo(absl::string_view xml) {
  constexpr absl::string_view kHeap = "<heap ";
  constexpr absl::string_view kHeapEnd = "</heap>";
  constexpr absl::string_view kMmap = "<total type=\"mmap\"";
  GlibcMalloc malloc;
  while (true) {
    const size_t begin = xml.find(kHeap);
    if (begin == absl::string_view::npos) break;
    const size_t end = xml.find(kHeapEnd, begin);
    if (end == absl::string_view::npos) return Missing("end of an arena");
    absl::StatusOr<GlibcArena> arena =
        ParseArena(xml.substr(begin, end - begin));
    if (!arena.ok()) return arena.status();
    malloc.arenas.push_back(*arena);
    xml.remove_prefix(end + kHeapEnd.size());
  }
  if (malloc.arenas.empty()) return Missing("arena");
  const size_t mmap = xml.find(kMmap);
  if (mmap == absl::string_view::npos) return Missing("mmapped blocks");
  const absl::string_view tag = xml.substr(mmap, xml.find('\n', mmap) - mmap);
  const std::optional<uint64_t> blocks = Attribute(tag, "count");
  const std::optional<uint64_t> bytes = Attribute(tag, "size");
  if (!blocks.has_value() || !bytes.has_value()) {
    return Missing("size of mmapped blocks");
  }
  malloc.mmapped_blocks = *blocks;
  malloc.mmapped_bytes = *bytes;
  return malloc;
}

absl::StatusOr<GlibcMalloc> ReadGlibcMalloc() {
  const MallocLibrary& library = TheMalloc();
  if (library.malloc_info == nullptr) {
    return absl::FailedPreconditionError("malloc is not glibc's");
  }
  char* text = nullptr;
  size_t size = 0;
  std::FILE* const stream = open_memstream(&text, &size);
  if (stream == nullptr) {
    return absl::ResourceExhaustedError("no memory to read malloc_info into");
  }
  const int result = library.malloc_info(0, stream);
  const bool written = std::fclose(stream) == 0;
  absl::StatusOr<GlibcMalloc> malloc =
      result == 0 && written ? ParseMallocInfo(absl::string_view(text, size))
                             : absl::StatusOr<GlibcMalloc>(
                                   absl::DataLossError("malloc_info failed"));
  std::free(text);
  return malloc;
}

}  // namespace poolscope
