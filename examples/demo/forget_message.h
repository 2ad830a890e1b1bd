// ForgetMessage: the mistake that the scenario `leak` makes on purpose, under a
// name that reports and profiles can show.
#ifndef POOLSCOPE_EXAMPLES_DEMO_FORGET_MESSAGE_H_
#define POOLSCOPE_EXAMPLES_DEMO_FORGET_MESSAGE_H_

#include <cstdint>

#include "absl/base/attributes.h"
#include "poolscope/allocator/buffer/buffer.h"

namespace poolscope::demo {

// Copies the message into a buffer of its own, and keeps that for ever. Nothing
// where the memory is refused. Thread-safe.
ABSL_ATTRIBUTE_NOINLINE void ForgetMessage(const Buffer& message);

// What is kept by now, in bytes that it takes of the pool. Thread-safe.
uint64_t ForgottenBytes();

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_FORGET_MESSAGE_H_
