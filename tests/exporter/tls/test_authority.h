// TestAuthority: a certificate authority for tests, and what it issues.
#ifndef POOLSCOPE_TESTS_EXPORTER_TLS_TEST_AUTHORITY_H_
#define POOLSCOPE_TESTS_EXPORTER_TLS_TEST_AUTHORITY_H_

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

namespace poolscope {

class TestAuthority {
 public:
  explicit TestAuthority(const std::string& name);

  // Its own certificate, in PEM.
  void WriteCertificate(const std::string& path) const;
  // A certificate for `name`, and its key; files that are there are replaced,
  // each at once.
  void Issue(const std::string& name, const std::string& cert_path,
             const std::string& key_path) const;

 private:
  struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(X509* certificate) const { X509_free(certificate); }
  };
  using Key = std::unique_ptr<EVP_PKEY, Free>;
  using Certificate = std::unique_ptr<X509, Free>;

  static Certificate Make(const std::string& name, EVP_PKEY* key,
                          X509_NAME* issuer, EVP_PKEY* issuer_key);

  Key key_;
  Certificate certificate_;
};

// A file of the test's own, in place of what is there, all at once.
void ReplaceFile(const std::string& path, const std::string& text);

}  // namespace poolscope

#endif  // POOLSCOPE_TESTS_EXPORTER_TLS_TEST_AUTHORITY_H_
