#include "poolscope/metrics/process/loaded_objects.h"

#include <elf.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <unistd.h>

#include <cstddef>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"

namespace poolscope {
namespace {

constexpr size_t kNoteAlignment = 4;

size_t Aligned(size_t bytes) {
  return (bytes + kNoteAlignment - 1) & ~(kNoteAlignment - 1);
}

// The build id among the notes in `bytes`, as hexadecimal digits.
std::string FindBuildId(absl::string_view bytes) {
  while (bytes.size() >= sizeof(ElfW(Nhdr))) {
    const auto& note = *reinterpret_cast<const ElfW(Nhdr)*>(bytes.data());
    bytes.remove_prefix(sizeof(note));
    const size_t name_bytes = Aligned(note.n_namesz);
    const size_t bytes_in_all = name_bytes + Aligned(note.n_descsz);
    if (bytes_in_all > bytes.size()) break;
    const absl::string_view name = bytes.substr(0, note.n_namesz);
    if (note.n_type == NT_GNU_BUILD_ID &&
        name == absl::string_view("GNU", sizeof("GNU"))) {
      return absl::BytesToHexString(bytes.substr(name_bytes, note.n_descsz));
    }
    bytes.remove_prefix(bytes_in_all);
  }
  return "";
}

std::string ProgramPath(absl::string_view proc_root) {
  char path[PATH_MAX];
  const ssize_t length = readlink(absl::StrCat(proc_root, "/self/exe").c_str(),
                                  path, sizeof(path));
  return length < 0 ? "" : std::string(path, static_cast<size_t>(length));
}

// In whole pages.
LoadedSegment SegmentOf(const dl_phdr_info& info, const ElfW(Phdr) & header) {
  const uint64_t page_mask = static_cast<uint64_t>(sysconf(_SC_PAGESIZE)) - 1;
  const uint64_t begin = info.dlpi_addr + header.p_vaddr;
  return {begin & ~page_mask,
          (begin + header.p_memsz + page_mask) & ~page_mask};
}

pthread_mutex_t reading = PTHREAD_MUTEX_INITIALIZER;

using Visitor = int (*)(dl_phdr_info* info, size_t bytes, void* data);

// dl_iterate_phdr(), but never while another thread forks: glibc (2.36) leaves
// its lock taken in the child then, and whatever in there asks the loader waits
// for ever. A malloc that locks itself over fork() has said so before the first
// call, so that fork() takes this lock first, as we do.
void VisitObjects(Visitor visit, void* data) {
  HoldLoaderListAtFork();
  pthread_mutex_lock(&reading);
  dl_iterate_phdr(visit, data);
  pthread_mutex_unlock(&reading);
}

void Append(const dl_phdr_info& info, std::vector<LoadedObject>* objects) {
  const uint64_t page_mask = static_cast<uint64_t>(sysconf(_SC_PAGESIZE)) - 1;
  const absl::Span<const ElfW(Phdr)> headers(info.dlpi_phdr, info.dlpi_phnum);
  std::string build_id;
  for (const ElfW(Phdr) & header : headers) {
    if (header.p_type != PT_NOTE || !build_id.empty()) continue;
    build_id = FindBuildId(absl::string_view(
        reinterpret_cast<const char*>(info.dlpi_addr + header.p_vaddr),
        header.p_memsz));
  }
  for (const ElfW(Phdr) & header : headers) {
    if (header.p_type != PT_LOAD || (header.p_flags & PF_X) == 0) continue;
    const LoadedSegment segment = SegmentOf(info, header);
    LoadedObject& object = objects->emplace_back();
    object.path = info.dlpi_name;
    object.build_id = build_id;
    object.begin = segment.begin;
    object.end = segment.end;
    object.file_offset = header.p_offset & ~page_mask;
  }
}

}  // namespace

std::vector<LoadedObject> ReadLoadedObjects(absl::string_view proc_root) {
  std::vector<LoadedObject> objects;
  // The loader names the program first, and gives it no path.
  VisitObjects(
      [](dl_phdr_info* info, size_t, void* data) {
        Append(*info, static_cast<std::vector<LoadedObject>*>(data));
        return 0;
      },
      &objects);
  const std::string program = ProgramPath(proc_root);
  for (LoadedObject& object : objects) {
    if (object.path.empty()) object.path = program;
  }
  return objects;
}

std::vector<LoadedSegment> ReadLoadedSegments() {
  std::vector<LoadedSegment> segments;
  VisitObjects(
      [](dl_phdr_info* info, size_t, void* data) {
        for (const ElfW(Phdr) & header :
             absl::MakeConstSpan(info->dlpi_phdr, info->dlpi_phnum)) {
          if (header.p_type != PT_LOAD) continue;
          static_cast<std::vector<LoadedSegment>*>(data)->push_back(
              SegmentOf(*info, header));
        }
        return 0;
      },
      &segments);
  return segments;
}

void HoldLoaderListAtFork() {
  [[maybe_unused]] static const int registered =
      pthread_atfork([] { pthread_mutex_lock(&reading); },
                     [] { pthread_mutex_unlock(&reading); },
                     [] { pthread_mutex_unlock(&reading); });
}

}  // namespace poolscope
