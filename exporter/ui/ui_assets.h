// UiAsset: the files of the page at /, as they stand in this folder, embedded
// in the library: a service needs no file beside it, and no network.
//
//   index.html, ui.css, *.js, icon.svg --+
//                                        +-- embed_assets.py --> ui_assets.cc
//   dygraph.min.js of libjs-dygraphs ----+   (at build time)
//
// Thread safety: constants.
#ifndef POOLSCOPE_EXPORTER_UI_UI_ASSETS_H_
#define POOLSCOPE_EXPORTER_UI_UI_ASSETS_H_

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace poolscope {

struct UiAsset {
  absl::string_view name;  // "ui.css"
  absl::string_view content_type;
  absl::string_view etag;  // of the text, with W/ and quotes
  absl::string_view text;
};

// Everything but the page itself.
absl::Span<const UiAsset> UiAssets();

// index.html: {{VERSION}}, {{REGISTERED}} and {{PAGES}} stand where text goes.
absl::string_view UiPageTemplate();

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_UI_UI_ASSETS_H_
