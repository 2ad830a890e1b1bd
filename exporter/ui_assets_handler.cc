#include "poolscope/exporter/ui_assets_handler.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "poolscope/exporter/ui/ui_assets.h"

namespace poolscope {
namespace {

// If-None-Match compares weakly: W/ says nothing.
bool Names(absl::string_view if_none_match, absl::string_view etag) {
  absl::ConsumePrefix(&etag, "W/");
  for (absl::string_view each : absl::StrSplit(if_none_match, ',')) {
    each = absl::StripAsciiWhitespace(each);
    absl::ConsumePrefix(&each, "W/");
    if (each == etag || each == "*") return true;
  }
  return false;
}

}  // namespace

HttpResponse UiAssetsHandler::Handle(const HttpRequest& request) {
  absl::string_view name = request.path;
  absl::ConsumePrefix(&name, kFolder);
  for (const UiAsset& asset : UiAssets()) {
    if (asset.name != name) continue;
    HttpResponse response;
    response.content_type = asset.content_type;
    response.cache_control = "no-cache";
    response.headers = {{"ETag", asset.etag}};
    if (Names(request.Header("If-None-Match"), asset.etag)) {
      response.status = 304;
      response.vary = "Accept-Encoding";  // as with the 200
    } else {
      response.body = asset.text;
    }
    return response;
  }
  return LineResponse(404, "no such part of the page at /");
}

}  // namespace poolscope
