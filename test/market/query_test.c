/* SPDX-License-Identifier: Apache-2.0 */
#include "market/query.h"

#include <math.h>
#include <string.h>

#include "check.h"
#include "support.h"

enum { RENTER = 501 };

static const struct query_caller somebody = { NOON, RENTER };

static struct machine a_machine(void)
{
    struct machine machine = machine_of(77, 12, some_facts());

    machine.geolocation = "Gothenburg, SE";
    machine.verification = VERIFICATION_VERIFIED;
    machine.dlperf_milli = 95100;
    machine.measured = (struct instant){ INT64_C(1795330000000000) };
    machine.stale = (struct instant){ INT64_C(1797922000000000) };
    machine.reliability_ppm = 995300;
    return machine;
}

static struct offer an_offer(const struct machine *machine)
{
    struct listing listing = some_listing();

    return (struct offer){
        .id = 4101,
        .bundle_id = 9001,
        .machine = machine,
        .terms = offer_cut(&listing, machine, 2),
        .discount_max_ppm = 400000,
    };
}

static const struct {
    enum query_field field;
    double number;
    const char *text;
} field_values[] = {
    { QUERY_ID, 4101, NULL },
    { QUERY_ASK_CONTRACT_ID, 4101, NULL },
    { QUERY_BUNDLE_ID, 9001, NULL },
    { QUERY_MACHINE_ID, 77, NULL },
    { QUERY_HOST_ID, 12, NULL },
    { QUERY_NUM_GPUS, 2, NULL },
    { QUERY_GPU_NAME, 0, "RTX 4090" },
    { QUERY_GPU_RAM, 24564, NULL },
    { QUERY_GPU_TOTAL_RAM, 49128, NULL },
    { QUERY_GPU_FRAC, 0.25, NULL },
    { QUERY_GPU_ARCH, 0, "nvidia" },
    { QUERY_GPU_LANES, 16, NULL },
    { QUERY_GPU_MEM_BW, 1008, NULL },
    { QUERY_GPU_MAX_POWER, 450, NULL },
    { QUERY_GPU_MAX_TEMP, NAN, NULL },
    { QUERY_GPU_DISPLAY_ACTIVE, 0, NULL },
    { QUERY_PCI_GEN, 4, NULL },
    { QUERY_PCIE_BW, NAN, NULL },
    { QUERY_COMPUTE_CAP, 890, NULL },
    { QUERY_CUDA_MAX_GOOD, 12.8, NULL },
    { QUERY_DRIVER_VERSION, 570086015, NULL },
    { QUERY_DRIVER_VERS, 570086015, NULL },
    { QUERY_BW_NVLINK, NAN, NULL },
    { QUERY_CPU_NAME, 0, "AMD EPYC 7543" },
    { QUERY_CPU_ARCH, 0, "amd64" },
    { QUERY_CPU_CORES, 64, NULL },
    { QUERY_CPU_CORES_EFFECTIVE, 16, NULL },
    { QUERY_CPU_GHZ, 3.7, NULL },
    { QUERY_HAS_AVX, 1, NULL },
    { QUERY_ENCRYPTED_WORKSPACE, 0, NULL },
    { QUERY_CPU_RAM, 256000, NULL },
    { QUERY_DISK_SPACE, 1000, NULL },
    { QUERY_DISK_BW, 3100, NULL },
    { QUERY_DISK_NAME, 0, "Samsung PM9A3" },
    { QUERY_INET_UP, 880.1, NULL },
    { QUERY_INET_DOWN, 905.7, NULL },
    { QUERY_INET_UP_COST, 0.003, NULL },
    { QUERY_INET_DOWN_COST, 0.002, NULL },
    { QUERY_INTERNET_UP_COST_PER_TB, 3, NULL },
    { QUERY_INTERNET_DOWN_COST_PER_TB, 2, NULL },
    { QUERY_DIRECT_PORT_COUNT, 120, NULL },
    { QUERY_STATIC_IP, 0, NULL },
    { QUERY_OS_VERSION, 0, "22.04" },
    { QUERY_DPH_BASE, 0.7, NULL },
    { QUERY_DPH_TOTAL, 0.701041667, NULL },
    { QUERY_DPH_PER_GPU, 0.35, NULL },
    { QUERY_MIN_BID, 0.3, NULL },
    { QUERY_STORAGE_COST, 0.15, NULL },
    { QUERY_STORAGE_WHEN_OFFLINE, 0, "charge" },
    { QUERY_STORAGE_TOTAL_COST, 0.001041667, NULL },
    { QUERY_DLPERF, 190.2, NULL },
    { QUERY_DLPERF_PER_DPHTOTAL, 190.2 / 0.701041667, NULL },
    { QUERY_DLPERF_MEASURED, 1795330000, NULL },
    { QUERY_DLPERF_STALE_AT, 1797922000, NULL },
    { QUERY_TOTAL_FLOPS, 165.16, NULL },
    { QUERY_FLOPS_PER_DPHTOTAL, 165.16 / 0.701041667, NULL },
    { QUERY_VRAM_COSTPERHOUR, 0.701041667 / 49128, NULL },
    { QUERY_RELIABILITY, 0.9953, NULL },
    { QUERY_EXPECTED_RELIABILITY, 0.9953, NULL },
    { QUERY_VERIFICATION, 0, "verified" },
    { QUERY_VERIFIED, 1, NULL },
    { QUERY_VERICODE, 1, NULL },
    { QUERY_HOSTING_TYPE, 0, NULL },
    { QUERY_DATACENTER, 0, NULL },
    { QUERY_EXTERNAL, 0, NULL },
    { QUERY_RENTABLE, 1, NULL },
    { QUERY_RENTED, 0, NULL },
    { QUERY_IS_BID, 0, NULL },
    { QUERY_SIMULATED, 0, NULL },
    { QUERY_GEOLOCATION, 0, "Gothenburg, SE" },
    { QUERY_COUNTRY_CODE, 0, "SE" },
    { QUERY_START_DATE, 1795330553, NULL },
    { QUERY_END_DATE, 1798786553, NULL },
    { QUERY_DURATION, 3456000, NULL },
    { QUERY_HOSTNAME, 0, "box" },
    { QUERY_RESOURCE_TYPE, 0, "gpu" },
    { QUERY_DISCOUNTED_DPH_TOTAL, 0.420625001, NULL },
    { QUERY_DISCOUNTED_HOURLY, 0.420625001, NULL },
    { QUERY_DISCOUNT_RATE, 0.4, NULL },
    { QUERY_CREDIT_DISCOUNT_MAX, 0.4, NULL },
    { QUERY_RELIABILITY_MULT, 0.955077758950532, NULL },
    { QUERY_PLATFORM_FEE, 0.25, NULL },
    { QUERY_RENTED_UNTIL, NAN, NULL },
    { QUERY_BUNDLED_RESULTS, 1, NULL },
    { QUERY_VMS_ENABLED, 0, NULL },
    { QUERY_IS_VM_DEVERIFIED, 0, NULL },
    { QUERY_MOBO_NAME, NAN, NULL },
    { QUERY_PUBLIC_IPADDR, NAN, NULL },
    { QUERY_LOGO, NAN, NULL },
    { QUERY_WEBPAGE, NAN, NULL },
    { QUERY_GPU_IDS, NAN, NULL },
    { QUERY_GEOLOCODE, NAN, NULL },
    { QUERY_CLUSTER_ID, NAN, NULL },
    { QUERY_NW_DISK_MIN_BW, NAN, NULL },
    { QUERY_NW_DISK_MAX_BW, NAN, NULL },
    { QUERY_NW_DISK_AVG_BW, NAN, NULL },
    { QUERY_AVAIL_VOL_ASK_ID, NAN, NULL },
    { QUERY_AVAIL_VOL_SIZE, NAN, NULL },
    { QUERY_AVAIL_VOL_DPH, NAN, NULL },
};

