/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "check.h"
#include "cli/cmd_machines.h"
#include "support.h"
#include "sys/file.h"

#define OFFER                                                                                      \
    "{\"id\":4101,\"num_gpus\":2,\"gpu_name\":\"RTX 4090\",\"gpu_ram\":24564,\"gpu_frac\":0.5,"    \
    "\"cpu_cores_effective\":32.0,\"cpu_ram\":257000,\"disk_space\":812.5,\"dph_total\":0.70104,"  \
    "\"reliability\":0.9953,\"machine_id\":77,\"verification\":\"verified\","                      \
    "\"geolocation\":\"Gothenburg, SE\"}"

static const struct support_reply replies[] = {
    { "POST /api/v0/bundles/", 200, "{\"offers\":[" OFFER "]}" },
    { "PUT /api/v0/asks/4101/", 200, "{\"success\":true,\"new_contract\":7001}" },
    { "PUT /api/v0/asks/4102/", 200, "{\"success\":false,\"msg\":\"It would not start.\"}" },
    { "PUT /api/v0/asks/4103/", 200,
      "{\"success\":false,\"new_contract\":7009,\"msg\":\"Instance 7009 waits.\"}" },
    { "PUT /api/v0/asks/9/", 404,
      "{\"success\":false,\"error\":\"x\",\"msg\":\"Taken\\n\\u001b[2J.\"}" },
    { "GET /api/v1/instances/?limit=25", 200,
      "{\"instances\":[{\"id\":7001,\"actual_status\":\"running\",\"label\":\"a\"}],"
      "\"next_token\":\"a+b/\"}" },
    { "GET /api/v1/instances/?limit=25&after_token=a%2Bb%2F", 200,
      "{\"instances\":[{\"id\":7002,\"actual_status\":null}],\"next_token\":null}" },
    { "GET /api/v0/instances/7001/?owner=me", 200,
      "{\"instances\":{\"id\":7001,\"actual_status\":\"running\",\"public_ipaddr\":\"203.0.113.9\","
      "\"ports\":{\"22/tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"40001\"}]},"
      "\"ssh_host\":\"ssh.berth.test\",\"ssh_port\":20022}}" },
    { "GET /api/v0/instances/7002/?owner=me", 200,
      "{\"instances\":{\"id\":7002,\"actual_status\":\"loading\",\"ports\":{}}}" },
    { "GET /api/v0/instances/7003/?owner=me", 200,
      "{\"instances\":{\"id\":7003,\"ports\":{},\"ssh_host\":\"ssh.berth.test\",\"ssh_port\":20022}"
      "}" },
    { "GET /api/v0/instances/8/?owner=me", 200, "{\"instances\":null}" },
    { "PUT /api/v0/instances/7001/", 200, "{\"success\":true}" },
    { "PUT /api/v0/instances/7002/", 200, "{\"success\":true,\"msg\":\"It waits for a GPU.\"}" },
    { "PUT /api/v0/instances/reboot/7001/", 200, "{\"success\":true}" },
    { "DELETE /api/v0/instances/7001/", 200, "{\"success\":true}" },
    { "GET /api/v0/instances/7001/why/", 200,
      "{\"success\":true,\"id\":7001,\"state\":\"stopped\",\"reason\":\"no_credit\",\"msg\":\"No "
      "credit.\",\"events\":[{\"at\":1795356202.5,\"event\":\"x\",\"msg\":\"Stopped.\"}]}" },
    { "PUT /api/v0/instances/request_logs/7001/", 200,
      "{\"success\":true,\"result_url\":\"%s/blob/1\",\"writeable_path\":\"\"}" },
    { "PUT /api/v0/instances/command/7001/", 200,
      "{\"success\":true,\"result_url\":\"%s/blob/1\",\"writeable_path\":\"\"}" },
    { "GET /blob/1", 200, "line 1\nline 2\n" },
    { "GET /api/v0/instances/7099/?owner=me", 200,
      "{\"instances\":{\"id\":7099,\"actual_status\":\"exited\",\"intended_status\":\"running\"}"
      "}" },
    { "PUT /api/v0/instances/request_logs/7099/", 200,
      "{\"success\":true,\"result_url\":\"%s/blob/3\",\"writeable_path\":\"\"}" },
    { "GET /blob/3", 200,
      "2026-01-02T03:04:05.000000001Z one\n"
      "2026-01-02T03:04:05.000000007Z 2026-01-02T03:04:05.000000001Z\n"
      "2026-01-02T03:04:05.000000008Z \nno time\n2026-01-02T03:04:05.000000008Z again\n"
      "2026-01-02T03:04:05.000000009Z two\n" },
    { "GET /api/v0/ssh/", 200,
      "[{\"id\":21,\"public_key\":\"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBiVh9Ikm6 m@x\","
      "\"created_at\":\"2026-01-01T00:00:00Z\"}]" },
    { "POST /api/v0/ssh/", 200, "{\"success\":true,\"key\":{\"id\":22}}" },
    { "PUT /api/v0/ssh/21/", 200, "{\"success\":true,\"key\":{\"id\":21}}" },
    { "DELETE /api/v0/ssh/21/", 200, "{\"success\":true}" },
    { "POST /api/v0/instances/7001/ssh/", 200, "{\"success\":true,\"msg\":\"\"}" },
    { "DELETE /api/v0/instances/7001/ssh/21/", 200, "{\"success\":true,\"msg\":\"\"}" },
    { "GET /api/v0/machines/?owner=me", 200,
      "{\"machines\":[{\"id\":77,\"hostname\":\"gpu-a\",\"num_gpus\":4,\"gpu_name\":\"RTX 4090\","
      "\"timeout\":0,\"listed\":true,\"listed_gpu_cost\":0.35,\"gpu_occupancy\":\"D D x x \"}]}" },
    { "GET /api/v0/machines/77/?owner=me", 200,
      "[{\"id\":77,\"hostname\":\"gpu-a\",\"num_gpus\":0,\"timeout\":200,\"listed\":false}]" },
    { "GET /api/v0/machines/78/?owner=me", 200, "[]" },
    { "GET /api/v0/machines/79/?owner=me", 200, "<html>" },
    { "GET /api/v0/machines/80/?owner=me", 301, "<html>" },
    { "PUT /api/v0/machines/create_asks/", 200, "{\"success\":true,\"msg\":\"4 offers.\"}" },
    { "DELETE /api/v0/machines/77/asks/", 200, "{\"success\":true}" },
    { "POST /api/v0/machines/enroll_token/", 200,
      "{\"success\":true,\"token\":\"c0ffee\",\"expires_at\":1795357102}" },
    { "GET /api/v0/users/current/", 502, "<html>" },
    { NULL, 0, NULL },
};

