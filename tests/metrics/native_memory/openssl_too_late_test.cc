#include <openssl/crypto.h>

#include "gtest/gtest.h"
#include "poolscope/metrics/native_memory/openssl_memory.h"

namespace poolscope {
namespace {

TEST(OpenSslMemoryTest, AfterItsFirstAllocationOpenSslIsLeftAsItIs) {
  void* block = OPENSSL_malloc(100);
  ASSERT_NE(block, nullptr);
  for (int call = 0; call < 2; ++call) {
    const absl::Status status = TrackOpenSslMemory();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(status.message(),
              "OpenSSL has allocated memory already, so that its allocations "
              "cannot be counted; call TrackOpenSslMemory() before anything "
              "uses OpenSSL");
  }
  OPENSSL_free(block);
}

}  // namespace
}  // namespace poolscope
