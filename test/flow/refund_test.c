/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/refund.h"

#include "flow/admin.h"
#include "flow/bill.h"
#include "flow/instance_change.h"
#include "market/billing.h"
#include "support.h"

#define HOUR_US (3600 * US_PER_SECOND)

struct scene {
    struct world world;
    struct world_machine machine;
    struct caller ada;
    int64_t id;
};

/* Ada has $1 given and $10 bought; an instance at $0.36 an hour has run for so long. */
static void open_scene(struct scene *scene, void **state, int64_t ran_us)
{
    enum admin_outcome outcome;
    struct error err;

    world_open(&scene->world, *state);
    scene->world.flow.payout_min = (struct money){ BILLING_CENT };
    scene->ada = world_user(&scene->world, "ada@berth.test", 1);
    CHECK_OK(flow_deposit(&scene->world.flow, scene->ada.user_id,
                          (struct money){ 10 * NANODOLLARS_PER_DOLLAR }, "w", &outcome, &err),
             &err);
    world_host(&scene->world, &scene->machine, "a", 1);
    scene->id = world_running(&scene->world, &scene->machine, scene->ada, 1);
    world_run(&scene->world, &scene->machine, ran_us);
}

static struct refund_reply refund(struct scene *scene, enum component component, int64_t used,
                                  const char *ticket)
{
    struct refund_request request = { scene->id, component, used, ticket, 0 };
    struct refund_reply reply;
    struct error err;

    CHECK_OK(flow_refund(&scene->world.flow, &request, &reply, &err), &err);
    return reply;
}

static int64_t number(struct scene *scene, const char *sql)
{
    return world_number(&scene->world, sql);
}

static void destroy(struct scene *scene)
{
    enum change_outcome outcome;
    struct error err;

    CHECK_OK(flow_destroy(&scene->world.flow, &scene->ada, scene->id, &outcome, &err), &err);
    CHECK_INT(world_beat(&scene->world, &scene->machine), TAKE_DONE);
}

/* An hour back, of a running instance: a quarter from the house, the rest from the host. */
static void test_an_hour_goes_back_as_it_came(void **state)
{
    struct scene scene;

    open_scene(&scene, state, 2 * HOUR_US);
    int64_t before = world_credit(&scene.world, scene.ada);
    struct refund_reply reply = refund(&scene, COMPONENT_GPU, HOUR_US, "t1");
    CHECK_INT(reply.outcome, REFUNDED);
    CHECK_INT(reply.gross.nanodollars, 360000000);
    CHECK_INT(world_credit(&scene.world, scene.ada), before + 360000000);
    CHECK_INT(number(&scene, "SELECT gross_posted FROM meter WHERE comp = 1"), 360000000);
    CHECK_INT(number(&scene, "SELECT host_posted FROM meter WHERE comp = 1"), 270000000);
    CHECK_INT(number(&scene, "SELECT total FROM meter WHERE comp = 1"), 2 * HOUR_US);
    world_check(&scene.world);

    struct hash dump = world_dump(&scene.world);
    CHECK_INT(refund(&scene, COMPONENT_GPU, HOUR_US, "t1").outcome, REFUNDED_BEFORE);
    CHECK_INT(refund(&scene, COMPONENT_GPU, HOUR_US + 1, "t2").outcome, REFUND_BAD_AMOUNT);
    CHECK_INT(refund(&scene, COMPONENT_GPU, 0, "t2").outcome, REFUND_BAD_AMOUNT);
    CHECK_INT(refund(&scene, COMPONENT_UP, 1, "t2").outcome, REFUND_BAD_AMOUNT);
    CHECK_INT(refund(&scene, COMPONENT_GPU, HOUR_US, "").outcome, REFUND_BAD_TICKET);
    scene.id += 1000;
    CHECK_INT(refund(&scene, COMPONENT_GPU, HOUR_US, "t2").outcome, REFUND_NO_CONTRACT);
    scene.id -= 1000;
    CHECK_UNCHANGED(&scene.world, dump);

    /* The rest; and it goes on running, and being charged. */
    CHECK_INT(refund(&scene, COMPONENT_GPU, INT64_MAX, "t2").gross.nanodollars, 360000000);
    CHECK_INT(number(&scene, "SELECT gross_posted FROM meter WHERE comp = 1"), 0);
    CHECK_INT(refund(&scene, COMPONENT_GPU, INT64_MAX, "t3").outcome, REFUND_BAD_AMOUNT);
    world_run(&scene.world, &scene.machine, HOUR_US);
    destroy(&scene);
    CHECK_INT(number(&scene, "SELECT gross_posted FROM meter WHERE comp = 1"), 360000000);
    world_check(&scene.world);
    world_close(&scene.world);
}

