/* SPDX-License-Identifier: Apache-2.0 */
/* A challenge from its work to its verdict, against a server that judges as the real one does. */
#include "agent/prover.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "fake_http.h"
#include "sys/proof_disk.h"
#include "sys/proof_memory.h"
#include "sys/proof_slice.h"

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
    int commits, openings, nonces;
    int shown, part; /* pairs that came, and how many at a time; 0: all, as older servers want it */
    bool refuses, counts_only;
} judge;

static uint32_t nonce_of(int64_t number)
{
    return (uint32_t)(number + 1) * 77777;
}

static void take_ask(const json_t *root, struct buf *response)
{
    auto_buf struct buf body = buf_of(4096);
    struct challenge_ask ask;
    struct error err;

    CHECK_OK(challenge_ask_decode(root, &ask, &err), &err);
    CHECK_TEXT(ask.token, judge.challenge->token);
    CHECK_INT(ask.number, judge.nonces++);
    challenge_nonce_encode(&body, &(struct challenge_nonce){ nonce_of(ask.number) });
    fake_http_reply(response, 200, body.bytes);
}

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
    draw.openings = judge.counts_only ? 0 : CHALLENGE_OPENINGS;
    draw.part = judge.part;
    CHECK_INT(judge.nonces, judge.challenge->nonces);
    challenge_draw_encode(&body, &draw);
    fake_http_reply(response, judge.refuses ? 404 : 200, body.bytes);
}

/* The first time for many cells, and then three times for few. */
static void take_cells(const json_t *root, struct buf *response)
{
    auto_arena struct arena arena = arena_of(PROTO_BODY_MAX);
    auto_buf struct buf body = buf_of(4096);
    struct memory_terms terms = { .pages = (uint64_t)judge.challenge->n,
                                  .layers = (uint32_t)judge.challenge->rounds };
    uint64_t cells[MEMORY_CELLS];
    size_t length, count = judge.openings == 0 ? MEMORY_CELLS : MEMORY_ROUND_CELLS;
    const uint8_t *opening;
    const char *token;
    struct error err;

    CHECK_OK(challenge_opening_decode(root, &arena, &token, &opening, &length, &err), &err);
    memcpy(terms.seed, judge.challenge->seed, sizeof terms.seed);
    memory_draw(&terms, judge.draw, cells, count);
    CHECK_INT(memory_verify_anew(&terms, &judge.commitment, cells, count, opening, length),
              PROOF_GOOD);
    judge.draw[0]++;
    struct challenge_verdict verdict = { "more", MEMORY_ROUND_CELLS, { 0 } };
    memcpy(verdict.draw, judge.draw, sizeof verdict.draw);
    if (++judge.openings == 4)
        verdict = (struct challenge_verdict){ .verdict = "good" };
    challenge_verdict_encode(&body, &verdict);
    fake_http_reply(response, 200, body.bytes);
}

static void take_opening(const json_t *root, struct buf *response)
{
    auto_arena struct arena arena = arena_of(PROTO_BODY_MAX);
    struct proof_terms terms = { .n = (uint32_t)judge.challenge->n,
                                 .rounds = (uint32_t)judge.challenge->rounds,
                                 .is_live = judge.challenge->nonces > CHALLENGE_PINGS };
    struct proof_pair pairs[CHALLENGE_OPENINGS];
    int left = CHALLENGE_OPENINGS - judge.shown;
    int count = judge.part == 0 || judge.part > left ? left : judge.part;
    auto_buf struct buf body = buf_of(4096);
    const uint8_t *opening;
    const char *token;
    size_t length;
    struct error err;

    CHECK_OK(challenge_opening_decode(root, &arena, &token, &opening, &length, &err), &err);
    CHECK_TEXT(token, judge.challenge->token);
    memcpy(terms.seed, judge.challenge->seed, sizeof terms.seed);
    for (int i = 0; terms.is_live && i < PROOF_NONCES; i++)
        terms.nonces[i] = nonce_of(CHALLENGE_PINGS + i);
    proof_draw(&terms, judge.draw, pairs, CHALLENGE_OPENINGS);
    enum proof_fault fault = proof_verify(&terms, &judge.commitment, pairs + judge.shown,
                                          (size_t)count, judge.draw, opening, length);
    judge.openings++;
    judge.shown += count;
    left -= count;
    struct challenge_verdict verdict = { .cells = judge.part < left ? judge.part : left };
    (void)snprintf(verdict.verdict, sizeof verdict.verdict, "%s",
                   fault != PROOF_GOOD ? "bad"
                   : left > 0          ? "more"
                                       : "good");
    challenge_verdict_encode(&body, &verdict);
    fake_http_reply(response, 200, body.bytes);
}

