#include "poolscope/exporter/tls/tls_security.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

#include <cstdio>
#include <cstring>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "poolscope/exporter/tls/tls_transport.h"

namespace poolscope {
namespace {

// The first error that OpenSSL has noted: the cause of those behind it.
std::string OpenSslReason() {
  const unsigned long error = ERR_peek_error();
  if (ERR_SYSTEM_ERROR(error)) return std::strerror(ERR_GET_REASON(error));
  const char* const reason = ERR_reason_error_string(error);
  return reason == nullptr ? "it cannot be used" : reason;
}

absl::Status BadFile(absl::string_view what, const std::string& path,
                     absl::string_view remedy) {
  return absl::InvalidArgumentError(
      absl::StrCat(what, " \"", absl::CHexEscape(path), "\": ", OpenSslReason(),
                   "; ", remedy));
}

// What is no file, a pipe above all, would be waited for without end.
absl::Status RequireRegularFiles(const TlsFiles& files) {
  for (const std::string* path :
       {&files.cert_file, &files.key_file, &files.client_ca_file}) {
    struct stat file;
    if (path->empty() || stat(path->c_str(), &file) != 0) continue;
    if (S_ISREG(file.st_mode)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("TLS file \"", absl::CHexEscape(*path),
                     "\": it is no regular file; give one in PEM"));
  }
  return absl::OkStatus();
}

// Instead of asking at the terminal.
int NoPassword(char*, int, int, void*) { return 0; }

int ChooseProtocol(SSL*, const unsigned char** chosen,
                   unsigned char* chosen_size, const unsigned char* offered,
                   unsigned int offered_size, void*) {
  static constexpr unsigned char kHttp11[] = {8,   'h', 't', 't', 'p',
                                              '/', '1', '.', '1'};
  if (SSL_select_next_proto(const_cast<unsigned char**>(chosen), chosen_size,
                            kHttp11, sizeof(kHttp11), offered,
                            offered_size) == OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;  // RFC 7301 3.2
}

void Configure(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
                                   SSL_OP_NO_RENEGOTIATION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20");
  // An answer is written as far as it goes, from where it lies.
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  // Otherwise one read goes on for as long as records come that carry no data,
  // and a client that sends keys anew without end has the I/O thread to itself.
  SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_alpn_select_cb(context, &ChooseProtocol, nullptr);
  SSL_CTX_set_default_passwd_cb(context, &NoPassword);
}

absl::Status DemandClientCertificates(const std::string& ca_file,
                                      SSL_CTX* context) {
  STACK_OF(X509_NAME)* const names = SSL_load_client_CA_file(ca_file.c_str());
  SSL_CTX_set_client_CA_list(context, names);  // which is its from here on
  if (names == nullptr ||
      SSL_CTX_load_verify_file(context, ca_file.c_str()) != 1) {
    return BadFile("TLS authorities of clients", ca_file,
                   "give certificates in PEM");
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                     nullptr);
  return absl::OkStatus();
}

}  // namespace

void SayReloadOnStderr(const absl::Status& status) {
  const std::string line =
      status.ok() ? std::string("poolscope: the TLS files were read again\n")
                  : absl::StrCat("poolscope: TLS goes on with its files as ",
                                 "they were: ", status.message(), "\n");
  std::fputs(line.c_str(), stderr);
}

absl::StatusOr<TlsSecurity::Context> TlsSecurity::MakeContext(
    const TlsFiles& files) {
  const absl::Status regular = RequireRegularFiles(files);
  if (!regular.ok()) return regular;
  ERR_clear_error();
  const Context context(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
  if (context == nullptr) {
    return absl::ResourceExhaustedError(
        absl::StrCat("TLS cannot be had: ", OpenSslReason()));
  }
  SSL_CTX* const raw = context.get();
  Configure(raw);
  if (SSL_CTX_use_certificate_chain_file(raw, files.cert_file.c_str()) != 1) {
    return BadFile("TLS certificate", files.cert_file,
                   "give the server's certificate in PEM, and behind it those "
                   "up to its authority's");
  }
  // The second call sees a key of another kind, which the first one takes.
  if (SSL_CTX_use_PrivateKey_file(raw, files.key_file.c_str(),
                                  SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(raw) != 1) {
    return BadFile("TLS key", files.key_file,
                   "give the key of the certificate in PEM, not encrypted, and "
                   "readable for this user");
  }
  if (!files.client_ca_file.empty()) {
    const absl::Status status =
        DemandClientCertificates(files.client_ca_file, raw);
    if (!status.ok()) return status;
  }
  ERR_clear_error();
  return context;
}

absl::StatusOr<std::shared_ptr<TlsSecurity>> TlsSecurity::LoadIfGiven(
    TlsFiles files) {
  if (files.cert_file.empty() && files.key_file.empty() &&
      files.client_ca_file.empty()) {
    return nullptr;
  }
  return Load(std::move(files));
}

absl::StatusOr<std::shared_ptr<TlsSecurity>> TlsSecurity::Load(
    TlsFiles files, const Clock* clock) {
  if (files.cert_file.empty() || files.key_file.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("TLS needs ",
                     files.cert_file.empty() ? "a certificate: give its file"
                                             : "a key: give its file",
                     " too"));
  }
  const Stamps stamps = ReadStamps(files);
  absl::StatusOr<Context> context = MakeContext(files);
  if (!context.ok()) return context.status();
  return std::shared_ptr<TlsSecurity>(
      new TlsSecurity(std::move(files), clock, stamps, *std::move(context)));
}

TlsSecurity::TlsSecurity(TlsFiles files, const Clock* clock,
                         const Stamps& stamps, Context context)
    : files_(std::move(files)),
      clock_(clock),
      context_(std::move(context)),
      stamps_(stamps),
      next_look_nanos_(clock->NowNanos() +
                       absl::ToInt64Nanoseconds(kLookInterval)) {}

std::unique_ptr<Transport> TlsSecurity::Wrap(int fd) {
  bool look = false;
  {
    MutexLock lock(&mutex_);
    const int64_t now = clock_->NowNanos();
    if (now >= next_look_nanos_) {
      next_look_nanos_ = now + absl::ToInt64Nanoseconds(kLookInterval);
      look = true;
    }
  }
  if (look) ReloadIfChanged();
  Context context;
  {
    MutexLock lock(&mutex_);
    context = context_;
  }
  return TlsTransport(context.get(), fd);
}

void TlsSecurity::ReloadIfChanged() {
  // Read before the files are: what changes meanwhile is seen the next time.
  const Stamps stamps = ReadStamps(files_);
  bool changed = false;
  {
    MutexLock lock(&mutex_);
    changed = stamps != stamps_;
    if (!changed && !failed_) return;
    stamps_ = stamps;
  }
  absl::StatusOr<Context> context = MakeContext(files_);
  if (!changed && !context.ok()) return;  // it is known already
  {
    MutexLock lock(&mutex_);
    failed_ = !context.ok();
    if (context.ok()) {
      context_ = *context;
      ++stats_.reloads;
    } else {
      ++stats_.failed_reloads;
    }
  }
  if (files_.on_reload != nullptr) files_.on_reload(context.status());
}

TlsStats TlsSecurity::stats() const {
  MutexLock lock(&mutex_);
  return stats_;
}

TlsSecurity::Stamps TlsSecurity::ReadStamps(const TlsFiles& files) {
  Stamps stamps{};
  const std::string* const paths[] = {&files.cert_file, &files.key_file,
                                      &files.client_ca_file};
  for (size_t i = 0; i < stamps.size(); ++i) {
    struct stat file;
    if (stat(paths[i]->c_str(), &file) != 0) continue;
    stamps[i] = {static_cast<int64_t>(file.st_dev),
                 static_cast<int64_t>(file.st_ino),
                 file.st_size,
                 file.st_mtim.tv_sec,
                 file.st_mtim.tv_nsec,
                 file.st_ctim.tv_sec,
                 file.st_ctim.tv_nsec};
  }
  return stamps;
}

}  // namespace poolscope
