/* SPDX-License-Identifier: Apache-2.0 */
#include "support_relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

uint16_t scene_free_port(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    CHECK(bind(fd, (struct sockaddr *)&at, size) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&at, &size) == 0);
    (void)close(fd);
    return ntohs(at.sin_port);
}

int scene_dial(uint16_t port)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_port = htons(port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const struct timeval patience = { .tv_sec = PATIENCE_MS / 1000 };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    for (int tries = 0; connect(fd, (struct sockaddr *)&at, sizeof at) != 0; tries++) {
        CHECK(tries < 200); /* routes are taken over on the engine's own thread */
        (void)nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
        (void)close(fd);
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    }
    return fd;
}

static void on_stale(void *context)
{
    ((struct scene *)context)->stale_count++;
}

void scene_routes(struct scene *scene, size_t count, int64_t epoch)
{
    for (size_t i = 0; i < 2; i++) {
        scene->routes[i].epoch = epoch;
        memcpy(scene->routes[i].public_key, scene->keys.public_key, 32);
    }
    relay_engine_routes(scene->engine, scene->routes, count);
}

void scene_open(struct scene *scene)
{
    scene_open_at(scene, "127.0.0.1");
}

void scene_open_at(struct scene *scene, const char *address)
{
    struct relay_engine_options options = { .listen = "127.0.0.1:0",
                                            .bind = address,
                                            .log = log_silent(),
                                            .on_stale = on_stale,
                                            .context = scene };
    struct error err;

    *scene = (struct scene){ .keys = crypto_key_pair() };
    CHECK_OK(relay_engine_open(&options, &scene->engine, &err), &err);
    CHECK_OK(relay_engine_start(scene->engine, RELAY_ID, &err), &err);
    scene->routes[0] = (struct relay_route){
        .port = scene_free_port(), .contract_id = INSTANCE, .inside = 22, .machine_id = MACHINE
    };
    scene->routes[1] = (struct relay_route){
        .port = scene_free_port(), .contract_id = INSTANCE + 1, .inside = 80, .machine_id = MACHINE
    };
    scene_routes(scene, 2, EPOCH);
}

void scene_close(struct scene *scene)
{
    relay_engine_close(&scene->engine);
}

bool scene_read(int fd, void *bytes, size_t count)
{
    size_t done = 0;

    while (done < count) {
        ssize_t got = recv(fd, (char *)bytes + done, count - done, 0);

        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return true;
}

bool scene_write(int fd, const void *bytes, size_t count)
{
    size_t done = 0;

    while (done < count) {
        ssize_t put = send(fd, (const char *)bytes + done, count - done, MSG_NOSIGNAL);

        if (put <= 0)
            return false;
        done += (size_t)put;
    }
    return true;
}

bool scene_say(int fd, const struct relay_frame *frame)
{
    uint8_t bytes[RELAY_FRAME_MAX];

    return scene_write(fd, bytes, relay_frame_write(frame, bytes));
}

/* The next frame but pings, which are answered. */
bool scene_hear(int fd, struct relay_frame *ret)
{
    uint8_t bytes[RELAY_FRAME_MAX];
    size_t used;

    do {
        if (!scene_read(fd, bytes, RELAY_HEAD))
            return false;
        size_t size = relay_frame_size(bytes);
        if (size == 0 || !scene_read(fd, bytes + RELAY_HEAD, size - RELAY_HEAD) ||
            relay_frame_read(bytes, size, ret, &used) != RELAY_READ_FRAME)
            return false;
        if (ret->type == RELAY_PING)
            (void)scene_say(fd, &(struct relay_frame){ .type = RELAY_PONG, .number = ret->number });
    } while (ret->type == RELAY_PING || ret->type == RELAY_PONG);
    return true;
}

bool scene_is_closed(int fd)
{
    char byte;
    ssize_t got = recv(fd, &byte, 1, 0);

    return got == 0 || (got < 0 && errno != EAGAIN);
}

/* A hello up to its proof. */
int scene_call(struct scene *scene, int64_t epoch, const struct key_pair *keys)
{
    struct relay_frame frame = { .type = RELAY_CALL, .machine_id = MACHINE, .epoch = epoch };
    auto_buf struct buf text = buf_of(256);
    int fd = scene_dial(relay_engine_port(scene->engine));

    CHECK(scene_say(fd, &frame));
    CHECK(scene_hear(fd, &frame));
    CHECK_INT(frame.type, RELAY_NONCE);
    CHECK_INT(frame.relay_id, RELAY_ID);
    const struct relay_claim claim = { RELAY_ID, MACHINE, epoch, frame.nonce };
    relay_signed(&text, &claim);
    struct signature signature = crypto_sign_with(keys, text.bytes, text.length);
    struct relay_frame proof = { .type = RELAY_PROOF };
    memcpy(proof.signature, signature.bytes, sizeof proof.signature);
    CHECK(scene_say(fd, &proof));
    return fd;
}

int scene_control(struct scene *scene)
{
    struct relay_frame frame;
    int fd = scene_call(scene, EPOCH, &scene->keys);

    CHECK(scene_hear(fd, &frame));
    CHECK_INT(frame.type, RELAY_WELCOME);
    return fd;
}

/* The agent's end for the next caller. */
int scene_back(struct scene *scene, int agent, struct relay_frame *ret_open)
{
    struct relay_frame answer = { .type = RELAY_BACK };

    CHECK(scene_hear(agent, ret_open));
    CHECK(ret_open->type == RELAY_OPEN || ret_open->type == RELAY_OPEN_FLOWS);
    memcpy(answer.token, ret_open->token, sizeof answer.token);
    int fd = scene_dial(relay_engine_port(scene->engine));
    CHECK(scene_say(fd, &answer));
    return fd;
}
