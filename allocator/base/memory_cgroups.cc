#include "poolscope/allocator/base/memory_cgroups.h"

#include <limits.h>

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "poolscope/allocator/base/read_file.h"

namespace poolscope {
namespace {

struct Mount {
  std::string top = "/";  // the cgroup that is seen at `point`
  std::string point;
};

bool Contains(absl::string_view list, char separator, absl::string_view word) {
  for (absl::string_view part : absl::StrSplit(list, separator)) {
    if (part == word) return true;
  }
  return false;
}

// mountinfo writes blanks and the like as \040.
std::string Unescaped(absl::string_view path) {
  std::string result;
  return absl::CUnescape(path, &result) ? result : std::string(path);
}

Mount FindMount(const std::string& root, int version) {
  Mount mount;
  mount.point = version == 1 ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup";
  const std::string text =
      ReadFile(absl::StrCat(root, "/proc/self/mountinfo")).value_or("");
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    // id parent device top point options [tags] - type source options
    const std::vector<absl::string_view> halves =
        absl::StrSplit(line, absl::MaxSplits(" - ", 1));
    if (halves.size() != 2) continue;
    const std::vector<absl::string_view> left = absl::StrSplit(halves[0], ' ');
    const std::vector<absl::string_view> right = absl::StrSplit(halves[1], ' ');
    if (left.size() < 6 || right.size() < 3) continue;
    if (version == 1
            ? right[0] != "cgroup" || !Contains(right[2], ',', "memory")
            : right[0] != "cgroup2") {
      continue;
    }
    mount.top = Unescaped(left[3]);
    mount.point = Unescaped(left[4]);
    break;
  }
  return mount;
}

// `group` as /proc/self/cgroup names it.
std::vector<std::string> Directories(const std::string& root,
                                     const Mount& mount,
                                     absl::string_view group) {
  // What lies outside of this namespace is named with "..".
  bool below = !Contains(group, '/', "..");
  if (mount.top != "/") {
    below = below && absl::ConsumePrefix(&group, mount.top) &&
            (group.empty() || group[0] == '/');
  }
  // There is a directory a part, and no system call takes a longer path.
  below = below && group.size() < PATH_MAX;
  std::string path = below ? std::string(group) : "";
  std::vector<std::string> directories;
  while (path.size() > 1) {
    directories.push_back(absl::StrCat(root, mount.point, path));
    path.resize(std::min(path.rfind('/'), path.size() - 1));
  }
  directories.push_back(absl::StrCat(root, mount.point));
  return directories;
}

}  // namespace

std::vector<MemoryCgroup> MemoryCgroups(const std::string& root) {
  std::vector<MemoryCgroup> cgroups;
  const std::string text =
      ReadFile(absl::StrCat(root, "/proc/self/cgroup")).value_or("");
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    // hierarchy:controllers:path, without controllers in version 2.
    const std::vector<absl::string_view> fields =
        absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (fields.size() != 3) continue;
    const bool v2 = fields[0] == "0" && fields[1].empty();
    if (!v2 && !Contains(fields[1], ',', "memory")) continue;
    MemoryCgroup cgroup;
    cgroup.version = v2 ? 2 : 1;
    cgroup.directories =
        Directories(root, FindMount(root, cgroup.version), fields[2]);
    cgroups.push_back(std::move(cgroup));
  }
  std::stable_sort(cgroups.begin(), cgroups.end(),
                   [](const MemoryCgroup& a, const MemoryCgroup& b) {
                     return a.version < b.version;
                   });
  return cgroups;
}

}  // namespace poolscope
