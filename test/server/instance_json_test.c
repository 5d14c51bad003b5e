/* SPDX-License-Identifier: Apache-2.0 */
#include "server/instance_json.h"

#include <string.h>

#include "base/json.h"
#include "check.h"
#include "market/relaying.h"
#include "proto/heartbeat.h"

/* A running instance on one of two GPUs, which a test then changes. */
struct fixture {
    struct machine_facts facts;
    struct machine_row machine;
    struct contract_row contract;
    struct instance_spec spec;
    struct spec_variable env[1];
    struct spec_port ports[2];
    struct instance_view view;
};

static const struct instant NOW = { INT64_C(1795330373600000) };

static void set_up(struct fixture *fixture)
{
    *fixture = (struct fixture){
        .facts = { .hostname = "box",
                   .cpu_arch = "amd64",
                   .cpu_cores = 64,
                   .ram_mb = 257000,
                   .disk_gb = 800,
                   .public_ip = "203.0.113.9",
                   .port_first = 40000,
                   .port_last = 40119,
                   .inet_up_kbps = 880100,
                   .driver_version = "570.86.15",
                   .cuda_version = 128,
                   .gpu_count = 2 },
        .machine = { .id = 77,
                     .owner_id = 12,
                     .geolocation = "Gothenburg, SE",
                     .verification = VERIFICATION_VERIFIED,
                     .is_online = true },
        .contract = { .id = 7001,
                      .host_id = 12,
                      .machine_id = 77,
                      .terms = { .num_gpus = 1,
                                 .gpu_hour = { 350000000 },
                                 .disk_month = { 150000000 },
                                 .up_tb = { 3072000000 },
                                 .down_tb = { 2048000000 },
                                 .start = { INT64_C(1795323273600000) },
                                 .end = INSTANT_NEVER },
                      .share = { .cpu_millis = 32000, .ram_mb = 128500, .disk_gb = 20 },
                      .image = "ubuntu:22.04",
                      .runtype = "ssh_direc ssh_proxy",
                      .reason_detail = "",
                      .message = "",
                      .disk_used_mb = 3174,
                      .cpu_permille = 100,
                      .ram_used_mb = 1536,
                      .gpu_permille = 125,
                      .ssh_port = 40001,
                      .ports = "8081/tcp:40002 53/udp:40003" },
        .env = { { "TZ", "UTC" } },
        .ports = { { 8081, false }, { 53, true } },
    };
    for (int64_t i = 0; i < 2; i++) {
        fixture->facts.gpus[i] = (struct gpu_facts){ .name = "RTX 4090", .memory_mb = 24564 };
        fixture->facts.gpus[i].uuid[0] = (char)('a' + i);
    }
    fixture->spec = (struct instance_spec){ .image = "ubuntu:22.04",
                                            .env_count = 1,
                                            .env = fixture->env,
                                            .port_count = 2,
                                            .ports = fixture->ports };
    fixture->view = (struct instance_view){
        .contract = &fixture->contract,
        .machine = &fixture->machine,
        .facts = &fixture->facts,
        .spec = &fixture->spec,
        .status = { "running", "running", "running", "running" },
        .status_msg = "",
        .disk_hour = { 4166667 },
        .total_hour = { 354166667 },
        .charged = { 1234567 },
        .uptime_s = 90,
        .is_connected = true,
    };
}

static json_t *encode(const struct fixture *fixture)
{
    auto_buf struct buf text = buf_of(1 << 20);
    struct encoder json = encoder_of(&text);
    json_t *root = NULL;
    struct error err;

    instance_encode(&json, &fixture->view, NOW);
    CHECK_OK(json_parse(text.bytes, text.length, &root, &err), &err);
    return root;
}

/* The member as JSON text. */
static void check_member(const json_t *root, const char *name, const char *want)
{
    const json_t *value = json_object_get(root, name);
    auto_free char *text =
        json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(12));

    check_row("%s", name);
    CHECK_TEXT(text != NULL ? text : "(missing)", want);
}

