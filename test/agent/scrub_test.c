/* SPDX-License-Identifier: Apache-2.0 */
/* A GPU's memory between tenants: with berth-host itself, and a driver's library that keeps the
 * memory in a file. */
#include "agent/scrub.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "support_home.h"
#include "sys/file.h"

#define GPU "GPU-00010203-0405-0607-0809-0a0b0c0d0e0f"

enum { MEMORY_SIZE = 40 << 20, TENANT = 0xa5, PATH_SIZE = 512 };

static char memory_path[PATH_SIZE], notes_path[PATH_SIZE], library_dir[PATH_SIZE];

static struct scrub scrub_of(const char *program)
{
    return (struct scrub){ .dir = notes_path,
                           .self = "bin/berth-host",
                           .program = program,
                           .timeout_ms = SCRUB_TIMEOUT_MS };
}

/* What the tenant before has left. */
static void fill_memory(void)
{
    unsigned char *bytes = malloc(MEMORY_SIZE);
    int fd = open(memory_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

    CHECK(bytes != NULL && fd >= 0);
    memset(bytes, TENANT, MEMORY_SIZE);
    CHECK_INT(write(fd, bytes, MEMORY_SIZE), MEMORY_SIZE);
    CHECK_INT(fchmod(fd, 0666), 0);
    (void)close(fd);
    free(bytes);
}

/* How many bytes of it are still there. */
static int64_t left(void)
{
    unsigned char *bytes = malloc(MEMORY_SIZE);
    int fd = open(memory_path, O_RDONLY | O_CLOEXEC);
    int64_t count = 0;

    CHECK(bytes != NULL && fd >= 0);
    CHECK_INT(read(fd, bytes, MEMORY_SIZE), MEMORY_SIZE);
    for (size_t i = 0; i < MEMORY_SIZE; i++)
        count += bytes[i] == TENANT ? 1 : 0;
    (void)close(fd);
    free(bytes);
    return count;
}

/* Where nobody may read it: not every build folder is that. */
static void copy_library(void)
{
    auto_buf struct buf bytes = buf_of(1 << 24);
    char path[PATH_SIZE + 32];
    struct error err;

    (void)snprintf(library_dir, sizeof library_dir, "/tmp/berth-scrub-%d.d", (int)getpid());
    (void)snprintf(path, sizeof path, "%s/libcuda.so.1", library_dir);
    CHECK_OK(file_make_dir(library_dir, 0755, &err), &err);
    CHECK_OK(file_read(AT_FDCWD, "fakes/libcuda.so.1", &bytes, &err), &err);
    CHECK_OK(file_replace(AT_FDCWD, path, 0755, bytes.bytes, bytes.length, &err), &err);
}

static int begin(void **state)
{
    struct error err;

    if (home_setup(state) != 0)
        return -1;
    (void)snprintf(notes_path, sizeof notes_path, "%s/gpus", home_path());
    (void)snprintf(memory_path, sizeof memory_path, "/tmp/berth-scrub-%d", (int)getpid());
    CHECK_OK(file_make_dir(notes_path, 0700, &err), &err);
    copy_library();
    CHECK_INT(setenv("LD_LIBRARY_PATH", library_dir, 1), 0);
    CHECK_INT(setenv("CUDA_FAKE_MEMORY", memory_path, 1), 0);
    CHECK_INT(unsetenv("CUDA_FAKE_BROKEN"), 0);
    CHECK_INT(unsetenv("CUDA_FAKE_TAKEN"), 0);
    fill_memory();
    return 0;
}

static int end(void **state)
{
    char path[PATH_SIZE + 32];

    (void)snprintf(path, sizeof path, "%s/libcuda.so.1", library_dir);
    (void)unlink(path);
    (void)rmdir(library_dir);
    (void)unlink(memory_path);
    return home_teardown(state);
}

static void test_the_next_tenant_finds_nothing(void **state)
{
    struct scrub scrub = scrub_of(NULL);
    struct error err;

    (void)state;
    CHECK_INT(left(), MEMORY_SIZE);
    CHECK_OK(scrub_ready(&scrub, GPU, 7001, &err), &err);
    CHECK_INT(left(), 0); /* nobody knows who had it before */

    /* The same one comes back to what it left: nothing has been there since. */
    fill_memory();
    CHECK_OK(scrub_ready(&scrub, GPU, 7001, &err), &err);
    CHECK_INT(left(), MEMORY_SIZE);
    CHECK_OK(scrub_ready(&scrub, GPU, 7002, &err), &err);
    CHECK_INT(left(), 0);
    fill_memory();
    CHECK_OK(scrub_ready(&scrub, GPU, 7001, &err), &err);
    CHECK_INT(left(), 0);
}

static void test_one_that_cannot_be_cleared_is_put_aside(void **state)
{
    static const struct {
        const char *name, *value, *want;
    } rows[] = {
        { "CUDA_FAKE_BROKEN", "cuInit", "CUDA does not start" },
        { "CUDA_FAKE_BROKEN", "cuMemGetInfo_v2", "how much memory" },
        { "CUDA_FAKE_BROKEN", "cuDevicePrimaryCtxRetain", "no context" },
        { "CUDA_FAKE_BROKEN", "cuMemAlloc_v2", "could be cleared" },
        { "CUDA_FAKE_BROKEN", "cuMemsetD8_v2", "does not write" },
        { "CUDA_FAKE_BROKEN", "cuCtxSynchronize", "does not finish" },
        { "CUDA_FAKE_TAKEN", "20", "somebody uses it" },
        { "LD_LIBRARY_PATH", "/nowhere", "is not there" },
    };
    char note[PATH_SIZE + 64];
    struct error err;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scrub scrub = scrub_of(NULL);

        check_row("%s=%s", rows[i].name, rows[i].value);
        CHECK_INT(setenv(rows[i].name, rows[i].value, 1), 0);
        CHECK_FAILS(scrub_ready(&scrub, GPU, 7002, &err), &err, ERROR_CONFLICT);
        CHECK(strstr(err.text, rows[i].want) != NULL);
        /* All is well again, and it stays aside until somebody has looked. */
        CHECK_INT(unsetenv(rows[i].name), 0);
        CHECK_INT(setenv("LD_LIBRARY_PATH", library_dir, 1), 0);
        CHECK_FAILS(scrub_ready(&scrub, GPU, 7003, &err), &err, ERROR_CONFLICT);
        CHECK(strstr(err.text, rows[i].want) != NULL);
        CHECK_FAILS(scrub_ready(&scrub, GPU, 0, &err), &err, ERROR_CONFLICT);
        (void)snprintf(note, sizeof note, "%s/%s", notes_path, GPU);
        CHECK_INT(unlink(note), 0);
        CHECK_OK(scrub_ready(&scrub, GPU, 7003, &err), &err);
        CHECK_INT(unlink(note), 0);
    }
    struct scrub other = scrub_of(NULL);
    CHECK_FAILS(scrub_ready(&other, "GPU-ffffffff-0405-0607-0809-0a0b0c0d0e0f", 1, &err), &err,
                ERROR_CONFLICT);
    CHECK(strstr(err.text, "CUDA does not know") != NULL);
    CHECK_FAILS(scrub_ready(&other, "../GPU", 1, &err), &err, ERROR_INVALID);
}

