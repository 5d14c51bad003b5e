/* SPDX-License-Identifier: Apache-2.0 */
/* A session that somebody has taken over: the broker must not believe a word of it. */
#include "agent/access_visit.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "sys/crypto.h"

#define KEY_OURS   "AAAAC3NzaC1lZDI1NTE5AAAAIJLFK+6KhMqISRFXBzgfAv1GAwtU79CkbzMKfkEc+rxc"
#define KEY_THEIRS "AAAAC3NzaC1lZDI1NTE5AAAAIFYP6G5T0K6INxD59WFsSSU/6UFP0fU1K3xaKGEHnNqy"

enum { OURS = 7 }; /* and 8: the other */

static struct broker broker;
static struct access_slot slots[ACCESS_SLOTS_MAX];
static struct visit *visit;
static int session; /* the session's end */

/* Two instances, each with its key; a visit to the first, whose session is a process that does
 * nothing by itself. */
static int set_up(void **state)
{
    static const char *const keys[][1] = { { "ssh-ed25519 " KEY_OURS },
                                           { "ssh-ed25519 " KEY_THEIRS } };
    struct buf text = buf_of(1 << 16);
    struct error err;
    size_t count;
    int pair[2];

    (void)state;
    memset(&broker, 0, sizeof(broker));
    memset(slots, 0, sizeof(slots));
    broker.options.log = log_silent();
    broker.slots = slots;
    broker.epoll = epoll_create1(EPOLL_CLOEXEC);
    for (size_t i = 0; i < 2; i++) {
        const struct access_entry entry = {
            .instance_id = OURS + (int64_t)i,
            .port = (uint16_t)(1000 + i),
            .container_id = "",
            .state_text = "it is stopped",
            .keys = keys[i],
            .key_count = 1,
        };
        access_table_write(&text, &entry, (uint16_t)i, &count);
        broker.doors[i] = (struct door){
            .instance_id = OURS + (int64_t)i,
            .port = entry.port,
            .slot = (uint16_t)i,
            .listener = -1,
            .starter_pipe = -1,
            .netns = NETNS_NONE,
        };
        atomic_store(&slots[i].instance_id, OURS + (int64_t)i);
    }
    CHECK_OK(access_table_read(buf_take(&text), &broker.table, &err), &err);

    visit = &broker.visits[3];
    CHECK_INT(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    *visit = (struct visit){ .process = -1, .socket = pair[0], .tcp = -1, .instance_id = OURS };
    session = pair[1];
    CHECK(limit_admit(&broker.limit, visit->from, 0));
    visit->pid = fork();
    if (visit->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    if (visit->pid > 0) {
        (void)kill(visit->pid, SIGKILL);
        visit_end(&broker, 3);
    }
    access_table_release(&broker.table);
    (void)close(broker.epoll);
    (void)close(session);
    return 0;
}

/* Say it, and have the broker hear it. */
static void say(const struct wire_message *message)
{
    CHECK(wire_send(session, message, NULL, 0));
    visit_handle(&broker, 3);
}

static void say_key(const char *key, uint32_t is_proved)
{
    say(&(struct wire_message){ .type = WIRE_KEY, .number = is_proved, .text = key });
}

/* The broker's answer; WIRE_TYPES_END where it gave none. */
static enum wire_type answer(void)
{
    static uint8_t bytes[WIRE_SIZE_MAX];
    struct wire_message message;
    int fds[WIRE_FDS_MAX];

    return wire_receive(session, bytes, &message, fds) == 1 ? message.type : WIRE_TYPES_END;
}

static bool is_killed(void)
{
    for (int i = 0; i < 100; i++) {
        siginfo_t info = { 0 };

        CHECK_INT(waitid(P_PID, (id_t)visit->pid, &info, WEXITED | WNOHANG | WNOWAIT), 0);
        if (info.si_pid == visit->pid)
            return true;
        (void)usleep(1000);
    }
    return false;
}

static void test_only_the_instances_own_keys_are_good(void **state)
{
    (void)state;
    say_key(KEY_THEIRS, 0);
    CHECK_INT(answer(), WIRE_REFUSED);
    say_key(KEY_THEIRS, 1);
    CHECK_INT(answer(), WIRE_REFUSED);
    say_key("", 1);
    CHECK_INT(answer(), WIRE_REFUSED);
    say_key("junk", 1);
    CHECK_INT(answer(), WIRE_REFUSED);
    CHECK(!visit->has_logged_in);
    say_key(KEY_OURS, 0);
    CHECK_INT(answer(), WIRE_GRANTED);
    CHECK(!visit->has_logged_in);
    say_key(KEY_OURS, 1);
    CHECK_INT(answer(), WIRE_GRANTED);
    CHECK(visit->has_logged_in);
    CHECK_INT(atomic_load(&slots[0].connection_count), 1);
    CHECK_INT(atomic_load(&slots[1].connection_count), 0);
    CHECK_INT(broker.limit.pending, 0);
    CHECK(!is_killed());
}

static void test_no_socket_before_login(void **state)
{
    (void)state;
    say(&(struct wire_message){ .type = WIRE_SOCKET, .number = 4 });
    CHECK_INT(answer(), WIRE_TYPES_END);
    CHECK(is_killed());
}

static void test_no_helper_before_login(void **state)
{
    (void)state;
    say(&(struct wire_message){ .type = WIRE_HELPER });
    CHECK_INT(answer(), WIRE_TYPES_END);
    CHECK(is_killed());
}

static void test_a_stopped_instance_is_refused_with_its_text(void **state)
{
    static uint8_t bytes[WIRE_SIZE_MAX];
    struct wire_message message;
    int fds[WIRE_FDS_MAX];

    (void)state;
    say_key(KEY_OURS, 1);
    CHECK_INT(answer(), WIRE_GRANTED);
    say(&(struct wire_message){ .type = WIRE_HELPER, .tag = 77 });
    CHECK_INT(wire_receive(session, bytes, &message, fds), 1);
    CHECK_INT(message.type, WIRE_REFUSED);
    CHECK_INT(message.tag, 77);
    CHECK_TEXT(message.text, "it is stopped");
    say(&(struct wire_message){ .type = WIRE_SOCKET, .number = 4 });
    CHECK_INT(answer(), WIRE_REFUSED);
    say(&(struct wire_message){ .type = WIRE_LISTEN, .number = 6, .port = 1 });
    CHECK_INT(answer(), WIRE_REFUSED);
    CHECK(!is_killed());
}

/* Opening it is work for the host: a shell, which would be refused, asks for none. */
static void test_only_who_copies_opens_a_stopped_one(void **state)
{
    (void)state;
    broker.table.rows[0].may_open = true;
    say_key(KEY_OURS, 1);
    CHECK_INT(answer(), WIRE_GRANTED);
    say(&(struct wire_message){ .type = WIRE_HELPER, .tag = 1 });
    CHECK_INT(answer(), WIRE_REFUSED);
    CHECK(!visit->is_waiting);
    CHECK_INT(atomic_load(&slots[0].copies_asked_s), 0);
    say(&(struct wire_message){ .type = WIRE_HELPER, .tag = 2, .number = 1 });
    CHECK_INT(answer(), WIRE_TYPES_END);
    CHECK(visit->is_waiting && visit->waiting_tag == 2);
    CHECK(atomic_load(&slots[0].copies_asked_s) > 0);
    CHECK(!is_killed());
}

static void test_asking_about_keys_has_an_end(void **state)
{
    (void)state;
    for (int i = 0; i < BROKER_KEY_ASKS_MAX; i++) {
        say_key(KEY_THEIRS, 0);
        CHECK_INT(answer(), WIRE_REFUSED);
    }
    say_key(KEY_OURS, 1);
    CHECK_INT(answer(), WIRE_TYPES_END);
    CHECK(is_killed());
}

static void test_keys_after_login_are_out_of_turn(void **state)
{
    (void)state;
    say_key(KEY_OURS, 1);
    CHECK_INT(answer(), WIRE_GRANTED);
    say_key(KEY_OURS, 1);
    CHECK_INT(answer(), WIRE_TYPES_END);
    CHECK(is_killed());
    CHECK_INT(atomic_load(&slots[0].connection_count), 1);
}

static void test_what_only_others_say_ends_it(void **state)
{
    (void)state;
    say_key(KEY_OURS, 1);
    CHECK_INT(answer(), WIRE_GRANTED);
    say(&(struct wire_message){ .type = WIRE_GRANTED });
    CHECK(is_killed());
}

static void test_junk_ends_it(void **state)
{
    (void)state;
    CHECK_INT(send(session, "junk", 4, 0), 4);
    visit_handle(&broker, 3);
    CHECK(is_killed());
}

static void test_descriptors_end_it(void **state)
{
    int fd = STDERR_FILENO;

    (void)state;
    CHECK(wire_send(session, &(struct wire_message){ .type = WIRE_KEY, .text = KEY_OURS }, &fd, 1));
    visit_handle(&broker, 3);
    CHECK_INT(answer(), WIRE_TYPES_END);
    CHECK(is_killed());
}

/* The door it came through is gone, and its place another's. */
static void test_a_door_that_became_anothers_is_not_its_own(void **state)
{
    (void)state;
    visit->door = 1;
    say_key(KEY_THEIRS, 1);
    CHECK_INT(answer(), WIRE_REFUSED);
    say_key(KEY_OURS, 1);
    CHECK_INT(answer(), WIRE_REFUSED);
    CHECK(!visit->has_logged_in);
}

/* Whatever comes, in whatever order, there is no crash, and no login without the key. */
static void test_random_messages_do_no_harm(void **state)
{
    static uint8_t bytes[WIRE_SIZE_MAX];

    (void)state;
    for (int step = 0; step < 3000 && visit->pid > 0; step++) {
        struct wire_message message = {
            .type = (enum wire_type)(1 + check_random(WIRE_TYPES_END - 1)),
            .tag = (uint16_t)check_random(65536),
            .number = (uint32_t)check_random(8),
            .text = check_random(2) == 0 ? KEY_THEIRS : "",
        };
        size_t length = wire_encode(&message, bytes);

        if (length > 0 && check_random(4) == 0)
            bytes[check_random(length)] ^= (uint8_t)(1U << check_random(8));
        if (length > 0 && send(session, bytes, length, 0) == (ssize_t)length)
            visit_handle(&broker, 3);
        CHECK(!visit->has_logged_in);
        while (answer() != WIRE_TYPES_END) {
        }
    }
}

static void test_the_end_of_a_session_is_its_end(void **state)
{
    (void)state;
    say_key(KEY_OURS, 1);
    CHECK_INT(answer(), WIRE_GRANTED);
    CHECK_INT(shutdown(session, SHUT_RDWR), 0);
    visit_handle(&broker, 3);
    CHECK_INT(visit->socket, -1);
    CHECK(!is_killed());
    CHECK_INT(kill(visit->pid, SIGTERM), 0);
    visit_end(&broker, 3);
    CHECK_INT(visit->pid, 0);
    CHECK_INT(atomic_load(&slots[0].connection_count), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_only_the_instances_own_keys_are_good, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_no_socket_before_login, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_helper_before_login, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_stopped_instance_is_refused_with_its_text, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_only_who_copies_opens_a_stopped_one, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_asking_about_keys_has_an_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_keys_after_login_are_out_of_turn, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_only_others_say_ends_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_junk_ends_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_descriptors_end_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_door_that_became_anothers_is_not_its_own, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_random_messages_do_no_harm, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_end_of_a_session_is_its_end, set_up, tear_down),
    };
    crypto_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
