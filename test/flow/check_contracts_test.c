/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/check_contracts.h"

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
};

static void test_every_fault_of_a_contract_is_found(void **state)
{
    check_plants(*state, plants, sizeof plants / sizeof plants[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_fault_of_a_contract_is_found),
    };
    return SUPPORT_RUN(tests);
}
