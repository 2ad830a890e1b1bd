// permessage-deflate against RFC 7692's examples, and against zlib itself.
#include "poolscope/examples/demo/permessage_deflate.h"

#include <zlib.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/metrics/native_memory/native_memory_category.h"

namespace poolscope::demo {
namespace {

constexpr size_t kMost = 1 << 20;

absl::Span<const uint8_t> Bytes(absl::string_view text) {
  return absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(text.data()),
                             text.size());
}

std::string Text(Buffer buffer) {
  return buffer.ReadString(buffer.readable_bytes());
}

// Text that is neither all the same nor without any pattern.
std::string Sample(size_t size, uint32_t seed) {
  std::string text;
  while (text.size() < size) {
    seed = seed * 1664525 + 1013904223;
    absl::StrAppend(&text, "word", seed >> 24, seed % 7 == 0 ? "\n" : " ");
  }
  text.resize(size);
  return text;
}

class PermessageDeflateTest : public testing::Test {
 protected:
  std::string Deflate(MessageDeflater& deflater, absl::string_view text) {
    absl::StatusOr<Buffer> out = deflater.Deflate(Bytes(text), *allocator_);
    EXPECT_TRUE(out.ok()) << out.status();
    return out.ok() ? Text(*std::move(out)) : "";
  }

  absl::StatusOr<std::string> Inflate(MessageInflater& inflater,
                                      absl::string_view compressed,
                                      size_t most = kMost) {
    absl::StatusOr<Buffer> out =
        inflater.Inflate(Bytes(compressed), most, *allocator_);
    if (!out.ok()) return out.status();
    return Text(*std::move(out));
  }

  std::string Hex(absl::string_view hex) { return absl::HexStringToBytes(hex); }

  NativeMemoryCategory memory_;
  const std::unique_ptr<BufferAllocator> allocator_ =
      *BufferAllocator::Unpooled(UnpooledOptions());
};

// Sections 7.2.3.1 to 7.2.3.6.
TEST_F(PermessageDeflateTest, DeflatesTheExampleOfTheRfc) {
  MessageDeflater deflater(15, true, &memory_);
  EXPECT_EQ(Deflate(deflater, "Hello"), Hex("f248cdc9c90700"));
  // The window of the first message serves the second.
  EXPECT_EQ(Deflate(deflater, "Hello"), Hex("f200110000"));
}

TEST_F(PermessageDeflateTest, DeflatesEachForItselfWithoutTakeover) {
  MessageDeflater deflater(15, false, &memory_);
  EXPECT_EQ(Deflate(deflater, "Hello"), Hex("f248cdc9c90700"));
  EXPECT_EQ(Deflate(deflater, "Hello"), Hex("f248cdc9c90700"));
}

TEST_F(PermessageDeflateTest, InflatesTheExamplesOfTheRfc) {
  MessageInflater inflater(true, &memory_);
  EXPECT_EQ(*Inflate(inflater, Hex("f248cdc9c90700")), "Hello");
  EXPECT_EQ(*Inflate(inflater, Hex("f200110000")), "Hello");
  // Without compression.
  EXPECT_EQ(*Inflate(inflater, Hex("000500faff48656c6c6f00")), "Hello");
  // With the final bit set.
  EXPECT_EQ(*Inflate(inflater, Hex("f348cdc9c9070000")), "Hello");
  // Of two blocks.
  EXPECT_EQ(*Inflate(inflater, Hex("f248050000"
                                   "00ffffcac9c90700")),
            "Hello");
  // Empty.
  EXPECT_EQ(*Inflate(inflater, Hex("00")), "");
  EXPECT_EQ(*Inflate(inflater, Hex("f248cdc9c90700")), "Hello");
}

TEST_F(PermessageDeflateTest, ReadsBackWhatItWroteForAllSizesAndWindows) {
  for (const bool takes_over : {false, true}) {
    for (const int bits : {9, 12, 15}) {
      MessageDeflater deflater(bits, takes_over, &memory_);
      MessageInflater inflater(takes_over, &memory_);
      for (const size_t size :
           {1, 2, 125, 126, 511, 512, 513, 4095, 32768, 65535, 65536, 300000}) {
        const std::string text =
            Sample(size, static_cast<uint32_t>(size) + bits);
        const auto back = Inflate(inflater, Deflate(deflater, text));
        ASSERT_TRUE(back.ok()) << back.status() << " at " << size;
        ASSERT_EQ(*back, text) << size;
      }
    }
  }
}

TEST_F(PermessageDeflateTest, ReadsBackWhatDoesNotCompress) {
  std::string noise(100000, '\0');
  uint32_t seed = 1;
  for (char& c : noise) {
    seed = seed * 1664525 + 1013904223;
    c = static_cast<char>(seed >> 24);
  }
  MessageDeflater deflater(15, true, &memory_);
  MessageInflater inflater(true, &memory_);
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(*Inflate(inflater, Deflate(deflater, noise)), noise);
  }
}

