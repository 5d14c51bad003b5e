/* SPDX-License-Identifier: Apache-2.0 */
/* TLS on sockets that never block: OpenSSL, behind the few calls that Berth needs.
 *
 * Between our own programs nobody's name is believed: the one side shows a certificate, the other
 * knows beforehand what the hash of its public key is (the pin). So a certificate that its owner
 * made is as good as any. Browsers know no pins: what they are shown is an authority's.
 * Reading and writing behave like recv(2) and send(2): 0 is the peer's orderly end, -1 sets errno,
 * EAGAIN where the socket has to become ready first, in either direction. The program ignores
 * SIGPIPE. */

#ifndef BERTH_SYS_TLS_H
#define BERTH_SYS_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/compiler.h"
#include "base/error.h"

enum { TLS_PIN_SIZE = 32 };

struct tls_context; /* for any number of connections */
struct tls;         /* one of them; does not own its socket */

/* For the side that shows the certificate: PEM files. */
NODISCARD bool tls_server_open(const char *cert_file, const char *key_file,
                               struct tls_context **ret, struct error *err);

/* The same for browsers, who may come with TLS 1.2 and are spoken to in HTTP/1.1 alone (ALPN). Who
 * they think they speak to (SNI) makes no difference: a port has one certificate. */
NODISCARD bool tls_web_open(const char *cert_file, const char *key_file, struct tls_context **ret,
                            struct error *err);

/* Whether the certificate says that it is of `host`, a name or an address, and has not ended. */
bool tls_web_covers(const struct tls_context *context, const char *host);

/* For the side that knows its pin. */
NODISCARD bool tls_client_open(struct tls_context **ret, struct error *err);
void tls_context_close(struct tls_context **context);

/* The pin of the server's own certificate: SHA-256 of its public key, as in RFC 7469. */
void tls_server_pin(const struct tls_context *context, uint8_t ret_pin[static TLS_PIN_SIZE]);

/* NULL: out of memory. `pin` is what the peer must have; NULL for a server. */
struct tls *tls_open(struct tls_context *context, int socket, const uint8_t *pin);
void tls_close(struct tls **tls);

enum tls_state { TLS_OPEN, TLS_WAITS, TLS_FAILED };

/* Go on with the handshake. TLS_OPEN: the peer is the one with the pin. */
enum tls_state tls_shake(struct tls *tls);

ssize_t tls_read(struct tls *tls, void *bytes, size_t count);
ssize_t tls_write(struct tls *tls, const void *bytes, size_t count);

/* Say that nothing more comes from here. False: errno, as above. */
NODISCARD bool tls_end(struct tls *tls);

#endif
