/* SPDX-License-Identifier: Apache-2.0 */
/* What a renter asks the container to be: `env` in its two forms, `runtype`, image login
 * (api.md 2.4.1 to 2.4.3).
 *
 *   {"TZ": "UTC", "-p 8081:8081": "1", "-h": "box"}      or      "-e TZ=UTC -p 8081:8081 -h box"
 *
 * come out as the same variables, ports and host name. Everything is bounded and checked here;
 * what passes can be handed to a container engine. */

#ifndef BERTH_MARKET_LAUNCH_H
#define BERTH_MARKET_LAUNCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/compiler.h"
#include "base/error.h"
#include "base/json.h"
#include "market/volume.h"

enum {
    LAUNCH_VARIABLES_MAX = 256,
    LAUNCH_PORTS_MAX = 64,
    LAUNCH_VOLUMES_MAX = 16,
    LAUNCH_ARGS_MAX = 256,
    LAUNCH_TEXT_MAX = 64 * 1024, /* all of an env, one argument, one value */
    LAUNCH_NAME_MAX = 256,       /* of a variable */
    LAUNCH_HOSTNAME_SIZE = 64,
    LAUNCH_IDENTITY_PORT = 70000, /* from here up: same port outside and in, chosen by the host */
    LAUNCH_PORT_MAX = 79999,
    LAUNCH_JUPYTER_PORT = 8080,
    LAUNCH_SHM_MB_MAX = 1 << 20,
};

struct launch_variable {
    const char *name, *value;
};

struct launch_port {
    int64_t port; /* inside; 1 to 65535, or from LAUNCH_IDENTITY_PORT up */
    bool is_udp;
};

/* Texts live in the arena. */
struct launch_env {
    size_t variable_count;
    struct launch_variable *variables;
    size_t port_count;
    struct launch_port *ports;
    size_t volume_count;
    struct volume_word *volumes;
    char hostname[LAUNCH_HOSTNAME_SIZE]; /* "": none asked */
    int64_t shm_mb;                      /* of --shm-size; 0: none asked */
};

/* Either form, or what launch_env_encode() wrote; NULL is an empty one. A variable named twice
 * keeps its last value, a port named twice is one port, and a volume is mounted once.
 * ERROR_INVALID names what is wrong; overlay networks are refused by name while Berth has none. */
NODISCARD bool launch_env_parse(const json_t *value, struct arena *arena, struct launch_env *ret,
                                struct error *err);

/* `extra_env` as api.md 2.5.3 has it: [["TZ","UTC"],["-p 8081:8081","1"]]. */
void launch_env_encode(struct buf *out, const struct launch_env *env);

/* `args` as an array of texts or `args_str` as one text with shell quoting. */
struct launch_args {
    size_t count;
    const char **values;
};
NODISCARD bool launch_args_parse(const json_t *value, struct arena *arena, struct launch_args *ret,
                                 struct error *err);

/* A set of tokens of `runtype`. */
struct launch_mode {
    bool has_ssh; /* also with jupyter */
    bool has_jupyter;
    bool is_args; /* the image's own entrypoint, nothing injected */
};

/* "" or NULL: `ssh`, or `args` if there are any. */
NODISCARD bool launch_mode_parse(const char *runtype, bool has_args, struct launch_mode *ret,
                                 struct error *err);

/* "-u USER -p PASSWORD REGISTRY", in any order. */
struct launch_login {
    const char *user, *password;
    const char *registry; /* "": the engine's default */
};
void launch_login_format(struct buf *out, const struct launch_login *login);
NODISCARD bool launch_login_parse(const char *text, struct arena *arena, struct launch_login *ret,
                                  struct error *err);

#endif