static struct support_market market = { .table = replies };
static struct support_result result;

static void test_search_prints_a_table_or_json(void **state)
{
    (void)state;
    BERTH(&result, "search", "offers", "num_gpus>=2", "gpu_ram>=24", "-o", "dph,score-", "--limit",
          "3", "--storage", "7.5");
    CHECK_INT(result.status, 0);
    CHECK_TEXT(market.body,
               "{\"verified\":{\"eq\":true},\"external\":{\"eq\":false},\"rentable\":{\"eq\":true},"
               "\"num_gpus\":{\"gte\":2},\"gpu_ram\":{\"gte\":24000},\"order\":[[\"dph_total\","
               "\"asc\"],[\"score\",\"desc\"]],\"limit\":3,\"type\":\"on-demand\","
               "\"allocated_storage\":7.5}");
    CHECK(strstr(result.out, "4101  2x RTX 4090       24     32     128      812  0.7010") != NULL);
    BERTH(&result, "search", "offers", "-n", "--raw");
    CHECK_TEXT(market.body, "{\"order\":[[\"score\",\"desc\"]],\"type\":\"on-demand\","
                            "\"allocated_storage\":5}");
    CHECK(strstr(result.out, "[\n  {\n    \"id\": 4101,\n") == result.out);
    CHECK_TEXT(result.notes, "");
}