static void write_program(const char *text, char path[static PATH_SIZE])
{
    struct error err;

    (void)snprintf(path, PATH_SIZE, "/tmp/berth-scrub-program-%d", (int)getpid());
    CHECK_OK(file_replace(AT_FDCWD, path, 0755, text, strlen(text), &err), &err);
    CHECK_INT(chmod(path, 0755), 0);
}

/* The host's own program: as nobody, with the uuid, and for so long alone. */
static void test_the_hosts_own_program_does_it_as_nobody(void **state)
{
    char path[PATH_SIZE];
    struct scrub scrub;
    struct error err;

    (void)state;
    write_program(
        "#!/bin/sh\ntest $(id -u) -ne 0 && test \"$1\" = " GPU
        " && grep -q 'NoNewPrivs:.1' /proc/self/status && ! echo x > /tmp/berth-scrub-x\n",
        path);
    scrub = scrub_of(path);
    CHECK_OK(scrub_ready(&scrub, GPU, 7001, &err), &err);
    CHECK_INT(left(), MEMORY_SIZE); /* ours was not asked */

    write_program("#!/bin/sh\necho the tool complains; exit 3\n", path);
    CHECK_FAILS(scrub_ready(&scrub, GPU, 7002, &err), &err, ERROR_CONFLICT);
    CHECK(strstr(err.text, "the tool complains") != NULL);

    char note[PATH_SIZE + 64];
    (void)snprintf(note, sizeof note, "%s/%s", notes_path, GPU);
    CHECK_INT(unlink(note), 0);
    write_program("#!/bin/sh\nexec sleep 100\n", path);
    scrub.timeout_ms = 300;
    CHECK_FAILS(scrub_ready(&scrub, GPU, 7002, &err), &err, ERROR_CONFLICT);
    CHECK(strstr(err.text, "did not end") != NULL);
    (void)unlink(path);
    (void)unlink("/tmp/berth-scrub-x");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        CASE(test_the_next_tenant_finds_nothing),
        CASE(test_one_that_cannot_be_cleared_is_put_aside),
        CASE(test_the_hosts_own_program_does_it_as_nobody),
    };

    if (geteuid() != 0)
        return CHECK_SKIP;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
