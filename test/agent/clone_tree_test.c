/* SPDX-License-Identifier: Apache-2.0 */
/* A tree of everything that files can be, copied as it is; and who swaps things meanwhile gets
 * nothing that is not below the folder. As root, since owners are copied. */
#include "agent/clone_tree.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "check.h"
#include "sys/child.h"
#include "sys/fd.h"

enum { SKIPPED = 77, GB = 1 << 30, ROUNDS = 6000 };

static char root[] = "/tmp/berth-clone-XXXXXX";

static void shell(const char *script, char *output, size_t size)
{
    const char *const words[] = { "/bin/sh", "-c", script, NULL };
    const struct child_run run = { .arguments = words, .timeout_ms = 60000 };
    auto_buf struct buf said = buf_of(1 << 20);
    struct error err;
    int status;

    CHECK_OK(child_run(&run, &said, &status, &err), &err);
    if (status != 0)
        fail_msg("%s: %s", script, said.bytes);
    if (output != NULL)
        (void)snprintf(output, size, "%s", said.bytes != NULL ? said.bytes : "");
}

/* In a shell in the root. */
static void below(const char *script, char *output, size_t size)
{
    char whole[4096];

    (void)snprintf(whole, sizeof whole, "cd %s && %s", root, script);
    shell(whole, output, size);
}

static int folder(const char *name)
{
    char path[256];
    int fd;

    (void)snprintf(path, sizeof path, "%s/%s", root, name);
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(fd >= 0);
    return fd;
}

static bool copy(struct clone_tree *tree, struct error *err)
{
    auto_close int from = folder("from"), to = folder("to");

    return clone_tree(from, to, tree, err);
}

static int setup(void **state)
{
    (void)state;
    below("rm -rf from to && mkdir from to", NULL, 0);
    return 0;
}

/* Names, kinds, modes, owners, sizes, times and targets. */
#define LISTING "find . -printf '%P|%y|%m|%U:%G|%s|%T@|%l\\n' | grep -v '|d|' | LC_ALL=C sort"
#define FOLDERS "find . -type d -printf '%P|%m|%U:%G|%T@\\n' | LC_ALL=C sort"

static void test_all_is_as_it_was(void **state)
{
    struct clone_tree tree = { .bytes_max = GB };
    char before[8192], after[8192];
    struct error err;

    (void)state;
    below(
        "cd from && mkdir -p a/b/c empty && echo one > a/one && printf '' > a/b/none && "
        "ln a/one a/b/again && ln -s ../one a/b/link && ln -s /etc/passwd far && mkfifo a/pipe && "
        "head -c 3000000 /dev/urandom > big && echo x > 'a\nb' && chown 1234:5678 a/one a/pipe && "
        "chown -h 77:88 a/b/link far && chmod 4751 big && chmod 1777 empty && chown 9:9 . && "
        "touch -d '2001-02-03 04:05:06.7' a/one a/b",
        NULL, 0);
    below("cd from && " LISTING " && " FOLDERS, before, sizeof before);
    CHECK_OK(copy(&tree, &err), &err);
    below("cd to && " LISTING " && " FOLDERS, after, sizeof after);
    CHECK_TEXT(after, before);
    below("diff -r --no-dereference from/a/b to/a/b && cmp from/big to/big && "
          "test to/a/one -ef to/a/b/again && test ! to/a/one -ef from/a/one && echo same",
          after, sizeof after);
    CHECK_TEXT(after, "same\n");
    CHECK_INT(tree.files, 4); /* a name more of one is none */
    CHECK_INT(tree.bytes, 3000000 + 4 + 2);
    CHECK_INT(tree.left_out, 0);
}

/* A hole takes no room, and is no data. */
static void test_holes_stay_holes(void **state)
{
    struct clone_tree tree = { .bytes_max = 3 << 20 };
    char text[256];
    struct error err;

    (void)state;
    below("truncate -s 64M from/sparse && printf end | dd of=from/sparse bs=1 seek=50000000 "
          "conv=notrunc 2>/dev/null",
          NULL, 0);
    CHECK_OK(copy(&tree, &err), &err);
    below("cmp from/sparse to/sparse && test $(du -k to/sparse | cut -f1) -lt 2048 && echo thin",
          text, sizeof text);
    CHECK_TEXT(text, "thin\n");
    CHECK(tree.bytes < 1 << 20);
}