/* Bytes and receipts as the real one makes them, of the draw, which for a network nobody learns. */
static void take_slice(const json_t *root, struct buf *response)
{
    static uint8_t slice[SLICE_DOWN_SIZE];
    struct challenge_ask ask;
    struct error err;

    CHECK_OK(challenge_ask_decode(root, &ask, &err), &err);
    CHECK(ask.number < judge.challenge->n);
    slice_down(judge.draw, (uint32_t)ask.number, slice);
    if (judge.refuses)
        return fake_http_reply(response, 404, "{}");
    buf_printf(response,
               "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n"
               "Content-Length: %d\r\n\r\n",
               SLICE_DOWN_SIZE);
    buf_append(response, (const char *)slice, sizeof slice);
}

static void take_fill(const json_t *root, struct buf *response)
{
    static uint8_t want[SLICE_UP_SIZE];
    auto_arena struct arena arena = arena_of(PROTO_BODY_MAX);
    auto_buf struct buf body = buf_of(4096);
    struct challenge_receipt receipt;
    struct challenge_slice slice;
    struct error err;

    CHECK_OK(challenge_slice_decode(root, &arena, &slice, &err), &err);
    slice_up(judge.challenge->seed, (uint32_t)slice.ask.number, want);
    CHECK(slice.length == sizeof want && memcmp(slice.bytes, want, sizeof want) == 0);
    struct hash hash = slice_receipt(judge.draw, (uint32_t)slice.ask.number);
    memcpy(receipt.receipt, hash.bytes, sizeof receipt.receipt);
    challenge_receipt_encode(&body, &receipt);
    fake_http_reply(response, 200, body.bytes);
}

/* Of a disk or a network: a digest. */
static void take_answer(const json_t *root, struct buf *response)
{
    auto_arena struct arena arena = arena_of(PROTO_BODY_MAX);
    struct disk_terms terms = { .blocks = (uint32_t)judge.challenge->n,
                                .reads = (uint32_t)judge.challenge->rounds };
    const uint8_t *opening;
    struct hash answer;
    const char *token;
    size_t length;
    struct error err;

    CHECK_OK(challenge_opening_decode(root, &arena, &token, &opening, &length, &err), &err);
    CHECK(length == sizeof answer.bytes);
    memcpy(answer.bytes, opening, sizeof answer.bytes);
    memcpy(terms.seed, judge.challenge->seed, sizeof terms.seed);
    struct hash down = slices_down_digest(
        judge.draw, judge.challenge->n < SLICES_MAX ? (uint32_t)judge.challenge->n : 1);
    struct hash up = slices_up_digest(
        judge.draw, judge.challenge->rounds < SLICES_MAX ? (uint32_t)judge.challenge->rounds : 1);
    bool is_good = judge.challenge->kind == AUDIT_DISK
                       ? disk_verify(&terms, &judge.commitment, judge.draw, &answer)
                       : crypto_equal(&down, &judge.commitment, sizeof down) &&
                             crypto_equal(&up, &answer, sizeof up);
    judge.openings++;
    fake_http_reply(response, 200, is_good ? "{\"verdict\":\"good\"}" : "{\"verdict\":\"bad\"}");
}

