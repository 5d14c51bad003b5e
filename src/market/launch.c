/* SPDX-License-Identifier: Apache-2.0 */
#include "market/launch.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/encode.h"

enum { PORT_DIGITS_MAX = 5 };

#define LAUNCH_SHM_BYTES_MAX ((int64_t)LAUNCH_SHM_MB_MAX << 20)

/* Texts split as a shell splits them, but that nothing is expanded. */
struct words {
    size_t count;
    const char *texts[2 * (LAUNCH_VARIABLES_MAX + LAUNCH_PORTS_MAX)];
};

enum { WORDS_MAX = sizeof((struct words *)NULL)->texts / sizeof(char *) };

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Read one word from `*at` into `*to`, which never passes `*at`: quotes only shorten. Returns false
 * where a quote does not end. */
static bool read_word(const char **at, char **to)
{
    char quote = '\0';

    for (; **at != '\0' && (quote != '\0' || !is_blank(**at)); (*at)++) {
        char c = **at;

        if (c == quote && quote != '\0') {
            quote = '\0';
        } else if (quote == '\0' && (c == '\'' || c == '"')) {
            quote = c;
        } else if (c == '\\' && quote != '\'') {
            char next = (*at)[1];

            if (next == '\0')
                return false;
            /* Within double quotes only these lose the backslash. */
            if (quote == '\0' || strchr("\"\\$`", next) != NULL)
                (*at)++;
            *(*to)++ = **at;
        } else {
            *(*to)++ = c;
        }
    }
    return quote == '\0';
}

static bool split_words(const char *text, struct arena *arena, struct words *words,
                        struct error *err)
{
    size_t length = strnlen(text, LAUNCH_TEXT_MAX + 1);
    char *copy = length > LAUNCH_TEXT_MAX ? NULL : arena_alloc(arena, 2 * length + 1, 1);

    if (copy == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "the text is longer than %d bytes",
                         LAUNCH_TEXT_MAX);
    words->count = 0;
    for (;;) {
        while (is_blank(*text))
            text++;
        if (*text == '\0')
            return true;
        if (words->count == WORDS_MAX)
            return error_set(err, ERROR_OUT_OF_RANGE, "there are more than %d words", WORDS_MAX);
        words->texts[words->count++] = copy;
        if (!read_word(&text, &copy))
            return error_set(err, ERROR_INVALID, "a quote or a backslash is not closed");
        *copy++ = '\0';
    }
}

static bool is_control_free(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return false;
    }
    return true;
}

static bool name_is_good(const char *name)
{
    size_t length = strnlen(name, LAUNCH_NAME_MAX + 1);

    if (length == 0 || length > LAUNCH_NAME_MAX || *name == '-')
        return false;
    for (; *name != '\0'; name++) {
        if (*name <= ' ' || *name >= 0x7f || *name == '=')
            return false;
    }
    return true;
}

static bool add_variable(struct launch_env *env, const char *name, const char *value,
                         struct error *err)
{
    if (!name_is_good(name))
        return error_set(err, ERROR_INVALID, "env: '%.64s' cannot be the name of a variable", name);
    if (strnlen(value, LAUNCH_TEXT_MAX + 1) > LAUNCH_TEXT_MAX)
        return error_set(err, ERROR_OUT_OF_RANGE, "env: the value of '%.64s' is too long", name);
    for (size_t i = 0; i < env->variable_count; i++) {
        if (strcmp(env->variables[i].name, name) == 0) {
            env->variables[i].value = value;
            return true;
        }
    }
    if (env->variable_count == LAUNCH_VARIABLES_MAX)
        return error_set(err, ERROR_OUT_OF_RANGE, "env: more than %d variables",
                         LAUNCH_VARIABLES_MAX);
    env->variables[env->variable_count++] = (struct launch_variable){ name, value };
    return true;
}

/* Digits up to `end`. */
static bool read_port(const char *text, const char *end, int64_t *ret)
{
    int64_t value = 0;

    if (text == end || end - text > PORT_DIGITS_MAX)
        return false;
    for (; text < end; text++) {
        if (*text < '0' || *text > '9')
            return false;
        value = value * 10 + (*text - '0');
    }
    *ret = value;
    return true;
}

static bool port_is_good(int64_t port)
{
    return (port >= 1 && port <= UINT16_MAX) ||
           (port >= LAUNCH_IDENTITY_PORT && port <= LAUNCH_PORT_MAX);
}