static void test_wrong_usage_is_two_and_asks_nobody(void **state)
{
    static const struct {
        const char *words[8];
        const char *notes;
    } rows[] = {
        { { NULL }, "berth: what shall be done? `berth help` lists commands\n" },
        { { "show", "instance" },
          "berth: a word is missing; usage: berth show instance ID "
          "[OPTIONS]\n" },
        { { "start", "x" }, "berth: 'x' is not the id of an instance\n" },
        { { "stop", "7001", "0" }, "berth: '0' is not the id of an instance\n" },
        { { "start", "9223372036854775808" },
          "berth: '9223372036854775808' is not the id of an instance\n" },
        { { "label", "7001", "a", "b" },
          "berth: a word too many; usage: berth label instance ID "
          "TEXT [OPTIONS]\n" },
        { { "search", "offers", "num_gpu=2" },
          "berth: the query, character 1: offers have no field 'num_gpu'; did you mean "
          "num_gpus?\n" },
        { { "search", "offers", "-o", "nope" },
          "berth: the query, character 1: offers have no field 'nope'\n" },
        { { "search", "offers", "--limit", "0" }, "berth: --limit is a number from 1 to 5000\n" },
        { { "search", "offers", "--limit", "5001" },
          "berth: --limit is a number from 1 to 5000\n" },
        { { "search", "offers", "--storage", "0" },
          "berth: --storage: '0' is not a number of GB\n" },
        { { "create", "instance", "4101" },
          "berth: --image or --template_hash is missing: what the instance runs\n" },
        { { "create", "instance", "4101", "--image", "x", "--disk", "-4" },
          "berth: --disk: '-4' is not a number of GB\n" },
        { { "create", "instance", "4101", "--image", "x", "--ssh", "--args" },
          "berth: --args runs the image's own entry point, without --ssh or --jupyter\n" },
        { { "destroy", "7001" },
          "berth: this deletes data for good: say --yes where nobody can be "
          "asked\n" },
        { { "logs", "7001", "--tail", "many" },
          "berth: --tail is a number of lines up to 100000\n" },
        { { "list", "machine", "77", "-g", "$1" },
          "berth: --price-gpu: '$1' is not an amount in dollars\n" },
        { { "list", "machine", "77", "-g", "-1" },
          "berth: --price-gpu: a price is not negative\n" },
        { { "list", "machine", "77", "-m", "0" },
          "berth: --min-chunk is a number of GPUs from 1 to 1024\n" },
        { { "list", "machine", "77", "-e", "soon" },
          "berth: --end-date: 'soon' is no date such as 2027-01-31\n" },
        { { "show", "user", "--nope" }, "berth: there is no option '--nope' here\n" },
        { { "show", "user", "--url", "x" },
          "berth: 'x' is no address: it begins with http:// or https://\n" },
        { { "completion", "tcsh" }, "berth: completion is there for bash, zsh and fish\n" },
    };

    (void)state;
    CHECK(freopen("/dev/null", "r", stdin) != NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("row %zu", i);
        support_refuses(rows[i].words, rows[i].notes);
    }
    CHECK_INT(market.request_count, 0);
}

static void test_creating_sends_what_was_said(void **state)
{
    char path[128];
    struct error err;

    (void)state;
    BERTH(&result, "create", "instance", "4101", "--image", "ubuntu:22.04", "--disk", "20.5",
          "--ssh", "--direct", "--env", "-e A='b c' -p 80:80", "--label", "t\"1", "--onstart-cmd",
          "echo hi");
    CHECK_INT(result.status, 0);
    CHECK_TEXT(result.out, "Instance 7001 is starting.\n");
    CHECK_TEXT(market.body,
               "{\"client_id\":\"me\",\"image\":\"ubuntu:22.04\",\"label\":\"t\\\"1\",\"env\":\"-e "
               "A='b c' -p "
               "80:80\",\"image_login\":null,\"user\":null,\"template_hash_id\":null,\"disk\":20.5,"
               "\"onstart\":"
               "\"echo hi\",\"runtype\":\"ssh_direc ssh_proxy\",\"cancel_unavail\":false}");

    (void)snprintf(path, sizeof path, "%s/start.sh", support_dir());
    CHECK_OK(file_replace(AT_FDCWD, path, 0600, "#!/bin/sh\nid\n", 13, &err), &err);
    BERTH(&result, "create", "instance", "4101", "--raw", "--image", "x", "--onstart", path,
          "--args", "sleep", "--raw", "60");
    CHECK_TEXT(result.out, "{\n  \"success\": true,\n  \"new_contract\": 7001\n}\n");
    CHECK(strstr(market.body, "\"disk\":10,\"onstart\":\"#!/bin/sh\\nid\\n\",\"runtype\":\"args\","
                              "\"args\":[\"sleep\",\"--raw\",\"60\"]") != NULL);
    BERTH(&result, "create", "instance", "4101", "--image", "x", "--onstart", "/nowhere/x");
    CHECK_INT(result.status, 1);
    CHECK_TEXT(result.notes, "berth: --onstart: open /nowhere/x: No such file or directory\n");
}