// zlib's own inflate() reads our messages as one stream.
TEST_F(PermessageDeflateTest, IsWhatZlibReads) {
  MessageDeflater deflater(15, true, &memory_);
  z_stream stream{};
  ASSERT_EQ(inflateInit2(&stream, -MAX_WBITS), Z_OK);
  for (const size_t size : {5, 1024, 100000}) {
    const std::string text = Sample(size, 7);
    std::string compressed = Deflate(deflater, text) + Hex("0000ffff");
    std::string out(size + 1, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(compressed.data());
    stream.avail_in = static_cast<uInt>(compressed.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    ASSERT_EQ(inflate(&stream, Z_SYNC_FLUSH), Z_OK);
    EXPECT_EQ(stream.avail_in, 0u);
    out.resize(out.size() - stream.avail_out);
    EXPECT_EQ(out, text);
  }
  inflateEnd(&stream);
}

TEST_F(PermessageDeflateTest, HasNoStateBeforeTheFirstMessage) {
  {
    MessageDeflater deflater(15, true, &memory_);
    MessageInflater inflater(true, &memory_);
    EXPECT_FALSE(deflater.has_state());
    EXPECT_FALSE(inflater.has_state());
    EXPECT_EQ(memory_.Read().malloc_count, 0u);

    const std::string compressed = Deflate(deflater, "Hello");
    EXPECT_TRUE(deflater.has_state());
    // 2^17 + 2^17 bytes and zlib's records.
    EXPECT_GE(memory_.Read().malloc_bytes, 256u << 10);
    EXPECT_LE(memory_.Read().malloc_bytes, 272u << 10);
    const uint64_t deflating = memory_.Read().malloc_bytes;

    ASSERT_TRUE(Inflate(inflater, compressed).ok());
    EXPECT_GE(memory_.Read().malloc_bytes - deflating, 32u << 10);
    EXPECT_LE(memory_.Read().malloc_bytes - deflating, 48u << 10);
    // It stays what it is.
    const uint64_t both = memory_.Read().malloc_bytes;
    ASSERT_TRUE(Inflate(inflater, Deflate(deflater, Sample(9000, 1))).ok());
    EXPECT_EQ(memory_.Read().malloc_bytes, both);
  }
  EXPECT_EQ(memory_.Read().malloc_bytes, 0u);
  EXPECT_EQ(memory_.Read().malloc_count, 0u);
}

TEST_F(PermessageDeflateTest, WithoutTakeoverTheStateGoesWithTheMessage) {
  MessageDeflater deflater(15, false, &memory_);
  MessageInflater inflater(false, &memory_);
  ASSERT_TRUE(Inflate(inflater, Deflate(deflater, "Hello")).ok());
  EXPECT_EQ(memory_.Read().malloc_bytes, 0u);
  EXPECT_FALSE(deflater.has_state());
}

TEST_F(PermessageDeflateTest, InflatesToTheLimitAndNotBeyond) {
  for (const size_t size : {1, 255, 256, 257, 1000, 70000}) {
    const std::string text = Sample(size, 3);
    for (const size_t limit : {size - 1, size, size + 1}) {
      MessageDeflater deflater(15, true, &memory_);
      MessageInflater inflater(true, &memory_);
      const auto back = Inflate(inflater, Deflate(deflater, text), limit);
      EXPECT_EQ(back.ok(), limit >= size) << size << " within " << limit;
      if (back.ok()) {
        EXPECT_EQ(*back, text);
      } else {
        EXPECT_TRUE(absl::IsOutOfRange(back.status())) << back.status();
      }
    }
  }
}

TEST_F(PermessageDeflateTest, ABombInflatesToTheLimitAtMost) {
  MessageDeflater deflater(15, true, &memory_);
  const std::string bomb = Deflate(deflater, std::string(50 << 20, 'a'));
  ASSERT_LT(bomb.size(), 64u << 10);
  const uint64_t peak_before = allocator_->Stats().direct_peak_bytes;
  MessageInflater inflater(true, &memory_);
  const auto out = Inflate(inflater, bomb, 64 << 10);
  EXPECT_TRUE(absl::IsOutOfRange(out.status()));
  EXPECT_EQ(allocator_->Stats().direct_peak_bytes, peak_before);
}

TEST_F(PermessageDeflateTest, RefusesWhatIsNotDeflated) {
  for (const absl::string_view hex :
       {"ffffff", "07", "f248cdc9c90700ffffff", "04ffffffffff", "000500fbff"}) {
    MessageInflater inflater(true, &memory_);
    EXPECT_TRUE(absl::IsInvalidArgument(Inflate(inflater, Hex(hex)).status()))
        << hex;
  }
  // A distance behind the window's beginning.
  MessageInflater inflater(true, &memory_);
  EXPECT_TRUE(
      absl::IsInvalidArgument(Inflate(inflater, Hex("f200110000")).status()));
}

TEST_F(PermessageDeflateTest, APoolThatRefusesIsToldApart) {
  UnpooledOptions options;
  options.max_direct_memory_bytes = 4096;
  const auto small = *BufferAllocator::Unpooled(options);
  MessageDeflater deflater(15, true, &memory_);
  const std::string text = Sample(100000, 1);
  EXPECT_TRUE(absl::IsResourceExhausted(
      deflater.Deflate(Bytes(text), *small).status()));
  MessageDeflater fresh(15, true, &memory_);
  const std::string compressed = Deflate(fresh, text);
  MessageInflater inflater(true, &memory_);
  EXPECT_TRUE(absl::IsResourceExhausted(
      inflater.Inflate(Bytes(compressed), kMost, *small).status()));
}

}  // namespace
}  // namespace poolscope::demo
