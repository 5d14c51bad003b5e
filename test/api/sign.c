/* SPDX-License-Identifier: Apache-2.0 */
/* api_sign: what an agent does with its key, for tests that play one.
 *
 *   api_sign keys                                           {"public":...,"secret":...}
 *   api_sign session SECRET < session.json                  the same with its signature
 *   api_sign request SECRET METHOD PATH MACHINE EPOCH STREAM SEQ < body     the signature
 *
 * SECRET and what is printed are base64url. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/parse.h"
#include "proto/hello.h"
#include "sys/crypto.h"

enum { USAGE = 2 };

static int fail(const struct error *err)
{
    (void)fprintf(stderr, "api_sign: %s\n", err->text);
    return 1;
}

static void read_input(struct buf *input)
{
    char block[4096];
    size_t count;

    while ((count = fread(block, 1, sizeof block, stdin)) > 0)
        buf_append(input, block, count);
}

static bool read_keys(const char *text, struct key_pair *ret_keys)
{
    size_t count;

    if (!base64_parse(text, ret_keys->secret_key, SECRET_KEY_SIZE, &count) ||
        count != SECRET_KEY_SIZE)
        return false;
    /* An Ed25519 secret key ends in its public one. */
    memcpy(ret_keys->public_key, ret_keys->secret_key + SECRET_KEY_SIZE - PUBLIC_KEY_SIZE,
           PUBLIC_KEY_SIZE);
    return true;
}

static int print_keys(void)
{
    char public_text[BASE64_SIZE(PUBLIC_KEY_SIZE)], secret_text[BASE64_SIZE(SECRET_KEY_SIZE)];
    struct key_pair keys = crypto_key_pair();

    (void)printf("{\"public\":\"%s\",\"secret\":\"%s\"}\n",
                 base64_format(keys.public_key, PUBLIC_KEY_SIZE, public_text),
                 base64_format(keys.secret_key, SECRET_KEY_SIZE, secret_text));
    return 0;
}

/* The signature that the document comes with is replaced, and may be any. */
static int sign_session(const struct key_pair *keys)
{
    auto_buf struct buf input = buf_of(PROTO_BODY_MAX), text = buf_of(PROTO_BODY_MAX);
    auto_buf struct buf output = buf_of(PROTO_BODY_MAX);
    static struct session_request session;
    auto_json json_t *root = NULL;
    struct error err;

    read_input(&input);
    if (input.length == 0 || !json_parse(input.bytes, input.length, &root, &err) ||
        !session_request_decode(root, &session, &err))
        return fail(&err);
    hello_signed(&text, &session);
    struct signature signature = crypto_sign_with(keys, text.bytes, text.length);
    memcpy(session.signature, signature.bytes, SIGNATURE_SIZE);
    session_request_encode(&output, &session);
    (void)printf("%s\n", output.bytes);
    return 0;
}

static int sign_request(const struct key_pair *keys, char **words)
{
    char signature_text[BASE64_SIZE(SIGNATURE_SIZE)];
    auto_buf struct buf input = buf_of(PROTO_BODY_MAX), text = buf_of(2 * PROTO_BODY_MAX);
    uint64_t machine, epoch, seq;

    if (!parse_u64(words[2], &machine) || !parse_u64(words[3], &epoch) ||
        !parse_u64(words[5], &seq))
        return USAGE;
    struct request_stamp stamp = {
        .method = words[0],
        .path = words[1],
        .machine_id = (int64_t)machine,
        .session_epoch = (int64_t)epoch,
        .seq = (int64_t)seq,
        .stream = words[4],
    };
    read_input(&input);
    request_signed(&text, &stamp, input.bytes != NULL ? input.bytes : "", input.length);
    struct signature signature = crypto_sign_with(keys, text.bytes, text.length);
    (void)printf("%s\n", base64_format(signature.bytes, SIGNATURE_SIZE, signature_text));
    return 0;
}

int main(int argc, char **argv)
{
    struct key_pair keys;

    crypto_start();
    if (argc == 2 && strcmp(argv[1], "keys") == 0)
        return print_keys();
    if (argc < 3 || !read_keys(argv[2], &keys))
        return USAGE;
    if (argc == 3 && strcmp(argv[1], "session") == 0)
        return sign_session(&keys);
    if (argc == 9 && strcmp(argv[1], "request") == 0)
        return sign_request(&keys, argv + 3);
    return USAGE;
}
