/* SPDX-License-Identifier: Apache-2.0 */
/* Any env, arguments or login, as JSON or as text: parsed within its limits or refused; what
 * is stored of an env reads back as the same. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "market/launch.h"

enum { ARENA_SIZE = 1 << 21, STORED_MAX = 1 << 22 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_env(const json_t *value)
{
    auto_arena struct arena arena = arena_of(ARENA_SIZE), second = arena_of(ARENA_SIZE);
    auto_buf struct buf stored = buf_of(STORED_MAX), again = buf_of(STORED_MAX);
    struct launch_env env, env_again;
    struct error err;

    if (!launch_env_parse(value, &arena, &env, &err))
        return;
    assert(env.variable_count <= LAUNCH_VARIABLES_MAX && env.port_count <= LAUNCH_PORTS_MAX);
    for (size_t i = 0; i < env.variable_count; i++)
        assert(*env.variables[i].name != '-' && strchr(env.variables[i].name, '=') == NULL);
    launch_env_encode(&stored, &env);
    if (stored.has_overflowed)
        return;

    auto_json json_t *root = NULL;
    bool is_ok = json_parse(stored.bytes, stored.length, &root, &err) &&
                 launch_env_parse(root, &second, &env_again, &err);
    assert(is_ok);
    launch_env_encode(&again, &env_again);
    assert(strcmp(stored.bytes, again.bytes) == 0);
}

static void check_rest(const json_t *value, const char *text)
{
    auto_arena struct arena arena = arena_of(ARENA_SIZE);
    struct launch_args args;
    struct launch_mode mode;
    struct launch_login login;
    struct error err;

    if (launch_args_parse(value, &arena, &args, &err))
        assert(args.count <= LAUNCH_ARGS_MAX);
    if (text == NULL)
        return;
    if (launch_mode_parse(text, false, &mode, &err))
        assert(mode.has_ssh != mode.is_args);
    if (launch_login_parse(text, &arena, &login, &err))
        assert(*login.user != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    auto_json json_t *parsed = NULL, *text = json_stringn((const char *)bytes, size);
    struct error err;

    if (json_parse((const char *)bytes, size, &parsed, &err)) {
        check_env(parsed);
        check_rest(parsed, NULL);
    }
    /* As a text it must be UTF-8 without NUL, as base/json.h promises. */
    if (text != NULL && memchr(bytes, '\0', size) == NULL) {
        check_env(text);
        check_rest(text, json_string_value(text));
    }
    return 0;
}
