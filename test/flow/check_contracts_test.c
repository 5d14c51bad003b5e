/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/check_contracts.h"

#include "flow/idle_job.h"
#include "flow/support_check.h"

static const struct plant plants[] = {
    { "I-6", "UPDATE meter SET rem = rem + 1 WHERE comp = 1 AND instance_id = " RUNNING ";",
      "UPDATE meter SET rem = rem - 1 WHERE comp = 1 AND instance_id = " RUNNING ";" },
    { "I-6", "UPDATE rate_epoch SET rate = rate + 1 WHERE comp = 2;",
      "UPDATE rate_epoch SET rate = rate - 1 WHERE comp = 2;" },
    { "I-6", "UPDATE rate_epoch SET from_total = from_total + 1 WHERE comp = 1;",
      "UPDATE rate_epoch SET from_total = from_total - 1 WHERE comp = 1;" },
    { "I-6", "UPDATE meter SET denom = denom + 1 WHERE comp = 1;",
      "UPDATE meter SET denom = denom - 1 WHERE comp = 1;" },
    { "I-6", "UPDATE meter SET instance_id = instance_id + 1000 WHERE comp = 4;",
      "UPDATE meter SET instance_id = instance_id - 1000 WHERE comp = 4;" },
    { "I-6", "UPDATE rate_epoch SET to_total = 0, to_us = 0 WHERE comp = 3 AND to_us IS NULL;",
      "UPDATE rate_epoch SET to_total = NULL, to_us = NULL WHERE comp = 3 AND to_us = 0;" },
    /* Epochs that end elsewhere than the meter, or before they begin. */
    { "I-6",
      "UPDATE meter SET total = total + 1, posted_total = posted_total + 1 WHERE comp = 1\n"
      "  AND instance_id = " ENDED ";",
      "UPDATE meter SET total = total - 1, posted_total = posted_total - 1 WHERE comp = 1\n"
      "  AND instance_id = " ENDED ";" },
    { "I-6",
      "UPDATE rate_epoch SET to_total = to_total - 1000000000000 WHERE comp = 1\n"
      "  AND instance_id = " ENDED ";",
      "UPDATE rate_epoch SET to_total = to_total + 1000000000000 WHERE comp = 1\n"
      "  AND instance_id = " ENDED ";" },
    /* Something taken back of another meter than the first, and of the last contract alone. */
    { "I-6",
      "INSERT INTO usage_refund (ticket, contract_id, comp, rate, qty, used, gross, host, at_us)\n"
      "  SELECT 'x', running, 2, 5, 1, 100, 0, 0, 1 FROM spot;",
      "DELETE FROM usage_refund;" },
    { "I-17", "UPDATE usage_line SET kind = 2 WHERE comp = 1;",
      "UPDATE usage_line SET kind = 1 WHERE kind = 2;" },
    { "I-17", "UPDATE usage_line SET comp = 0 WHERE comp = 1;",
      "UPDATE usage_line SET comp = 1 WHERE comp = 0;" },
    { "I-17", "UPDATE usage_line SET comp = 5 WHERE comp = 1;",
      "UPDATE usage_line SET comp = 1 WHERE comp = 5;" },
    /* Charges of a contract that does not exist. */
    { "I-2", "UPDATE journal SET ref_id = ref_id + 1000 WHERE kind = 1;",
      "UPDATE journal SET ref_id = ref_id - 1000 WHERE kind = 1;" },
    { "I-7", "UPDATE meter SET host_posted = host_posted - 1 WHERE comp = 1;",
      "UPDATE meter SET host_posted = host_posted + 1 WHERE comp = 1;" },
    { "I-7", "UPDATE transfer SET code = 21 " FIRST_CHARGE,
      "UPDATE transfer SET code = 11 WHERE journal_id = (SELECT leg FROM spot) AND leg = 1;" },
    { "I-9", "UPDATE contract SET destroyed_us = destroyed_us - 100000000 WHERE id = " ENDED ";",
      "UPDATE contract SET destroyed_us = destroyed_us + 100000000 WHERE id = " ENDED ";" },
    { "I-9", "UPDATE rate_epoch SET to_total = NULL WHERE comp = 1 AND instance_id = " ENDED ";",
      "UPDATE rate_epoch SET to_total = (SELECT m.total FROM meter m WHERE m.comp = 1\n"
      "  AND m.instance_id = " ENDED ") WHERE comp = 1 AND instance_id = " ENDED ";" },
    { "I-9", "UPDATE meter SET closed_us = NULL WHERE comp = 2 AND instance_id = " ENDED ";",
      "UPDATE meter SET closed_us = 1 WHERE comp = 2 AND instance_id = " ENDED ";" },
    { "I-9", "UPDATE meter SET closed_us = 1 WHERE comp = 2 AND instance_id = " RUNNING ";",
      "UPDATE meter SET closed_us = NULL WHERE comp = 2 AND instance_id = " RUNNING ";" },
    { "I-9", "UPDATE meter SET total = total + 1 WHERE comp = 3 AND instance_id = " ENDED ";",
      "UPDATE meter SET total = total - 1 WHERE comp = 3 AND instance_id = " ENDED ";" },
    { "I-10",
      "INSERT INTO run_interval (id, contract_id, owner_id, machine_id, start_token, run_ms,\n"
      "  start_us, metered_us, end_us) SELECT 999, contract_id, 1, 1, '', 0, start_us + 1,\n"
      "  metered_us, metered_us FROM run_interval WHERE contract_id = " ENDED " LIMIT 1;",
      "DELETE FROM run_interval WHERE id = 999;" },
    { "I-10", "UPDATE run_interval SET start_us = start_us + 10 WHERE contract_id = " ENDED ";",
      "UPDATE run_interval SET start_us = start_us - 10 WHERE contract_id = " ENDED ";" },
    { "I-10", "UPDATE contract SET created_us = created_us + 60000000 WHERE id = " ENDED ";",
      "UPDATE contract SET created_us = created_us - 60000000 WHERE id = " ENDED ";" },
    { "I-11",
      "INSERT INTO gpu_claim (id, gpu_id, contract_id, claimed_us, released_us)\n"
      "  SELECT 999, gpu, stopped, 1, 2 FROM spot;",
      "DELETE FROM gpu_claim WHERE id = 999;" },
    { "I-11",
      "INSERT INTO gpu_claim (id, gpu_id, contract_id, claimed_us)\n"
      "  SELECT 999, g.gpu_id, stopped, g.claimed_us + 1 FROM spot, gpu_claim g\n"
      "  WHERE g.released_us IS NULL LIMIT 1;",
      "DELETE FROM gpu_claim WHERE id = 999;" },
    { "I-11",
      "UPDATE gpu_claim SET claimed_us = claimed_us + 30000000 WHERE contract_id = " ENDED ";",
      "UPDATE gpu_claim SET claimed_us = claimed_us - 30000000 WHERE contract_id = " ENDED ";" },
    { "I-11",
      "UPDATE gpu_claim SET released_us = released_us - 1000000000000 WHERE contract_id = " ENDED
      ";",
      "UPDATE gpu_claim SET released_us = released_us + 1000000000000 WHERE contract_id = " ENDED
      ";" },
    { "I-11",
      "UPDATE gpu_claim SET released_us = claimed_us + 1000000000000 WHERE contract_id = " RUNNING
      ";",
      "UPDATE gpu_claim SET released_us = NULL WHERE contract_id = " RUNNING ";" },
    { "state", "UPDATE contract SET state = 99 WHERE id = " RUNNING ";",
      "UPDATE contract SET state = 3 WHERE id = " RUNNING ";" },
    { "state", "UPDATE contract SET state = 3 WHERE id = " ENDED ";",
      "UPDATE contract SET state = 9 WHERE id = " ENDED ";" },
    { "state", "UPDATE contract SET state = 99 WHERE id = " STOPPED ";",
      "UPDATE contract SET state = 7 WHERE id = " STOPPED ";" },
    { "state", "UPDATE contract SET reason = 99 WHERE id = " STOPPED ";",
      "UPDATE contract SET reason = 1 WHERE id = " STOPPED ";" },
    { "state", "UPDATE contract SET state = 7 WHERE id = " RUNNING ";",
      "UPDATE contract SET state = 3 WHERE id = " RUNNING ";" },
    { "state", "UPDATE contract SET state = 3 WHERE id = " STOPPED ";",
      "UPDATE contract SET state = 7 WHERE id = " STOPPED ";" },
    { "state", "UPDATE contract SET state = 8 WHERE id = " STOPPED ";",
      "UPDATE contract SET state = 7 WHERE id = " STOPPED ";" },
    { "state", "UPDATE contract SET num_gpus = 1 WHERE id = " RUNNING ";",
      "UPDATE contract SET num_gpus = 2 WHERE id = " RUNNING ";" },
    { "state", "UPDATE contract SET is_charged = 0 WHERE id = " RUNNING ";",
      "UPDATE contract SET is_charged = 1 WHERE id = " RUNNING ";" },
    { "state", "UPDATE contract SET is_charged = 1 WHERE id = " STOPPED ";",
      "UPDATE contract SET is_charged = 0 WHERE id = " STOPPED ";" },
};

