/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/holder.h"

#include <string.h>

#include "check.h"

#define OURS(slot)    "\"Labels\":{\"berth.host\":\"me\",\"berth.slot\":\"" slot "\"}"
#define THEIRS(slot)  "\"Labels\":{\"berth.host\":\"you\",\"berth.slot\":\"" slot "\"}"
#define NETWORK(slot) "{\"Name\":\"bt" slot "\"," OURS(slot) "}"
#define HOLDER(slot, state)                                                                        \
    "{\"Id\":\"h" slot "\",\"State\":\"" state                                                     \
    "\"," OURS(slot) ",\"HostConfig\":{\"NetworkMode\":"                                           \
                     "\"bt" slot "\"}}"
#define GUEST(mode)                                                                                \
    "{\"Id\":\"g\",\"State\":\"exited\",\"HostConfig\":{\"NetworkMode\":\"" mode "\"}}"

/* What is free, as "slot", "slot+" where it is held, "slot!" where it is broken; in order. */
static void list(const char *networks, const char *containers, int64_t walled,
                 char text[static 256])
{
    static struct holder_slot slots[HOLDER_SLOTS_MAX];
    auto_json json_t *network_list = json_loads(networks, 0, NULL);
    auto_json json_t *container_list = json_loads(containers, 0, NULL);
    size_t count = 99, length = 0;

    CHECK(network_list != NULL && container_list != NULL);
    static struct holder_facts facts;
    facts =
        (struct holder_facts){ "me", network_list, container_list, walled > 0 ? 1 : 0, { walled } };
    holder_list_of(&facts, slots, &count);
    *text = '\0';
    for (int64_t slot = 0; slot <= 9; slot++) {
        for (size_t i = 0; i < count; i++) {
            if (slots[i].slot == slot)
                length +=
                    (size_t)snprintf(text + length, 256 - length, "%d%s%s ", (int)slot,
                                     slots[i].is_held ? "+" : "", slots[i].is_broken ? "!" : "");
        }
    }
}

static void test_what_nobody_uses_is_free(void **state)
{
    static const struct {
        const char *networks, *containers, *want;
    } rows[] = {
        { "[]", "[]", "" },
        { "[" NETWORK("1") "]", "[]", "1 " },
        { "[" NETWORK("1") "]", "[" HOLDER("1", "running") "]", "1+ " },
        { "[" NETWORK("1") "]", "[" HOLDER("1", "exited") "]", "1! " },
        { "[" NETWORK("1") "]", "[" HOLDER("1", "created") "]", "1! " },
        { "[]", "[" HOLDER("1", "running") "]", "1! " }, /* without its network */
        /* Used by its bridge, by the holder's id, by its name: even by one that is down. */
        { "[" NETWORK("1") "," NETWORK("2") "]", "[" GUEST("bt1") "]", "2 " },
        { "[" NETWORK("1") "]", "[" HOLDER("1", "running") "," GUEST("container:h1") "]", "" },
        { "[" NETWORK("1") "]", "[" GUEST("container:h1") "," HOLDER("1", "running") "]", "" },
        { "[" NETWORK("1") "]",
          "[" HOLDER("1", "running") "," GUEST("container:berth-holder-1") "]", "" },
        { "[" NETWORK("1") "," NETWORK("2") "," NETWORK("3") "]",
          "[" HOLDER("3", "running") "," HOLDER("2", "running") "," GUEST("container:h2") "]",
          "1 3+ " },
        /* Somebody else's, or nobody's. */
        { "[{\"Name\":\"bt1\"," THEIRS("1") "},{\"Name\":\"bridge\"}]", "[" GUEST("host") "]", "" },
        { "[" NETWORK("1") "]", "[" GUEST("bt") "," GUEST("bt1x") "," GUEST("container:") "]",
          "1 " },
        /* Labels that make no sense. */
        { "[" NETWORK("0") "," NETWORK("8192") "," NETWORK("x") "," NETWORK("") ",7,null]",
          "[7,null,{}]", "" },
        { "[" NETWORK("1") "," NETWORK("1") "]", "[]", "1 " },
    };
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("row %zu", i);
        list(rows[i].networks, rows[i].containers, 0, text);
        CHECK_TEXT(text, rows[i].want);
    }
}

/* The name of a network that is not there is to be taken out of the walls; of one that is, not. */
static void test_walls_without_a_network_are_broken(void **state)
{
    char text[256];

    (void)state;
    list("[]", "[]", 4, text);
    CHECK_TEXT(text, "4! ");
    list("[" NETWORK("4") "]", "[]", 4, text);
    CHECK_TEXT(text, "4 ");
    list("[" NETWORK("4") "]", "[" HOLDER("4", "running") "]", 4, text);
    CHECK_TEXT(text, "4+ ");
    list("[" NETWORK("4") "]", "[" GUEST("bt4") "]", 4, text);
    CHECK_TEXT(text, "");
    list("[]", "[" GUEST("bt4") "]", 4, text); /* somebody may still want it */
    CHECK_TEXT(text, "");
}

static void test_names(void **state)
{
    char name[HOLDER_NAME_SIZE];

    (void)state;
    CHECK_TEXT(holder_name(1, name), "berth-holder-1");
    CHECK_TEXT(holder_name(8191, name), "berth-holder-8191");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_nobody_uses_is_free),
        cmocka_unit_test(test_walls_without_a_network_are_broken),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