static void test_a_running_instance_in_full(void **state)
{
    (void)state;
    static const char *const members[][2] = {
        { "id", "7001" },
        { "actual_status", "\"running\"" },
        { "status_msg", "\"\"" },
        { "label", "null" },
        { "num_gpus", "1" },
        { "gpu_name", "\"RTX 4090\"" },
        { "gpu_totalram", "24564" },
        { "gpu_frac", "0.5" },
        { "gpu_util", "12.5" },
        { "cpu_cores", "64" },
        { "cpu_cores_effective", "32" },
        { "cpu_util", "0.1" },
        { "mem_usage", "1.5" },
        { "disk_space", "20" },
        { "disk_usage", "3.099" },
        { "disk_util", "0.154" },
        { "uptime_mins", "1.5" },
        { "inet_up", "880.1" },
        { "inet_up_cost", "0.003" },
        { "internet_down_cost_per_tb", "2" },
        { "ssh_host", "\"203.0.113.9\"" },
        { "ssh_port", "40001" },
        { "ports", "{\"22/tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"40001\"}],"
                   "\"8081/tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"40002\"}],"
                   "\"53/udp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"40003\"}]}" },
        { "direct_port_count", "120" },
        { "image_runtype", "\"ssh_direc ssh_proxy\"" },
        { "extra_env", "[[\"TZ\",\"UTC\"],[\"-p 8081:8081\",\"1\"],[\"-p 53:53/udp\",\"1\"]]" },
        { "start_date", "1795323273.6" },
        { "end_date", "null" },
        { "duration", "null" },
        { "dph_base", "0.35" },
        { "dph_total", "0.354166667" },
        { "charged", "0.001234567" },
        { "verification", "\"verified\"" },
        { "country_code", "\"SE\"" },
        { "cuda_max_good", "12.8" },
        { "stop_reason", "null" },
    };
    struct fixture fixture;

    set_up(&fixture);
    auto_json json_t *root = encode(&fixture);
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        check_member(root, members[i][0], members[i][1]);
}

static void test_running_is_not_said_before_the_address_is_known(void **state)
{
    (void)state;
    static const struct {
        const char *runtype, *ports, *ip, *want;
        int64_t ssh_port;
    } cases[] = {
        { "ssh", "8081/tcp:40002 53/udp:40003", "203.0.113.9", "running", 40001 },
        { "ssh", "8081/tcp:40002 53/udp:40003", "203.0.113.9", "loading", 0 },
        { "ssh", "8081/tcp:40002", "203.0.113.9", "loading", 40001 },
        { "ssh", "", "203.0.113.9", "loading", 40001 },
        { "ssh", "8081/tcp:40002 53/udp:40003", "", "loading", 40001 },
        { "args", "8081/tcp:40002 53/udp:40003", "203.0.113.9", "running", 0 },
        { "args", "8081/tcp:40002", "203.0.113.9", "loading", 0 },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture fixture;
        check_row("case %zu", i);
        set_up(&fixture);
        fixture.contract.runtype = cases[i].runtype;
        fixture.contract.ports = cases[i].ports;
        fixture.contract.ssh_port = cases[i].ssh_port;
        (void)memset(fixture.facts.public_ip, 0, sizeof fixture.facts.public_ip);
        memcpy(fixture.facts.public_ip, cases[i].ip, strlen(cases[i].ip));
        CHECK_TEXT(instance_actual_status(&fixture.view), cases[i].want);
        auto_json json_t *root = encode(&fixture);
        if (strcmp(cases[i].want, "loading") == 0) {
            check_member(root, "ports", "{}");
            check_member(root, "ssh_host", "null");
            check_member(root, "ssh_port", "null");
        }
    }
}

