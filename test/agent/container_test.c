/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/container.h"

#include <stdio.h>
#include <string.h>

#include "check.h"
#include "sys/crypto.h"

struct scene {
    struct container_host host;
    struct desired_instance desired;
    struct record record;
    struct spec_variable env[2];
    struct spec_port ports[2];
    const char *gpus[2], *args[2], *keys[1];
    bool is_for_copies;
};

static struct scene make_scene(void)
{
    return (struct scene){
        .host = { .machine_id = 7,
                  .host = "me",
                  .public_ip = "203.0.113.9",
                  .tools_dir = "/d/tools",
                  .cpu_count = 8,
                  .has_quota = true },
        .desired = { .id = 7001,
                     .gen = 3,
                     .spec = { .image = "bb:1",
                               .runtype = "ssh",
                               .disk_gb = 40,
                               .cpu_millis = 2500,
                               .ram_mb = 4096 } },
        .record = { .id = 7001,
                    .slot = 5,
                    .ssh_port = 40000,
                    .port_count = 2,
                    .ports = { { 8081, false, 40001 }, { 40002, true, 40002 } } },
        .env = { { "A", "b=c" }, { "CONTAINER_ID", "999" } },
        .ports = { { 8081, false }, { 70000, true } },
        .gpus = { "GPU-a", "GPU-b" },
        .args = { "sleep", "60" },
        .keys = { "ssh-ed25519 AAAA me" },
    };
}

/* The request as a tree. The caller owns it. */
static json_t *encode(struct scene *scene)
{
    struct container_wish wish = { &scene->host, &scene->desired, &scene->record, "bb:1",
                                   scene->is_for_copies };
    struct instance_spec *spec = &scene->desired.spec;
    auto_buf struct buf text = buf_of(CONTAINER_BODY_MAX);
    json_t *root = NULL;
    struct error err;

    spec->env = scene->env;
    spec->env_count = 2;
    spec->ports = scene->ports;
    spec->port_count = 2;
    spec->ssh_keys = scene->keys;
    spec->ssh_key_count = 1;
    container_encode(&text, &wish);
    CHECK_OK(json_parse(text.bytes, text.length, &root, &err), &err);
    return root;
}

