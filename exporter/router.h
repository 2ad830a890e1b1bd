// Router: from a request's path and method to its handler.
//
//   path unknown                  404
//   POST path, Origin another     403: a page of another site in a browser
//   path known, method not        405, with Allow
//   GET path, request HEAD        answered as GET; the server leaves the body
//   out path and query over 2048 B    414
//
// Paths are compared byte by byte: nothing is decoded or cleaned up, so that no
// spelling of a path reaches a handler that another spelling does not. A route
// to a folder, "/ui/", takes the paths that begin with it, and its handler
// knows which there are.
//
// Thread safety: thread-compatible while routes are added; then Serve() may be
// called from any number of threads.
#ifndef POOLSCOPE_EXPORTER_ROUTER_H_
#define POOLSCOPE_EXPORTER_ROUTER_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "poolscope/exporter/http_message.h"

namespace poolscope {

class Router {
 public:
  // Under which requests are counted that belong to no route.
  static constexpr absl::string_view kOther = "other";
  static constexpr size_t kMaxUriBytes = 2048;

  struct Route {
    std::string path;
    std::string description;  // for people; empty keeps it off the index page
    std::unique_ptr<HttpHandler> handler;
    bool post = false;  // an action: takes POST, else GET and HEAD
  };

  Router() = default;
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  // Serves GET and HEAD of `path`, or of what is below it when it is a folder.
  // Each path once.
  void AddGet(std::string path, std::string description,
              std::unique_ptr<HttpHandler> handler);

  // Serves POST of `path`, which changes something.
  void AddPost(std::string path, std::string description,
               std::unique_ptr<HttpHandler> handler);

  HttpResponse Serve(const HttpRequest& request) const;

  const std::vector<Route>& routes() const { return routes_; }

 private:
  std::vector<Route> routes_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_ROUTER_H_