static void test_every_fields_value(void **state)
{
    struct machine machine = a_machine();
    struct offer offer = an_offer(&machine);
    struct quote quote =
        offer_quote(&offer, &(struct offer_ask){ .type = OFFER_ON_DEMAND, .disk_milligb = 5000 });
    struct query_subject subject = { &offer, &quote };

    (void)state;
    /* Every field but the score, which offer_test holds to its formula. */
    CHECK(sizeof field_values / sizeof field_values[0] == QUERY_FIELD_COUNT - 1);
    for (size_t i = 0; i < sizeof field_values / sizeof field_values[0]; i++) {
        struct query_value value = query_field_value(field_values[i].field, &subject, &somebody);

        check_row("%s", query_field_name(field_values[i].field));
        if (field_values[i].text != NULL) {
            CHECK(value.kind == QUERY_VALUE_TEXT);
            CHECK_TEXT(value.text, field_values[i].text);
        } else if (isnan(field_values[i].number)) {
            CHECK(value.kind == QUERY_VALUE_NULL);
        } else {
            CHECK(value.kind == QUERY_VALUE_NUMBER);
            /* Divisions of whole numbers are to the last bit; what was measured is near. */
            CHECK(value.number == field_values[i].number ||
                  fabs(value.number - field_values[i].number) < 1e-12 * field_values[i].number);
        }
    }
    CHECK(query_field_value(QUERY_SCORE, &subject, &somebody).number == quote.score);
    CHECK(query_field_value(QUERY_DPH_BASE, &subject, &somebody).number == 0.7);
    CHECK(query_field_value(QUERY_INET_UP_COST, &subject, &somebody).number == 0.003);
}

