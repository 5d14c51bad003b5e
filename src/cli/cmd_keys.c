/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_keys.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/json.h"
#include "sys/child.h"
#include "sys/file.h"

enum {
    PATH_SIZE = 128,
    KEY_LENGTH_MAX = 16384,
    BODY_LENGTH_MAX = 2 * KEY_LENGTH_MAX,
    KEYGEN_TIMEOUT_MS = 60000,
    SHOWN_LENGTH = 16, /* of a key's own end, which is what tells keys apart */
};

static const struct table_column key_columns[] = {
    { "ID", true, 0, 0 },        { "Type", false, 1, 0 },  { "Key", false, 0, 0 },
    { "Comment", false, 0, 40 }, { "Since", false, 2, 0 },
};

/* Type, key and comment are divided by blanks. */
static void add_key(struct table *table, const json_t *key)
{
    const char *type = print_text_of(key, "public_key");
    size_t type_length = strcspn(type, " ");
    const char *body = type + type_length + strspn(type + type_length, " ");
    size_t body_length = strcspn(body, " ");
    const char *comment = body + body_length + strspn(body + body_length, " ");
    size_t shown = body_length < SHOWN_LENGTH ? body_length : SHOWN_LENGTH;

    table_number(table, key, "id", 1, 0);
    table_cell(table, "%.*s", (int)type_length, type);
    table_cell(table, "...%.*s", (int)shown, body + body_length - shown);
    table_cell(table, "%s", comment);
    table_cell(table, "%.10s", print_text_of(key, "created_at"));
}

bool cmd_show_ssh_keys(struct cli *cli, struct error *err)
{
    auto_json json_t *keys = NULL;
    auto_table struct table table =
        table_of(key_columns, sizeof key_columns / sizeof key_columns[0]);

    if (!client_call(cli->client, "GET", "/api/v0/ssh/", NULL, &keys, err))
        return false;
    if (cli_print_raw(cli, keys))
        return true;
    if (json_array_size(keys) == 0) {
        cli_note(cli, "There are no SSH keys. `berth create ssh-key` adds this machine's.");
        return true;
    }
    for (size_t i = 0; i < json_array_size(keys); i++)
        add_key(&table, json_array_get(keys, i));
    table_write(&table, cli->style, cli->out);
    return true;
}

/* A key, or the file that holds one: a public key, for a private one must not leave its home. */
static bool read_key(struct cli *cli, const char *word, struct buf *key, struct error *err)
{
    if (strchr(word, ' ') != NULL) {
        buf_append(key, word, strlen(word));
    } else if (!file_read(AT_FDCWD, word, key, err)) {
        return error_context(err, "'%.64s' is neither a public key nor the file of one", word);
    }
    if (key->has_overflowed || key->length == 0)
        return cli_usage(cli, err, "an SSH key has 1 to %d bytes", KEY_LENGTH_MAX);
    if (strstr(key->bytes, "PRIVATE KEY") != NULL)
        return cli_usage(cli, err,
                         "that is a private key, which nobody else should see; the "
                         "public one ends in .pub");
    return true;
}

/* This machine's own key, ~/.ssh/id_ed25519, made where there is none. */
static bool read_own_key(struct cli *cli, struct buf *key, struct error *err)
{
    const char *home = getenv("HOME");
    char dir[PATH_MAX - 32], path[PATH_MAX], public_path[PATH_MAX + 4];
    auto_buf struct buf output = buf_of(4096);
    const char *const arguments[] = { "ssh-keygen", "-q", "-t", "ed25519", "-N",
                                      "",           "-f", path, NULL };
    const struct child_run keygen = { arguments, NULL, KEYGEN_TIMEOUT_MS };
    int status;

    if (home == NULL || strlen(home) > PATH_MAX - 64)
        return cli_usage(cli, err, "no key was given, and HOME is not set");
    (void)snprintf(dir, sizeof dir, "%s/.ssh", home);
    (void)snprintf(path, sizeof path, "%s/id_ed25519", dir);
    (void)snprintf(public_path, sizeof public_path, "%s.pub", path);
    if (access(public_path, R_OK) == 0)
        return file_read(AT_FDCWD, public_path, key, err);
    if (access(path, F_OK) == 0)
        return error_set(err, ERROR_CONFLICT, "%s is there, but %s is not", path, public_path);

    if (!file_make_dir(dir, 0700, err) || !child_run(&keygen, &output, &status, err))
        return error_context(err, "make a key");
    if (status != 0)
        return error_set(err, ERROR_IO, "ssh-keygen ended with status %d", status);
    cli_note(cli, "Made a new key, %s.", path);
    return file_read(AT_FDCWD, public_path, key, err);
}