static void respond(void *context, const struct fake_request *request, struct buf *response)
{
    auto_json json_t *root = NULL;
    struct error err;

    (void)context;
    CHECK_OK(json_parse(request->body, request->body_length, &root, &err), &err);
    if (strcmp(request->target, "/agent/v1/commit") == 0)
        take_commit(root, response);
    else if (strcmp(request->target, "/agent/v1/liveness") == 0)
        take_ask(root, response);
    else if (strcmp(request->target, "/agent/v1/opening") == 0 &&
             judge.challenge->kind == AUDIT_MEMORY)
        take_cells(root, response);
    else if (strcmp(request->target, "/agent/v1/slice") == 0)
        take_slice(root, response);
    else if (strcmp(request->target, "/agent/v1/fill") == 0)
        take_fill(root, response);
    else if (strcmp(request->target, "/agent/v1/opening") == 0 &&
             judge.challenge->kind != AUDIT_COMPUTE)
        take_answer(root, response);
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
    return (struct prove){ *challenge, &facts, url, NULL, "." };
}

static bool proves(struct fake_http *server, const struct prove *work, char verdict[static 16],
                   struct error *err)
{
    fake_http_meet(server);
    bool is_ok = prove(work, verdict, err);
    fake_http_meet(server);
    return is_ok;
}

static void test_a_challenge_is_answered_well(void **state)
{
    auto_fake_http struct fake_http *server = fake_http_open(NULL, respond, NULL);
    struct challenge challenge = { 7,   "GPU-1",          "secret",      { 1, 2 },
                                   512, PROOF_NONCES + 2, AUDIT_COMPUTE, 24 };
    char url[64], verdict[16];
    struct error err;

    (void)state;
    for (int slash = 0; slash < 2; slash++) {
        (void)snprintf(url, sizeof url, "http://127.0.0.1:%d%s", fake_http_port(server),
                       slash == 0 ? "" : "/");
        struct prove work = prove_of(&challenge, url);
        CHECK_OK(proves(server, &work, verdict, &err), &err);
        CHECK_TEXT(verdict, "good");
        CHECK_INT(judge.commits, 1);
        CHECK_INT(judge.openings, 1);
    }
}

/* Ten at a time, as many messages as it takes; and no more than were drawn. */
static void test_rows_are_shown_as_many_at_a_time_as_are_asked_for(void **state)
{
    auto_fake_http struct fake_http *server = fake_http_open(NULL, respond, NULL);
    struct challenge challenge = { 7, "GPU-1", "secret", { 1, 2 }, 512, 3, AUDIT_COMPUTE, 4 };
    char url[64], verdict[16];
    struct error err;

    (void)state;
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d", fake_http_port(server));
    struct prove work = prove_of(&challenge, url);
    judge.part = 10;
    CHECK_OK(proves(server, &work, verdict, &err), &err);
    CHECK_TEXT(verdict, "good");
    CHECK_INT(judge.openings, 7);
    CHECK_INT(judge.shown, CHALLENGE_OPENINGS);
}

/* In a census most only commit. */
static void test_who_is_only_counted_opens_nothing(void **state)
{
    auto_fake_http struct fake_http *server = fake_http_open(NULL, respond, NULL);
    struct challenge challenge = { 7, "GPU-1", "secret", { 1, 2 }, 512, 3, AUDIT_COMPUTE, 4 };
    char url[64], verdict[16];
    struct error err;

    (void)state;
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d", fake_http_port(server));
    struct prove work = prove_of(&challenge, url);
    judge.counts_only = true;
    CHECK_OK(proves(server, &work, verdict, &err), &err);
    CHECK_TEXT(verdict, "unopened");
    CHECK_INT(judge.openings, 0);
}

static void test_memory_is_shown_as_long_as_it_is_asked_for(void **state)
{
    auto_fake_http struct fake_http *server = fake_http_open(NULL, respond, NULL);
    struct challenge challenge = { 7, "GPU-1", "secret", { 1, 2 }, 6, 5, AUDIT_MEMORY, 4 };
    char url[64], verdict[16];
    struct error err;

    (void)state;
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d", fake_http_port(server));
    struct prove work = prove_of(&challenge, url);
    CHECK_OK(proves(server, &work, verdict, &err), &err);
    CHECK_TEXT(verdict, "good");
    CHECK_INT(judge.openings, 4);
    /* More than a processor may be asked for. */
    work.challenge.n = challenge.n = (int64_t)(PROVE_MEMORY_MAX / MEMORY_PAGE_SIZE) + 2;
    judge.nonces = 0;
    CHECK_FAILS(proves(server, &work, verdict, &err), &err, ERROR_UNAVAILABLE);
    work.challenge.n = 3;
    CHECK_FAILS(proves(server, &work, verdict, &err), &err, ERROR_INVALID);
}

