#include "poolscope/exporter/arenas_handler.h"

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/exporter/report_query.h"
#include "poolscope/metrics/arena_report.h"
#include "poolscope/metrics/call_site.h"
#include "poolscope/metrics/json_emitter.h"
#include "poolscope/metrics/live_blocks.h"
#include "poolscope/metrics/text_emitter.h"

namespace poolscope {

HttpResponse ArenasHandler::Handle(const HttpRequest& request) {
  const absl::StatusOr<ReportQuery> query = ParseReportQuery(request);
  if (!query.ok()) {
    return LineResponse(400, std::string(query.status().message()));
  }
  const std::vector<AllocatorStats> snapshots =
      registry_->Snapshots(query->allocator, /*detailed=*/true);
  if (snapshots.empty() && !query->allocator.empty()) {
    return NoSuchAllocator(query->allocator);
  }
  const std::vector<LiveBlocks> live_blocks = registry_->Live(query->allocator);
  std::map<std::pair<absl::string_view, uint64_t>, const std::vector<void*>*>
      stacks;
  // Only the blocks that a chunk names: of tens of thousands, one a chunk.
  for (const AllocatorStats& allocator : snapshots) {
    for (const ChunkStats& chunk : allocator.chunks) {
      stacks[{allocator.name, chunk.oldest_sample.id}] = nullptr;
    }
  }
  for (const LiveBlocks& blocks : live_blocks) {
    for (const LiveAllocation& block : blocks.live.allocations) {
      const auto named = stacks.find({blocks.allocator, block.allocation.id});
      if (named == stacks.end()) continue;
      named->second = &blocks.live.stacks[block.stack];
    }
  }
  const auto call_site = [&](absl::string_view name, uint64_t id) {
    const auto stack = stacks.find({name, id});
    return stack == stacks.end() || stack->second == nullptr
               ? std::string()
               : CallSite(*stack->second);
  };
  std::string body;
  HttpResponse response;
  if (query->json) {
    response.content_type = kJsonType;
    JsonEmitter emitter(&body);
    EmitArenaReport(snapshots, call_site, emitter);
    body.push_back('\n');
  } else {
    TextEmitter emitter(&body);
    EmitArenaReport(snapshots, call_site, emitter);
  }
  response.SetBody(std::move(body));
  return response;
}

}  // namespace poolscope
