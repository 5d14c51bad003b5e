/* SPDX-License-Identifier: Apache-2.0 */
/* The server's side of the agent's line, for tests: one machine, over real HTTP, with signatures
 * and sequence numbers checked. Threads of its own; every function may be called from the test.
 *
 * It wants what it is told with market_want(), and remembers what the agent last reported. */

#ifndef BERTH_TEST_AGENT_SUPPORT_MARKET_H
#define BERTH_TEST_AGENT_SUPPORT_MARKET_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/desired.h"
#include "proto/heartbeat.h"
#include "sys/crypto.h"

enum { MARKET_MACHINE = 7 };

#define MARKET_TOKEN "token-for-tests"

struct market;

struct market *market_open(void);
void market_close(struct market **market);

/* "http://127.0.0.1:PORT". */
const char *market_url(const struct market *market);

/* What should be from now on; the revision is the market's to count. Copied. */
void market_want(struct market *market, const struct desired_instance *instances, int64_t count);
void market_want_ops(struct market *market, const struct desired_op *ops, int64_t count);

/* That a volume is to go, signed or not; 0: none. And that as the market says it. */
void market_want_gone(struct market *market, int64_t volume_id, int64_t gen, bool is_signed);
const char *gone(void);

/* Leave to delete, signed. */
void market_sign_destroy(const struct market *market, struct desired_instance *instance);

/* The last report about an instance. False: none. Texts are cut to fit. */
struct market_report {
    int64_t gen;
    enum instance_phase phase;
    char start_token[128], message[512];
    int64_t run_ms, counter_epoch, bytes_up, bytes_down, exit_code, restart_nonce, ssh_port;
    int64_t disk_used_mb;
    int64_t port_count;
    struct port_mapping ports[SPEC_PORTS_MAX];
};
bool market_report(struct market *market, int64_t id, struct market_report *ret);

/* Until the instance is reported in that phase under that generation; fails the test after
 * `seconds`, showing what it was. */
struct market_report market_wait(struct market *market, int64_t id, enum instance_phase phase,
                                 int64_t gen, int seconds);

/* Until the result of an operation has come. */
enum op_status market_wait_op(struct market *market, const char *op_id, char *output, size_t size,
                              int seconds);

struct market_counts {
    int64_t enrolments, sessions, heartbeats, polls, results;
    int64_t bad_signatures, replays; /* must stay 0 */
    int64_t quarantined, applied_rev, incarnation;
    bool is_engine_ok;
};
struct market_counts market_counts(struct market *market);

/* Faults */
void market_refuse(struct market *market, int count);     /* answer 503 to that many requests */
void market_drop(struct market *market, int count);       /* close without an answer */
void market_take_over(struct market *market);             /* the session goes to somebody else */
void market_hang_up(struct market *market, bool is_away); /* accept nobody, or again */

#endif