/* The value at "HostConfig.Memory", as JSON. */
static const char *at(const json_t *root, const char *path)
{
    static char text[8192];

    for (const char *dot; (dot = strchr(path, '.')) != NULL; path = dot + 1) {
        char name[64] = "";

        memcpy(name, path, (size_t)(dot - path));
        root = json_object_get(root, name);
    }
    root = json_object_get(root, path);
    size_t length = root == NULL ? 0
                                 : json_dumpb(root, text, sizeof text,
                                              JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
    text[length] = '\0';
    return text;
}

static bool has_env(const json_t *root, const char *want)
{
    size_t index;
    json_t *item;

    json_array_foreach(json_object_get(root, "Env"), index, item)
    {
        if (strcmp(json_string_value(item), want) == 0)
            return true;
    }
    return false;
}

/* No new privileges, and a list of calls that is JSON and has what it must and must not. */
static void check_security(const json_t *root)
{
    const json_t *options = json_object_get(json_object_get(root, "HostConfig"), "SecurityOpt");
    const char *calls = json_string_value(json_array_get(options, 1));
    auto_json json_t *profile = NULL;
    struct error err;

    CHECK_INT((int64_t)json_array_size(options), 2);
    CHECK_TEXT(json_string_value(json_array_get(options, 0)), "no-new-privileges");
    CHECK(strncmp(calls, "seccomp={", 9) == 0);
    CHECK_OK(json_parse(calls + 8, strlen(calls + 8), &profile, &err), &err);
    CHECK_TEXT(json_string_value(json_object_get(profile, "defaultAction")), "SCMP_ACT_ERRNO");
    CHECK(strstr(calls, "\"read\"") != NULL && strstr(calls, "\"execve\"") != NULL);
    CHECK(strstr(calls, "io_uring") == NULL && strstr(calls, "\"mount\"") == NULL &&
          strstr(calls, "\"bpf\"") == NULL && strstr(calls, "\"unshare\"") == NULL);
}

/* Over the same files, and nothing of the renter's in it. */
static void test_copies_go_through_a_container_without_anything(void **state)
{
    struct scene scene = make_scene();

    (void)state;
    scene.desired.spec.onstart = "touch /x";
    scene.desired.gpus = scene.gpus;
    scene.desired.gpu_count = 2;
    scene.is_for_copies = true;
    auto_json json_t *root = encode(&scene);
    CHECK_TEXT(at(root, "Entrypoint"), "[\"/opt/berth/bin/berth-guest\",\"launch\",\"--idle\"]");
    CHECK_TEXT(at(root, "Env"), "[]");
    CHECK_TEXT(at(root, "HostConfig.NetworkMode"), "\"none\"");
    CHECK_TEXT(at(root, "HostConfig.PortBindings"), "");
    CHECK_TEXT(at(root, "HostConfig.DeviceRequests"), "");
    CHECK_TEXT(at(root, "HostConfig.CpuShares"), "2");
    CHECK_TEXT(at(root, "HostConfig.NanoCpus"), "1000000000");
    CHECK_TEXT(at(root, "HostConfig.PidsLimit"), "256");
    CHECK_TEXT(at(root, "HostConfig.Memory"), "1073741824");
    CHECK_TEXT(at(root, "HostConfig.StorageOpt"), "{\"size\":\"40G\"}");
    CHECK_TEXT(at(root, "HostConfig.CapDrop"), "[\"ALL\"]");
    check_security(root);
    CHECK_TEXT(json_string_value(json_object_get(json_object_get(root, "Labels"), SEEN_LABEL_SPEC)),
               SEEN_SPEC_COPIES);
    CHECK_TEXT(json_string_value(json_object_get(json_object_get(root, "Labels"), SEEN_LABEL_GPUS)),
               "");
}

/* It has its own size, and its key is no part of what the container is known by. */
static void test_an_encrypted_workspace_is_mounted(void **state)
{
    struct scene scene = make_scene();
    char with[SEEN_SPEC_SIZE], without[SEEN_SPEC_SIZE];
    struct error err;

    (void)state;
    scene.host.workspaces_dir = "/d/workspaces";
    scene.desired.spec.workspace_gb = 15;
    auto_json json_t *root = encode(&scene);
    CHECK_TEXT(at(root, "HostConfig.Mounts"),
               "[{\"BindOptions\":{\"Propagation\":\"rprivate\"},\"Source\":"
               "\"/d/workspaces/7001/files\",\"Target\":\"/workspace\",\"Type\":\"bind\"}]");
    CHECK_TEXT(at(root, "HostConfig.StorageOpt"), "{\"size\":\"25G\"}");
    CHECK_OK(container_spec(&scene.desired, without, &err), &err);
    scene.desired.spec.workspace_key = "0123";
    CHECK_OK(container_spec(&scene.desired, with, &err), &err);
    CHECK_TEXT(with, without);
    scene.is_for_copies = true; /* it is locked */
    auto_json json_t *copies = encode(&scene);
    CHECK_TEXT(at(copies, "HostConfig.Mounts"), "");
}

static void test_a_guest_is_kept_in(void **state)
{
    struct scene scene = make_scene();
    auto_json json_t *root = encode(&scene);

    (void)state;
    CHECK_TEXT(at(root, "HostConfig.CapDrop"), "[\"ALL\"]");
    CHECK_TEXT(at(root, "HostConfig.CapAdd"),
               "[\"CHOWN\",\"DAC_OVERRIDE\",\"FOWNER\",\"FSETID\",\"KILL\",\"SETGID\",\"SETUID\","
               "\"SETPCAP\",\"NET_BIND_SERVICE\",\"SYS_CHROOT\",\"AUDIT_WRITE\"]");
    check_security(root);
    CHECK_TEXT(at(root, "HostConfig.Init"), "true");
    CHECK_TEXT(at(root, "HostConfig.NetworkMode"), "\"bt5\"");
    CHECK_TEXT(at(root, "HostConfig.Binds"), "[\"/d/tools:/opt/berth:ro\"]");
    CHECK_TEXT(at(root, "HostConfig.Memory"), "4294967296");
    CHECK_TEXT(at(root, "HostConfig.MemorySwap"), "4294967296");
    CHECK_TEXT(at(root, "HostConfig.NanoCpus"), "2500000000");
    CHECK_TEXT(at(root, "HostConfig.PidsLimit"), "12288");
    CHECK_TEXT(at(root, "HostConfig.ShmSize"), "2147483648");
    CHECK_TEXT(at(root, "HostConfig.StorageOpt"), "{\"size\":\"40G\"}");
    CHECK_TEXT(at(root, "HostConfig.RestartPolicy"), "{\"Name\":\"no\"}");
    CHECK_TEXT(at(root, "HostConfig.LogConfig.Type"), "\"json-file\"");
    CHECK_TEXT(at(root, "StopTimeout"), "10");
    /* Members that would let a guest out are not there at all. */
    static const char *const never[] = { "Privileged",   "PidMode", "IpcMode",     "UTSMode",
                                         "UsernsMode",   "Devices", "VolumesFrom", "Mounts",
                                         "CgroupParent", "Runtime", "Sysctls" };
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) {
        check_row("%s", never[i]);
        CHECK(json_object_get(json_object_get(root, "HostConfig"), never[i]) == NULL);
    }
}

