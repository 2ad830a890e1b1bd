#include "poolscope/metrics/pprof_encoder.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "poolscope/metrics/native_memory/printable_name.h"
#include "poolscope/metrics/proto_writer.h"

namespace poolscope {
namespace {

// Field numbers, as profile.proto has them.
enum ProfileField {
  kSampleType = 1,
  kSample = 2,
  kMapping = 3,
  kLocation = 4,
  kFunction = 5,
  kStringTable = 6,
  kTimeNanos = 9,
  kPeriodType = 11,
  kPeriod = 12,
  kComment = 13,
  kDefaultSampleType = 14,
};
enum ValueTypeField { kType = 1, kUnit = 2 };
enum SampleField { kLocationIds = 1, kValues = 2, kLabel = 3 };
enum LabelField { kKey = 1, kText = 2 };
enum MappingField {
  kMappingId = 1,
  kMemoryStart = 2,
  kMemoryLimit = 3,
  kFileOffset = 4,
  kMappingFile = 5,
  kBuildId = 6,
  kHasFunctions = 7,
};
enum LocationField {
  kLocationId = 1,
  kLocationMapping = 2,
  kAddress = 3,
  kLine = 4,
};
enum LineField { kLineFunction = 1 };
// The name is readable; the linker's own (system_name) is not known.
enum FunctionField { kFunctionId = 1, kName = 2 };

// Gives each of different keys a number, in the order in which they come.
template <typename Key>
class Numbers {
 public:
  explicit Numbers(uint64_t first) : first_(first) {}

  uint64_t Of(const Key& key) {
    const auto [it, added] = numbers_.emplace(key, first_ + keys_.size());
    if (added) keys_.push_back(key);
    return it->second;
  }
  const std::vector<Key>& keys() const { return keys_; }

 private:
  const uint64_t first_;
  std::map<Key, uint64_t> numbers_;
  std::vector<Key> keys_;
};

class Encoder {
 public:
  explicit Encoder(const HeapProfile& profile)
      : profile_(profile), has_unnamed_(profile.objects.size() + 1) {
    strings_.Of("");  // number 0, by definition
    for (const auto& [address, function] : profile.functions) {
      if (function.empty()) has_unnamed_[MappingOf(address)] = true;
    }
  }

  std::string Encode() {
    WriteValueType(kSampleType, "inuse_objects", "count");
    WriteValueType(kSampleType, "inuse_space", "bytes");
    for (const HeapProfile::Sample& sample : profile_.samples) {
      writer_.Message(kSample, [&](ProtoWriter& out) { Write(sample, out); });
    }
    for (size_t i = 0; i < profile_.objects.size(); ++i) {
      writer_.Message(kMapping,
                      [&](ProtoWriter& out) { WriteMapping(i, out); });
    }
    for (const uint64_t address : locations_.keys()) {
      writer_.Message(kLocation,
                      [&](ProtoWriter& out) { WriteLocation(address, out); });
    }
    for (const std::string& name : functions_.keys()) {
      writer_.Message(kFunction, [&](ProtoWriter& out) {
        out.Integer(kFunctionId, functions_.Of(name));
        out.Integer(kName, strings_.Of(name));
      });
    }
    writer_.Integer(kTimeNanos, static_cast<uint64_t>(profile_.time_nanos));
    WriteValueType(kPeriodType, "space", "bytes");
    writer_.Integer(kPeriod, profile_.period_bytes);
    std::vector<uint64_t> comments;
    for (const std::string& comment : profile_.comments) {
      comments.push_back(strings_.Of(comment));
    }
    writer_.PackedIntegers(kComment, comments);
    writer_.Integer(kDefaultSampleType, strings_.Of("inuse_space"));
    for (const std::string& text : strings_.keys()) {
      writer_.String(kStringTable, PrintableName(text));
    }
    return std::move(bytes_);
  }

 private:
  void WriteValueType(int field, absl::string_view type,
                      absl::string_view unit) {
    writer_.Message(field, [&](ProtoWriter& out) {
      out.Integer(kType, strings_.Of(std::string(type)));
      out.Integer(kUnit, strings_.Of(std::string(unit)));
    });
  }

  void Write(const HeapProfile::Sample& sample, ProtoWriter& out) {
    std::vector<uint64_t> locations;
    for (const uint64_t address : sample.stack) {
      locations.push_back(locations_.Of(address));
    }
    out.PackedIntegers(kLocationIds, locations);
    out.PackedIntegers(kValues,
                       {static_cast<uint64_t>(std::llround(sample.objects)),
                        static_cast<uint64_t>(std::llround(sample.bytes))});
    out.Message(kLabel, [&](ProtoWriter& label) {
      label.Integer(kKey, strings_.Of("allocator"));
      label.Integer(kText, strings_.Of(sample.allocator));
    });
  }

  // The number of the mapping that holds `address`, 0 when none does.
  uint64_t MappingOf(uint64_t address) const {
    for (size_t i = 0; i < profile_.objects.size(); ++i) {
      const LoadedObject& object = profile_.objects[i];
      if (object.begin <= address && address < object.end) return i + 1;
    }
    return 0;
  }

  void WriteMapping(size_t index, ProtoWriter& out) {
    const LoadedObject& object = profile_.objects[index];
    out.Integer(kMappingId, index + 1);
    out.Integer(kMemoryStart, object.begin);
    out.Integer(kMemoryLimit, object.end);
    out.Integer(kFileOffset, object.file_offset);
    out.Integer(kMappingFile, strings_.Of(object.path));
    out.Integer(kBuildId, strings_.Of(object.build_id));
    out.Integer(kHasFunctions, has_unnamed_[index + 1] ? 0 : 1);
  }

  void WriteLocation(uint64_t address, ProtoWriter& out) {
    out.Integer(kLocationId, locations_.Of(address));
    out.Integer(kLocationMapping, MappingOf(address));
    out.Integer(kAddress, address);
    const auto function = profile_.functions.find(address);
    if (function == profile_.functions.end() || function->second.empty()) {
      return;
    }
    out.Message(kLine, [&](ProtoWriter& line) {
      line.Integer(kLineFunction, functions_.Of(function->second));
    });
  }

  const HeapProfile& profile_;
  // By the number of a mapping: whether a location in it has no name.
  std::vector<bool> has_unnamed_;
  std::string bytes_;
  ProtoWriter writer_{&bytes_};
  Numbers<std::string> strings_{0};
  Numbers<std::string> functions_{1};
  Numbers<uint64_t> locations_{1};
};

}  // namespace

std::string EncodePprof(const HeapProfile& profile) {
  return Encoder(profile).Encode();
}

}  // namespace poolscope