static void test_values_that_depend_on_who_asks_and_when(void **state)
{
    struct machine machine = a_machine();
    struct offer offer = an_offer(&machine);
    struct quote quote =
        offer_quote(&offer, &(struct offer_ask){ .type = OFFER_ON_DEMAND, .disk_milligb = 5000 });
    struct query_subject subject = { &offer, &quote };
    struct query_caller nobody = { NOON, 0 }, late = { instant_add(NOON, 41 * DAY), RENTER };

    (void)state;
    CHECK(query_field_value(QUERY_DURATION, &subject, &late).number == 0);
    CHECK(query_field_value(QUERY_RENTABLE, &subject, &late).number == 0);
    CHECK(query_field_value(QUERY_RENTED, &subject, &nobody).number == 0);
    offer.renter_id = RENTER;
    CHECK(query_field_value(QUERY_RENTED, &subject, &somebody).number == 1);
    CHECK(query_field_value(QUERY_RENTABLE, &subject, &somebody).number == 0);
    CHECK(query_field_value(QUERY_RENTED_UNTIL, &subject, &nobody).number == 1798786553);
    offer.renter_id = RENTER + 1;
    CHECK(query_field_value(QUERY_RENTED, &subject, &somebody).number == 0);
}

/* What a machine without GPUs does not have is unknown or nothing, and no search for GPUs finds. */
static void test_a_cpu_machine_has_no_gpu_values(void **state)
{
    static const enum query_field unknown[] = {
        QUERY_GPU_LANES,   QUERY_GPU_MEM_BW,       QUERY_GPU_MAX_POWER,  QUERY_PCI_GEN,
        QUERY_COMPUTE_CAP, QUERY_CUDA_MAX_GOOD,    QUERY_DRIVER_VERSION, QUERY_DLPERF,
        QUERY_TOTAL_FLOPS, QUERY_VRAM_COSTPERHOUR, QUERY_GPU_NAME,       QUERY_GPU_ARCH,
    };
    struct machine machine = machine_of(78, 12, cpu_facts());
    struct listing listing = some_listing();
    struct offer offer = { .id = 1,
                           .machine = &machine,
                           .terms = offer_cut(&listing, &machine, 0) };
    struct quote quote =
        offer_quote(&offer, &(struct offer_ask){ .type = OFFER_ON_DEMAND, .disk_milligb = 5000 });
    struct query_subject subject = { &offer, &quote };

    (void)state;
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        check_row("%s", query_field_name(unknown[i]));
        CHECK(query_field_value(unknown[i], &subject, &somebody).kind == QUERY_VALUE_NULL);
    }
    CHECK(query_field_value(QUERY_NUM_GPUS, &subject, &somebody).number == 0);
    CHECK(query_field_value(QUERY_GPU_FRAC, &subject, &somebody).number == 1);
    CHECK(query_field_value(QUERY_CPU_CORES_EFFECTIVE, &subject, &somebody).number == 64);
    CHECK(query_field_value(QUERY_SCORE, &subject, &somebody).number == 0);
}

