/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/help.h"

#include <stdio.h>
#include <string.h>

#include "check.h"
#include "cli/commands.h"
#include "support.h"

static struct support_result result;

/* The rows themselves: what parsing, help and completion take for granted. */
static void test_every_command_is_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < command_count; i++) {
        const struct command *command = &commands[i];
        const char *words[] = { command->verb, command->noun, NULL };
        size_t used = 0, details = strlen(command->details);

        check_row("%s %s", command->verb, command->noun != NULL ? command->noun : "");
        CHECK(command_find(words, &used) == command);
        CHECK_INT((int64_t)used, command->noun != NULL ? 2 : 1);
        CHECK(command->run != NULL && command->words_min <= command->words_max);
        CHECK((*command->arguments != '\0') == (command->words_max > 0));
        CHECK(*command->summary != '\0' && (details == 0 || command->details[details - 1] == '\n'));
        for (const struct args_option *option = command->options; option->name != NULL; option++) {
            for (const struct args_option *other = command->options; other != option; other++)
                CHECK(strcmp(option->name, other->name) != 0 &&
                      (option->letter == 0 || option->letter != other->letter));
            CHECK(strchr(option->name, '_') == NULL && *option->help != '\0');
        }
    }
}

static void test_help_shows_every_command(void **state)
{
    (void)state;
    BERTH(&result, "help");
    CHECK_INT(result.status, 0);
    for (size_t i = 0; i < command_count; i++) {
        const char *noun = commands[i].noun != NULL ? commands[i].noun : commands[i].verb;
        char line[128];
        static struct support_result own;

        check_row("%s %s", commands[i].verb, noun);
        (void)snprintf(line, sizeof line, "\n  %s ", commands[i].verb);
        CHECK(strstr(result.out, line) != NULL && strstr(result.out, commands[i].summary) != NULL);
        BERTH(&own, commands[i].verb, commands[i].noun != NULL ? noun : "--help", "--help");
        CHECK_INT(own.status, 0);
        CHECK(strstr(own.out, commands[i].summary) == own.out);
    }
    for (const char *line = result.out; *line != '\0'; line += strcspn(line, "\n") + 1)
        CHECK(strcspn(line, "\n") <= 100);
    BERTH(&result, "help", "search", "offers");
    CHECK(strstr(result.out, "Usage: berth search offers [QUERY...] [OPTIONS]\n") != NULL);
    CHECK(strstr(result.out, "  -o, --order FIELDS ") != NULL);
    BERTH(&result, "--help");
    CHECK_INT(result.status, 0);
    BERTH(&result, "version");
    CHECK(strncmp(result.out, "berth ", 6) == 0);
}

/* A verb with nouns has those, and no other's; one without is a command. */
static void test_help_of_a_verb_lists_what_goes_on_from_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < command_count; i++) {
        static char start[64];

        if (commands[i].noun == NULL || commands[i].is_noun_optional)
            continue;
        check_row("%s", commands[i].verb);
        BERTH(&result, "help", commands[i].verb);
        if (strncmp(result.out, "Usage: berth ", 13) != 0)
            continue; /* a command by itself, too */
        CHECK_INT(result.status, 0);
        (void)snprintf(start, sizeof start, "\n  %s %s ", commands[i].verb, commands[i].noun);
        CHECK(strstr(result.out, start) != NULL);
        for (const char *at = result.out; (at = strstr(at, "\n  ")) != NULL; at++)
            CHECK(strncmp(at + 3, commands[i].verb, strlen(commands[i].verb)) == 0);
    }
    BERTH(&result, "help", "show");
    CHECK(strstr(result.out, "Usage: berth show ... [OPTIONS]\n") == result.out);
    static struct support_result same;
    BERTH(&same, "show", "--help");
    CHECK_INT(same.status, 0);
    CHECK_TEXT(same.out, result.out);
}

static void test_a_slip_is_answered_with_what_was_meant(void **state)
{
    static const struct {
        const char *words[4];
        const char *notes;
    } rows[] = {
        { { "serch", "offers" },
          "berth: there is no command 'serch offers'; did you mean `berth search offers`?\n" },
        { { "show", "instnces" },
          "berth: there is no command 'show instnces'; did you mean `berth show instances`?\n" },
        { { "logz", "7001" },
          "berth: there is no command 'logz 7001'; did you mean `berth logs`?\n" },
        { { "show" },
          "berth: something is missing behind 'show'; `berth help show` lists what there is\n" },
        { { "show", "--raw" },
          "berth: something is missing behind 'show'; `berth help show` lists what there is\n" },
        { { "nonsense", "--help" },
          "berth: there is no command 'nonsense'; `berth help` lists them\n" },
        { { "show", "nonsense" },
          "berth: there is no command 'show nonsense'; `berth help show` lists what there is\n" },
        { { "nonsense" }, "berth: there is no command 'nonsense'; `berth help` lists them\n" },
        { { "help", "nope" }, "berth: there is no command 'nope'; `berth help` lists them\n" },
        { { "help", "show", "usr" },
          "berth: there is no command 'show usr'; did you mean `berth show user`?\n" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("row %zu", i);
        support_refuses(rows[i].words, rows[i].notes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_command_is_whole),
        cmocka_unit_test(test_help_shows_every_command),
        cmocka_unit_test(test_help_of_a_verb_lists_what_goes_on_from_it),
        cmocka_unit_test(test_a_slip_is_answered_with_what_was_meant),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
