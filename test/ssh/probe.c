/* SPDX-License-Identifier: Apache-2.0 */
/* What the SSH tests run inside containers, whatever else those hold. */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

enum { CHUNK = 65536 };

static int show_size(void)
{
    struct winsize size = { 0 };

    (void)ioctl(0, TIOCGWINSZ, &size);
    printf("%ux%u\n", (unsigned)size.ws_col, (unsigned)size.ws_row);
    return fflush(stdout);
}

static void on_resize(int number)
{
    (void)number;
    (void)show_size();
    _exit(0);
}

static _Noreturn void wait_resize(void)
{
    (void)signal(SIGWINCH, on_resize);
    (void)show_size();
    for (;;)
        pause();
}

/* Everything from one to the other, or to nobody (-1). Returns the bytes that went. */
static uint64_t copy(int from, int to)
{
    static char bytes[CHUNK];
    uint64_t total = 0;
    ssize_t got;

    while ((got = read(from, bytes, sizeof(bytes))) > 0) {
        total += (uint64_t)got;
        for (ssize_t at = 0; to >= 0 && at < got;) {
            ssize_t put = write(to, bytes + at, (size_t)(got - at));
            if (put <= 0)
                return total;
            at += put;
        }
    }
    return total;
}

/* A sum that sees order: FNV-1a over what comes in. */
static int sum(void)
{
    static unsigned char bytes[CHUNK];
    uint64_t hash = 14695981039346656037U, total = 0;
    ssize_t got;

    while ((got = read(0, bytes, sizeof(bytes))) > 0) {
        for (ssize_t i = 0; i < got; i++)
            hash = (hash ^ bytes[i]) * 1099511628211U;
        total += (uint64_t)got;
    }
    printf("%llu %016llx\n", (unsigned long long)total, (unsigned long long)hash);
    return 0;
}

/* Reads so many mouthfuls, with a pause behind each, says so, and reads no more. */
static int sip(const char *count)
{
    static char bytes[CHUNK / 2];

    for (unsigned long i = strtoul(count, NULL, 10); i > 0; i--) {
        for (size_t at = 0; at < sizeof(bytes);) {
            ssize_t got = read(0, bytes + at, sizeof(bytes) - at);
            if (got <= 0)
                return 1;
            at += (size_t)got;
        }
        (void)usleep(1000);
    }
    printf("sipped\n");
    (void)fflush(stdout);
    for (;;)
        pause();
}

static int socket_at(const char *address, const char *port, struct sockaddr_in *where)
{
    const int yes = 1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    *where = (struct sockaddr_in){ .sin_family = AF_INET };
    where->sin_port = htons((uint16_t)strtoul(port, NULL, 10));
    (void)inet_pton(AF_INET, address, &where->sin_addr);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    return fd;
}

/* Greets everybody who connects, then says back what they say. */
static int serve(const char *address, const char *port, const char *greeting)
{
    struct sockaddr_in where;
    int listener = socket_at(address, port, &where);

    if (bind(listener, (struct sockaddr *)&where, sizeof(where)) != 0 || listen(listener, 16) != 0)
        return 1;
    (void)signal(SIGCHLD, SIG_IGN);
    printf("listening\n");
    (void)fflush(stdout);
    for (;;) {
        int fd = accept(listener, NULL, NULL);

        if (fork() == 0) {
            (void)!write(fd, greeting, strlen(greeting));
            (void)copy(fd, fd);
            _exit(0);
        }
        (void)close(fd);
    }
}

/* Sends a text to a port and prints what comes back. */
static int talk(const char *address, const char *port, const char *text)
{
    struct sockaddr_in where;
    int fd = socket_at(address, port, &where);

    if (connect(fd, (struct sockaddr *)&where, sizeof(where)) != 0) {
        perror("connect");
        return 1;
    }
    (void)!write(fd, text, strlen(text));
    (void)shutdown(fd, SHUT_WR);
    (void)copy(fd, 1);
    return 0;
}

static int write_zeros(const char *megabytes)
{
    static char bytes[CHUNK];
    unsigned long left = strtoul(megabytes, NULL, 10) * ((1UL << 20) / CHUNK);

    while (left-- > 0)
        if (write(1, bytes, sizeof(bytes)) != (ssize_t)sizeof(bytes))
            return 1;
    return 0;
}

int main(int count, char **words)
{
    const char *verb = count > 1 ? words[1] : "";

    if (strcmp(verb, "echo") == 0) {
        for (int i = 2; i < count; i++)
            printf("[%s]", words[i]);
        return puts("") < 0;
    }
    if (strcmp(verb, "env") == 0) {
        const char *value = getenv(words[2]);
        return puts(value != NULL ? value : "(unset)") < 0;
    }
    if (strcmp(verb, "both") == 0)
        return fputs("out\n", stdout) < 0 || fputs("err\n", stderr) < 0;
    if (strcmp(verb, "exit") == 0)
        return (int)strtol(words[2], NULL, 10);
    if (strcmp(verb, "raise") == 0)
        return raise((int)strtol(words[2], NULL, 10));
    if (strcmp(verb, "sleep") == 0) {
        printf("%d\n", getpid());
        (void)fflush(stdout);
        return (int)sleep((unsigned)strtoul(words[2], NULL, 10));
    }
    /* A job that its user left behind, and a file to know it by. */
    if (strcmp(verb, "detach") == 0) {
        if (fork() != 0)
            return 0;
        (void)setsid();
        (void)!freopen("/dev/null", "r", stdin);
        (void)!freopen("/dev/null", "w", stdout);
        (void)!freopen("/dev/null", "w", stderr);
        return (int)sleep((unsigned)strtoul(words[2], NULL, 10));
    }
    if (strcmp(verb, "cat") == 0)
        return copy(0, 1) == 0;
    if (strcmp(verb, "drain") == 0)
        return copy(0, -1) == 0;
    if (strcmp(verb, "sum") == 0)
        return sum();
    if (strcmp(verb, "sip") == 0)
        return sip(words[2]);
    if (strcmp(verb, "zeros") == 0)
        return write_zeros(words[2]);
    if (strcmp(verb, "size") == 0)
        return show_size();
    if (strcmp(verb, "resize") == 0)
        wait_resize();
    if (strcmp(verb, "tty") == 0)
        return puts(isatty(0) && isatty(1) && isatty(2) ? "tty" : "none") < 0;
    if (strcmp(verb, "uid") == 0)
        return printf("%u\n", (unsigned)getuid()) < 0;
    if (strcmp(verb, "serve") == 0)
        return serve(words[2], words[3], words[4]);
    if (strcmp(verb, "talk") == 0)
        return talk(words[2], words[3], words[4]);
    return 2;
}
