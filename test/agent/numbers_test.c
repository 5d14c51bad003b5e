/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/numbers.h"

#include <stdio.h>
#include <string.h>

#include "check.h"

static void write_page(const struct heartbeat *heartbeat, struct buf *page)
{
    static const struct gpu_gauge gpus[] = {
        { "GPU-a", 250, 2, 61, 320, 1755, 9501, 1 << GPU_BRAKE_HEAT },
        { "GPU-b", -1, -1, -1, -1, -1, -1, -1 },
    };

    static const struct update_numbers updates = { .not_taken = 5, .given_up = 2 };

    numbers_write(&(struct numbers){ .version = "1.2.3",
                                     .up_us = 1500000,
                                     .contact_us = 7000,
                                     .key_age_us = 3600 * US_PER_SECOND,
                                     .is_connected = true,
                                     .desired_rev = 41,
                                     .resident_bytes = 12345,
                                     .updates = &updates,
                                     .heartbeat = heartbeat,
                                     .gpus = gpus,
                                     .gpu_count = 2 },
                  page);
    CHECK(!page->has_overflowed);
}

/* The whole line, once. */
static void check_line(const struct buf *page, const char *line)
{
    auto_buf struct buf whole = buf_of(256);

    buf_printf(&whole, "\n%s\n", line);
    const char *found = strstr(page->bytes, whole.bytes);
    if (found == NULL)
        (void)fprintf(stderr, "no line '%s' in\n%s", line, page->bytes);
    CHECK(found != NULL && strstr(found + 1, whole.bytes) == NULL);
}

static void test_a_heartbeat_is_numbers(void **state)
{
    static struct instance_report reports[] = {
        { .id = 7,
          .phase = PHASE_RUNNING,
          .bytes_up = 9000000000,
          .bytes_down = 5,
          .disk_used_mb = 3,
          .cpu_permille = 125,
          .ram_used_mb = 2,
          .gpu_permille = 1000 },
        { .id = 8,
          .phase = PHASE_STOPPED,
          .disk_used_mb = -1,
          .cpu_permille = -1,
          .ram_used_mb = -1,
          .gpu_permille = -1 },
        { .id = 9, .phase = PHASE_RUNNING, .cpu_permille = 0 },
    };
    const struct heartbeat heartbeat = { .is_engine_ok = true,
                                         .engine_message = "",
                                         .instance_count = 3,
                                         .instances = reports,
                                         .quarantined_count = 4,
                                         .disk_free_gb = 100 };
    static const char *const lines[] = {
        "berth_host_info{version=\"1.2.3\"} 1",
        "berth_host_uptime_seconds 1.500",
        "berth_host_connected 1",
        "berth_host_key_age_seconds 3600.000",
        "berth_host_contact_seconds 0.007",
        "berth_host_desired_revision 41",
        "berth_host_engine_ok 1",
        "berth_host_quarantined 4",
        "berth_host_disk_free_bytes 107374182400",
        "process_resident_memory_bytes 12345",
        "berth_host_updates_on 1",
        "# TYPE berth_host_updates_not_taken_total counter",
        "berth_host_updates_not_taken_total 5",
        "berth_host_updates_given_up 2",
        "berth_host_instances{phase=\"running\"} 2",
        "berth_host_instances{phase=\"stopped\"} 1",
        "berth_host_instances{phase=\"failed\"} 0",
        "# TYPE berth_host_instance_sent_bytes_total counter",
        "berth_host_instance_sent_bytes_total{instance_id=\"7\"} 9000000000",
        "berth_host_instance_received_bytes_total{instance_id=\"7\"} 5",
        "berth_host_instance_disk_bytes{instance_id=\"7\"} 3145728",
        "berth_host_instance_cpu_ratio{instance_id=\"7\"} 0.125",
        "berth_host_instance_cpu_ratio{instance_id=\"9\"} 0.000",
        "berth_host_instance_memory_bytes{instance_id=\"7\"} 2097152",
        "berth_host_instance_gpu_ratio{instance_id=\"7\"} 1.000",
        "berth_host_gpu_ratio{uuid=\"GPU-a\"} 0.250",
        "berth_host_gpu_memory_bytes{uuid=\"GPU-a\"} 2097152",
        "berth_host_gpu_temperature_celsius{uuid=\"GPU-a\"} 61",
        "berth_host_gpu_power_watts{uuid=\"GPU-a\"} 320",
        "berth_host_gpu_core_hertz{uuid=\"GPU-a\"} 1755000000",
        "berth_host_gpu_memory_hertz{uuid=\"GPU-a\"} 9501000000",
        "berth_host_gpu_slowed{uuid=\"GPU-a\",by=\"heat\"} 1",
        "berth_host_gpu_slowed{uuid=\"GPU-a\",by=\"power\"} 0",
    };
    auto_buf struct buf page = buf_of(EXPORTER_PAGE_MAX);

    (void)state;
    write_page(&heartbeat, &page);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        check_line(&page, lines[i]);
    /* What nobody knows is not zero. */
    CHECK(strstr(page.bytes, "cpu_ratio{instance_id=\"8\"}") == NULL);
    CHECK(strstr(page.bytes, "GPU-b") == NULL);
}

