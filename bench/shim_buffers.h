// The buffers of the allocator of one of poolscope's shared objects.
#ifndef POOLSCOPE_BENCH_SHIM_BUFFERS_H_
#define POOLSCOPE_BENCH_SHIM_BUFFERS_H_

#include "poolscope/allocator/buffer/buffer_allocator.h"

namespace poolscope::bench {

// Once the object is loaded.
BufferAllocator& ShimBuffers();

}  // namespace poolscope::bench

#endif  // POOLSCOPE_BENCH_SHIM_BUFFERS_H_
