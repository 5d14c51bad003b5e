/* SPDX-License-Identifier: Apache-2.0 */
/* A challenge from its work to its verdict, against a server that judges as the real one does. */
#include "agent/prover.h"

#include <stdio.h>
#include <string.h>

#include "check.h"
#include "fake_http.h"
#include "sys/proof_verify.h"

/* PoCL may be loaded into this program, and frees nothing at its end. */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
    return 1;
}

static struct {
    const struct challenge *challenge;
    uint8_t draw[32];
    struct hash commitment;
    int commits, openings;
    bool refuses;
} judge;

static void take_commit(const json_t *root, struct buf *response)
{
    auto_buf struct buf body = buf_of(4096);
    struct challenge_commit commit;
    struct challenge_draw draw;
    struct error err;

    CHECK_OK(challenge_commit_decode(root, &commit, &err), &err);
    CHECK_TEXT(commit.token, judge.challenge->token);
    memcpy(judge.commitment.bytes, commit.commitment, sizeof commit.commitment);
    memcpy(draw.draw, judge.draw, sizeof draw.draw);
    judge.commits++;
    challenge_draw_encode(&body, &draw);
    fake_http_reply(response, judge.refuses ? 404 : 200, body.bytes);
}

static void take_opening(const json_t *root, struct buf *response)
{
    auto_arena struct arena arena = arena_of(PROTO_BODY_MAX);
    struct proof_terms terms = { .n = (uint32_t)judge.challenge->n,
                                 .rounds = (uint32_t)judge.challenge->rounds };
    struct proof_pair pairs[CHALLENGE_OPENINGS];
    const uint8_t *opening;
    const char *token;
    size_t length;
    struct error err;

    CHECK_OK(challenge_opening_decode(root, &arena, &token, &opening, &length, &err), &err);
    CHECK_TEXT(token, judge.challenge->token);
    memcpy(terms.seed, judge.challenge->seed, sizeof terms.seed);
    proof_draw(&terms, judge.draw, pairs, CHALLENGE_OPENINGS);
    enum proof_fault fault = proof_verify(&terms, &judge.commitment, pairs, CHALLENGE_OPENINGS,
                                          judge.draw, opening, length);
    judge.openings++;
    fake_http_reply(response, 200,
                    fault == PROOF_GOOD ? "{\"verdict\":\"good\"}" : "{\"verdict\":\"bad\"}");
}

static void respond(void *context, const struct fake_request *request, struct buf *response)
{
    auto_json json_t *root = NULL;
    struct error err;

    (void)context;
    CHECK_OK(json_parse(request->body, request->body_length, &root, &err), &err);
    if (strcmp(request->target, "/agent/v1/commit") == 0)
        take_commit(root, response);
    else if (strcmp(request->target, "/agent/v1/opening") == 0)
        take_opening(root, response);
    else
        fake_http_reply(response, 500, "{}");
}

static struct prove prove_of(const struct challenge *challenge, const char *url)
{
    static struct machine_facts facts = { .gpu_count = 0 };

    memset(&judge, 0, sizeof judge);
    judge.challenge = challenge;
    for (size_t i = 0; i < sizeof judge.draw; i++)
        judge.draw[i] = (uint8_t)check_random(256);
    return (struct prove){ *challenge, &facts, url, NULL };
}

static void test_a_challenge_is_answered_well(void **state)
{
    auto_fake_http struct fake_http *server = fake_http_open(NULL, respond, NULL);
    struct challenge challenge = { 7, "GPU-1", "secret", { 1, 2 }, 512, 3 };
    char url[64], verdict[16];
    struct error err;

    (void)state;
    for (int slash = 0; slash < 2; slash++) {
        (void)snprintf(url, sizeof url, "http://127.0.0.1:%d%s", fake_http_port(server),
                       slash == 0 ? "" : "/");
        struct prove work = prove_of(&challenge, url);
        CHECK_OK(prove(&work, verdict, &err), &err);
        CHECK_TEXT(verdict, "good");
        CHECK_INT(judge.commits, 1);
        CHECK_INT(judge.openings, 1);
    }
}

static void test_what_cannot_be_is_an_error(void **state)
{
    auto_fake_http struct fake_http *server = fake_http_open(NULL, respond, NULL);
    struct challenge challenge = { 7, "GPU-1", "secret", { 1, 2 }, 500, 3 };
    char url[64], verdict[16];
    struct error err;

    (void)state;
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d", fake_http_port(server));
    struct prove work = prove_of(&challenge, url);
    CHECK_FAILS(prove(&work, verdict, &err), &err, ERROR_INVALID);
    CHECK_INT(judge.commits, 0);
    work.challenge.n = challenge.n = 512;
    judge.refuses = true;
    CHECK_FAILS(prove(&work, verdict, &err), &err, ERROR_IO);
    CHECK_INT(judge.openings, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_challenge_is_answered_well),
        cmocka_unit_test(test_what_cannot_be_is_an_error),
    };

    crypto_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
