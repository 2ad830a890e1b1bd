#include "poolscope/metrics/native_memory/openssl_memory.h"

#include <malloc.h>
#include <openssl/crypto.h>

#include <cstddef>
#include <cstdlib>

#include "absl/base/attributes.h"
#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "poolscope/allocator/base/mutex.h"
#include "poolscope/metrics/native_memory/native_memory_category.h"

namespace poolscope {
namespace {

ABSL_CONST_INIT Mutex mutex;
ABSL_CONST_INIT bool installed ABSL_GUARDED_BY(mutex) = false;
// Written before the functions below are installed, never afterwards.
ABSL_CONST_INIT NativeMemoryCategory* category = nullptr;

// As CRYPTO_malloc(), CRYPTO_realloc() and CRYPTO_free() behave by default:
// zero bytes are no block.

void* Malloc(size_t bytes, const char*, int) {
  if (bytes == 0) return nullptr;
  void* block = std::malloc(bytes);
  if (block != nullptr) category->RecordMalloc(malloc_usable_size(block));
  return block;
}

void Free(void* block, const char*, int) {
  if (block == nullptr) return;
  category->RecordFree(malloc_usable_size(block));
  std::free(block);
}

void* Realloc(void* block, size_t bytes, const char* file, int line) {
  if (block == nullptr) return Malloc(bytes, file, line);
  if (bytes == 0) {
    Free(block, file, line);
    return nullptr;
  }
  const size_t old_bytes = malloc_usable_size(block);
  void* moved = std::realloc(block, bytes);
  if (moved == nullptr) return nullptr;
  category->RecordFree(old_bytes);
  category->RecordMalloc(malloc_usable_size(moved));
  return moved;
}

}  // namespace

absl::Status TrackOpenSslMemory() {
  MutexLock lock(&mutex);
  if (installed) return absl::OkStatus();
  if (category == nullptr) {
    absl::StatusOr<NativeMemoryCategory*> registered =
        NativeMemoryCategory::Register("OpenSSL");
    if (!registered.ok()) return registered.status();
    category = *registered;
  }
  if (CRYPTO_set_mem_functions(Malloc, Realloc, Free) == 0) {
    return absl::FailedPreconditionError(
        "OpenSSL has allocated memory already, so that its allocations cannot "
        "be counted; call TrackOpenSslMemory() before anything uses OpenSSL");
  }
  installed = true;
  return absl::OkStatus();
}

}  // namespace poolscope
