// TrackOpenSslMemory(): what OpenSSL allocates, under the category "OpenSSL".
//
//   int main(int argc, char** argv) {
//     absl::Status status = TrackOpenSslMemory();   // before anything else
//     if (!status.ok()) { ... }
//
// OpenSSL calls malloc() through three functions that a program may replace
// until the first allocation, and not afterwards: until then call this, early
// in main(). Other libraries use OpenSSL too, some of them in constructors that
// run before main().
//
// The functions call malloc() as OpenSSL itself does, and count the bytes that
// it handed out, malloc_usable_size(). Blocks have no header: they need not be
// larger, and a program that gives one to free() is not worse off than before.
// The size differs from what OpenSSL asked for by malloc's rounding: 0.4 % for
// connections, whose buffers are large, up to 2 % for certificates and names.
// Not counted: OpenSSL's secure heap, which is a mapping.
//
// A target of its own: what does not use it does not depend on OpenSSL.
#ifndef POOLSCOPE_METRICS_NATIVE_MEMORY_OPENSSL_MEMORY_H_
#define POOLSCOPE_METRICS_NATIVE_MEMORY_OPENSSL_MEMORY_H_

#include "absl/status/status.h"

namespace poolscope {

// FailedPreconditionError when OpenSSL has allocated already; it works on then,
// uncounted. Errors of NativeMemoryCategory::Register(). Later calls after a
// successful one do nothing.
//
// Thread safety: thread-safe, but no thread may use OpenSSL meanwhile.
[[nodiscard]] absl::Status TrackOpenSslMemory();

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_NATIVE_MEMORY_OPENSSL_MEMORY_H_
