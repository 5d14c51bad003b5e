/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/password.h"

#include <assert.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static_assert(PASSWORD_TEXT_SIZE == crypto_pwhash_STRBYTES, "the library's");

struct password_gate {
    unsigned long long passes;
    size_t memory;

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t left;
    int running, waiting;
};

static bool work_out(const struct password_gate *gate, const char *password,
                     char ret[static PASSWORD_TEXT_SIZE])
{
    return crypto_pwhash_str_alg(ret, password, strlen(password), gate->passes, gate->memory,
                                 crypto_pwhash_ALG_ARGON2ID13) == 0;
}

struct password_gate *password_gate_open(enum password_cost cost)
{
    struct password_gate *gate = calloc(1, sizeof *gate);

    if (gate == NULL)
        abort();
    bool is_full = cost == PASSWORD_COST_FULL;
    gate->passes = is_full ? crypto_pwhash_OPSLIMIT_INTERACTIVE : crypto_pwhash_OPSLIMIT_MIN;
    gate->memory = is_full ? crypto_pwhash_MEMLIMIT_INTERACTIVE : crypto_pwhash_MEMLIMIT_MIN;
    (void)pthread_mutex_init(&gate->lock, NULL);
    (void)pthread_cond_init(&gate->left, NULL);
    return gate;
}

void password_gate_close(struct password_gate **gate)
{
    if (*gate == NULL)
        return;
    (void)pthread_cond_destroy(&(*gate)->left);
    (void)pthread_mutex_destroy(&(*gate)->lock);
    free(*gate);
    *gate = NULL;
}

/* False: there are too many already. */
static bool enter(struct password_gate *gate)
{
    (void)pthread_mutex_lock(&gate->lock);
    bool is_in = gate->waiting < PASSWORD_WAIT_MAX || gate->running < PASSWORD_RUN_MAX;
    if (is_in) {
        gate->waiting++;
        while (gate->running == PASSWORD_RUN_MAX)
            (void)pthread_cond_wait(&gate->left, &gate->lock);
        gate->waiting--;
        gate->running++;
    }
    (void)pthread_mutex_unlock(&gate->lock);
    return is_in;
}

static void leave(struct password_gate *gate)
{
    (void)pthread_mutex_lock(&gate->lock);
    gate->running--;
    (void)pthread_cond_signal(&gate->left);
    (void)pthread_mutex_unlock(&gate->lock);
}

enum password_outcome password_hash(struct password_gate *gate, const char *password,
                                    char ret[static PASSWORD_TEXT_SIZE])
{
    if (!enter(gate))
        return PASSWORD_BUSY;
    bool is_done = work_out(gate, password, ret);
    leave(gate);
    /* It failed for want of memory, which another time may be there. */
    return is_done ? PASSWORD_OK : PASSWORD_BUSY;
}

enum password_outcome password_check(struct password_gate *gate, const char *kept,
                                     const char *password)
{
    char unused[PASSWORD_TEXT_SIZE];
    bool is_right = false;

    if (!enter(gate))
        return PASSWORD_BUSY;
    if (kept[0] != '\0')
        is_right = crypto_pwhash_str_verify(kept, password, strlen(password)) == 0;
    else
        (void)work_out(gate, password, unused);
    leave(gate);
    return is_right ? PASSWORD_OK : PASSWORD_WRONG;
}
