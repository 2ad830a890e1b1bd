#include "poolscope/allocator/pool/thread_binding.h"

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "poolscope/allocator/base/fatal.h"
#include "poolscope/allocator/pool/pool_core.h"

namespace poolscope {
namespace pool_internal {
namespace {

struct Binding {
  PoolCore* core;
  ThreadCache* cache;
};

struct ThreadState {
  Binding bindings[kMaxBindings];
  int count;
  bool exit_hook_set;
  bool exiting;
};

__thread ThreadState thread_state
    __attribute__((tls_model("initial-exec"))) = {};

pthread_key_t exit_key;

void Drop(int index) {
  ThreadState& state = thread_state;
  const Binding dropped = state.bindings[index];
  --state.count;
  for (int i = index; i < state.count; ++i) {
    state.bindings[i] = state.bindings[i + 1];
  }
  if (current_cache == dropped.cache) current_cache = &no_cache;
  dropped.core->DetachCache(dropped.cache);
}

// A pthread key's destructor runs after the destructors of C++ thread-local
// objects: what those free still goes the fast way; what other keys'
// destructors free afterwards goes to the arena.
void OnThreadExit(void*) {
  thread_state.exiting = true;
  while (thread_state.count > 0) Drop(thread_state.count - 1);
}

// Lets go of allocators that have been destroyed.
void DropClosed() {
  for (int i = thread_state.count - 1; i >= 0; --i) {
    if (thread_state.bindings[i].core->closed()) Drop(i);
  }
}

ThreadCache* BoundCache(PoolCore* core) {
  for (int i = 0; i < thread_state.count; ++i) {
    if (thread_state.bindings[i].core == core) {
      return thread_state.bindings[i].cache;
    }
  }
  return nullptr;
}

// Reactivates an idle cache of this thread.
void Activate(ThreadCache* cache) {
  // Relaxed: only this thread makes its cache active or idle; a reclaimer that
  // is at work holds the mutex.
  if (cache->state.load(std::memory_order_relaxed) == CacheState::kActive) {
    return;
  }
  MutexLock lock(&cache->mutex);
  cache->state.store(CacheState::kActive, std::memory_order_relaxed);
}

}  // namespace

// An id that no page word holds, nor is zero, as a word without owner is.
CacheHeader no_cache(~OwnerId{kSampledBit});

__thread CacheHeader* current_cache __attribute__((tls_model("initial-exec"))) =
    &no_cache;

ThreadCache* ActiveCache(PoolCore* core) {
  ThreadCache* cache = BoundCache(core);
  // Relaxed: see Activate().
  if (cache == nullptr ||
      cache->state.load(std::memory_order_relaxed) != CacheState::kActive) {
    return nullptr;
  }
  return cache;
}

ThreadCache* BindCache(PoolCore* core, bool attach) {
  ThreadState& state = thread_state;
  ThreadCache* cache = BoundCache(core);
  if (cache == nullptr) {
    if (!attach || state.exiting) return nullptr;
    DropClosed();
    if (state.count == kMaxBindings) Drop(0);
    if (!state.exit_hook_set) {
      // Without the hook the cache would never be given back.
      if (pthread_setspecific(exit_key, &thread_state) != 0) return nullptr;
      state.exit_hook_set = true;
    }
    cache = core->AttachCache(syscall(SYS_gettid));
    if (cache == nullptr) return nullptr;
    state.bindings[state.count++] = Binding{core, cache};
  }
  Activate(cache);
  current_cache = cache->enabled() ? cache : &no_cache;
  return cache;
}

void UnbindCache(PoolCore* core) {
  for (int i = 0; i < thread_state.count; ++i) {
    if (thread_state.bindings[i].core == core) {
      Drop(i);
      return;
    }
  }
}

void MarkIdle() {
  ThreadState& state = thread_state;
  current_cache = &no_cache;
  DropClosed();
  for (int i = 0; i < state.count; ++i) {
    ThreadCache* cache = state.bindings[i].cache;
    if (cache->state.load(std::memory_order_relaxed) == CacheState::kIdle) {
      continue;
    }
    MutexLock lock(&cache->mutex);
    cache->PublishPending();
    cache->DrainReturns();
    cache->ShareSome();
    cache->state.store(CacheState::kIdle, std::memory_order_relaxed);
  }
}

void InitThreadBinding() {
  static const bool done = [] {
    if (pthread_key_create(&exit_key, OnThreadExit) != 0 ||
        pthread_atfork(PoolCore::LockAll, PoolCore::UnlockAll,
                       PoolCore::UnlockAllInChild) != 0) {
      Fatal("no thread-specific key or fork handler left");
    }
    return true;
  }();
  static_cast<void>(done);
}

}  // namespace pool_internal
}  // namespace poolscope
