/* SPDX-License-Identifier: Apache-2.0 */
/* The shells themselves complete, with a `berth` that lists two instances. */
#include "cli/completion.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "cli/commands.h"
#include "support.h"
#include "sys/child.h"
#include "sys/file.h"

enum { TIMEOUT_MS = 20000, TEXT_SIZE = 8000 };

/* How each is asked, with the script as $1, the words before as $2, and what is typed as $3. What
 * it offers comes a line each; FILES, where it looks for names of files. */
static const struct shell {
    const char *name, *ask;
} shells[] = {
    { "bash", "bash -c 'source \"$0\"; berth() { printf \"7001\\n7002\\n\"; }\n"
              "COMP_WORDS=($1 \"$2\"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _berth\n"
              "[ ${#COMPREPLY[@]} != 0 ] || COMPREPLY=(FILES)\n"
              "printf \"%s\\n\" \"${COMPREPLY[@]}\"' \"$1\" \"$2\" \"$3\"" },
    /* Its line editor is not there: what it is told stands in the variables that that would set. */
    { "zsh", "zsh -f -c 'compdef() { [ \"$*\" = \"_berth berth\" ] || echo \"compdef $*\"; }\n"
             "_describe() { local -a all=(\"${(@P)2}\"); all=(${(M)all:#${PREFIX}*})\n"
             "  [ ${#all} != 0 ] && print -rl -- ${all/:/\t}; }\n"
             "_files() { print FILES; }\n"
             "source \"$0\"; berth() { printf \"7001\\n7002\\n\"; }\n"
             "words=(${=1} \"$2\"); CURRENT=${#words}; PREFIX=$2; _berth' \"$1\" \"$2\" \"$3\"" },
    { "fish",
      "fish --no-config -c 'source $argv[1]; function berth; printf \"7001\\n7002\\n\"; end\n"
      "function __fish_complete_path; echo FILES; end\n"
      "complete -C \"$argv[2] $argv[3]\"' \"$1\" \"$2\" \"$3\"" },
};

static struct support_market market;
static struct support_result result;

/* Standard output of a script for sh. */
static int run_sh(const char *script, const char *const words[3], char text[static TEXT_SIZE])
{
    const char *const arguments[] = {
        "sh", "-c", script, "sh", words[0], words[1], words[2], NULL
    };
    const struct child_run run = { arguments, NULL, TIMEOUT_MS };
    auto_buf struct buf output = buf_of(TEXT_SIZE - 1);
    struct error err;
    int status;

    CHECK_OK(child_run(&run, &output, &status, &err), &err);
    (void)snprintf(text, TEXT_SIZE, "%s", output.bytes != NULL ? output.bytes : "");
    return status;
}

static bool is_there(const char *shell)
{
    static char text[TEXT_SIZE];
    const char *const words[] = { shell, "", "" };

    return run_sh("command -v \"$1\"", words, text) == 0;
}

/* What the shell offers as `columns` of names and summaries, sorted, with `end` after each. */
static const char *offered(const struct shell *shell, const char *const typed[2],
                           const char *columns, char end)
{
    static char script[2000], text[TEXT_SIZE], path[256];
    const char *const words[] = { path, typed[0], typed[1] };

    (void)snprintf(path, sizeof path, "%s/completion", support_dir());
    (void)snprintf(script, sizeof script,
                   "{ %s; } 2>&1 | cut -f %s | LC_ALL=C sort | tr '\\n' '%c'", shell->ask, columns,
                   end);
    CHECK_INT(run_sh(script, words, text), 0);
    return text;
}

/* False: it is not there. */
static bool is_loaded(const struct shell *shell)
{
    char path[256];
    struct error err;

    if (!is_there(shell->name)) {
        (void)printf("NOT RUN: there is no %s\n", shell->name);
        return false;
    }
    BERTH(&result, "completion", shell->name);
    CHECK_INT(result.status, 0);
    (void)snprintf(path, sizeof path, "%s/completion", support_dir());
    CHECK_OK(file_replace(AT_FDCWD, path, 0600, result.out, strlen(result.out), &err), &err);
    return true;
}

