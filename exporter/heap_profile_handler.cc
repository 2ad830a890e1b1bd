#include "poolscope/exporter/heap_profile_handler.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "poolscope/exporter/gzip_stream.h"
#include "poolscope/exporter/query.h"
#include "poolscope/exporter/report_query.h"
#include "poolscope/metrics/call_site.h"
#include "poolscope/metrics/heap_profile.h"
#include "poolscope/metrics/live_blocks.h"
#include "poolscope/metrics/pprof_encoder.h"
#include "poolscope/metrics/process/loaded_objects.h"

namespace poolscope {
namespace {

constexpr HttpHeader kFromPprof = {"X-Go-Pprof", "1"};

HttpResponse Refusal(int status, std::string line) {
  HttpResponse response = LineResponse(status, std::move(line));
  response.headers = {kFromPprof};
  return response;
}

// Why the allocator's blocks have no stacks, and the remedy.
std::string WhyNot(const LiveBlocks& live) {
  if (live.recording == LiveBlocks::Recording::kNoDetector) {
    return absl::StrCat(
        "allocator ", live.allocator,
        " has no leak detector, so no creation stacks: register one with it, "
        "Sidecar::RegisterAllocator(allocator, detector)");
  }
  return absl::StrCat("leak detection of allocator ", live.allocator,
                      " is disabled, so it records no creation stacks: POST "
                      "/-/leak-level?level=simple");
}

absl::StatusOr<std::string> AllocatorWanted(const HttpRequest& request) {
  const absl::StatusOr<QueryParameters> parameters = ParseQuery(request.query);
  if (!parameters.ok()) return parameters.status();
  absl::StatusOr<std::string> allocator = "";
  for (const auto& [name, value] : *parameters) {
    if (name == "allocator") {
      allocator = ParseAllocatorName(value);
      if (!allocator.ok()) return allocator;
    } else if (name == "seconds") {
      return absl::InvalidArgumentError(absl::StrCat(
          "seconds=", absl::CHexEscape(value),
          ": a heap profile shows one moment; take two, and compare them with "
          "pprof -diff_base"));
    } else {
      return absl::InvalidArgumentError(absl::StrCat(
          absl::CHexEscape(name), ": no such parameter; there is allocator"));
    }
  }
  return allocator;
}

}  // namespace

HttpResponse HeapProfileHandler::Handle(const HttpRequest& request) {
  const absl::StatusOr<std::string> allocator = AllocatorWanted(request);
  if (!allocator.ok()) {
    return Refusal(400, std::string(allocator.status().message()));
  }
  const std::vector<LiveBlocks> sources = registry_->Live(*allocator);
  if (sources.empty()) {
    if (allocator->empty()) return Refusal(404, "no allocator is registered");
    HttpResponse response = NoSuchAllocator(*allocator);
    response.headers = {kFromPprof};
    return response;
  }

  HeapProfileBuilder builder(FunctionAt);
  std::vector<std::string> left_out;
  for (const LiveBlocks& live : sources) {
    if (live.recording != LiveBlocks::Recording::kOn) {
      left_out.push_back(WhyNot(live));
      continue;
    }
    builder.Add(live.allocator, live.live);
  }
  if (left_out.size() == sources.size()) return Refusal(404, left_out[0]);
  HeapProfile profile = builder.Finish();
  profile.objects = ReadLoadedObjects(proc_root_);
  profile.time_nanos = absl::ToUnixNanos(absl::Now());
  profile.comments = std::move(left_out);

  // Not from a scratch pool: profiles are rare.
  auto gzip = std::make_shared<GzipStream>();
  HttpResponse response;
  response.content_type = "application/octet-stream";
  response.headers = {
      {"Content-Disposition", "attachment; filename=\"heap.pb.gz\""},
      kFromPprof};
  response.compressed_file = true;
  response.body = gzip->Compress(EncodePprof(profile));
  response.body_owner = std::move(gzip);
  if (response.body.empty()) {
    return Refusal(503, "no memory to compress the profile");
  }
  return response;
}

}  // namespace poolscope
