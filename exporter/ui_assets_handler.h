// UiAssetsHandler: GET /ui/NAME, what the page at / loads: style, scripts,
// icon.
//
// A browser may keep them and asks each time whether they have changed: 304
// while its ETag is the present one.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_EXPORTER_UI_ASSETS_HANDLER_H_
#define POOLSCOPE_EXPORTER_UI_ASSETS_HANDLER_H_

#include "absl/strings/string_view.h"
#include "poolscope/exporter/http_message.h"

namespace poolscope {

class UiAssetsHandler final : public HttpHandler {
 public:
  static constexpr absl::string_view kFolder = "/ui/";

  HttpResponse Handle(const HttpRequest& request) override;
};

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_UI_ASSETS_HANDLER_H_