/* In the folder that it is told, which is empty afterwards. */
static void test_a_disk_is_shown(void **state)
{
    auto_fake_http struct fake_http *server = fake_http_open(NULL, respond, NULL);
    struct challenge challenge = { 7, "", "secret", { 1, 2 }, 700, 40, AUDIT_DISK, 4 };
    char url[64], verdict[16], dir[] = "/var/tmp/berth-disk-XXXXXX";
    struct error err;

    (void)state;
    CHECK(mkdtemp(dir) != NULL);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d", fake_http_port(server));
    struct prove work = prove_of(&challenge, url);
    work.disk = dir;
    if (proves(server, &work, verdict, &err)) {
        CHECK_TEXT(verdict, "good");
        CHECK_INT(judge.openings, 1);
    } else {
        printf("no disk is shown here: %s\n", err.text); /* no way past the page cache */
    }
    work.disk = "/nowhere";
    judge.nonces = 0;
    CHECK_FAILS(proves(server, &work, verdict, &err), &err, ERROR_NOT_FOUND);
    work.challenge.n = DISK_BLOCKS_MIN - 1;
    CHECK_FAILS(proves(server, &work, verdict, &err), &err, ERROR_INVALID);
    CHECK_INT(rmdir(dir), 0);
}

static void test_a_network_is_shown(void **state)
{
    auto_fake_http struct fake_http *server = fake_http_open(NULL, respond, NULL);
    struct challenge challenge = { 7, "", "secret", { 1, 2 }, 11, 3, AUDIT_NETWORK, 4 };
    char url[64], verdict[16];
    struct error err;

    (void)state;
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d", fake_http_port(server));
    struct prove work = prove_of(&challenge, url);
    CHECK_OK(proves(server, &work, verdict, &err), &err);
    CHECK_TEXT(verdict, "good");
    judge.nonces = 0;
    judge.refuses = true;
    CHECK_FAILS(proves(server, &work, verdict, &err), &err, ERROR_IO);
    work.challenge.n = SLICES_MAX + 1;
    CHECK_FAILS(proves(server, &work, verdict, &err), &err, ERROR_INVALID);
}

static void test_what_cannot_be_is_an_error(void **state)
{
    auto_fake_http struct fake_http *server = fake_http_open(NULL, respond, NULL);
    struct challenge challenge = { 7, "GPU-1", "secret", { 1, 2 }, 500, 3, AUDIT_COMPUTE, 0 };
    char url[64], verdict[16];
    struct error err;

    (void)state;
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d", fake_http_port(server));
    struct prove work = prove_of(&challenge, url);
    CHECK_FAILS(proves(server, &work, verdict, &err), &err, ERROR_INVALID);
    CHECK_INT(judge.commits, 0);
    work.challenge.n = challenge.n = 512;
    judge.refuses = true;
    CHECK_FAILS(proves(server, &work, verdict, &err), &err, ERROR_IO);
    CHECK_INT(judge.openings, 0);
}

/* Which of the challenges "a", "b" ... have ever been committed to, and been heard of: read while
 * answers go on. */
static struct {
    atomic_bool is_begun[4], is_committed[4];
} seen;

static void note(void *context, const struct fake_request *request, struct buf *response)
{
    auto_json json_t *root = NULL;
    auto_buf struct buf body = buf_of(4096);
    struct challenge_draw draw = { .openings = 0 };
    struct error err;

    (void)context;
    CHECK_OK(json_parse(request->body, request->body_length, &root, &err), &err);
    const char *token = json_string_value(json_object_get(root, "token"));
    CHECK(token != NULL && token[0] >= 'a' && token[0] <= 'd');
    seen.is_begun[token[0] - 'a'] = true;
    if (strcmp(request->target, "/agent/v1/commit") == 0) {
        seen.is_committed[token[0] - 'a'] = true;
        challenge_draw_encode(&body, &draw);
    } else {
        challenge_nonce_encode(&body, &(struct challenge_nonce){ 7 });
    }
    fake_http_reply(response, 200, body.bytes);
}