/* A bid that has to wait was taken: it is no failure, and programs learn its number. */
static void test_a_bid_that_waits_was_made(void **state)
{
    (void)state;
    BERTH(&result, "create", "instance", "4103", "--image", "x", "--bid_price", "0.2");
    CHECK_INT(result.status, 0);
    CHECK_TEXT(result.out, "Instance 7009 waits.\n");
    BERTH(&result, "create", "instance", "4103", "--image", "x", "--bid_price", "0.2", "--raw");
    CHECK_INT(result.status, 0);
    CHECK(strstr(result.out, "\"new_contract\": 7009") != NULL);
}

static void test_refusals_are_one_line(void **state)
{
    (void)state;
    BERTH(&result, "create", "instance", "9", "--image", "x");
    CHECK_INT(result.status, 1);
    CHECK_TEXT(result.notes, "berth: rent offer 9: Taken  [2J\n");
    BERTH(&result, "create", "instance", "4102", "--image", "x");
    CHECK_INT(result.status, 1);
    CHECK_TEXT(result.notes, "berth: rent offer 4102: It would not start\n");
    BERTH(&result, "show", "instance", "8");
    CHECK_INT(result.status, 1);
    CHECK_TEXT(result.notes, "berth: there is no instance 8 on this account\n");
    BERTH(&result, "show", "instance", "9");
    CHECK_TEXT(result.notes, "berth: instance 9: Nothing here\n");
    BERTH(&result, "show", "machine", "78");
    CHECK_TEXT(result.notes, "berth: there is no machine 78 on this account\n");
    BERTH(&result, "show", "user", "--url", "http://127.0.0.1:1");
    CHECK_INT(result.status, 1);
    CHECK(strstr(result.notes, "127.0.0.1:1") != NULL);
}

static void test_a_busy_market_is_asked_again(void **state)
{
    (void)state;
    market.busy_count = 2;
    BERTH(&result, "stop", "7001");
    CHECK_INT(result.status, 0);
    CHECK_INT(market.request_count, 3);
    market.busy_count = 99;
    BERTH(&result, "stop", "7001");
    CHECK_INT(result.status, 1);
    CHECK_TEXT(result.notes, "berth: instance 7001: Too often\n");
    market.busy_count = market.request_count = 0;
    BERTH(&result, "show", "user"); /* 502: a GET may be sent again */
    CHECK_INT(market.request_count, 4);
    CHECK_TEXT(result.notes, "berth: the market answered with status 502\n");
}

/* As it says itself, or not at all. */
static void test_who_is_told_how_long_to_wait_waits_so_long(void **state)
{
    struct timespec before, after;

    (void)state;
    market.busy_count = 1;
    market.header = "Retry-After: 2";
    CHECK_INT(clock_gettime(CLOCK_MONOTONIC, &before), 0);
    BERTH(&result, "stop", "7001");
    CHECK_INT(clock_gettime(CLOCK_MONOTONIC, &after), 0);
    CHECK_INT(result.status, 0);
    CHECK_INT(market.request_count, 2);
    CHECK(after.tv_sec - before.tv_sec >= 1);
    market.busy_count = 99;
    market.header = "Retry-After: 61";
    BERTH(&result, "stop", "7001");
    CHECK_INT(result.status, 1);
    CHECK_INT(market.request_count, 3);
    CHECK_TEXT(result.notes, "berth: instance 7001: try again in 61 s: Too often\n");
    market.busy_count = 0;
    market.header = NULL;
}

static void test_what_is_no_market_is_told_so(void **state)
{
    (void)state;
    BERTH(&result, "show", "machine", "79");
    CHECK_INT(result.status, 1);
    CHECK_TEXT(
        result.notes,
        "berth: machine 79: what answers at this address is no market: its answer is no JSON\n");
    market.header = "Location: https://berth.example/\033[2J";
    BERTH(&result, "show", "machine", "80");
    CHECK_INT(result.status, 1);
    CHECK_TEXT(result.notes, "berth: machine 80: this address is not the market's own, which is "
                             "https://berth.example/ [2J: log in there\n");
    market.header = NULL;
}

