/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/registry.h"
#include "agent/seen.h"
#include "base/encode.h"
#include "base/hex.h"
#include "market/image.h"
#include "market/launch.h"
#include "sys/child.h"
#include "sys/crypto.h"
#include "sys/file.h"

enum {
    BODY_MAX = 4 << 20,
    LOGIN_MAX = 8192,
    PATH_SIZE = 1024,
    SAID_MAX = 2048, /* the end of what skopeo says, where it fails */
    COMMIT_MS = 3600 * 1000,
    PUSH_MS = 3 * 3600 * 1000, /* the operation's own end comes first */
};

#define DEFAULT_REGISTRY "docker.io"
#define LABEL            "berth.snapshot"

static size_t name_length(const char *variable)
{
    return strcspn(variable, "=");
}

/* The variable of that name among the image's; NULL: it has none. */
static const char *find(const json_t *variables, const char *like)
{
    size_t length = name_length(like);
    const json_t *item;
    size_t i;

    json_array_foreach(variables, i, item)
    {
        const char *text = json_string_value(item);

        if (text != NULL && name_length(text) == length && strncmp(text, like, length) == 0)
            return text;
    }
    return NULL;
}

/* The engine adds each of the container's that is not named here: ours are named, and empty. */
static void encode_variables(struct encoder *json, const json_t *container, const json_t *image)
{
    const json_t *variables = json_object_get(image, "Env"), *item;
    size_t i;

    encode_key(json, "Env");
    encode_array(json);
    json_array_foreach(variables, i, item) encode_text(json, json_string_value(item));
    json_array_foreach(json_object_get(container, "Env"), i, item)
    {
        const char *text = json_string_value(item);

        if (text != NULL && find(variables, text) == NULL)
            encode_bytes(json, text, name_length(text) + (text[name_length(text)] == '='));
    }
    encode_end(json);
}

/* Likewise. */
static void encode_labels(struct encoder *json, const json_t *container, const json_t *image)
{
    json_t *labels = json_object_get(image, "Labels");
    const char *name;
    json_t *value;

    encode_key(json, "Labels");
    encode_object(json);
    json_object_foreach(labels, name, value) if (strcmp(name, LABEL) != 0)
        encode_field_text(json, name, json_string_value(value));
    json_object_foreach(json_object_get(container, "Labels"), name,
                        value) if (json_object_get(labels, name) == NULL)
        encode_field_text(json, name, "");
    encode_field_text(json, LABEL, "");
    encode_end(json);
}

static void encode_words(struct encoder *json, const char *key, const json_t *words)
{
    const json_t *item;
    size_t i;

    encode_key(json, key);
    encode_array(json);
    json_array_foreach(words, i, item) encode_text(json, json_string_value(item));
    encode_end(json);
}

/* An empty text would be filled in from the container. */
static void encode_word(struct encoder *json, const char *key, const json_t *image,
                        const char *otherwise)
{
    const char *text = json_string_value(json_object_get(image, key));

    encode_field_text(json, key, text != NULL && *text != '\0' ? text : otherwise);
}

void snapshot_encode(struct buf *out, const json_t *container, const json_t *image)
{
    const json_t *old = json_object_get(image, "Config"),
                 *now = json_object_get(container, "Config");
    const json_t *entry = json_object_get(old, "Entrypoint"),
                 *command = json_object_get(old, "Cmd");
    struct encoder json = encoder_of(out);

    encode_object(&json);
    encode_variables(&json, now, old);
    encode_labels(&json, now, old);
    encode_words(&json, "Entrypoint", entry);
    encode_key(&json, "Cmd");
    encode_array(&json);
    /* With neither, the engine would take the container's, which is Berth's own. */
    if (json_array_size(entry) == 0 && json_array_size(command) == 0)
        encode_text(&json, "/bin/sh");
    const json_t *item;
    size_t i;
    json_array_foreach(command, i, item) encode_text(&json, json_string_value(item));
    encode_end(&json);
    encode_word(&json, "User", old, "root");
    encode_word(&json, "WorkingDir", old, "/");
    encode_end(&json);
}

bool snapshot_login(struct buf *out, const char *login, const char *host, struct error *err)
{
    auto_arena struct arena arena = arena_of(LOGIN_MAX);
    auto_buf struct buf plain = buf_of(LOGIN_MAX);
    struct encoder json = encoder_of(out);
    char text[BASE64_SIZE(LOGIN_MAX) + 2];
    struct launch_login parsed;

    if (!launch_login_parse(login, &arena, &parsed, err))
        return error_context(err, "the registry login");
    buf_printf(&plain, "%s:%s", parsed.user, parsed.password);
    if (plain.has_overflowed)
        return error_set(err, ERROR_OUT_OF_RANGE, "the registry login is too long");
    (void)base64_format((const uint8_t *)plain.bytes, plain.length, text);
    /* The other alphabet, and with its padding. */
    for (char *at = text; *at != '\0'; at++)
        *at = *at == '-' ? '+' : *at == '_' ? '/' : *at;
    for (size_t length = strlen(text); length % 4 != 0; length++)
        memcpy(text + length, "=", 2);
    crypto_wipe(plain.bytes, plain.length);

    encode_object(&json);
    encode_key(&json, "auths");
    encode_object(&json);
    encode_key(&json, *host != '\0' ? host : DEFAULT_REGISTRY);
    encode_object(&json);
    encode_field_text(&json, "auth", text);
    encode_end(&json);
    encode_end(&json);
    encode_end(&json);
    return true;
}

