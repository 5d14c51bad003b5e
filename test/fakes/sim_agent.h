/* SPDX-License-Identifier: Apache-2.0 */
/* An agent without a machine: it speaks the agent channel (proto/hello.h) as berth-host does, and
 * makes the rest up. For tests of the server, and for load. */

#ifndef BERTH_TEST_FAKES_SIM_AGENT_H
#define BERTH_TEST_FAKES_SIM_AGENT_H

#include "proto/heartbeat.h"
#include "proto/hello.h"
#include "sys/crypto.h"
#include "sys/http_client.h"

enum sim_stream { SIM_HEARTBEAT, SIM_POLL, SIM_OP, SIM_STREAM_COUNT };

enum { SIM_HEADER_SIZE = 160, SIM_HEADER_COUNT = 5 };

struct sim_agent {
    const char *server; /* "http://127.0.0.1:8080" */
    struct key_pair keys;
    uint8_t server_key[32]; /* that signs what is to go */
    int64_t machine_id, epoch, incarnation;
    int64_t seq[SIM_STREAM_COUNT]; /* the last one used */
    struct machine_facts facts;
};

/* A machine of `gpu_count` simulated GPUs of that model, or without any; `number` makes it unlike
 * others. */
void sim_agent_init(struct sim_agent *agent, const char *server, int64_t number, int64_t gpu_count,
                    const char *gpu_name);

/* Trade a token for an identity; then, and whenever it was told 409, open a session. */
NODISCARD bool sim_agent_enroll(struct sim_agent *agent, struct http_client *client,
                                const char *token, struct error *err);
NODISCARD bool sim_agent_connect(struct sim_agent *agent, struct http_client *client,
                                 struct error *err);

/* The same by hand, for who has sockets of their own: what to POST, and what to make of the
 * answer. */
void sim_agent_ask_enroll(const struct sim_agent *agent, const char *token, struct buf *body);
NODISCARD bool sim_agent_take_enroll(struct sim_agent *agent, const struct buf *reply,
                                     struct error *err);
void sim_agent_ask_nonce(const struct sim_agent *agent, struct buf *body);
NODISCARD bool sim_agent_ask_session(const struct sim_agent *agent, const struct buf *nonce_reply,
                                     struct buf *body, struct error *err);
NODISCARD bool sim_agent_take_session(struct sim_agent *agent, const struct buf *reply,
                                      struct error *err);

/* Header lines of a signed request, NULL-terminated, for its stream's next sequence number. */
struct sim_headers {
    char text[SIM_HEADER_COUNT][SIM_HEADER_SIZE];
    const char *lines[SIM_HEADER_COUNT + 1];
};
void sim_agent_sign(struct sim_agent *agent, enum sim_stream stream,
                    const struct http_request *request, const char *path, struct sim_headers *ret);

/* What the next heartbeat says, without its instances. */
struct heartbeat sim_agent_heartbeat(const struct sim_agent *agent);

/* One signed exchange: `body` NULL is a GET. False: there was no answer. */
struct sim_exchange {
    enum sim_stream stream;
    const char *path; /* with its query */
    const struct buf *body;
    int64_t timeout_ms;
    int status;       /* of the answer */
    struct buf reply; /* released by the caller */
};
NODISCARD bool sim_agent_exchange(struct sim_agent *agent, struct http_client *client,
                                  struct sim_exchange *exchange, struct error *err);

#endif