#define NUMBER(value) { { .kind = QUERY_VALUE_NUMBER, .number = (value) } }, 1
#define TEXT(value)   { { .kind = QUERY_VALUE_TEXT, .text = (value) } }, 1
#define NONE_KNOWN    { { .kind = QUERY_VALUE_NULL } }, 1

static const struct {
    enum query_field field;
    enum query_relation relation;
    struct query_value values[2];
    size_t count;
    bool holds;
} condition_rows[] = {
    { QUERY_NUM_GPUS, QUERY_EQ, NUMBER(2), true },
    { QUERY_NUM_GPUS, QUERY_EQ, NUMBER(3), false },
    { QUERY_NUM_GPUS, QUERY_NEQ, NUMBER(2), false },
    { QUERY_NUM_GPUS, QUERY_NEQ, NUMBER(3), true },
    { QUERY_NUM_GPUS, QUERY_GT, NUMBER(1), true },
    { QUERY_NUM_GPUS, QUERY_GT, NUMBER(2), false },
    { QUERY_NUM_GPUS, QUERY_GTE, NUMBER(2), true },
    { QUERY_NUM_GPUS, QUERY_GTE, NUMBER(2.5), false },
    { QUERY_NUM_GPUS, QUERY_LT, NUMBER(3), true },
    { QUERY_NUM_GPUS, QUERY_LT, NUMBER(2), false },
    { QUERY_NUM_GPUS, QUERY_LTE, NUMBER(2), true },
    { QUERY_NUM_GPUS, QUERY_LTE, NUMBER(1), false },
    { QUERY_DPH_BASE, QUERY_LTE, NUMBER(0.7), true }, /* exactly at the edge */
    { QUERY_DPH_BASE, QUERY_LT, NUMBER(0.7), false },
    { QUERY_INET_UP_COST, QUERY_EQ, NUMBER(0.003), true },
    { QUERY_CUDA_MAX_GOOD, QUERY_GTE, NUMBER(12.8), true },
    { QUERY_RELIABILITY, QUERY_GTE, NUMBER(0.9953), true },
    { QUERY_GPU_NAME, QUERY_EQ, TEXT("RTX_4090"), true },
    { QUERY_GPU_NAME, QUERY_EQ, TEXT("rtx 4090"), true },
    { QUERY_GPU_NAME, QUERY_NEQ, TEXT("RTX 4090"), false },
    { QUERY_GPU_NAME, QUERY_EQ, TEXT("RTX 4090D"), false },
    { QUERY_CPU_ARCH, QUERY_EQ, TEXT("amd64"), true },
    { QUERY_CPU_ARCH, QUERY_EQ, TEXT("AMD64"), false },
    { QUERY_OS_VERSION, QUERY_GTE, TEXT("20.04"), true },
    { QUERY_OS_VERSION, QUERY_GT, TEXT("22.04"), false },
    { QUERY_GEOLOCATION, QUERY_EQ, TEXT("SE"), true },
    { QUERY_GEOLOCATION, QUERY_EQ, TEXT("se"), true },
    { QUERY_GEOLOCATION, QUERY_EQ, TEXT("Stockholm, SE"), true },
    { QUERY_GEOLOCATION, QUERY_EQ, TEXT("Gothenburg"), false },
    { QUERY_GEOLOCATION, QUERY_NEQ, TEXT("US"), true },
    { QUERY_COUNTRY_CODE, QUERY_EQ, TEXT("SE"), true },
    { QUERY_PCIE_BW, QUERY_EQ, NONE_KNOWN, true },
    { QUERY_PCIE_BW, QUERY_NEQ, NONE_KNOWN, false },
    { QUERY_PCIE_BW, QUERY_GTE, NUMBER(0), false },
    { QUERY_PCIE_BW, QUERY_LT, NUMBER(100), false },
    { QUERY_PCIE_BW, QUERY_NEQ, NUMBER(5), true },
    { QUERY_NUM_GPUS, QUERY_EQ, NONE_KNOWN, false },
    { QUERY_NUM_GPUS, QUERY_NEQ, NONE_KNOWN, true },
    { QUERY_NUM_GPUS, QUERY_GT, NONE_KNOWN, false },
    { QUERY_NUM_GPUS, QUERY_GT, TEXT("1"), false },
    { QUERY_NUM_GPUS,
      QUERY_IN,
      { { QUERY_VALUE_NUMBER, 1, 0 }, { QUERY_VALUE_NUMBER, 2, 0 } },
      2,
      true },
    { QUERY_NUM_GPUS,
      QUERY_NOTIN,
      { { QUERY_VALUE_NUMBER, 1, 0 }, { QUERY_VALUE_NUMBER, 2, 0 } },
      2,
      false },
    { QUERY_NUM_GPUS,
      QUERY_IN,
      { { QUERY_VALUE_NUMBER, 1, 0 }, { QUERY_VALUE_NULL, 0, 0 } },
      2,
      false },
    { QUERY_PCIE_BW,
      QUERY_IN,
      { { QUERY_VALUE_NUMBER, 1, 0 }, { QUERY_VALUE_NULL, 0, 0 } },
      2,
      true },
    { QUERY_NUM_GPUS, QUERY_IN, { { 0 } }, 0, false },
    { QUERY_NUM_GPUS, QUERY_NOTIN, { { 0 } }, 0, true },
    { QUERY_VERIFIED, QUERY_EQ, NUMBER(1), true },
    { QUERY_EXTERNAL, QUERY_EQ, NUMBER(0), true },
};