static void test_it_knows_who_it_is(void **state)
{
    struct scene scene = make_scene();
    auto_json json_t *root = encode(&scene);

    (void)state;
    CHECK_TEXT(at(root, "Hostname"), "\"C.7001\"");
    CHECK_TEXT(at(root, "Image"), "\"bb:1\"");
    CHECK(has_env(root, "A=b=c"));
    CHECK(has_env(root, "CONTAINER_ID=7001") && !has_env(root, "CONTAINER_ID=999"));
    CHECK(has_env(root, "VAST_CONTAINERLABEL=C.7001"));
    CHECK(has_env(root, "BERTH_CONTAINERLABEL=C.7001"));
    CHECK(has_env(root, "GPU_COUNT=0"));
    CHECK(has_env(root, "PUBLIC_IPADDR=203.0.113.9"));
    CHECK(has_env(root, "SSH_PUBLIC_KEY=ssh-ed25519 AAAA me"));
    CHECK(has_env(root, "VAST_TCP_PORT_22=40000"));
    CHECK(has_env(root, "VAST_TCP_PORT_8081=40001"));
    CHECK(has_env(root, "VAST_UDP_PORT_70000=40002"));
    CHECK_TEXT(at(root, "ExposedPorts"), "{\"40002/udp\":{},\"8081/tcp\":{}}");
    CHECK_TEXT(at(root, "HostConfig.PortBindings"),
               "{\"40002/udp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"40002\"}],"
               "\"8081/tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"40001\"}]}");
    scene.desired.spec.hostname = "box";
    scene.desired.spec.user = "1000:1000";
    auto_json json_t *named = encode(&scene);
    CHECK_TEXT(at(named, "Hostname"), "\"box\"");
    CHECK_TEXT(at(named, "User"), "\"1000:1000\"");
}

/* Behind NAT the world finds ports at a relay; one that is the same inside and outside has the
 * relay's number in the container too. */
static void test_ports_are_told_as_the_world_finds_them(void **state)
{
    struct scene scene = make_scene();
    struct spec_relayed relayed[] = { { 22, false, 21000 },
                                      { 8081, false, 21001 },
                                      { 70000, true, 21002 } };

    (void)state;
    scene.desired.spec.public_host = "relay.test";
    scene.desired.spec.relayed = relayed;
    scene.desired.spec.relayed_count = 3;
    scene.record.ports[1].port = 21002; /* as slots_assign() has it */
    auto_json json_t *root = encode(&scene);
    CHECK(has_env(root, "PUBLIC_IPADDR=relay.test"));
    CHECK(has_env(root, "VAST_TCP_PORT_22=21000"));
    CHECK(has_env(root, "VAST_TCP_PORT_8081=21001"));
    CHECK(has_env(root, "VAST_UDP_PORT_70000=21002"));
    CHECK(has_env(root, "VAST_UDP_PORT_21002=21002"));
    CHECK_TEXT(at(root, "ExposedPorts"), "{\"21002/udp\":{},\"8081/tcp\":{}}");
    CHECK_TEXT(at(root, "HostConfig.PortBindings"),
               "{\"21002/udp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"40002\"}],"
               "\"8081/tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"40001\"}]}");
    /* What it is made from is the same with them and without. */
    char with[SEEN_SPEC_SIZE], without[SEEN_SPEC_SIZE];
    struct error err;
    CHECK_OK(container_spec(&scene.desired, with, &err), &err);
    scene.desired.spec.public_host = NULL;
    scene.desired.spec.relayed_count = 0;
    CHECK_OK(container_spec(&scene.desired, without, &err), &err);
    CHECK_TEXT(with, without);
}

