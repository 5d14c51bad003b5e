/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/tls.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "sys/crypto.h"

struct tls_context {
    SSL_CTX *ssl;
    bool is_server;
    uint8_t pin[TLS_PIN_SIZE];
};

struct tls {
    SSL *ssl;
    bool has_pin;
    uint8_t pin[TLS_PIN_SIZE];
};

static bool fail(struct error *err, const char *what)
{
    char why[128] = "out of memory";
    unsigned long code = ERR_get_error();

    if (code != 0)
        ERR_error_string_n(code, why, sizeof why);
    ERR_clear_error();
    return error_set(err, ERROR_INVALID, "%s: %s", what, why);
}

static bool pin_of(X509 *certificate, uint8_t ret[static TLS_PIN_SIZE])
{
    unsigned char *bytes = NULL;
    int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &bytes);

    if (length <= 0)
        return false;
    struct hash hash = crypto_sha256(bytes, (size_t)length);
    memcpy(ret, hash.bytes, TLS_PIN_SIZE);
    OPENSSL_free(bytes);
    return true;
}

static struct tls_context *open_context(const SSL_METHOD *method, int version_min)
{
    struct tls_context *context = calloc(1, sizeof *context);

    if (context == NULL)
        abort();
    context->ssl = SSL_CTX_new(method);
    if (context->ssl == NULL || SSL_CTX_set_min_proto_version(context->ssl, version_min) != 1) {
        tls_context_close(&context);
        return NULL;
    }
    (void)SSL_CTX_set_mode(context->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                             SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                             SSL_MODE_RELEASE_BUFFERS);
    (void)SSL_CTX_set_session_cache_mode(context->ssl, SSL_SESS_CACHE_OFF);
    return context;
}

static bool open_server(const char *cert_file, const char *key_file, int version_min,
                        struct tls_context **ret, struct error *err)
{
    struct tls_context *context = open_context(TLS_server_method(), version_min);
    bool is_read = context != NULL;

    if (!is_read)
        return fail(err, "start TLS");
    context->is_server = true;
    (void)SSL_CTX_set_options(context->ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                                SSL_OP_CIPHER_SERVER_PREFERENCE);
    if (SSL_CTX_use_certificate_chain_file(context->ssl, cert_file) != 1)
        is_read = fail(err, cert_file);
    else if (SSL_CTX_use_PrivateKey_file(context->ssl, key_file, SSL_FILETYPE_PEM) != 1 ||
             SSL_CTX_check_private_key(context->ssl) != 1)
        is_read = fail(err, key_file);
    else if (!pin_of(SSL_CTX_get0_certificate(context->ssl), context->pin))
        is_read = fail(err, cert_file);
    if (!is_read) {
        tls_context_close(&context);
        return false;
    }
    *ret = context;
    return true;
}

bool tls_server_open(const char *cert_file, const char *key_file, struct tls_context **ret,
                     struct error *err)
{
    if (!open_server(cert_file, key_file, TLS1_3_VERSION, ret, err))
        return false;
    (void)SSL_CTX_set_num_tickets((*ret)->ssl, 0);
    return true;
}