static void test_conditions(void **state)
{
    struct machine machine = a_machine();
    struct offer offer = an_offer(&machine);
    struct quote quote =
        offer_quote(&offer, &(struct offer_ask){ .type = OFFER_ON_DEMAND, .disk_milligb = 5000 });
    struct query_subject subject = { &offer, &quote };

    (void)state;
    for (size_t i = 0; i < sizeof condition_rows / sizeof condition_rows[0]; i++) {
        struct query query = query_default();

        check_row("row %zu, %s", i, query_field_name(condition_rows[i].field));
        query.conditions[query.condition_count++] =
            (struct query_condition){ condition_rows[i].field, condition_rows[i].relation,
                                      condition_rows[i].count, condition_rows[i].values };
        CHECK_INT(query_matches(&query, &subject, &somebody), condition_rows[i].holds);
    }
}

static void test_all_conditions_and_the_disk_must_hold(void **state)
{
    static const struct query_value two = { QUERY_VALUE_NUMBER, 2, NULL };
    static const struct query_value three = { QUERY_VALUE_NUMBER, 3, NULL };
    static const int64_t extra[] = { 1, 4101 };
    struct machine machine = a_machine();
    struct offer offer = an_offer(&machine);
    struct quote quote =
        offer_quote(&offer, &(struct offer_ask){ .type = OFFER_ON_DEMAND, .disk_milligb = 5000 });
    struct query_subject subject = { &offer, &quote };
    struct query query = query_default();

    (void)state;
    CHECK(query_matches(&query, &subject, &somebody));
    query.ask.disk_milligb = 1000000;
    CHECK(query_matches(&query, &subject, &somebody));
    query.ask.disk_milligb = 1000001;
    CHECK(!query_matches(&query, &subject, &somebody));

    query = query_default();
    query.conditions[0] = (struct query_condition){ QUERY_NUM_GPUS, QUERY_GTE, 1, &two };
    query.conditions[1] = (struct query_condition){ QUERY_NUM_GPUS, QUERY_GTE, 1, &three };
    query.condition_count = 1;
    CHECK(query_matches(&query, &subject, &somebody));
    query.condition_count = 2;
    CHECK(!query_matches(&query, &subject, &somebody));

    query.extra_ids = extra;
    query.extra_count = 1;
    CHECK(!query_matches(&query, &subject, &somebody));
    query.extra_count = 2;
    CHECK(query_matches(&query, &subject, &somebody));
}