static void test_what_it_runs(void **state)
{
    struct scene scene = make_scene();

    (void)state;
    scene.desired.spec.onstart = "echo hi";
    auto_json json_t *ssh = encode(&scene);
    CHECK_TEXT(at(ssh, "Entrypoint"), "[\"/opt/berth/bin/berth-guest\",\"launch\","
                                      "\"--onstart-env\",\"BERTH_ONSTART\",\"--\"]");
    CHECK_TEXT(at(ssh, "Cmd"), "");
    CHECK(has_env(ssh, "BERTH_ONSTART=echo hi"));

    scene.desired.spec.runtype = "args";
    scene.desired.spec.args = scene.args;
    scene.desired.spec.arg_count = 2;
    auto_json json_t *args = encode(&scene);
    CHECK_TEXT(at(args, "Entrypoint"), "[\"echo hi\"]"); /* takes the image's entrypoint's place */
    CHECK_TEXT(at(args, "Cmd"), "[\"sleep\",\"60\"]");
    CHECK(!has_env(args, "BERTH_ONSTART=echo hi"));

    scene.desired.spec.onstart = NULL;
    scene.desired.spec.arg_count = 0;
    auto_json json_t *own = encode(&scene);
    CHECK_TEXT(at(own, "Entrypoint"), ""); /* the image's own */
    CHECK_TEXT(at(own, "Cmd"), "");
}

static void test_gpus_are_asked_for_by_uuid(void **state)
{
    struct scene scene = make_scene();

    (void)state;
    auto_json json_t *none = encode(&scene);
    CHECK_TEXT(at(none, "HostConfig.DeviceRequests"), "");
    scene.desired.gpus = scene.gpus;
    scene.desired.gpu_count = 2;
    auto_json json_t *two = encode(&scene);
    CHECK_TEXT(at(two, "HostConfig.DeviceRequests"),
               "[{\"Capabilities\":[[\"gpu\"]],\"DeviceIDs\":[\"GPU-a\",\"GPU-b\"],"
               "\"Driver\":\"nvidia\"}]");
    CHECK(has_env(two, "GPU_COUNT=2"));
    CHECK_TEXT(json_string_value(json_object_get(json_object_get(two, "Labels"), "berth.gpus")),
               "GPU-a,GPU-b,");
    scene.host.is_simulated = true;
    auto_json json_t *simulated = encode(&scene);
    CHECK_TEXT(at(simulated, "HostConfig.DeviceRequests"), "");
    CHECK(has_env(simulated, "GPU_COUNT=2"));
}

