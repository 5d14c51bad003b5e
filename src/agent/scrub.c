/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/scrub.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/scrub_cuda.h"
#include "base/buf.h"
#include "base/parse.h"
#include "sys/child.h"
#include "sys/fd.h"
#include "sys/file.h"

enum { NOTE_MAX = 1024, UUID_LENGTH_MAX = 96, NOBODY = 65534, FILES_MAX = 256, ARGUMENTS_MAX = 4 };

/* A uuid becomes the name of a file. */
static bool is_uuid(const char *uuid)
{
    size_t length = strspn(uuid, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-");

    return length > 0 && length <= UUID_LENGTH_MAX && uuid[length] == '\0';
}

/* "tenant 7001", or "aside WHY". `*ret_tenant` is 0 where nobody is known to have had it. */
static bool read_note(int dir, const char *uuid, int64_t *ret_tenant, struct error *err)
{
    auto_buf struct buf note = buf_of(NOTE_MAX);
    uint64_t tenant = 0;
    struct error missing;

    *ret_tenant = 0;
    if (!file_read(dir, uuid, &note, &missing))
        return missing.code == ERROR_NOT_FOUND ? true : (*err = missing, false);
    if (note.length > 0)
        note.bytes[strcspn(note.bytes, "\n")] = '\0';
    if (note.length > 0 && strncmp(note.bytes, "aside ", 6) == 0)
        return error_set(err, ERROR_CONFLICT, "GPU %s was put aside: %s", uuid, note.bytes + 6);
    if (note.length > 7 && strncmp(note.bytes, "tenant ", 7) == 0 &&
        parse_u64(note.bytes + 7, &tenant) && tenant <= INT64_MAX)
        *ret_tenant = (int64_t)tenant;
    return true;
}

static bool write_note(int dir, const char *uuid, const char *note, struct error *err)
{
    return file_replace(dir, uuid, 0600, note, strlen(note), err) ||
           error_context(err, "note who has GPU %s", uuid);
}

static bool put_aside(int dir, const char *uuid, const char *why, struct error *err)
{
    char note[NOTE_MAX], reason[SCRUB_REASON_MAX + 1];
    struct error ignored;

    (void)snprintf(reason, sizeof reason, "%s", why);
    for (char *at = reason; *at != '\0'; at++)
        *at = (unsigned char)*at < ' ' ? ' ' : *at;
    (void)snprintf(note, sizeof note, "aside its memory could not be cleared: %s\n", reason);
    /* Without the note it is cleared again, before the next one starts: nothing is lost. */
    (void)!write_note(dir, uuid, note, &ignored);
    return error_set(err, ERROR_CONFLICT,
                     "GPU %s was put aside: its memory could not be cleared: %s", uuid, reason);
}

static bool run(const struct scrub *scrub, int dir, const char *uuid, struct error *err)
{
    const char *const words[ARGUMENTS_MAX + 1] = { scrub->self, SCRUB_VERB, uuid, scrub->program,
                                                   NULL };
    const struct child_run run = { .arguments = words, .timeout_ms = scrub->timeout_ms };
    auto_buf struct buf said = buf_of(NOTE_MAX);
    struct error why;
    int status = 0;

    if (!child_run(&run, &said, &status, &why))
        return put_aside(dir, uuid, why.text, err);
    if (status == 0)
        return true;
    if (said.length == 0)
        buf_printf(&said, "the program ended with %d", status);
    return put_aside(dir, uuid, said.bytes, err);
}

bool scrub_ready(const struct scrub *scrub, const char *uuid, int64_t instance_id,
                 struct error *err)
{
    char note[NOTE_MAX];
    int64_t tenant;

    if (!is_uuid(uuid))
        return error_set(err, ERROR_INVALID, "'%.64s' is no GPU", uuid);
    auto_close int dir = open(scrub->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return error_system(err, errno, "open %s", scrub->dir);
    if (!read_note(dir, uuid, &tenant, err))
        return false;
    if (tenant == instance_id)
        return true;
    if (!run(scrub, dir, uuid, err))
        return false;
    (void)snprintf(note, sizeof note, "tenant %" PRId64 "\n", instance_id);
    return write_note(dir, uuid, note, err);
}

bool scrub_all(const struct scrub *scrub, const struct desired_instance *desired, struct error *err)
{
    for (int64_t i = 0; scrub != NULL && i < desired->gpu_count; i++) {
        if (!scrub_ready(scrub, desired->gpus[i], desired->id, err))
            return false;
    }
    return true;
}

/* Nothing that it could do to the host is left to it. */
static bool become_nobody(struct error *err)
{
    const struct passwd *nobody = getpwnam("nobody");
    uid_t uid = nobody != NULL ? nobody->pw_uid : NOBODY;
    gid_t gid = nobody != NULL ? nobody->pw_gid : NOBODY;
    const struct rlimit none = { 0, 0 }, files = { FILES_MAX, FILES_MAX };

    /* A file that grows is refused, and ends nobody. */
    (void)signal(SIGXFSZ, SIG_IGN);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || setrlimit(RLIMIT_CORE, &none) != 0 ||
        setrlimit(RLIMIT_NOFILE, &files) != 0 || setrlimit(RLIMIT_FSIZE, &none) != 0 ||
        chdir("/") != 0 || (geteuid() == 0 && setgroups(0, NULL) != 0) ||
        setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0)
        return error_system(err, errno, "become nobody");
    return true;
}

/* Nothing of the agent's is told at the end: what looks for leaks could not look as nobody. */
static _Noreturn void leave(int status)
{
    (void)fflush(stderr);
    _exit(status);
}

_Noreturn void scrub_main(int count, char *arguments[])
{
    struct error err;

    if (count < 3 || count > 4 || !is_uuid(arguments[2])) {
        (void)fprintf(stderr, "berth-host: gpu-scrub takes a GPU's uuid, and perhaps a program\n");
        leave(2);
    }
    if (!become_nobody(&err) || (count == 3 && !scrub_cuda(arguments[2], &err))) {
        (void)fprintf(stderr, "%s\n", err.text);
        leave(1);
    }
    if (count == 3)
        leave(0);
    execl(arguments[3], arguments[3], arguments[2], (char *)NULL);
    (void)fprintf(stderr, "run %s: %s\n", arguments[3], strerror(errno));
    leave(1);
}