static void test_instances_are_listed_over_all_pages(void **state)
{
    (void)state;
    BERTH(&result, "show", "instances", "-q");
    CHECK_TEXT(result.out, "7001\n7002\n");
    BERTH(&result, "show", "instances");
    CHECK(strstr(result.out, "7001  running  a ") != NULL);
    CHECK(strstr(result.out, "7002  waiting  - ") != NULL);
    BERTH(&result, "show", "instances", "--raw");
    CHECK(strstr(result.out, "[\n  {\n    \"id\": 7001,") == result.out);
    CHECK(strstr(result.out, "\"id\": 7002") != NULL);
}

static void test_actions_on_instances(void **state)
{
    static const struct {
        const char *words[6];
        const char *request, *body, *out;
    } rows[] = {
        { { "start", "7001" },
          "PUT /api/v0/instances/7001/",
          "{\"state\":\"running\"}",
          "Instance 7001 is starting.\n" },
        { { "start", "instances", "7001", "C.7002" },
          "PUT /api/v0/instances/7002/",
          "{\"state\":\"running\"}",
          "Instance 7001 is starting.\nInstance 7002 is starting. It waits for a GPU.\n" },
        { { "stop", "instance", "7001" },
          "PUT /api/v0/instances/7001/",
          "{\"state\":\"stopped\"}",
          "Instance 7001 is stopping.\n" },
        { { "reboot", "7001" },
          "PUT /api/v0/instances/reboot/7001/",
          "{}",
          "Instance 7001 is rebooting.\n" },
        { { "destroy", "instance", "7001", "-y" },
          "DELETE /api/v0/instances/7001/",
          "{}",
          "Instance 7001 is being destroyed.\n" },
        { { "label", "7001", "a \"b\"" },
          "PUT /api/v0/instances/7001/",
          "{\"label\":\"a \\\"b\\\"\"}",
          "Instance 7001 has its label.\n" },
        { { "start", "7001", "--raw" },
          "PUT /api/v0/instances/7001/",
          "{\"state\":\"running\"}",
          "{\n  \"success\": true\n}\n" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("row %zu", i);
        support_run(&result, rows[i].words);
        CHECK_INT(result.status, 0);
        CHECK_TEXT(market.request, rows[i].request);
        CHECK_TEXT(market.body, rows[i].body);
        CHECK_TEXT(result.out, rows[i].out);
    }
    BERTH(&result, "stop", "7001", "66", "7002");
    CHECK_INT(result.status, 1);
    CHECK_TEXT(result.out, "Instance 7001 is stopping.\n");
    CHECK_TEXT(result.notes, "berth: instance 66: Nothing here\n");
}

static void test_reasons_are_told(void **state)
{
    (void)state;
    BERTH(&result, "why", "7001");
    CHECK_TEXT(result.out, "Instance 7001: stopped. No credit.\n"
                           "  2026-11-22 14:03:22  Stopped.\n");
}

static void test_addresses(void **state)
{
    (void)state;
    BERTH(&result, "ssh-url", "7001");
    CHECK_TEXT(result.out, "ssh://root@203.0.113.9:40001\n");
    BERTH(&result, "scp-url", "7003");
    CHECK_TEXT(result.out, "scp://root@ssh.berth.test:20022\n");
    BERTH(&result, "ssh-url", "7002");
    CHECK_INT(result.status, 1);
    CHECK_TEXT(result.notes, "berth: instance 7002 has no SSH address yet\n");
}

static void test_logs_and_commands_are_fetched(void **state)
{
    (void)state;
    BERTH(&result, "logs", "7001", "--tail", "10", "--filter", "err", "--daemon-logs");
    CHECK_TEXT(market.body, "{\"tail\":\"10\",\"filter\":\"err\",\"daemon_logs\":\"true\"}");
    CHECK_TEXT(market.request, "GET /blob/1");
    CHECK(strstr(market.head, "Authorization") == NULL); /* whoever knows the address may read */
    CHECK_TEXT(result.out, "line 1\nline 2\n");
    BERTH(&result, "execute", "7001", "--", "ls", "-l", "/root");
    CHECK_TEXT(market.body, "{\"command\":\"ls -l /root\"}");
    CHECK_TEXT(result.out, "line 1\nline 2\n");
    CHECK_INT(result.status, 1); /* whatever became of it: nobody said that it ended well */
    BERTH(&result, "logs", "7001", "--raw");
    CHECK_TEXT(market.body, "{}");
    CHECK_TEXT(result.out, "\"line 1\\nline 2\\n\"\n");
    CHECK_INT(result.status, 0);
}

static void test_a_command_s_exit_code_is_the_program_s(void **state)
{
    static const struct {
        const char *header;
        int status;
    } rows[] = { { "X-Exit-Code: 0", 0 },   { "x-exit-code: 7", 7 },  { "X-Exit-Code: 255", 255 },
                 { "X-Exit-Code: 256", 1 }, { "X-Exit-Code: -1", 1 }, { "X-Exit-Code: x", 1 },
                 { "X-Exit-Code: ", 1 },    { "X-Other: 0", 1 } };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%s", rows[i].header);
        market.header = rows[i].header;
        BERTH(&result, "execute", "7001", "--", "ls");
        CHECK_TEXT(result.out, "line 1\nline 2\n");
        CHECK_INT(result.status, rows[i].status);
        /* It is of commands alone. */
        BERTH(&result, "logs", "7001");
        CHECK_INT(result.status, 0);
    }
    market.header = NULL;
}

