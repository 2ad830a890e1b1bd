// MountOn(): the pages of a sidecar in a civetweb server, or a CivetServer,
// that a service has already.
//
//   SidecarOptions options;
//   options.listen_address = "";             // no server of its own
//   auto sidecar = *Sidecar::Start(options);
//   CivetServer server(settings);
//   MountOn(server.getContext(), sidecar->service());
//   ...
//   UnmountFrom(server.getContext());        // or close the server; then
//   sidecar->Stop();
//
// The paths are kMountedPaths. One that the server has a handler of its own for
// stays the server's. Who may connect, TLS, time and sizes are the server's to
// bound; users and roles are the sidecar's. Paths are taken as the server has
// decoded them, with whatever dots and slashes there are.
//
// Every answer closes its connection: civetweb gives each a thread, which a
// scraper would hold until its next scrape.
//
// Thread safety: thread-safe. `service` is borrowed until it is unmounted, or
// the server has ended.
#ifndef POOLSCOPE_EXPORTER_CIVETWEB_CIVETWEB_MOUNT_H_
#define POOLSCOPE_EXPORTER_CIVETWEB_CIVETWEB_MOUNT_H_

#include "absl/strings/string_view.h"
#include "poolscope/exporter/http_service.h"

struct mg_context;

namespace poolscope {

// In civetweb's form: each with what is below it, but for "/$", which is "/"
// alone.
inline constexpr absl::string_view kMountedPaths[] = {
    "/$", "/-", "/debug", "/healthz", "/metrics", "/ui"};

// `context` is const as CivetServer::getContext() has it, and is changed.
void MountOn(const mg_context* context, HttpService* service);

// Returns once no request is being answered by the service any more. Not from
// inside such a request.
void UnmountFrom(const mg_context* context);

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_CIVETWEB_CIVETWEB_MOUNT_H_
