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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_command_is_whole),
        cmocka_unit_test(test_help_shows_every_command),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