/* [HOST:]CONTAINER[/tcp|/udp]; the host's part is only a hint, and not kept. */
static bool add_port(struct launch_env *env, const char *text, struct error *err)
{
    const char *slash = strchr(text, '/');
    const char *end = slash != NULL ? slash : text + strlen(text);
    const char *colon = memchr(text, ':', (size_t)(end - text));
    struct launch_port port = { .is_udp = slash != NULL && strcmp(slash, "/udp") == 0 };
    int64_t hint;

    if ((slash != NULL && !port.is_udp && strcmp(slash, "/tcp") != 0) ||
        (colon != NULL && !read_port(text, colon, &hint)) ||
        !read_port(colon != NULL ? colon + 1 : text, end, &port.port) || !port_is_good(port.port))
        return error_set(err, ERROR_INVALID, "env: '-p %.64s' is not HOST:CONTAINER[/udp]", text);
    for (size_t i = 0; i < env->port_count; i++) {
        if (env->ports[i].port == port.port && env->ports[i].is_udp == port.is_udp)
            return true;
    }
    if (env->port_count == LAUNCH_PORTS_MAX)
        return error_set(err, ERROR_OUT_OF_RANGE, "env: more than %d ports", LAUNCH_PORTS_MAX);
    env->ports[env->port_count++] = port;
    return true;
}

