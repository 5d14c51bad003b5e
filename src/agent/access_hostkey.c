/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/access_hostkey.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "sys/crypto.h"
#include "sys/file.h"

enum { KEY_TEXT_MAX = 16 * 1024, RSA_BITS = 3072, PATH_SIZE = 4096 };

static bool make_key(const char *path, enum ssh_keytypes_e type, ssh_key *ret_key,
                     struct error *err)
{
    ssh_key key = NULL;
    char *text = NULL;
    int bits = type == SSH_KEYTYPE_RSA ? RSA_BITS : 0;

    if (ssh_pki_generate(type, bits, &key) != SSH_OK ||
        ssh_pki_export_privkey_base64(key, NULL, NULL, NULL, &text) != SSH_OK) {
        ssh_key_free(key);
        return error_set(err, ERROR_IO, "make the host key %s: no success", path);
    }
    bool is_written = file_replace(AT_FDCWD, path, 0600, text, strlen(text), err);
    crypto_wipe(text, strlen(text));
    ssh_string_free_char(text);
    if (!is_written) {
        ssh_key_free(key);
        return false;
    }
    *ret_key = key;
    return true;
}

static bool open_key(const char *directory, const char *name, enum ssh_keytypes_e type,
                     ssh_key *ret_key, struct error *err)
{
    auto_buf struct buf text = buf_of(KEY_TEXT_MAX);
    char path[PATH_SIZE];
    struct error reading;
    ssh_key key = NULL;

    if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path))
        return error_set(err, ERROR_INVALID, "the path %s is too long", directory);
    if (!file_read(AT_FDCWD, path, &text, &reading)) {
        if (reading.code == ERROR_NOT_FOUND)
            return make_key(path, type, ret_key, err);
        *err = reading;
        return false;
    }
    int result = text.length == 0
                     ? SSH_ERROR
                     : ssh_pki_import_privkey_base64(text.bytes, NULL, NULL, NULL, &key);
    if (text.bytes != NULL)
        crypto_wipe(text.bytes, text.length);
    if (result != SSH_OK || ssh_key_type(key) != type) {
        ssh_key_free(key);
        return error_set(err, ERROR_CORRUPT, "%s is no host key", path);
    }
    *ret_key = key;
    return true;
}

bool access_hostkeys_open(const char *directory, struct access_hostkeys *ret_keys,
                          struct error *err)
{
    struct access_hostkeys keys = { NULL, NULL };

    if (!open_key(directory, "host_ed25519", SSH_KEYTYPE_ED25519, &keys.ed25519, err) ||
        !open_key(directory, "host_rsa", SSH_KEYTYPE_RSA, &keys.rsa, err)) {
        access_hostkeys_close(&keys);
        return false;
    }
    *ret_keys = keys;
    return true;
}

void access_hostkeys_close(struct access_hostkeys *keys)
{
    ssh_key_free(keys->ed25519);
    ssh_key_free(keys->rsa);
    *keys = (struct access_hostkeys){ NULL, NULL };
}
