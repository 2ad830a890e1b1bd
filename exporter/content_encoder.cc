#include "poolscope/exporter/content_encoder.h"

#include <memory>
#include <utility>

#include "absl/strings/string_view.h"
#include "poolscope/exporter/query.h"

namespace poolscope {

void ContentEncoder::Encode(const HttpRequest& request,
                            HttpResponse& response) {
  if (response.status != 200 || response.compressed_file) return;
  // What the handler's choice hung on is "Accept", if anything.
  response.vary =
      response.vary.empty() ? "Accept-Encoding" : "Accept, Accept-Encoding";
  const EncodingChoice choice =
      ChooseEncoding(request.Header("Accept-Encoding"));
  if (!choice.gzip || (choice.identity && response.body.size() < kMinBytes)) {
    return;
  }
  std::shared_ptr<GzipStream> stream = streams_.Take();
  const absl::string_view compressed = stream->Compress(response.body);
  if (compressed.empty()) return;
  response.content_encoding = "gzip";
  response.body = compressed;
  response.body_owner = std::move(stream);
}

}  // namespace poolscope