static void test_jupyter_has_an_address_once_it_answers(void **state)
{
    (void)state;
    static const struct {
        const char *token, *message, *status, *url;
    } cases[] = {
        { NULL, "", "\"running\"", "null" },
        { "abc", "", "\"running\"", "\"http://localhost:8080/?token=abc\"" },
        { "abc", JUPYTER_STARTING_TEXT, "\"loading\"", "null" },
        { "abc", JUPYTER_SILENT_TEXT, "\"running\"", "null" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture fixture;
        check_row("case %zu", i);
        set_up(&fixture);
        fixture.contract.runtype = "jupyter_proxy ssh_proxy";
        fixture.contract.message = cases[i].message;
        fixture.spec.jupyter_token = cases[i].token;
        auto_json json_t *root = encode(&fixture);
        check_member(root, "actual_status", cases[i].status);
        check_member(root, "jupyter_url", cases[i].url);
    }
}

/* A relay's certificate makes an address that browsers take; without one, and for ports that are
 * not a notebook's, it is the one behind SSH. */
static void test_a_relay_s_certificate_opens_jupyter(void **state)
{
    (void)state;
    static const struct {
        struct relay_port_row port;
        const char *url, *ports;
        bool is_behind_nat;
    } cases[] = {
        { { 1, 41000, 1, 8080, 8080, RELAYING_HTTPS, "relay.test", true },
          "\"https://relay.test:41000/?token=abc\"",
          "{\"8080/tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"41000\"}]}",
          true },
        { { 1, 41000, 1, 8080, 8080, RELAYING_HTTPS, "2001:db8::1", true },
          "\"https://[2001:db8::1]:41000/?token=abc\"",
          NULL,
          false },
        { { 1, 41000, 1, 8080, 8080, RELAYING_HTTPS, "relay.test", false },
          "\"http://localhost:8080/?token=abc\"",
          "{}",
          true },
        { { 1, 41000, 1, 8080, 8080, RELAYING_TCP, "relay.test", true },
          "\"http://localhost:8080/?token=abc\"",
          NULL,
          true },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture fixture;

        check_row("case %zu", i);
        set_up(&fixture);
        fixture.contract.runtype = "jupyter_proxy ssh_proxy";
        fixture.contract.message = "";
        fixture.spec.jupyter_token = "abc";
        fixture.facts.is_behind_nat = cases[i].is_behind_nat;
        fixture.view.relay_ports = &cases[i].port;
        fixture.view.relay_port_count = 1;
        auto_json json_t *root = encode(&fixture);
        check_member(root, "jupyter_url", cases[i].url);
        if (cases[i].ports != NULL)
            check_member(root, "ports", cases[i].ports);
    }
}

static void test_a_stopped_instance_has_no_address_and_a_reason(void **state)
{
    (void)state;
    struct fixture fixture;

    set_up(&fixture);
    fixture.view.status = (struct rental_view){ "exited", "stopped", "stopped", "stopped" };
    fixture.view.uptime_s = -1;
    fixture.contract.reason = REASON_EXITED;
    fixture.contract.reason_detail = "3";
    auto_json json_t *root = encode(&fixture);
    check_member(root, "ports", "{}");
    check_member(root, "ssh_host", "null");
    check_member(root, "uptime_mins", "null");
    check_member(root, "gpu_util", "null");
    check_member(root, "mem_usage", "null");
    check_member(root, "disk_usage", "3.099");
    check_member(root, "stop_reason", "\"exited\"");
    check_member(root, "stop_message", "\"Its main process ended by itself, with exit status 3.\"");
}

static void test_what_is_unknown_is_null_or_minus_one(void **state)
{
    (void)state;
    struct fixture fixture;

    set_up(&fixture);
    fixture.facts.gpu_count = 0;
    fixture.facts.port_first = 0;
    fixture.facts.port_last = -1;
    fixture.facts.inet_up_kbps = 0;
    fixture.contract.terms.num_gpus = 0;
    fixture.contract.disk_used_mb = fixture.contract.gpu_permille = -1;
    fixture.contract.terms.end = instant_add(NOW, 90 * US_PER_SECOND);
    fixture.view.status.actual_status = NULL;
    auto_json json_t *root = encode(&fixture);
    check_member(root, "actual_status", "null");
    check_member(root, "gpu_name", "null");
    check_member(root, "gpu_frac", "1");
    check_member(root, "gpu_util", "null");
    check_member(root, "inet_up", "null");
    check_member(root, "disk_usage", "-1");
    check_member(root, "disk_util", "-1");
    check_member(root, "direct_port_start", "-1");
    check_member(root, "direct_port_count", "0");
    check_member(root, "duration", "90");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_running_instance_in_full),
        cmocka_unit_test(test_running_is_not_said_before_the_address_is_known),
        cmocka_unit_test(test_jupyter_has_an_address_once_it_answers),
        cmocka_unit_test(test_a_relay_s_certificate_opens_jupyter),
        cmocka_unit_test(test_a_stopped_instance_has_no_address_and_a_reason),
        cmocka_unit_test(test_what_is_unknown_is_null_or_minus_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