static void test_every_fault_of_a_contract_is_found(void **state)
{
    check_plants(*state, plants, sizeof plants / sizeof plants[0]);
}

/* Beside a market that lived: a bid that runs, one that waits for its turn, and an idle job. */
static const struct plant prices[] = {
    { "bid", "UPDATE contract SET gpu_hour = gpu_hour + 1 WHERE id = " RUNNING ";",
      "UPDATE contract SET gpu_hour = gpu_hour - 1 WHERE id = " RUNNING ";" },
    { "bid", "UPDATE contract SET gpu_hour = gpu_hour + list_hour WHERE id = " RUNNING ";",
      "UPDATE contract SET gpu_hour = gpu_hour - list_hour WHERE id = " RUNNING ";" },
    { "bid", "UPDATE contract SET kind = 99 WHERE id = " RUNNING ";",
      "UPDATE contract SET kind = 2 WHERE id = " RUNNING ";" },
    { "bid", "UPDATE contract SET kind = 1 WHERE id = " RUNNING ";",
      "UPDATE contract SET kind = 2 WHERE id = " RUNNING ";" },
    { "bid", "UPDATE contract SET kind = 2 WHERE id = " STOPPED ";",
      "UPDATE contract SET kind = 1 WHERE id = " STOPPED ";" },
    { "bid", "UPDATE contract SET gpu_hour = 5, list_hour = list_hour + 5 WHERE kind = 4;",
      "UPDATE contract SET gpu_hour = 0, list_hour = list_hour - 5 WHERE kind = 4;" },
    { "bid", "UPDATE bid SET ticks = ticks + 1;", "UPDATE bid SET ticks = ticks - 1;" },
    { "bid", "UPDATE bid SET floor_ticks = floor_ticks + 1000;",
      "UPDATE bid SET floor_ticks = floor_ticks - 1000;" },
};

