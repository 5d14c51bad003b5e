/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/copy_key.h"

#include <stdio.h>
#include <string.h>

#include "base/hex.h"

void copy_key_pem(const struct key_pair *keys, char text[static COPY_KEY_PEM_SIZE])
{
    static const uint8_t front[] =
        "openssh-key-v1\0\0\0\0\4none\0\0\0\4none\0\0\0\0\0\0\0\1\0\0\0\63"
        "\0\0\0\13ssh-ed25519\0\0\0\40";
    static const uint8_t middle[] = "\0\0\0\210\0\0\0\0\0\0\0\0\0\0\0\13ssh-ed25519\0\0\0\40";
    static const uint8_t back[] = "\0\0\0\0\1\2\3\4\5";
    uint8_t blob[512];
    char url[BASE64_SIZE(512)];
    size_t count = 0;

    memcpy(blob, front, sizeof front - 1);
    count += sizeof front - 1;
    memcpy(blob + count, keys->public_key, PUBLIC_KEY_SIZE);
    count += PUBLIC_KEY_SIZE;
    memcpy(blob + count, middle, sizeof middle - 1);
    count += sizeof middle - 1;
    memcpy(blob + count, keys->public_key, PUBLIC_KEY_SIZE);
    count += PUBLIC_KEY_SIZE;
    memcpy(blob + count, "\0\0\0\100", 4);
    count += 4;
    memcpy(blob + count, keys->secret_key, SECRET_KEY_SIZE);
    count += SECRET_KEY_SIZE;
    memcpy(blob + count, back, sizeof back - 1);
    count += sizeof back - 1;
    (void)base64_format(blob, count, url);
    for (char *at = url; *at != '\0'; at++)
        *at = *at == '-' ? '+' : *at == '_' ? '/' : *at;
    static const char *const padding[] = { "", "==", "=" };
    (void)snprintf(text, COPY_KEY_PEM_SIZE,
                   "-----BEGIN OPENSSH PRIVATE KEY-----\n%s%s\n"
                   "-----END OPENSSH PRIVATE KEY-----\n",
                   url, padding[count % 3]);
    crypto_wipe(blob, sizeof blob);
    crypto_wipe(url, sizeof url);
}