static bool set_hostname(struct launch_env *env, const char *name, struct error *err)
{
    static const char accepted[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "0123456789.-";
    size_t length = strspn(name, accepted);

    if (length == 0 || length >= LAUNCH_HOSTNAME_SIZE || name[length] != '\0' || *name == '-' ||
        *name == '.')
        return error_set(err, ERROR_INVALID, "env: '-h %.64s' is not a host name", name);
    memcpy(env->hostname, name, length + 1);
    return true;
}

/* "512m", "8g", "8gb", "67108864": as docker has sizes. A part of a MB counts as a whole one. */
static bool set_shm(struct launch_env *env, const char *text, struct error *err)
{
    static const struct {
        const char *suffix;
        int64_t bytes;
    } rows[] = { { "", 1 },         { "b", 1 },        { "k", 1 << 10 },
                 { "kb", 1 << 10 }, { "m", 1 << 20 },  { "mb", 1 << 20 },
                 { "g", 1 << 30 },  { "gb", 1 << 30 }, { "t", 1LL << 40 } };
    const char *suffix = text + strspn(text, "0123456789");
    int64_t count = 0;

    for (const char *at = text; at < suffix && count <= LAUNCH_SHM_BYTES_MAX; at++)
        count = count * 10 + (*at - '0');
    for (size_t i = 0; suffix > text && i < sizeof rows / sizeof rows[0]; i++) {
        if (strcasecmp(suffix, rows[i].suffix) != 0)
            continue;
        if (count < 1 || count > LAUNCH_SHM_BYTES_MAX / rows[i].bytes)
            break;
        env->shm_mb = (count * rows[i].bytes + (1 << 20) - 1) >> 20;
        return true;
    }
    return error_set(err, ERROR_INVALID, "env: '--shm-size %.32s' is not a size such as 8g", text);
}

/* V.ID:/path, each volume and each path once. */
static bool add_volume(struct launch_env *env, const char *text, struct error *err)
{
    struct volume_word word;

    if (!volume_word_parse(text, &word))
        return error_set(err, ERROR_INVALID, "env: '-v %.64s' is not V.ID:/path", text);
    for (size_t i = 0; i < env->volume_count; i++) {
        bool is_same = env->volumes[i].id == word.id;

        if (is_same != (strcmp(env->volumes[i].path, word.path) == 0))
            return error_set(err, ERROR_INVALID, "env: '-v %.64s' is mounted otherwise, too", text);
        if (is_same)
            return true;
    }
    if (env->volume_count == LAUNCH_VOLUMES_MAX)
        return error_set(err, ERROR_OUT_OF_RANGE, "env: more than %d volumes", LAUNCH_VOLUMES_MAX);
    env->volumes[env->volume_count++] = word;
    return true;
}

/* An option as docker has it, apart from its value. */
static bool add_option(struct launch_env *env, const char *option, const char *value,
                       struct error *err)
{
    if (strcmp(option, "-p") == 0 || strcmp(option, "--publish") == 0)
        return add_port(env, value, err);
    if (strcmp(option, "-h") == 0 || strcmp(option, "--hostname") == 0)
        return set_hostname(env, value, err);
    if (strcmp(option, "--shm-size") == 0)
        return set_shm(env, value, err);
    if (strcmp(option, "-v") == 0 || strcmp(option, "--volume") == 0)
        return add_volume(env, value, err);
    if (strcmp(option, "-n") == 0)
        return error_set(err, ERROR_INVALID, "env: -n: this market has no overlay networks");
    return error_set(err, ERROR_INVALID, "env: the option '%.32s' is not taken here", option);
}

/* Room for as much as an env may have. */
static bool env_open(struct arena *arena, struct launch_env *env, struct error *err)
{
    *env = (struct launch_env){
        .variables = arena_alloc(arena, LAUNCH_VARIABLES_MAX, sizeof env->variables[0]),
        .ports = arena_alloc(arena, LAUNCH_PORTS_MAX, sizeof env->ports[0]),
        .volumes = arena_alloc(arena, LAUNCH_VOLUMES_MAX, sizeof env->volumes[0]),
    };
    if (env->variables == NULL || env->ports == NULL || env->volumes == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "env: too long");
    return true;
}

/* "NAME=VALUE"; without a '=' the value is empty. */
static bool add_assignment(struct launch_env *env, struct arena *arena, const char *text,
                           struct error *err)
{
    size_t length = strcspn(text, "=");
    const char *name = arena_copy(arena, text, length);

    if (name == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "env: too long");
    return add_variable(env, name, text[length] == '=' ? text + length + 1 : "", err);
}

static bool parse_text(const char *text, struct arena *arena, struct launch_env *env,
                       struct error *err)
{
    struct words words;

    if (!split_words(text, arena, &words, err))
        return error_context(err, "env");
    for (size_t i = 0; i < words.count; i++) {
        const char *option = words.texts[i], *value;

        if (*option != '-')
            return error_set(err, ERROR_INVALID, "env: '%.64s' is no option", option);
        if (option[1] == '-' && strchr(option, '=') != NULL) {
            value = strchr(option, '=') + 1;
            option = arena_copy(arena, option, (size_t)(value - 1 - option));
            if (option == NULL)
                return error_set(err, ERROR_OUT_OF_RANGE, "env: too long");
        } else {
            if (i + 1 == words.count)
                return error_set(err, ERROR_INVALID, "env: '%.64s' lacks its value", option);
            value = words.texts[++i];
        }
        bool is_variable = strcmp(option, "-e") == 0 || strcmp(option, "--env") == 0;

        if (is_variable ? !add_assignment(env, arena, value, err)
                        : !add_option(env, option, value, err))
            return false;
    }
    return true;
}

/* A member of the object form: a variable, or an option with its value in the name. */
static bool add_member(struct launch_env *env, struct arena *arena, const char *key,
                       const char *value, struct error *err)
{
    size_t option_length = strcspn(key, key[0] == '-' && key[1] == '-' ? " =" : " ");

    if (*key != '-')
        return add_variable(env, key, value, err);
    const char *option = arena_copy(arena, key, option_length);
    if (option == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "env: too long");
    return add_option(env, option, key[option_length] != '\0' ? key + option_length + 1 : value,
                      err);
}

/* Texts as they are, numbers and truth values as they are written. NULL: neither. */
static const char *scalar_text(const json_t *value, struct arena *arena)
{
    if (json_is_string(value))
        return arena_copy(arena, json_string_value(value), json_string_length(value));
    if (json_is_integer(value))
        return arena_printf(arena, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    if (json_is_boolean(value))
        return json_is_true(value) ? "true" : "false";
    return NULL;
}

static bool add_json_member(struct launch_env *env, struct arena *arena, const char *key,
                            const json_t *value, struct error *err)
{
    const char *name = arena_text(arena, key);
    const char *text = scalar_text(value, arena);

    if (json_is_null(value))
        return true;
    if (name == NULL || text == NULL)
        return error_set(err, ERROR_INVALID, "env: the value of '%.64s' is not a text", key);
    return add_member(env, arena, name, text, err);
}

static bool parse_object(const json_t *object, struct arena *arena, struct launch_env *env,
                         struct error *err)
{
    json_t *members = (json_t *)object; /* only read */
    const char *key;
    json_t *value;

    json_object_foreach(members, key, value)
    {
        if (!add_json_member(env, arena, key, value, err))
            return false;
    }
    return true;
}

static bool parse_pairs(const json_t *pairs, struct arena *arena, struct launch_env *env,
                        struct error *err)
{
    for (size_t i = 0; i < json_array_size(pairs); i++) {
        const json_t *pair = json_array_get(pairs, i);
        const char *key = json_string_value(json_array_get(pair, 0));

        if (json_array_size(pair) != 2 || key == NULL)
            return error_set(err, ERROR_INVALID, "env: item %zu is not a pair", i + 1);
        if (!add_json_member(env, arena, key, json_array_get(pair, 1), err))
            return false;
    }
    return true;
}

bool launch_env_parse(const json_t *value, struct arena *arena, struct launch_env *ret,
                      struct error *err)
{
    struct launch_env env;
    bool is_good;

    if (!env_open(arena, &env, err))
        return false;
    if (value == NULL || json_is_null(value))
        is_good = true;
    else if (json_is_string(value))
        is_good = parse_text(json_string_value(value), arena, &env, err);
    else if (json_is_object(value))
        is_good = parse_object(value, arena, &env, err);
    else if (json_is_array(value))
        is_good = parse_pairs(value, arena, &env, err);
    else
        is_good = error_set(err, ERROR_INVALID, "env: neither an object nor a text");
    if (is_good)
        *ret = env;
    return is_good;
}

static void encode_pair(struct encoder *json, const char *key, const char *value)
{
    encode_array(json);
    encode_text(json, key);
    encode_text(json, value);
    encode_end(json);
}

void launch_env_encode(struct buf *out, const struct launch_env *env)
{
    struct encoder json = encoder_of(out);

    encode_array(&json);
    for (size_t i = 0; i < env->variable_count; i++)
        encode_pair(&json, env->variables[i].name, env->variables[i].value);
    if (*env->hostname != '\0')
        encode_pair(&json, "-h", env->hostname);
    if (env->shm_mb > 0) {
        char size[32];

        (void)snprintf(size, sizeof size, "%" PRId64 "m", env->shm_mb);
        encode_pair(&json, "--shm-size", size);
    }
    for (size_t i = 0; i < env->volume_count; i++) {
        char key[VOLUME_PATH_MAX + 32];

        (void)snprintf(key, sizeof key, "-v V.%" PRId64 ":%s", env->volumes[i].id,
                       env->volumes[i].path);
        encode_pair(&json, key, "1");
    }
    for (size_t i = 0; i < env->port_count; i++) {
        const struct launch_port *port = &env->ports[i];
        char key[32];
        int length = snprintf(key, sizeof key, "-p %" PRId64 ":%" PRId64 "%s", port->port,
                              port->port, port->is_udp ? "/udp" : "");

        assert(length > 0 && length < (int)sizeof key);
        encode_pair(&json, key, "1");
    }
    encode_end(&json);
}

bool launch_args_parse(const json_t *value, struct arena *arena, struct launch_args *ret,
                       struct error *err)
{
    struct words words = { 0 };
    size_t length = 0;

    if (json_is_string(value)) {
        if (!split_words(json_string_value(value), arena, &words, err))
            return error_context(err, "args");
    } else if (json_is_array(value)) {
        if (json_array_size(value) > LAUNCH_ARGS_MAX)
            return error_set(err, ERROR_OUT_OF_RANGE, "args: more than %d", LAUNCH_ARGS_MAX);
        for (size_t i = 0; i < json_array_size(value); i++) {
            const json_t *item = json_array_get(value, i);
            const char *text = scalar_text(item, arena);

            length += json_string_length(item);
            if (text == NULL || length > LAUNCH_TEXT_MAX)
                return error_set(err, ERROR_INVALID, "args: item %zu is no text, or too long",
                                 i + 1);
            words.texts[words.count++] = text;
        }
    } else if (value != NULL && !json_is_null(value)) {
        return error_set(err, ERROR_INVALID, "args: neither a list nor a text");
    }
    if (words.count > LAUNCH_ARGS_MAX)
        return error_set(err, ERROR_OUT_OF_RANGE, "args: more than %d", LAUNCH_ARGS_MAX);

    const char **values = arena_alloc(arena, words.count, sizeof values[0]);
    if (values == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "args: too long");
    memcpy(values, words.texts, words.count * sizeof values[0]);
    *ret = (struct launch_args){ .count = words.count, .values = values };
    return true;
}

/* One token; false where there is no such mode. */
static bool add_mode(struct launch_mode *mode, const char *token, size_t length)
{
    static const struct {
        const char *token;
        struct launch_mode mode;
    } rows[] = {
        { "ssh", { .has_ssh = true } },
        { "ssh_proxy", { .has_ssh = true } },
        { "ssh_direct", { .has_ssh = true } },
        { "ssh_direc", { .has_ssh = true } }, /* what the clients send */
        { "jupyter", { .has_ssh = true, .has_jupyter = true } },
        { "jupyter_proxy", { .has_ssh = true, .has_jupyter = true } },
        { "jupyter_direct", { .has_ssh = true, .has_jupyter = true } },
        { "jupyter_direc", { .has_ssh = true, .has_jupyter = true } },
        { "args", { .is_args = true } },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strlen(rows[i].token) != length || memcmp(rows[i].token, token, length) != 0)
            continue;
        mode->has_ssh |= rows[i].mode.has_ssh;
        mode->has_jupyter |= rows[i].mode.has_jupyter;
        mode->is_args |= rows[i].mode.is_args;
        return true;
    }
    return false;
}

bool launch_mode_parse(const char *runtype, bool has_args, struct launch_mode *ret,
                       struct error *err)
{
    struct launch_mode mode = { 0 };
    const char *at = runtype != NULL ? runtype : "";

    at += strspn(at, " ");
    if (*at == '\0') {
        *ret = (struct launch_mode){ .has_ssh = !has_args, .is_args = has_args };
        return true;
    }
    while (*at != '\0') {
        size_t length = strcspn(at, " ");

        if (!add_mode(&mode, at, length))
            return error_set(err, ERROR_INVALID, "runtype: there is no launch mode '%.*s'",
                             length < 32 ? (int)length : 32, at);
        at += length;
        at += strspn(at, " ");
    }
    if (mode.is_args && mode.has_ssh)
        return error_set(err, ERROR_INVALID, "runtype: 'args' goes with no other mode");
    *ret = mode;
    return true;
}

/* As one word, whatever is in it: in single quotes, each of its own between two of them. */
static void append_word(struct buf *out, const char *word)
{
    buf_append(out, "'", 1);
    for (const char *c = word; *c != '\0'; c++)
        *c == '\'' ? buf_append(out, "'\\''", 4) : buf_append(out, c, 1);
    buf_append(out, "'", 1);
}

void launch_login_format(struct buf *out, const struct launch_login *login)
{
    buf_printf(out, "-u ");
    append_word(out, login->user);
    buf_printf(out, " -p ");
    append_word(out, login->password);
    buf_printf(out, " ");
    if (*login->registry != '\0')
        append_word(out, login->registry);
}

bool launch_login_parse(const char *text, struct arena *arena, struct launch_login *ret,
                        struct error *err)
{
    struct launch_login login = { .registry = "" };
    struct words words;

    if (!split_words(text, arena, &words, err))
        return error_context(err, "image_login");
    for (size_t i = 0; i < words.count; i++) {
        const char *word = words.texts[i];
        bool is_user = strcmp(word, "-u") == 0 || strcmp(word, "--username") == 0;
        bool is_password = strcmp(word, "-p") == 0 || strcmp(word, "--password") == 0;

        if (is_user || is_password) {
            if (i + 1 == words.count)
                return error_set(err, ERROR_INVALID, "image_login: %s lacks its value", word);
            *(is_user ? &login.user : &login.password) = words.texts[++i];
        } else if (*word == '-' || *login.registry != '\0') {
            return error_set(err, ERROR_INVALID,
                             "image_login: only -u USER -p PASSWORD REGISTRY is taken");
        } else {
            login.registry = word;
        }
    }
    if (login.user == NULL || login.password == NULL || *login.user == '\0')
        return error_set(err, ERROR_INVALID, "image_login: -u USER and -p PASSWORD are needed");
    if (!is_control_free(login.user) || !is_control_free(login.password) ||
        !is_control_free(login.registry))
        return error_set(err, ERROR_INVALID, "image_login: control characters");
    *ret = login;
    return true;
}