/* Off is a number as well. */
static void test_a_host_that_stays_what_it_is_says_so(void **state)
{
    const struct heartbeat heartbeat = { .engine_message = "" };
    auto_buf struct buf page = buf_of(EXPORTER_PAGE_MAX);

    (void)state;
    numbers_write(&(struct numbers){ .version = "1.2.3", .heartbeat = &heartbeat }, &page);
    check_line(&page, "berth_host_updates_on 0");
    check_line(&page, "berth_host_updates_not_taken_total 0");
    check_line(&page, "berth_host_updates_given_up 0");
}

/* As Prometheus reads it: each name has its help and type once, before its numbers. */
static void test_each_name_is_told_of_once(void **state)
{
    const struct heartbeat heartbeat = { .engine_message = "" };
    auto_buf struct buf page = buf_of(EXPORTER_PAGE_MAX);
    char *rest = NULL, name[128], help[160], type[160];

    (void)state;
    write_page(&heartbeat, &page);
    auto_buf struct buf text = buf_of(EXPORTER_PAGE_MAX);
    buf_append(&text, page.bytes, page.length);
    for (char *line = strtok_r(text.bytes, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        if (*line == '#')
            continue;
        (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(line, "{ "), line);
        (void)snprintf(help, sizeof help, "# HELP %s ", name);
        (void)snprintf(type, sizeof type, "# TYPE %s ", name);
        const char *told = strstr(page.bytes, help);
        CHECK(told != NULL && strstr(told + 1, help) == NULL);
        CHECK(strstr(told, type) != NULL);
    }
}

/* As many instances as a heartbeat may have fit the page. */
static void test_there_is_room_for_all(void **state)
{
    static struct instance_report reports[HEARTBEAT_INSTANCES_MAX];
    auto_buf struct buf page = buf_of(EXPORTER_PAGE_MAX);

    (void)state;
    for (size_t i = 0; i < HEARTBEAT_INSTANCES_MAX; i++)
        reports[i] = (struct instance_report){ .id = INT64_MAX,
                                               .phase = PHASE_RUNNING,
                                               .bytes_up = INT64_MAX,
                                               .bytes_down = INT64_MAX,
                                               .disk_used_mb = INT32_MAX,
                                               .cpu_permille = INT32_MAX,
                                               .ram_used_mb = INT32_MAX,
                                               .gpu_permille = INT32_MAX };
    write_page(&(struct heartbeat){ .instance_count = HEARTBEAT_INSTANCES_MAX,
                                    .instances = reports,
                                    .engine_message = "" },
               &page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_heartbeat_is_numbers),
        cmocka_unit_test(test_a_host_that_stays_what_it_is_says_so),
        cmocka_unit_test(test_each_name_is_told_of_once),
        cmocka_unit_test(test_there_is_room_for_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