static void test_rented_ones_are_there_for_those_who_ask(void **state)
{
    static const int64_t extra[] = { 4101 };
    struct machine machine = a_machine();
    struct offer offer = an_offer(&machine);
    struct quote quote =
        offer_quote(&offer, &(struct offer_ask){ .type = OFFER_ON_DEMAND, .disk_milligb = 5000 });
    struct query_subject subject = { &offer, &quote };
    struct query query = query_default();

    (void)state;
    offer.renter_id = RENTER;
    CHECK(!query_matches(&query, &subject, &somebody));
    query.extra_ids = extra;
    query.extra_count = 1;
    CHECK(query_matches(&query, &subject, &somebody));
    query.extra_count = 0;
    query.has_rented = true;
    CHECK(query_matches(&query, &subject, &somebody));
    machine.disk_free_gb = 0; /* its renter has it */
    CHECK(query_matches(&query, &subject, &somebody));
    offer.renter_id = 0;
    CHECK(!query_matches(&query, &subject, &somebody));
}

static void test_order_nulls_and_ties(void **state)
{
    struct machine machine = a_machine(), slower = a_machine(), unmeasured = a_machine();
    struct offer a = an_offer(&machine), b = an_offer(&slower), c = an_offer(&unmeasured);
    struct query query = query_default();

    (void)state;
    slower.dlperf_milli = 1000;
    unmeasured.dlperf_milli = 0;
    b.id = 4102;
    c.id = 4103;
    struct quote of_a =
        offer_quote(&a, &(struct offer_ask){ .type = OFFER_ON_DEMAND, .disk_milligb = 5000 });
    struct quote of_b =
        offer_quote(&b, &(struct offer_ask){ .type = OFFER_ON_DEMAND, .disk_milligb = 5000 });
    struct quote of_c =
        offer_quote(&c, &(struct offer_ask){ .type = OFFER_ON_DEMAND, .disk_milligb = 5000 });
    struct query_subject sa = { &a, &of_a }, sb = { &b, &of_b }, sc = { &c, &of_c };

    query.order[0] = (struct query_order){ QUERY_DLPERF, true };
    CHECK(query_compare(&query, &sa, &sb, &somebody) < 0);
    CHECK(query_compare(&query, &sb, &sa, &somebody) > 0);
    CHECK(query_compare(&query, &sc, &sb, &somebody) > 0);
    query.order[0].is_descending = false;
    CHECK(query_compare(&query, &sa, &sb, &somebody) > 0);
    CHECK(query_compare(&query, &sc, &sb, &somebody) > 0); /* unknown stays last */

    /* The same by what was asked: the price, then the id. */
    query.order[0] = (struct query_order){ QUERY_NUM_GPUS, true };
    CHECK(query_compare(&query, &sa, &sb, &somebody) < 0);
    of_b.total.nanodollars -= 1;
    CHECK(query_compare(&query, &sa, &sb, &somebody) > 0);
    CHECK_INT(query_compare(&query, &sa, &sa, &somebody), 0);

    query.order[0] = (struct query_order){ QUERY_HOSTNAME, true };
    slower.hostname = "abc";
    CHECK(query_compare(&query, &sa, &sb, &somebody) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_fields_value),
        cmocka_unit_test(test_values_that_depend_on_who_asks_and_when),
        cmocka_unit_test(test_a_cpu_machine_has_no_gpu_values),
        cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_all_conditions_and_the_disk_must_hold),
        cmocka_unit_test(test_rented_ones_are_there_for_those_who_ask),
        cmocka_unit_test(test_order_nulls_and_ties),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
