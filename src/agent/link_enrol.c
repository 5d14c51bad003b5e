/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/link_enrol.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/link_retry.h"
#include "base/buf.h"

/* Its token has been of no use, and will not be. */
static void give_up_token(struct link *link, const char *why)
{
    log_write(&link->options.log, LOG_ERROR, "not let back", "%s", why);
    free(link->token);
    link->token = NULL;
    link_start_over(link, why);
}

/* The machine is what it was, by its new key; an answer that is lost shows by which key is let in.
 */
static void come_back(struct link *link, const struct web_answer *answer)
{
    struct identity *identity = link->options.identity;
    auto_json json_t *root = NULL;
    struct enroll_reply reply;
    struct error err;
    char why[512];

    if (answer->status != 200) {
        link_refusal(answer, why, sizeof why);
        give_up_token(link, why);
    } else if (!link_parse_reply(answer, &root, &err) || !enroll_reply_decode(root, &reply, &err)) {
        give_up_token(link, err.text);
    } else if (reply.machine_id != identity->machine_id) {
        give_up_token(link, "the token is another machine's");
    } else {
        if (!identity_take_next(identity, &err))
            log_failure(&link->options.log, "the new key not taken over yet", &err);
        log_write(&link->options.log, LOG_INFO, "let back", "machine %" PRId64 ", by a new key",
                  reply.machine_id);
        link_leave_session(link, 0);
    }
}

static void on_enrolled(void *context, const struct web_answer *answer)
{
    struct link *link = context;
    auto_json json_t *root = NULL;
    struct enroll_reply reply;
    struct error err;
    char why[512];

    if (!answer->is_answered || answer->status >= 500 || answer->status == 429) {
        link_fail_step(link, answer);
        return;
    }
    if (link->options.identity->machine_id != 0) {
        come_back(link, answer);
        return;
    }
    if (answer->status != 200) {
        link_refusal(answer, why, sizeof why);
        link->options.events.on_hopeless(link->options.events.context, why);
        return;
    }
    if (!link_parse_reply(answer, &root, &err) || !enroll_reply_decode(root, &reply, &err) ||
        !identity_enrol(link->options.identity, &reply, &err)) {
        (void)error_context(&err, "enrolment");
        link->options.events.on_hopeless(link->options.events.context, err.text);
        return;
    }
    log_write(&link->options.log, LOG_INFO, "enrolled", "machine %" PRId64, reply.machine_id);
    link->state = LINK_NONCE;
    loop_timer_set(link->step_timer, 0);
}

void link_enrol(struct link *link)
{
    struct identity *identity = link->options.identity;
    struct enroll_request request = { .token = link->token,
                                      .machine_id = identity->machine_id,
                                      .facts = *link->options.facts };
    auto_buf struct buf body = buf_of(PROTO_BODY_MAX);
    struct error err;

    if (link->token == NULL) {
        link->options.events.on_hopeless(link->options.events.context,
                                         "this host is not enrolled: pass --token, from `berth "
                                         "host token`");
        return;
    }
    if (identity->machine_id != 0 && !identity_make_anew(identity, &err)) {
        link_start_over(link, err.text);
        return;
    }
    const struct key_pair *keys = identity->machine_id != 0 ? &identity->next : &identity->keys;
    memcpy(request.public_key, keys->public_key, sizeof request.public_key);
    enroll_request_encode(&body, &request);
    link_send_plain(link,
                    &(struct link_call){ .method = "POST",
                                         .path = "/agent/v1/enroll",
                                         .body = &body,
                                         .timeout_ms = LINK_ANSWER_MS,
                                         .reply_max = LINK_REPLY_MAX,
                                         .on_done = on_enrolled },
                    NULL, &link->step);
}