/* Nothing but HTTP/1.1, which WebSockets begin in; a client that does not ask is not asked. */
static int choose_protocol(SSL *ssl, const unsigned char **ret, unsigned char *ret_length,
                           const unsigned char *offered, unsigned int length, void *context)
{
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *chosen;

    (void)ssl;
    (void)context;
    if (SSL_select_next_proto(&chosen, ret_length, ours, sizeof ours - 1, offered, length) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *ret = chosen;
    return SSL_TLSEXT_ERR_OK;
}

bool tls_web_open(const char *cert_file, const char *key_file, struct tls_context **ret,
                  struct error *err)
{
    struct tls_context *context;

    if (!open_server(cert_file, key_file, TLS1_2_VERSION, &context, err))
        return false;
    /* In 1.2 only what 1.3 would take: a key of its own for each session, and no CBC. */
    if (SSL_CTX_set_cipher_list(context->ssl, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1) {
        tls_context_close(&context);
        return fail(err, "start TLS");
    }
    SSL_CTX_set_alpn_select_cb(context->ssl, choose_protocol, NULL);
    *ret = context;
    return true;
}

bool tls_web_covers(const struct tls_context *context, const char *host)
{
    X509 *certificate = SSL_CTX_get0_certificate(context->ssl);
    bool is_named = X509_check_ip_asc(certificate, host, 0) == 1 ||
                    X509_check_host(certificate, host, 0, 0, NULL) == 1;

    return is_named && X509_cmp_current_time(X509_get0_notAfter(certificate)) > 0;
}

bool tls_client_open(struct tls_context **ret, struct error *err)
{
    struct tls_context *context = open_context(TLS_client_method(), TLS1_3_VERSION);

    if (context == NULL)
        return fail(err, "start TLS");
    /* The pin is checked once the handshake has proved that the peer holds that key. */
    SSL_CTX_set_verify(context->ssl, SSL_VERIFY_NONE, NULL);
    *ret = context;
    return true;
}

void tls_context_close(struct tls_context **context)
{
    if (*context == NULL)
        return;
    SSL_CTX_free((*context)->ssl);
    free(*context);
    *context = NULL;
}

void tls_server_pin(const struct tls_context *context, uint8_t ret_pin[static TLS_PIN_SIZE])
{
    memcpy(ret_pin, context->pin, TLS_PIN_SIZE);
}

struct tls *tls_open(struct tls_context *context, int socket, const uint8_t *pin)
{
    struct tls *tls = calloc(1, sizeof *tls);

    if (tls == NULL)
        return NULL;
    tls->has_pin = pin != NULL;
    if (pin != NULL)
        memcpy(tls->pin, pin, TLS_PIN_SIZE);
    tls->ssl = SSL_new(context->ssl);
    if (tls->ssl == NULL || SSL_set_fd(tls->ssl, socket) != 1) {
        tls_close(&tls);
        return NULL;
    }
    if (context->is_server)
        SSL_set_accept_state(tls->ssl);
    else
        SSL_set_connect_state(tls->ssl);
    return tls;
}

void tls_close(struct tls **tls)
{
    if (*tls == NULL)
        return;
    SSL_free((*tls)->ssl);
    free(*tls);
    *tls = NULL;
}

static bool has_its_pin(const struct tls *tls)
{
    X509 *certificate = SSL_get0_peer_certificate(tls->ssl);
    uint8_t pin[TLS_PIN_SIZE];

    return !tls->has_pin || (certificate != NULL && pin_of(certificate, pin) &&
                             crypto_equal(pin, tls->pin, sizeof pin));
}

enum tls_state tls_shake(struct tls *tls)
{
    ERR_clear_error();
    int result = SSL_do_handshake(tls->ssl);

    if (result == 1)
        return has_its_pin(tls) ? TLS_OPEN : TLS_FAILED;
    switch (SSL_get_error(tls->ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return TLS_WAITS;
    default:
        ERR_clear_error();
        return TLS_FAILED;
    }
}

/* What a call that did nothing means, as recv(2) would say it. */
static ssize_t nothing(const struct tls *tls, int result)
{
    switch (SSL_get_error(tls->ssl, result)) {
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        errno = EAGAIN;
        return -1;
    default:
        ERR_clear_error();
        errno = EIO; /* an end without a word among them: nobody takes a part for the whole */
        return -1;
    }
}

ssize_t tls_read(struct tls *tls, void *bytes, size_t count)
{
    ERR_clear_error();
    int got = SSL_read(tls->ssl, bytes, count > INT_MAX ? INT_MAX : (int)count);

    return got > 0 ? got : nothing(tls, got);
}

ssize_t tls_write(struct tls *tls, const void *bytes, size_t count)
{
    ERR_clear_error();
    int put = SSL_write(tls->ssl, bytes, count > INT_MAX ? INT_MAX : (int)count);

    return put > 0 ? put : nothing(tls, put);
}

bool tls_end(struct tls *tls)
{
    ERR_clear_error();
    int result = SSL_shutdown(tls->ssl);

    /* 0: said, and the peer has not said it yet. */
    if (result >= 0)
        return true;
    return nothing(tls, result) == 0;
}