static void test_limits_stay_within_the_host(void **state)
{
    static const struct {
        int64_t cpu_millis, ram_mb, shm_mb;
        const char *cpus, *memory, *shm, *pids;
    } rows[] = {
        { 0, 0, 0, "", "", "1073741824", "32768" },
        { 1, 100, 0, "1000000", "104857600", "67108864", "4096" },
        { 8000, 100, 300, "8000000000", "104857600", "314572800", "32768" },
        { 9000, 100, 1, "8000000000", "104857600", "67108864", "32768" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scene scene = make_scene();

        check_row("row %zu", i);
        scene.desired.spec.cpu_millis = rows[i].cpu_millis;
        scene.desired.spec.ram_mb = rows[i].ram_mb;
        scene.desired.spec.shm_mb = rows[i].shm_mb;
        scene.host.has_quota = false;
        auto_json json_t *root = encode(&scene);
        CHECK_TEXT(at(root, "HostConfig.NanoCpus"), rows[i].cpus);
        CHECK_TEXT(at(root, "HostConfig.Memory"), rows[i].memory);
        CHECK_TEXT(at(root, "HostConfig.ShmSize"), rows[i].shm);
        CHECK_TEXT(at(root, "HostConfig.PidsLimit"), rows[i].pids);
        CHECK_TEXT(at(root, "HostConfig.StorageOpt"), "");
    }
}

/* What changes while a container stays does not change its hash; what it was made from does. */
static void test_the_hash_is_of_what_is_fixed(void **state)
{
    struct scene scene = make_scene();
    char first[SEEN_SPEC_SIZE], spec[SEEN_SPEC_SIZE];
    struct error err;

    (void)state;
    auto_json json_t *root = encode(&scene);
    CHECK_OK(container_spec(&scene.desired, first, &err), &err);
    CHECK_TEXT(json_string_value(json_object_get(json_object_get(root, "Labels"), "berth.spec")),
               first);
    scene.desired.gen = 9;
    scene.desired.state = DESIRED_STOPPED;
    scene.desired.restart_nonce = 4;
    scene.desired.stop_after_ms = 5;
    scene.desired.spec.ssh_key_count = 0;
    scene.desired.spec.image = "other:2";
    scene.desired.spec.registry_login = "-u a -p b c";
    struct desired_copy copies[1] = { { .from = "/a" } };
    scene.desired.copies = copies; /* of a container that runs, too */
    scene.desired.copy_count = 1;
    scene.desired.up_mbit = 5;
    CHECK_OK(container_spec(&scene.desired, spec, &err), &err);
    CHECK_TEXT(spec, first);

    scene.env[0].value = "c";
    CHECK_OK(container_spec(&scene.desired, spec, &err), &err);
    CHECK(strcmp(spec, first) != 0);
    scene.env[0].value = "b=c";
    scene.desired.spec.ram_mb++;
    CHECK_OK(container_spec(&scene.desired, spec, &err), &err);
    CHECK(strcmp(spec, first) != 0);
    scene.desired.spec.ram_mb--;
    scene.desired.spec.onstart = "";
    CHECK_OK(container_spec(&scene.desired, spec, &err), &err);
    CHECK(strcmp(spec, first) != 0);
}

static int start(void **state)
{
    (void)state;
    crypto_start();
    return 0;
}

/* Who joins a holder has no network, name or ports to ask for; the engine would refuse them. */
static void test_who_joins_a_holder_brings_nothing_of_its_own(void **state)
{
    struct scene scene = make_scene();

    (void)state;
    scene.record.has_holder = true;
    scene.record.port_count = 0;
    auto_json json_t *root = encode(&scene);
    CHECK_TEXT(at(root, "HostConfig.NetworkMode"), "\"container:berth-holder-5\"");
    CHECK_TEXT(at(root, "HostConfig.Dns"), "");
    CHECK_TEXT(at(root, "HostConfig.PortBindings"), "");
    CHECK_TEXT(at(root, "ExposedPorts"), "");
    CHECK_TEXT(at(root, "Hostname"), "");
    CHECK(has_env(root, "HOSTNAME=C.7001"));
    CHECK_TEXT(at(root, "Entrypoint"),
               "[\"/opt/berth/bin/berth-guest\",\"launch\",\"--hostname\",\"C.7001\","
               "\"--onstart-env\",\"BERTH_ONSTART\",\"--\"]");

    scene.desired.spec.hostname = "box";
    json_release(&root);
    root = encode(&scene);
    CHECK(has_env(root, "HOSTNAME=box") && strstr(at(root, "Entrypoint"), "\"box\"") != NULL);
}

static void test_who_has_a_launcher(void **state)
{
    static const struct {
        const char *runtype;
        int64_t arg_count;
        bool want;
    } rows[] = {
        { "ssh", 0, true },   { NULL, 0, true },  { "jupyter_direct", 0, true },
        { "args", 0, false }, { NULL, 1, false }, { "ssh_direc ssh_proxy", 0, true },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct instance_spec spec = { .runtype = rows[i].runtype, .arg_count = rows[i].arg_count };

        check_row("row %zu", i);
        CHECK(container_has_launcher(&spec) == rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_joins_a_holder_brings_nothing_of_its_own),
        cmocka_unit_test(test_who_has_a_launcher),
        cmocka_unit_test(test_an_encrypted_workspace_is_mounted),
        cmocka_unit_test(test_a_guest_is_kept_in),
        cmocka_unit_test(test_copies_go_through_a_container_without_anything),
        cmocka_unit_test(test_it_knows_who_it_is),
        cmocka_unit_test(test_ports_are_told_as_the_world_finds_them),
        cmocka_unit_test(test_what_it_runs),
        cmocka_unit_test(test_gpus_are_asked_for_by_uuid),
        cmocka_unit_test(test_limits_stay_within_the_host),
        cmocka_unit_test(test_the_hash_is_of_what_is_fixed),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