static void take_list(struct prover *prover, const struct challenge_list *list)
{
    auto_buf struct buf body = buf_of(PROTO_BODY_MAX);

    challenge_list_encode(&body, list);
    prover_answered(prover, &(struct web_answer){ .is_answered = true,
                                                  .status = 200,
                                                  .body = body.bytes,
                                                  .length = body.length });
}

/* Three GPUs and a network: the first is rented while it proves, and was it before the second list
 * came; the others go on to their ends. With it the network's, which is of all of the machine. */
static void test_a_proof_ends_when_its_gpu_is_rented_and_no_other_does(void **state)
{
    static struct machine_facts facts = {
        .gpu_count = 3, .gpus = { { .uuid = "GPU-a" }, { .uuid = "GPU-b" }, { .uuid = "GPU-c" } }
    };
    static struct challenge_list list = {
        4,
        { { 1, "GPU-a", "a", { 1 }, 2048, 4096, AUDIT_COMPUTE, 4 }, /* for hours */
          { 2, "GPU-b", "b", { 2 }, 512, 3, AUDIT_COMPUTE, 4 },
          { 3, "GPU-c", "c", { 3 }, 6, 5, AUDIT_MEMORY, 4 },
          { 4, "", "d", { 4 }, 11, 3, AUDIT_NETWORK, 4 } }
    };
    auto_fake_http struct fake_http *server = fake_http_open(NULL, note, NULL);
    struct loop *loop = loop_open(&clock_system);
    char url[64];

    (void)state;
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d", fake_http_port(server));
    struct prover *prover = prover_open(&(struct prover_options){ .loop = loop,
                                                                  .facts = &facts,
                                                                  .server_url = url,
                                                                  .disk = "/nowhere",
                                                                  .log = { .fd = -1 } });
    struct vacancy vacancy = vacancy_of(&facts);

    prover_make_way(prover, &vacancy);
    take_list(prover, &list);
    for (int i = 0; i < 600 && !(seen.is_begun[0] && seen.is_committed[1] && seen.is_committed[2]);
         i++)
        loop_step(loop, 50);
    CHECK(seen.is_begun[0] && seen.is_committed[1] && seen.is_committed[2]);
    CHECK(!seen.is_committed[0]);
    CHECK(prover_is_busy(prover));
    /* Another's is nothing to it. */
    vacancy_take(&vacancy, &facts, "GPU-b,");
    prover_make_way(prover, &vacancy);
    for (int i = 0; i < 20; i++)
        loop_step(loop, 50);
    CHECK(prover_is_busy(prover));
    vacancy_take(&vacancy, &facts, "GPU-a,");
    prover_make_way(prover, &vacancy);
    for (int i = 0; i < 20; i++)
        loop_step(loop, 50);
    CHECK(!prover_is_busy(prover));
    /* What is rented is not begun, nor what is of all of the machine. */
    for (int i = 0; i < 4; i++)
        seen.is_begun[i] = seen.is_committed[i] = false;
    take_list(prover, &list);
    for (int i = 0; i < 600 && prover_is_busy(prover); i++)
        loop_step(loop, 50);
    CHECK(seen.is_committed[2]);
    CHECK(!seen.is_begun[0] && !seen.is_begun[1] && !seen.is_begun[3]);
    prover_close(&prover);
    loop_close(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_challenge_is_answered_well),
        cmocka_unit_test(test_rows_are_shown_as_many_at_a_time_as_are_asked_for),
        cmocka_unit_test(test_who_is_only_counted_opens_nothing),
        cmocka_unit_test(test_memory_is_shown_as_long_as_it_is_asked_for),
        cmocka_unit_test(test_a_disk_is_shown),
        cmocka_unit_test(test_a_network_is_shown),
        cmocka_unit_test(test_what_cannot_be_is_an_error),
        cmocka_unit_test(test_a_proof_ends_when_its_gpu_is_rented_and_no_other_does),
    };

    crypto_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
