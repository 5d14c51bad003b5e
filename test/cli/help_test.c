/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/help.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "cli/commands.h"
#include "support.h"
#include "sys/child.h"
#include "sys/file.h"

enum { TIMEOUT_MS = 20000 };

static const struct support_reply replies[] = {
    { "GET /api/v1/instances/?limit=25", 200,
      "{\"instances\":[{\"id\":7001}],\"next_token\":null}" },
    { NULL, 0, NULL },
};

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

/* bash itself completes, with a `berth` that lists two instances. */
static const char *completed(const char *words, char text[static 1000])
{
    auto_buf struct buf output = buf_of(999);
    char script[512];
    const char *const arguments[] = { "bash", "-c", script, NULL };
    const struct child_run run = { arguments, NULL, TIMEOUT_MS };
    struct error err;
    int status;

    (void)snprintf(script, sizeof script,
                   "source %s/completion && berth() { printf '7001\\n7002\\n'; } && "
                   "COMP_WORDS=(%s) && COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) && { _berth; "
                   "echo ${COMPREPLY[*]}; }",
                   support_dir(), words);
    CHECK_OK(child_run(&run, &output, &status, &err), &err);
    (void)snprintf(text, 1000, "%s", output.bytes != NULL ? output.bytes : "");
    CHECK_INT(status, 0);
    return text;
}

static void test_bash_completes(void **state)
{
    static const struct {
        const char *words, *completed;
    } rows[] = {
        { "berth sear", "search\n" },
        { "berth search ''", "offers instances templates volumes invoices\n" },
        { "berth show inst", "instances instances-v1 instance\n" },
        { "berth search offers --o", "--order --on-demand\n" },
        { "berth show instance ''", "7001 7002\n" },
        { "berth start 70", "7001 7002\n" },
        { "berth start ''", "instance 7001 7002\n" },
        { "berth start instance 7002", "7002\n" },
        { "berth ssh 7001", "7001\n" },
        { "berth ssh 7001 --i", "--identity\n" },
        { "berth destroy --y", "--yes\n" },
        { "berth nonsense ''", "\n" },
    };
    struct support_market market;
    char path[128], text[1000];
    struct error err;

    (void)state;
    support_open(&market, replies);
    BERTH(&result, "completion", "bash");
    (void)snprintf(path, sizeof path, "%s/completion", support_dir());
    CHECK_OK(file_replace(AT_FDCWD, path, 0600, result.out, strlen(result.out), &err), &err);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%s", rows[i].words);
        CHECK_TEXT(completed(rows[i].words, text), rows[i].completed);
    }
    support_close(&market);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_command_is_whole),
        cmocka_unit_test(test_help_shows_every_command),
        cmocka_unit_test(test_bash_completes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
