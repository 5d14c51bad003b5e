/* SPDX-License-Identifier: Apache-2.0 */
#include "server/agents.h"

#include <stdio.h>
#include <string.h>

#include "flow/support.h"

/* A server of which only what agents_check() needs is there, and one machine with a session. */
static struct app app;
static struct world world;
static struct world_machine machine;

static void release(void *poll, enum hub_reason reason)
{
    (void)poll;
    (void)reason;
    CHECK(false); /* nobody parks here */
}

static void open_app(struct support *support)
{
    world_open(&world, support);
    world_host(&world, &machine, "first", 1);
    app = (struct app){ .log = log_silent(), .clock = &world.clock, .flow = world.flow };
    app.metrics = metrics_open(1);
    app.hub = hub_open(app.clock, release);
    clock_advance(&world.clock, US_PER_SECOND); /* a machine is not heard of at instant 0 */
}

static void close_app(void)
{
    hub_close(&app.hub);
    metrics_close(&app.metrics);
    world_close(&world);
}

/* A request as an agent sends it, and what a test may bend about it. */
struct sent {
    struct request_stamp stamp;
    const char *body, *path;
    const struct key_pair *keys;
};

static struct sent heartbeat_of(const struct world_machine *from)
{
    return (struct sent){ .stamp = { .method = "POST",
                                     .path = "/agent/v1/heartbeat",
                                     .machine_id = from->id,
                                     .session_epoch = from->epoch,
                                     .seq = 77,
                                     .stream = "hb" },
                          .body = "{\"seq\":77}",
                          .path = "/agent/v1/heartbeat",
                          .keys = &from->keys };
}

struct received {
    struct http_request request;
    struct http_pair headers[4];
    char texts[3][24];
    char signature[BASE64_SIZE(SIGNATURE_SIZE)];
};

/* `claim` is what the headers say; `sent` what was signed. */
static void receive(struct received *ret, const struct sent *sent,
                    const struct request_stamp *claim)
{
    auto_buf struct buf text = buf_of(1 << 16);
    const int64_t numbers[] = { claim->machine_id, claim->session_epoch, claim->seq };
    static const char *const names[] = { "Berth-Machine", "Berth-Epoch", "Berth-Seq" };

    request_signed(&text, &sent->stamp, sent->body, strlen(sent->body));
    struct signature signature = crypto_sign_with(sent->keys, text.bytes, text.length);
    for (int i = 0; i < 3; i++) {
        (void)snprintf(ret->texts[i], sizeof ret->texts[i], "%lld", (long long)numbers[i]);
        ret->headers[i] = (struct http_pair){ names[i], ret->texts[i] };
    }
    base64_format(signature.bytes, SIGNATURE_SIZE, ret->signature);
    ret->headers[3] = (struct http_pair){ "Berth-Signature", ret->signature };
    ret->request = (struct http_request){
        .method = strcmp(claim->method, "GET") == 0 ? HTTP_GET : HTTP_POST,
        .target = claim->path,
        .path = sent->path,
        .header_count = 4,
        .headers = ret->headers,
        .body = sent->body,
        .body_length = strlen(sent->body),
    };
}

static bool check(const struct received *received, struct caller *caller, struct error *err)
{
    return agents_check(&app, &received->request, caller, err);
}

static void test_a_signed_request_is_its_machines(void **state)
{
    struct sent sent;
    struct received received;
    struct caller caller;
    struct error err;

    open_app(*state);
    sent = heartbeat_of(&machine);
    receive(&received, &sent, &sent.stamp);
    /* The first time from the store, the second from the hub. */
    for (int i = 0; i < 2; i++) {
        caller = (struct caller){ 0 };
        CHECK_OK(check(&received, &caller, &err), &err);
        CHECK_INT(caller.kind, CALLER_AGENT);
        CHECK_INT(caller.machine_id, machine.id);
        CHECK_INT(caller.session_epoch, machine.epoch);
        CHECK_INT(caller.user_id, 0);
        CHECK_INT(agents_seq(&received.request), 77);
    }
    CHECK_INT(hub_totals(app.hub).connected, 1);
    close_app();
}

/* Whatever is not as it was signed. */
static void test_nothing_of_a_request_can_be_changed(void **state)
{
    static const char other_path[] = "/agent/v1/op";
    static struct key_pair stranger;
    struct error err;

    open_app(*state);
    stranger = crypto_key_pair();
    for (int bend = 0; bend < 8; bend++) {
        struct sent sent = heartbeat_of(&machine);
        struct request_stamp claim = sent.stamp;
        struct received received;
        struct caller caller = { .user_id = -1 };
        char body[32] = "{\"seq\":77}";

        check_row("bend %d", bend);
        claim.seq += bend == 0 ? 1 : 0;
        claim.session_epoch += bend == 1 ? 1 : 0;
        claim.machine_id += bend == 2 ? 1000 : 0;
        claim.method = bend == 3 ? "GET" : claim.method;
        claim.path = bend == 4 ? "/agent/v1/heartbeat?x=1" : claim.path;
        sent.keys = bend == 5 ? &stranger : sent.keys;
        sent.path = bend == 6 ? other_path : sent.path; /* another stream */
        receive(&received, &sent, &claim);
        if (bend == 7) {
            body[7] = '8';
            received.request.body = body;
        }
        CHECK_FAILS(check(&received, &caller, &err), &err, ERROR_UNAUTHORIZED);
        CHECK_INT(caller.user_id, -1);
    }
    CHECK_INT(hub_totals(app.hub).known, 0);
    close_app();
}

static void test_a_request_without_all_its_headers_is_nobodys(void **state)
{
    struct caller caller;
    struct error err;

    open_app(*state);
    static const char *const wrong[] = { "", "-1", "12x", "9223372036854775808" };
    for (int header = 0; header < 4; header++) {
        for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
            struct sent sent = heartbeat_of(&machine);
            struct received received;
            check_row("header %d as '%s'", header, wrong[i]);
            receive(&received, &sent, &sent.stamp);
            received.headers[header].value = wrong[i];
            CHECK_FAILS(check(&received, &caller, &err), &err, ERROR_UNAUTHORIZED);
        }
        struct sent sent = heartbeat_of(&machine);
        struct received received;
        receive(&received, &sent, &sent.stamp);
        received.headers[header].name = "X";
        CHECK_FAILS(check(&received, &caller, &err), &err, ERROR_UNAUTHORIZED);
    }
    close_app();
}

static void test_an_old_session_is_told_so(void **state)
{
    struct received received;
    struct caller caller;
    struct error err;

    open_app(*state);
    struct sent sent = heartbeat_of(&machine);
    receive(&received, &sent, &sent.stamp);
    CHECK_OK(check(&received, &caller, &err), &err);

    /* A session that another server opened: the hub here knows nothing of it yet. */
    world_session(&world, &machine);
    struct sent later = heartbeat_of(&machine);
    struct received fresh;
    receive(&fresh, &later, &later.stamp);
    CHECK_OK(check(&fresh, &caller, &err), &err);
    CHECK_INT(caller.session_epoch, machine.epoch);
    CHECK_FAILS(check(&received, &caller, &err), &err, ERROR_CONFLICT);
    close_app();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_signed_request_is_its_machines),
        cmocka_unit_test(test_nothing_of_a_request_can_be_changed),
        cmocka_unit_test(test_a_request_without_all_its_headers_is_nobodys),
        cmocka_unit_test(test_an_old_session_is_told_so),
    };
    return SUPPORT_RUN_ON(SUPPORT_SQLITE, tests);
}
