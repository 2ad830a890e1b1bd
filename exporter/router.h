// Router: from a request's path and method to its handler.
//
//   no or a wrong password        401; 429 when too many are being checked
//   path unknown                  404
//   the user's role too low       403
//   POST path, Origin another     403: a page of another site in a browser
//   POST path, Host another       403: the same, by a name that points here
//   GET path, in a page of        403, but for Role::kScrape: it could not read
//   another site                  the answer, which would be made all the same
//   path known, method not        405, with Allow
//   GET path, request HEAD        as GET; the server leaves out the body
//   path and query over 2048 B    414
//
// Paths are compared byte by byte: nothing is decoded or cleaned up, so that no
// spelling of a path reaches a handler that another spelling does not. A route
// to a folder, "/ui/", takes the paths that begin with it, and its handler
// knows which there are.
//
// Each route needs a role (role.h), or none where it was added as open to all.
// Without an authenticator everybody may do everything; then pages are guarded
// by their Host too (host_names.h), which a password makes needless. Who has no
// password is not told which paths there are.
//
// Thread safety: thread-compatible while routes are added; then Serve() may be
// called from any number of threads.
#ifndef POOLSCOPE_EXPORTER_ROUTER_H_
#define POOLSCOPE_EXPORTER_ROUTER_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "poolscope/exporter/authenticator.h"
#include "poolscope/exporter/host_names.h"
#include "poolscope/exporter/http_message.h"
#include "poolscope/exporter/role.h"

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
    bool post = false;         // an action: takes POST, else GET and HEAD
    std::optional<Role> role;  // that it needs; absent: open to all
  };

  Router() = default;
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  // Serves GET and HEAD of `path`, or of what is below it when it is a folder.
  // Each path once.
  void AddGet(std::string path, std::string description,
              std::unique_ptr<HttpHandler> handler, Role role = Role::kDebug);

  // The same for what everybody may ask for.
  void AddOpen(std::string path, std::string description,
               std::unique_ptr<HttpHandler> handler);

  // Serves POST of `path`, which changes something: it needs Role::kAct.
  void AddPost(std::string path, std::string description,
               std::unique_ptr<HttpHandler> handler);

  // Who may do what, from now on; outlives the router.
  void set_authenticator(Authenticator* authenticator) {
    authenticator_ = authenticator;
  }

  // The names it is asked by, from now on.
  void set_host_names(HostNames names) { host_names_ = std::move(names); }

  HttpResponse Serve(const HttpRequest& request) const;

  const std::vector<Route>& routes() const { return routes_; }

 private:
  const Route* Find(absl::string_view path) const;
  // The answer to who may not have it; absent to who may.
  std::optional<HttpResponse> Refuse(const HttpRequest& request,
                                     Role needed) const;
  // The same for pages of other sites.
  std::optional<HttpResponse> RefuseSite(const HttpRequest& request,
                                         const Route& route) const;
  HttpResponse Answer(const Route& route, const HttpRequest& request) const;

  std::vector<Route> routes_;
  Authenticator* authenticator_ = nullptr;  // not owned; null: no passwords
  HostNames host_names_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_ROUTER_H_
