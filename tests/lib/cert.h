/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cert: certificates and keys made on the spot for tests, as PEM files in a directory of the test's own. A struct
 * cert_ca signs; cert_issue writes DIR/NAME.pem and DIR/NAME.key. Failing ends the test program.
 */
#ifndef SLUICE_TESTS_LIB_CERT_H
#define SLUICE_TESTS_LIB_CERT_H

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

struct cert_ca {
	const char *dir;
	EVP_PKEY *key;
	X509 *cert;
	long serial;
};

#define CERT_MUST(x) do { if (!(x)) { fprintf(stderr, "cert.h:%d: %s\n", __LINE__, #x); abort(); } } while (0)

static void cert_ext(X509 *c, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509V3_set_ctx(&ctx, issuer, c, NULL, NULL, 0);
	X509_EXTENSION *x = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	CERT_MUST(x && X509_add_ext(c, x, -1));
	X509_EXTENSION_free(x);
}

static X509 *cert_make(const char *cn, EVP_PKEY *key, long serial, long from_s, long until_s)
{
	X509 *c = X509_new();
	CERT_MUST(c && X509_set_version(c, 2) && ASN1_INTEGER_set(X509_get_serialNumber(c), serial));
	CERT_MUST(X509_gmtime_adj(X509_getm_notBefore(c), from_s) && X509_gmtime_adj(X509_getm_notAfter(c), until_s));
	CERT_MUST(X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_ASC, (const unsigned char *)cn,
	                                     -1, -1, 0));
	CERT_MUST(X509_set_pubkey(c, key));
	return c;
}

static void cert_write(const char *dir, const char *name, X509 *cert, EVP_PKEY *key)
{
	char path[512];
	snprintf(path, sizeof path, "%s/%s.pem", dir, name);
	FILE *f = fopen(path, "we");
	CERT_MUST(f && PEM_write_X509(f, cert) && fclose(f) == 0);
	snprintf(path, sizeof path, "%s/%s.key", dir, name);
	f = fopen(path, "we");
	CERT_MUST(f && PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) && fclose(f) == 0);
}

/* Makes the authority; its certificate is DIR/NAME.pem. */
static struct cert_ca cert_ca_new(const char *dir, const char *name)
{
	struct cert_ca ca = { dir, EVP_EC_gen("P-256"), NULL, 1 };
	ca.cert = cert_make(name, ca.key, 1, -3600, 86400);
	CERT_MUST(X509_set_issuer_name(ca.cert, X509_get_subject_name(ca.cert)));
	cert_ext(ca.cert, ca.cert, NID_basic_constraints, "critical,CA:TRUE");
	cert_ext(ca.cert, ca.cert, NID_key_usage, "critical,keyCertSign,cRLSign");
	CERT_MUST(X509_sign(ca.cert, ca.key, EVP_sha256()));
	cert_write(dir, name, ca.cert, ca.key);
	return ca;
}

static void cert_ca_free(struct cert_ca *ca)
{
	X509_free(ca->cert);
	EVP_PKEY_free(ca->key);
}

/* `san` as in openssl's configuration: "DNS:a.example,IP:127.0.0.1"; NULL: none. Valid from and until seconds from
 * now. */
static void cert_issue(struct cert_ca *ca, const char *name, const char *cn, const char *san, long from_s, long until_s)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *c = cert_make(cn, key, ++ca->serial, from_s, until_s);
	CERT_MUST(X509_set_issuer_name(c, X509_get_subject_name(ca->cert)));
	cert_ext(c, ca->cert, NID_basic_constraints, "CA:FALSE");
	if (san)
		cert_ext(c, ca->cert, NID_subject_alt_name, san);
	CERT_MUST(X509_sign(c, ca->key, EVP_sha256()));
	cert_write(ca->dir, name, c, key);
	X509_free(c);
	EVP_PKEY_free(key);
}

#endif