static void test_attributes_come_along(void **state)
{
    struct clone_tree tree = { .bytes_max = GB };
    char path[256], value[16] = "";
    struct error err;

    (void)state;
    below("echo x > from/file", NULL, 0);
    (void)snprintf(path, sizeof path, "%s/from/file", root);
    if (setxattr(path, "user.colour", "green", 5, 0) != 0)
        skip(); /* this file system has none */
    CHECK_OK(copy(&tree, &err), &err);
    (void)snprintf(path, sizeof path, "%s/to/file", root);
    CHECK_INT(getxattr(path, "user.colour", value, sizeof value), 5);
    CHECK_TEXT(value, "green");
}

static void test_a_socket_is_left_out(void **state)
{
    struct clone_tree tree = { .bytes_max = GB };
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char text[256];
    struct error err;

    (void)state;
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/from/socket", root);
    CHECK_INT(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    CHECK_OK(copy(&tree, &err), &err);
    CHECK_INT(tree.left_out, 1);
    below("ls -A to | wc -l", text, sizeof text);
    CHECK_TEXT(text, "0\n");
}

static void test_there_is_an_end_to_it(void **state)
{
    static const struct {
        const char *make;
        int64_t bytes_max;
        bool is_done;
    } rows[] = {
        { "head -c 5000 /dev/zero > from/f", 5000, true },
        { "head -c 5001 /dev/zero > from/f", 5000, false },
        { "cd from && for i in $(seq 200); do mkdir d && cd d; done", GB, true },
        { "cd from && for i in $(seq 201); do mkdir d && cd d; done", GB, false },
        { "echo x > from/f && echo y > to/f", GB, false },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct clone_tree tree = { .bytes_max = rows[i].bytes_max };
        struct error err;

        (void)setup(state);
        below(rows[i].make, NULL, 0);
        if (copy(&tree, &err) != rows[i].is_done)
            fail_msg("%s: %s", rows[i].make, rows[i].is_done ? err.text : "copied");
    }
}

static atomic_bool is_over;

/* A guest that makes links of its files and folders to what it may not read, and back. */
static void *swap(void *argument)
{
    int from = *(const int *)argument;

    while (!atomic_load(&is_over)) {
        (void)renameat(from, "d", from, "hidden");
        (void)!symlinkat("../secret", from, "d");
        (void)unlinkat(from, "f", 0);
        (void)!symlinkat("../secret/file", from, "f");
        (void)unlinkat(from, "d", 0);
        (void)renameat(from, "hidden", from, "d");
        (void)unlinkat(from, "f", 0);
        int fd = openat(from, "f", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        (void)!write(fd, "mine", 4);
        (void)close(fd);
    }
    return NULL;
}

static void test_nothing_outside_is_read_whatever_is_swapped(void **state)
{
    auto_close int from = folder("from"), top = folder(".");
    pthread_t thread;
    char text[256];

    (void)state;
    below("rm -rf secret && mkdir secret from/d && echo canary > secret/file && echo mine > "
          "from/d/file",
          NULL, 0);
    atomic_store(&is_over, false);
    CHECK_INT(pthread_create(&thread, NULL, swap, &from), 0);
    for (int i = 0; i < ROUNDS; i++) {
        struct clone_tree tree = { .bytes_max = GB };
        char name[32];
        struct error err;

        (void)snprintf(name, sizeof name, "to/%d", i);
        CHECK_INT(mkdirat(top, name, 0700), 0);
        auto_close int to = openat(top, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        CHECK_OK(clone_tree(from, to, &tree, &err), &err);
    }
    atomic_store(&is_over, true);
    (void)pthread_join(thread, NULL);
    below("grep -rl -D skip canary to | wc -l", text, sizeof text);
    CHECK_TEXT(text, "0\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_all_is_as_it_was, setup),
        cmocka_unit_test_setup(test_holes_stay_holes, setup),
        cmocka_unit_test_setup(test_attributes_come_along, setup),
        cmocka_unit_test_setup(test_a_socket_is_left_out, setup),
        cmocka_unit_test_setup(test_there_is_an_end_to_it, setup),
        cmocka_unit_test_setup(test_nothing_outside_is_read_whatever_is_swapped, setup),
    };
    char command[128];
    int failed;

    if (geteuid() != 0) {
        (void)printf("skipped: owners are copied by root alone\n");
        return SKIPPED;
    }
    if (mkdtemp(root) == NULL)
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)snprintf(command, sizeof command, "rm -rf %s", root);
    shell(command, NULL, 0);
    return failed;
}
