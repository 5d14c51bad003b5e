/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/group.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_SIZE = 4096, SESSION_FIELD = 6 };

/* Digits at the beginning of `text`, as a process id; -1 where there are none or too many. */
static pid_t leading_number(const char *text)
{
    int64_t number = 0;
    size_t digits = strspn(text, "0123456789");

    if (digits == 0 || digits > 9)
        return -1;
    for (size_t i = 0; i < digits; i++)
        number = number * 10 + (text[i] - '0');
    return (pid_t)number;
}

pid_t group_session(const char *stat)
{
    /* "PID (NAME) STATE PPID PGRP SESSION ...": the name may hold anything, brackets too. */
    const char *at = strrchr(stat, ')');

    for (int field = 2; at != NULL && field < SESSION_FIELD; field++) {
        at = strchr(at, ' ');
        if (at != NULL)
            at++;
    }
    return at != NULL ? leading_number(at) : -1;
}

bool group_ignores_hangup(const char *status)
{
    const char *mask = strstr(status, "\nSigIgn:\t");

    if (mask == NULL)
        return false;
    mask += strlen("\nSigIgn:\t");
    size_t digits = strspn(mask, "0123456789abcdef");
    /* SIGHUP is signal 1: the lowest bit of the last digit. */
    return digits > 0 && strchr("13579bdf", mask[digits - 1]) != NULL;
}

static bool read_text(const char *pid, const char *file, char text[static TEXT_SIZE])
{
    char path[64];

    if (snprintf(path, sizeof(path), "/proc/%s/%s", pid, file) >= (int)sizeof(path))
        return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t length = read(fd, text, TEXT_SIZE - 1);
    (void)close(fd);
    if (length < 0)
        return false;
    text[length] = '\0';
    return true;
}

void group_signal(pid_t leader, int number)
{
    static char text[TEXT_SIZE];

    DIR *processes = opendir("/proc");
    if (processes == NULL) {
        (void)kill(-leader, number);
        return;
    }
    for (const struct dirent *entry; (entry = readdir(processes)) != NULL;) {
        pid_t pid = leading_number(entry->d_name);

        if (pid <= 1 || pid == getpid() || !read_text(entry->d_name, "stat", text) ||
            group_session(text) != leader)
            continue;
        if (number == SIGKILL && read_text(entry->d_name, "status", text) &&
            group_ignores_hangup(text))
            continue;
        (void)kill(pid, number);
        if (number == SIGHUP)
            (void)kill(pid, SIGCONT);
    }
    (void)closedir(processes);
}