/* {"ssh_key": "..."} */
static bool write_body(const struct buf *key, struct buf *body, struct error *err)
{
    struct encoder json = encoder_of(body);
    size_t length = key->length;

    while (length > 0 && (key->bytes[length - 1] == '\n' || key->bytes[length - 1] == '\r'))
        length--;
    encode_object(&json);
    encode_key(&json, "ssh_key");
    encode_bytes(&json, key->bytes, length);
    encode_end(&json);
    if (body->has_overflowed)
        return error_set(err, ERROR_OUT_OF_RANGE, "the key is too long");
    return true;
}

static bool send_key(struct cli *cli, const char *method, const char *path, const struct buf *key,
                     json_t **ret_reply, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_LENGTH_MAX);

    return write_body(key, &body, err) &&
           client_call(cli->client, method, path, &body, ret_reply, err);
}

bool cmd_create_ssh_key(struct cli *cli, struct error *err)
{
    auto_buf struct buf key = buf_of(KEY_LENGTH_MAX);
    auto_json json_t *reply = NULL;
    bool is_own = cli->args.word_count == 0;

    if (!(is_own ? read_own_key(cli, &key, err) : read_key(cli, cli->args.words[0], &key, err)) ||
        !send_key(cli, "POST", "/api/v0/ssh/", &key, &reply, err))
        return false;
    if (!cli_print_raw(cli, reply))
        buf_printf(cli->out, "SSH key %lld opens all your instances.\n",
                   (long long)print_int_of(json_member(reply, "key"), "id"));
    return true;
}

bool cmd_update_ssh_key(struct cli *cli, struct error *err)
{
    auto_buf struct buf key = buf_of(KEY_LENGTH_MAX);
    auto_json json_t *reply = NULL;
    char path[PATH_SIZE];
    long long id;

    if (!cli_id(cli, cli->args.words[0], "an SSH key", &id, err) ||
        !read_key(cli, cli->args.words[1], &key, err))
        return false;
    (void)snprintf(path, sizeof path, "/api/v0/ssh/%lld/", id);
    if (!send_key(cli, "PUT", path, &key, &reply, err))
        return error_context(err, "SSH key %lld", id);
    if (!cli_print_raw(cli, reply))
        buf_printf(cli->out, "SSH key %lld is another one now.\n", id);
    return true;
}

bool cmd_delete_ssh_key(struct cli *cli, struct error *err)
{
    auto_json json_t *reply = NULL;
    char path[PATH_SIZE];
    long long id;

    if (!cli_id(cli, cli->args.words[0], "an SSH key", &id, err))
        return false;
    (void)snprintf(path, sizeof path, "/api/v0/ssh/%lld/", id);
    if (!client_call(cli->client, "DELETE", path, NULL, &reply, err))
        return error_context(err, "SSH key %lld", id);
    if (!cli_print_raw(cli, reply))
        buf_printf(cli->out, "SSH key %lld opens nothing any more.\n", id);
    return true;
}

bool cmd_attach_ssh(struct cli *cli, struct error *err)
{
    auto_buf struct buf key = buf_of(KEY_LENGTH_MAX);
    auto_json json_t *reply = NULL;
    char path[PATH_SIZE];
    long long id;

    if (!cli_id(cli, cli->args.words[0], "an instance", &id, err) ||
        !read_key(cli, cli->args.words[1], &key, err))
        return false;
    (void)snprintf(path, sizeof path, "/api/v0/instances/%lld/ssh/", id);
    if (!send_key(cli, "POST", path, &key, &reply, err))
        return error_context(err, "instance %lld", id);
    if (!cli_print_raw(cli, reply))
        buf_printf(cli->out, "That key opens instance %lld too.\n", id);
    return true;
}

bool cmd_detach_ssh(struct cli *cli, struct error *err)
{
    auto_json json_t *reply = NULL;
    char path[PATH_SIZE];
    long long id, key_id;

    if (!cli_id(cli, cli->args.words[0], "an instance", &id, err) ||
        !cli_id(cli, cli->args.words[1], "an SSH key", &key_id, err))
        return false;
    (void)snprintf(path, sizeof path, "/api/v0/instances/%lld/ssh/%lld/", id, key_id);
    if (!client_call(cli->client, "DELETE", path, NULL, &reply, err))
        return error_context(err, "instance %lld", id);
    if (!cli_print_raw(cli, reply))
        buf_printf(cli->out, "SSH key %lld does not open instance %lld any more.\n", key_id, id);
    return true;
}
