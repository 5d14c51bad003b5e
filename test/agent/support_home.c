/* SPDX-License-Identifier: Apache-2.0 */
#include "support_home.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "sys/child.h"
#include "sys/file.h"

static char path[] = "/tmp/berth-home-XXXXXX";
static struct identity identity;
static int boot_count;

const char *home_path(void)
{
    return path;
}

struct identity *home_identity(void)
{
    return &identity;
}

int home_setup(void **state)
{
    struct error err;

    (void)state;
    crypto_start();
    memcpy(path + sizeof path - 7, "XXXXXX", 6);
    if (mkdtemp(path) == NULL)
        return -1;
    CHECK_OK(identity_open(path, &identity, &err), &err);
    return 0;
}

int home_teardown(void **state)
{
    const char *const arguments[] = { "rm", "-rf", path, NULL };
    struct child_run run = { arguments, NULL, 10000 };
    auto_buf struct buf output = buf_of(4096);
    struct error err;
    int status;

    (void)state;
    identity_close(&identity);
    return child_run(&run, &output, &status, &err) ? status : -1;
}

void home_restart(void)
{
    char boot_id[BOOT_ID_SIZE];
    struct error err;

    memcpy(boot_id, identity.boot_id, sizeof boot_id);
    identity_close(&identity);
    CHECK_OK(identity_open(path, &identity, &err), &err);
    memcpy(identity.boot_id, boot_id, sizeof boot_id);
}

void home_reboot(void)
{
    home_restart();
    (void)snprintf(identity.boot_id, sizeof identity.boot_id, "boot-%d", ++boot_count);
}

void home_write(const char *name, const char *text)
{
    struct error err;

    CHECK_OK(file_replace(identity.dir, name, 0600, text, strlen(text), &err), &err);
}
