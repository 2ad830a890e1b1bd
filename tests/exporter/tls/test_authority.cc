#include "poolscope/tests/exporter/tls/test_authority.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <fstream>

#include "absl/strings/str_cat.h"

namespace poolscope {
namespace {

// What `write` puts into a BIO.
template <typename Write>
std::string Pem(Write write) {
  BIO* const bio = BIO_new(BIO_s_mem());
  write(bio);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, size);
  BIO_free(bio);
  return text;
}

}  // namespace

TestAuthority::TestAuthority(const std::string& name)
    : key_(EVP_EC_gen("P-256")),
      certificate_(Make(name, key_.get(), nullptr, key_.get())) {}

void TestAuthority::WriteCertificate(const std::string& path) const {
  ReplaceFile(path, Pem([this](BIO* bio) {
                PEM_write_bio_X509(bio, certificate_.get());
              }));
}

void TestAuthority::Issue(const std::string& name, const std::string& cert_path,
                          const std::string& key_path) const {
  const Key key(EVP_EC_gen("P-256"));
  const Certificate certificate = Make(
      name, key.get(), X509_get_subject_name(certificate_.get()), key_.get());
  ReplaceFile(cert_path, Pem([&](BIO* bio) {
                PEM_write_bio_X509(bio, certificate.get());
              }));
  ReplaceFile(key_path, Pem([&](BIO* bio) {
                PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0,
                                         nullptr, nullptr);
              }));
}

TestAuthority::Certificate TestAuthority::Make(const std::string& name,
                                               EVP_PKEY* key, X509_NAME* issuer,
                                               EVP_PKEY* issuer_key) {
  Certificate certificate(X509_new());
  X509* const raw = certificate.get();
  X509_set_version(raw, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(raw), 1);
  X509_gmtime_adj(X509_getm_notBefore(raw), -3600);
  X509_gmtime_adj(X509_getm_notAfter(raw), 3600);
  X509_NAME* const subject = X509_get_subject_name(raw);
  X509_NAME_add_entry_by_txt(
      subject, "CN", MBSTRING_ASC,
      reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(raw, issuer == nullptr ? subject : issuer);
  X509_set_pubkey(raw, key);
  if (issuer == nullptr) {
    X509_EXTENSION* const authority = X509V3_EXT_conf_nid(
        nullptr, nullptr, NID_basic_constraints, "critical,CA:TRUE");
    X509_add_ext(raw, authority, -1);
    X509_EXTENSION_free(authority);
  }
  X509_sign(raw, issuer_key, EVP_sha256());
  return certificate;
}

void ReplaceFile(const std::string& path, const std::string& text) {
  const std::string draft = absl::StrCat(path, ".new");
  std::ofstream(draft) << text;
  std::rename(draft.c_str(), path.c_str());
}

}  // namespace poolscope