static void set_idle_job(struct world *world, const struct world_machine *machine)
{
    const char *args[] = { "--quiet" };
    struct instance_spec spec = { .image = "miner:1", .arg_count = 1, .args = args };
    struct idle_job_request request = { .machine_id = machine->id,
                                        .gpu_hour = { 100000000 },
                                        .spec = &spec };
    struct idle_job_reply reply;
    struct error err;

    CHECK_OK(flow_idle_job_set(&world->flow, &machine->host, &request, &reply, &err), &err);
    CHECK_INT(reply.outcome, IDLE_JOB_SET);
}

static void test_every_fault_of_a_price_is_found(void **state)
{
    static struct world world;
    static struct world_machine machine;

    world_open(&world, *state);
    check_live(&world);
    world_host(&world, &machine, "gamma", 1);
    set_idle_job(&world, &machine);
    world_run(&world, &machine, 30 * US_PER_SECOND);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM contract WHERE kind = 4"), 1);
    world_host(&world, &machine, "beta", 2);
    struct caller eve = world_user(&world, "eve@example.org", 100);
    CHECK_INT(world_bid(&world, eve, machine.id, 2, 100).outcome, RENTAL_MADE);
    CHECK_INT(world_bid(&world, eve, machine.id, 2, 50).outcome, RENTAL_MADE);
    world_run(&world, &machine, 30 * US_PER_SECOND);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM contract WHERE started_us = 0"), 1);
    CHECK(check_seal(&world) > 0);
    check_plants_in(*state, prices, sizeof prices / sizeof prices[0]);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_fault_of_a_contract_is_found),
        cmocka_unit_test(test_every_fault_of_a_price_is_found),
    };
    return SUPPORT_RUN(tests);
}