/* Each line once and without its time, and it ends when the instance has stopped. */
static void test_logs_are_followed(void **state)
{
    (void)state;
    BERTH(&result, "logs", "7099", "--follow", "--tail", "5");
    CHECK_INT(result.status, 0);
    CHECK_TEXT(result.out, "one\n2026-01-02T03:04:05.000000001Z\n\ntwo\n");
    CHECK_TEXT(market.request, "GET /blob/3");
    CHECK_TEXT(market.body, "{\"tail\":\"100000\",\"since\":\"2026-01-02T03:04:05.000000009Z\"}");
    BERTH(&result, "logs", "7099", "--follow", "--daemon-logs");
    CHECK_INT(result.status, 2);
    BERTH(&result, "logs", "7099", "--follow", "--raw");
    CHECK_INT(result.status, 2);
}

static void test_keys(void **state)
{
    char path[128], want[256];
    struct error err;

    (void)state;
    BERTH(&result, "show", "ssh-keys");
    CHECK(strstr(result.out, "21  ssh-ed25519  ...") != NULL);
    CHECK(strstr(result.out, "m@x      2026-01-01\n") != NULL);
    BERTH(&result, "create", "ssh-key", "ssh-ed25519 AAAA x\n");
    CHECK_TEXT(market.body, "{\"ssh_key\":\"ssh-ed25519 AAAA x\"}");
    CHECK_TEXT(result.out, "SSH key 22 opens all your instances.\n");

    (void)snprintf(path, sizeof path, "%s/k.pub", support_dir());
    CHECK_OK(file_replace(AT_FDCWD, path, 0600, "ssh-rsa BBBB y\n", 15, &err), &err);
    BERTH(&result, "update", "ssh-key", "21", path);
    CHECK_TEXT(market.body, "{\"ssh_key\":\"ssh-rsa BBBB y\"}");
    BERTH(&result, "attach", "ssh", "7001", path);
    CHECK_TEXT(result.out, "That key opens instance 7001 too.\n");
    BERTH(&result, "detach", "ssh", "7001", "21");
    CHECK_TEXT(market.request, "DELETE /api/v0/instances/7001/ssh/21/");
    BERTH(&result, "delete", "ssh-key", "21");
    CHECK_TEXT(market.request, "DELETE /api/v0/ssh/21/");

    market.request_count = 0;
    BERTH(&result, "create", "ssh-key", "nothing.pub");
    CHECK_INT(result.status, 1);
    CHECK_TEXT(result.notes, "berth: 'nothing.pub' is neither a public key nor the file of one: "
                             "open nothing.pub: No such file or directory\n");
    CHECK_OK(file_replace(AT_FDCWD, path, 0600, "-----BEGIN OPENSSH PRIVATE KEY-----", 35, &err),
             &err);
    BERTH(&result, "create", "ssh-key", path);
    CHECK_INT(result.status, 2);
    (void)snprintf(want, sizeof want,
                   "berth: that is a private key, which nobody else should see; "
                   "the public one ends in .pub\n");
    CHECK_TEXT(result.notes, want);
    CHECK_INT(market.request_count, 0);
}

