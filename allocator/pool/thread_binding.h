// Which caches the calling thread has: the thread-local side of the pool.
//
//   current_cache --> the cache used last, or no_cache: one load on the fast
//                     path, compared with the allocator that is asked
//   bindings          the caches of the other allocators this thread used
//
// current_cache is an initial-exec thread-local pointer, so that reading it is
// one instruction, also in a shared object that dlopen() brings in. Together
// with the bindings and the last refusal it takes some 300 bytes of static
// thread-local space, which dlopen() can provide (a whole cache it could not).
// It points to no_cache whenever the thread's next request must take the slow
// path: before the first one, after MarkThreadIdle(), while caches are switched
// off, and once the thread is exiting.
//
// A thread keeps a cache for at most kMaxBindings allocators; using one more
// gives up the cache bound first.
//
// Thread safety: every function works on the calling thread.
#ifndef POOLSCOPE_ALLOCATOR_POOL_THREAD_BINDING_H_
#define POOLSCOPE_ALLOCATOR_POOL_THREAD_BINDING_H_

#include "poolscope/allocator/pool/thread_cache.h"

namespace poolscope {
namespace pool_internal {

class PoolCore;

inline constexpr int kMaxBindings = 8;

extern CacheHeader no_cache;
// __thread rather than thread_local: no wrapper function, constant from start.
extern __thread CacheHeader* current_cache
    __attribute__((tls_model("initial-exec")));

// The thread's cache for `core`, made active (and attached, if `attach`), or
// null: none bound, no memory for one, or the thread is exiting. Leaves
// current_cache pointing to it if its magazines are in use.
ThreadCache* BindCache(PoolCore* core, bool attach);

// The same if it is bound and active already, else null; changes nothing.
ThreadCache* ActiveCache(PoolCore* core);

// Gives up the cache for `core`, if there is one.
void UnbindCache(PoolCore* core);

// As PooledAllocator::MarkThreadIdle().
void MarkIdle();

// Registers the fork handlers and the thread-exit hook, once.
void InitThreadBinding();

}  // namespace pool_internal
}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_POOL_THREAD_BINDING_H_
