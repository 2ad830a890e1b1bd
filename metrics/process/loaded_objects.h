// LoadedObject: the code of the program or of a shared object, and where in
// memory it lies; what a profile needs so that a reader who has the file can
// tell functions and lines.
//
// The dynamic loader is asked, not procfs: it also has each object's build id
// at hand, and knows of no half-mapped one.
//
// Thread safety: thread-safe. Takes the loader's lock for a short time, and
// fork() waits for that.
#ifndef POOLSCOPE_METRICS_PROCESS_LOADED_OBJECTS_H_
#define POOLSCOPE_METRICS_PROCESS_LOADED_OBJECTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace poolscope {

// One executable segment, in whole pages as it is mapped.
struct LoadedObject {
  std::string path;
  std::string build_id;  // hexadecimal; empty where the linker made none
  uint64_t begin = 0;    // addresses in [begin, end)
  uint64_t end = 0;
  uint64_t file_offset = 0;  // in bytes, of `begin`
};

// The program first. Its path comes from procfs, which is mounted at
// `proc_root` ("/proc"), and is empty where that cannot be read.
std::vector<LoadedObject> ReadLoadedObjects(absl::string_view proc_root);

// Addresses in [begin, end), in whole pages.
struct LoadedSegment {
  uint64_t begin = 0;
  uint64_t end = 0;
};

// Every segment of the program and its shared objects: code, constants, data,
// and the memory without a name that their zeroed variables lie in.
std::vector<LoadedSegment> ReadLoadedSegments();

// From now on fork() waits while the two above read. They see to it themselves;
// called before, it settles the order among the handlers of pthread_atfork().
void HoldLoaderListAtFork();

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_PROCESS_LOADED_OBJECTS_H_