static void look_at(const struct shell *shell)
{
    static const struct {
        const char *words[2], *offered; /* those before, and what is typed */
    } rows[] = {
        { { "berth", "sear" }, "search " },
        { { "berth", "ssh" }, "ssh ssh-url " },
        { { "berth search", "" }, "instances invoices offers templates volumes " },
        { { "berth show", "inst" }, "instance instances instances-v1 " },
        { { "berth search offers", "--o" }, "--on-demand --order " },
        { { "berth search offers gpu_ram", "--pro" }, "--profile " },
        { { "berth search offers", "--h" }, "--help " },
        { { "berth show instance", "" }, "7001 7002 " },
        { { "berth start", "70" }, "7001 7002 " },
        { { "berth start", "" }, "7001 7002 instance " },
        { { "berth start instance", "7002" }, "7002 " },
        { { "berth ssh", "7001" }, "7001 " },
        { { "berth ssh 7001", "--i" }, "--identity " },
        { { "berth ssh", "--i" }, "--identity " },
        { { "berth reboot instance 7001", "--sch" }, "--schedule " },
        { { "berth destroy", "--y" }, "--yes " },
        { { "berth destroy 7001", "--y" }, "--yes " },
        { { "berth destroy team", "--" }, "--api-key --help --raw --url " },
        { { "berth", "--" }, "--api-key --help --raw --url " },
        { { "berth --raw", "sear" }, "search " },
        { { "berth --raw", "--u" }, "--url " },
        { { "berth --url", "" }, "FILES " },
        { { "berth --url=x show", "inst" }, "instance instances instances-v1 " },
        { { "berth --url search show", "inst" }, "instance instances instances-v1 " },
        { { "berth --api-key x --raw show instance", "700" }, "7001 7002 " },
        { { "berth --raw search offers", "--o" }, "--on-demand --order " },
        { { "berth copy", "" }, "FILES " },
        { { "berth nonsense", "" }, "FILES " },
    };

    if (!is_loaded(shell))
        skip();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%s: %s '%s'", shell->name, rows[i].words[0], rows[i].words[1]);
        CHECK_TEXT(offered(shell, rows[i].words, "1", ' '), rows[i].offered);
    }
}

static void test_bash_completes(void **state)
{
    (void)state;
    look_at(&shells[0]);
}

static void test_zsh_completes(void **state)
{
    (void)state;
    look_at(&shells[1]);
}

static void test_fish_completes(void **state)
{
    (void)state;
    look_at(&shells[2]);
}

/* What a row says of its command reaches the screen, quotes and all. */
static void look_at_summaries(const struct shell *shell)
{
    if (!is_loaded(shell))
        skip();
    for (size_t i = 0; i < command_count; i++) {
        auto_buf struct buf before = buf_of(200), row = buf_of(1000);

        if (commands[i].noun == NULL || strchr(commands[i].summary, '\'') == NULL)
            continue;
        check_row("%s: %s %s", shell->name, commands[i].verb, commands[i].noun);
        buf_printf(&before, "berth %s", commands[i].verb);
        buf_printf(&row, "%s\t%s\n", commands[i].noun, commands[i].summary);
        CHECK(strstr(offered(shell, (const char *const[2]){ before.bytes, "" }, "1,2", '\n'),
                     row.bytes) != NULL);
    }
}

static void test_zsh_says_what_commands_do(void **state)
{
    (void)state;
    look_at_summaries(&shells[1]);
}

static void test_fish_says_what_commands_do(void **state)
{
    (void)state;
    look_at_summaries(&shells[2]);
}

static void test_no_other_shell_gets_anything(void **state)
{
    auto_buf struct buf out = buf_of(100);

    (void)state;
    CHECK(!completion_write("", &out) && !completion_write("tcsh", &out));
    CHECK(!completion_write("bas", &out) && !completion_write("bash ", &out));
    CHECK(out.length == 0 && !out.has_overflowed);
}

static int set_up(void **state)
{
    static const struct support_reply replies[] = { { NULL, 0, NULL } };

    (void)state;
    support_open(&market, replies);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    support_close(&market);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bash_completes),
        cmocka_unit_test(test_zsh_completes),
        cmocka_unit_test(test_fish_completes),
        cmocka_unit_test(test_zsh_says_what_commands_do),
        cmocka_unit_test(test_fish_says_what_commands_do),
        cmocka_unit_test(test_no_other_shell_gets_anything),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
