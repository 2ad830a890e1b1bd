// TlsSecurity: TLS for an HttpServer, with certificates from files.
//
//   TlsFiles files;
//   files.cert_file = "/etc/poolscope/server.crt";
//   files.key_file = "/etc/poolscope/server.key";
//   auto tls = TlsSecurity::Load(files);
//   if (!tls.ok()) return tls.status();
//   options.security = *std::move(tls);       // of a SidecarOptions
//
// TLS 1.2 and 1.3; in 1.2 with forward secrecy and authenticated ciphers alone.
// No compression, no renegotiation, no session is resumed: each connection
// shows its certificate. ALPN gives "http/1.1".
//
// The files are read again when they have changed, which is looked at when a
// connection comes, at most once a second. A new pair that cannot be used, as
// when one of two files has been replaced and the other not yet, leaves the old
// one at work, is counted, and told to `on_reload`. It is tried again until it
// can: what was wrong may have been that there was no descriptor.
//
// Thread safety: thread-safe. The only unit, with tls_transport.h, that knows
// OpenSSL's TLS.
#ifndef POOLSCOPE_EXPORTER_TLS_TLS_SECURITY_H_
#define POOLSCOPE_EXPORTER_TLS_TLS_SECURITY_H_

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "poolscope/allocator/base/clock.h"
#include "poolscope/allocator/base/mutex.h"
#include "poolscope/exporter/transport.h"

typedef struct ssl_ctx_st SSL_CTX;

namespace poolscope {

struct TlsFiles {
  // PEM: the server's certificate, and behind it those up to its authority's.
  std::string cert_file;
  // PEM, not encrypted.
  std::string key_file;
  // PEM: authorities. Who shows no certificate of theirs is turned away. Empty:
  // clients need none.
  std::string client_ca_file;
  // Called after each reading of changed files, but for further tries that
  // fail, on a thread of the server; may be empty. The status names the file
  // that could not be used, no secret.
  std::function<void(const absl::Status&)> on_reload;
};

// For `on_reload`: one line on standard error.
void SayReloadOnStderr(const absl::Status& status);

struct TlsStats {
  uint64_t reloads = 0;
  uint64_t failed_reloads = 0;
};

class TlsSecurity final : public TransportSecurity {
 public:
  static constexpr absl::Duration kLookInterval = absl::Seconds(1);

  // InvalidArgumentError names the file, what is wrong with it and the remedy,
  // or what is missing.
  [[nodiscard]] static absl::StatusOr<std::shared_ptr<TlsSecurity>> Load(
      TlsFiles files, const Clock* clock = Clock::Real());

  // The same for files that may not be wanted: null where none is named.
  [[nodiscard]] static absl::StatusOr<std::shared_ptr<TlsSecurity>> LoadIfGiven(
      TlsFiles files);

  std::unique_ptr<Transport> Wrap(int fd) override;
  bool knows_clients() const override { return !files_.client_ca_file.empty(); }

  // Reads the files again, now, if they have changed or could not be used.
  void ReloadIfChanged();

  TlsStats stats() const;

 private:
  // What tells that a file has changed: device, inode, size, times.
  using FileStamp = std::array<int64_t, 7>;
  using Stamps = std::array<FileStamp, 3>;
  using Context = std::shared_ptr<SSL_CTX>;

  TlsSecurity(TlsFiles files, const Clock* clock, const Stamps& stamps,
              Context context);

  static Stamps ReadStamps(const TlsFiles& files);
  static absl::StatusOr<Context> MakeContext(const TlsFiles& files);

  const TlsFiles files_;
  const Clock* const clock_;

  mutable Mutex mutex_;
  Context context_ ABSL_GUARDED_BY(mutex_);
  Stamps stamps_ ABSL_GUARDED_BY(mutex_);
  bool failed_ ABSL_GUARDED_BY(mutex_) = false;  // those of `stamps_`
  int64_t next_look_nanos_ ABSL_GUARDED_BY(mutex_);
  TlsStats stats_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_TLS_TLS_SECURITY_H_