/* What an agent left that was killed meanwhile. Nothing of a snapshot that goes on is that old. */
static void remove_old(struct docker *docker)
{
    struct docker_call call = { .method = "POST",
                                .path =
                                    "/images/prune?filters=%7B%22dangling%22%3A%5B%22true%22%5D%2C"
                                    "%22label%22%3A%5B%22" LABEL
                                    "%22%5D%2C%22until%22%3A%5B%224h%22%5D%7D" };
    struct error ignored;

    (void)!docker_call(docker, &call, NULL, &ignored);
}

static bool commit(const struct snapshot_work *work, struct docker *docker, struct buf *ret_id,
                   struct error *err)
{
    auto_json json_t *container = NULL, *image = NULL, *reply = NULL;
    auto_buf struct buf body = buf_of(BODY_MAX), look = buf_of(PATH_SIZE);
    char path[PATH_SIZE], name[64];
    struct docker_call ask = { .method = "GET" };
    struct docker_call call = { .method = "POST", .path = path, .timeout_ms = COMMIT_MS };
    const char *from, *id;

    if (!docker_inspect(docker, seen_name(work->op->instance_id, name), &container, err) ||
        !json_need_text(container, "Image", 128, &from, err))
        return false;
    buf_printf(&look, "/images/%s/json", from);
    ask.path = look.bytes;
    if (!docker_call(docker, &ask, &image, err))
        return false;
    snapshot_encode(&body, container, image);
    if (body.has_overflowed)
        return error_set(err, ERROR_OUT_OF_RANGE, "its variables are too long");
    call.body = body.bytes;
    (void)snprintf(path, sizeof path, "/commit?container=%s&pause=%d", name, work->op->is_paused);
    if (!docker_call(docker, &call, &reply, err) || !json_need_text(reply, "Id", 128, &id, err))
        return error_context(err, "commit");
    buf_printf(ret_id, "%s", id);
    return true;
}

/* The last lines of what it said, one after the other. */
static const char *ending(struct buf *said)
{
    char *text = said->bytes;
    size_t length = said->length;

    if (length == 0)
        return "nothing was said";
    while (length > 0 && text[length - 1] == '\n')
        text[--length] = '\0';
    for (size_t i = 0; i < length; i++)
        text[i] = text[i] == '\n' ? ' ' : text[i];
    return text;
}

static bool push(const struct snapshot_work *work, const char *id, const struct image *image,
                 const char *login_path, struct error *err)
{
    auto_buf struct buf said = buf_of(SAID_MAX);
    char source[PATH_SIZE], target[IMAGE_TEXT_SIZE + 16], name[IMAGE_TEXT_SIZE], daemon[PATH_SIZE];
    /* In the format of OCI, which has no place for the container's own settings, variables and all,
     * that the engine writes beside those of the image. */
    const char *const arguments[] = { "skopeo",     "copy",     "--insecure-policy",
                                      "--quiet",    "--format", "oci",
                                      "--authfile", login_path, "--src-daemon-host",
                                      daemon,       source,     target,
                                      NULL };
    struct child_run run = { .arguments = arguments, .timeout_ms = PUSH_MS };
    int status;

    (void)snprintf(daemon, sizeof daemon, "unix://%s", work->engine_socket);
    (void)snprintf(source, sizeof source, "docker-daemon:%s", id);
    (void)snprintf(target, sizeof target, "docker://%s", image_format(image, name));
    if (!child_run(&run, &said, &status, err))
        return error_context(err, "push by skopeo");
    return status == 0 || error_set(err, ERROR_IO, "push %s: %s", name, ending(&said));
}

/* The login is a file of ours for as long as that takes. */
static bool push_with(const struct snapshot_work *work, const char *id, const struct image *image,
                      struct error *err)
{
    auto_buf struct buf login = buf_of(3 * LOGIN_MAX);
    char path[PATH_SIZE];

    (void)snprintf(path, sizeof path, "%s/snapshot-%s", work->private_path, work->op->op_id);
    if (work->op->login == NULL)
        buf_printf(&login, "{\"auths\":{}}");
    else if (!snapshot_login(&login, work->op->login, image->host, err))
        return false;
    bool is_done = file_replace(AT_FDCWD, path, 0600, login.bytes, login.length, err) &&
                   push(work, id, image, path, err);
    (void)unlink(path);
    crypto_wipe(login.bytes, login.length);
    return is_done;
}

bool snapshot_run(const struct snapshot_work *work, struct docker *docker, struct buf *out,
                  struct error *err)
{
    auto_buf struct buf id = buf_of(256), path = buf_of(PATH_SIZE);
    struct docker_call remove = { .method = "DELETE" };
    char name[IMAGE_TEXT_SIZE];
    struct image image;
    struct error ignored;

    if (!image_parse(work->op->image, &image, err) ||
        !registry_check(&image, work->private_registries, err))
        return false;
    remove_old(docker);
    if (!commit(work, docker, &id, err))
        return false;
    bool is_done = push_with(work, id.bytes, &image, err);
    buf_printf(&path, "/images/%s?force=1", id.bytes);
    remove.path = path.bytes;
    (void)!docker_call(docker, &remove, NULL, &ignored);
    if (is_done)
        buf_printf(out, "pushed %s\n", image_format(&image, name));
    return is_done;
}
