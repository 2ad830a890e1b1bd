#include "poolscope/exporter/preload/sigpipe_guard.h"

#include <link.h>
#include <signal.h>

#include <cstddef>
#include <cstdint>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

// glibc's, by the name that no library has before it.
extern "C" int __sigaction(int signal, const struct sigaction* action,
                           struct sigaction* before) noexcept;

namespace poolscope {
namespace {

// Addresses in [begin, end).
struct Range {
  uintptr_t begin = 0;
  uintptr_t end = 0;

  bool Has(uintptr_t address) const {
    return begin <= address && address < end;
  }
};

// Constant once GuardSigpipe() has returned.
struct Guarded {
  Range us;
  Range civetweb;
} guarded;

Range AddressesOf(const dl_phdr_info& info) {
  Range range;
  for (const ElfW(Phdr) & header :
       absl::MakeConstSpan(info.dlpi_phdr, info.dlpi_phnum)) {
    if (header.p_type != PT_LOAD) continue;
    const uintptr_t begin = info.dlpi_addr + header.p_vaddr;
    if (range.begin == 0) range.begin = begin;
    range.end = begin + header.p_memsz;
  }
  return range;
}

// The program may use civetweb itself; its threads do not block this one.
bool BlocksEverything() {
  sigset_t blocked;
  return pthread_sigmask(SIG_BLOCK, nullptr, &blocked) == 0 &&
         sigismember(&blocked, SIGSEGV) == 1 &&
         sigismember(&blocked, SIGPIPE) == 1;
}

bool IsOurs(uintptr_t caller) {
  return guarded.us.Has(caller) ||
         (guarded.civetweb.Has(caller) && BlocksEverything());
}

}  // namespace

void GuardSigpipe() {
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void*) {
        const Range range = AddressesOf(*info);
        if (range.Has(reinterpret_cast<uintptr_t>(&GuardSigpipe))) {
          guarded.us = range;
        } else if (absl::StrContains(info->dlpi_name, "/libcivetweb.so")) {
          guarded.civetweb = range;
        }
        return 0;
      },
      nullptr);
}

}  // namespace poolscope

extern "C" __attribute__((visibility("default"))) int sigaction(
    int signal, const struct sigaction* action,
    struct sigaction* before) noexcept {
  const auto caller = reinterpret_cast<uintptr_t>(__builtin_return_address(0));
  if (signal == SIGPIPE && poolscope::IsOurs(caller)) action = nullptr;
  return __sigaction(signal, action, before);
}