/* Four hours are $1.44: $1 given, the rest bought. What was bought comes back as bought credit. */
static void test_bought_credit_comes_back_as_such_and_given_as_given(void **state)
{
    struct scene scene;

    open_scene(&scene, state, 4 * HOUR_US);
    destroy(&scene);
    int64_t promo = number(&scene, "SELECT cr_posted - dr_posted FROM account WHERE code = 2020");
    int64_t prepaid = number(&scene, "SELECT cr_posted - dr_posted FROM account WHERE code = 2010");
    CHECK_INT(promo, 0);
    int64_t gpu_bought =
        number(&scene, "SELECT CAST(SUM(t.amount) AS BIGINT) FROM transfer t JOIN account "
                       "a ON a.id = t.dr WHERE a.code = 2010 AND t.code = 11");
    CHECK_INT(refund(&scene, COMPONENT_GPU, 4 * HOUR_US, "t").gross.nanodollars, 1440000000);
    CHECK_INT(number(&scene, "SELECT cr_posted - dr_posted FROM account WHERE code = 2010"),
              prepaid + gpu_bought);
    CHECK_INT(number(&scene, "SELECT cr_posted - dr_posted FROM account WHERE code = 2020"),
              1440000000 - gpu_bought);
    CHECK_INT(number(&scene, "SELECT CAST(SUM(gross) AS BIGINT) FROM usage_line WHERE comp = 1"),
              0);
    world_check(&scene.world);
    world_close(&scene.world);
}

/* The week is invoiced and paid: the host owes what comes back, and its next invoice settles it. */
static void test_what_is_invoiced_already_the_host_owes(void **state)
{
    struct scene scene;
    struct error err;
    size_t count;

    open_scene(&scene, state, HOUR_US);
    destroy(&scene);
    world_pass(&scene.world, BILLING_WEEK_US);
    CHECK_OK(flow_bill_hosts(&scene.world.flow, &count, &err), &err);
    CHECK_INT(number(&scene, "SELECT COUNT(*) FROM payout"), 1);
    CHECK_INT(refund(&scene, COMPONENT_GPU, HOUR_US, "t").outcome, REFUNDED);
    CHECK_INT(number(&scene, "SELECT dr_posted - cr_posted FROM account WHERE code = 1220"),
              270000000);
    world_check(&scene.world);

    (void)world_beat(&scene.world, &scene.machine);
    scene.id = world_running(&scene.world, &scene.machine, scene.ada, 1);
    world_run(&scene.world, &scene.machine, 2 * HOUR_US);
    destroy(&scene);
    world_pass(&scene.world, BILLING_WEEK_US);
    CHECK_OK(flow_bill_hosts(&scene.world.flow, &count, &err), &err);
    CHECK_INT(number(&scene, "SELECT dr_posted - cr_posted FROM account WHERE code = 1220"), 0);
    CHECK_INT(number(&scene, "SELECT settled FROM host_invoice WHERE id = 2"), 270000000);
    /* Two hours earned, one taken back. */
    CHECK_INT(number(&scene, "SELECT CAST(SUM(host) AS BIGINT) FROM host_invoice_line "
                             "WHERE invoice_id = 2 AND comp = 1"),
              270000000);
    world_check(&scene.world);
    world_close(&scene.world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_hour_goes_back_as_it_came),
        cmocka_unit_test(test_bought_credit_comes_back_as_such_and_given_as_given),
        cmocka_unit_test(test_what_is_invoiced_already_the_host_owes),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