/* Without a key, this machine's own: made once, and the same from then on. */
static void test_this_machines_own_key(void **state)
{
    char first[SUPPORT_TEXT_SIZE];

    (void)state;
    BERTH(&result, "create", "ssh-key");
    CHECK_INT(result.status, 0);
    CHECK(strncmp(market.body, "{\"ssh_key\":\"ssh-ed25519 AAAA", 28) == 0);
    CHECK(strstr(result.notes, "Made a new key") != NULL);
    (void)snprintf(first, sizeof first, "%s", market.body);
    BERTH(&result, "create", "ssh-key");
    CHECK_TEXT(market.body, first);
    CHECK_TEXT(result.notes, "");
}

static void test_machines(void **state)
{
    (void)state;
    BERTH(&result, "show", "machines");
    CHECK(strstr(result.out, "77  gpu-a  4x RTX 4090  online  yes      0.3500") != NULL);
    BERTH(&result, "show", "machines", "-q");
    CHECK_TEXT(result.out, "77\n");
    BERTH(&result, "show", "machine", "77");
    CHECK(strstr(result.out, "State          away 3 min\n") != NULL);
    CHECK(strstr(result.out, "no; `berth list machine 77 -g DOLLARS` offers it\n") != NULL);
    BERTH(&result, "list", "machine", "77", "-g", "0.35", "-s", "0.15", "-u", "0", "-d",
          "0.000000001", "-m", "2", "-e", "01/31/2027");
    CHECK_TEXT(market.body,
               "{\"machine\":77,\"price_gpu\":0.35,\"price_disk\":0.15,\"price_inetu\":"
               "0,\"price_inetd\":0.000000001,\"min_chunk\":2,\"end_date\":"
               "1801353600}");
    CHECK_TEXT(result.out, "4 offers.\n");
    BERTH(&result, "unlist", "machine", "77");
    CHECK_TEXT(result.out, "Machine 77 is listed no more; rentals go on.\n");
    BERTH(&result, "host", "token");
    CHECK_TEXT(result.out, "c0ffee\n");
    BERTH(&result, "host", "token", "--raw");
    CHECK(strstr(result.out, "\"token\": \"c0ffee\"") != NULL);
    CHECK_TEXT(result.notes, "");
}

static void test_dates(void **state)
{
    static const struct {
        const char *text;
        int64_t seconds; /* -1: none */
    } rows[] = {
        { "1801353600", 1801353600 },
        { "2027-01-31", 1801353600 },
        { "01/31/2027", 1801353600 },
        { "1/31/2027", 1801353600 },
        { "2028-02-29", 1835395200 },
        { "2027-02-29", -1 },
        { "2027-04-31", -1 },
        { "2027-13-01", -1 },
        { "2027-00-01", -1 },
        { "2027-01-00", -1 },
        { "1999-12-31", -1 },
        { "3000-01-01", -1 },
        { "2027-01", -1 },
        { "2027-01-31x", -1 },
        { "2027/01/31", -1 },
        { "", -1 },
        { "tomorrow", -1 },
        { "-1", -1 },
        { "99999999999999", -1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t seconds = -1;

        check_row("'%s'", rows[i].text);
        CHECK(machines_parse_date(rows[i].text, &seconds) == (rows[i].seconds >= 0));
        CHECK_INT(seconds, rows[i].seconds);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUPPORT_TEST(test_search_prints_a_table_or_json),
        SUPPORT_TEST(test_wrong_usage_is_two_and_asks_nobody),
        SUPPORT_TEST(test_creating_sends_what_was_said),
        SUPPORT_TEST(test_a_bid_that_waits_was_made),
        SUPPORT_TEST(test_refusals_are_one_line),
        SUPPORT_TEST(test_a_busy_market_is_asked_again),
        SUPPORT_TEST(test_who_is_told_how_long_to_wait_waits_so_long),
        SUPPORT_TEST(test_what_is_no_market_is_told_so),
        SUPPORT_TEST(test_instances_are_listed_over_all_pages),
        SUPPORT_TEST(test_actions_on_instances),
        SUPPORT_TEST(test_reasons_are_told),
        SUPPORT_TEST(test_addresses),
        SUPPORT_TEST(test_logs_and_commands_are_fetched),
        SUPPORT_TEST(test_a_command_s_exit_code_is_the_program_s),
        SUPPORT_TEST(test_logs_are_followed),
        SUPPORT_TEST(test_keys),
        SUPPORT_TEST(test_this_machines_own_key),
        SUPPORT_TEST(test_machines),
        SUPPORT_TEST(test_dates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
