/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_bench.h"

#include <string.h>

#include "base/json.h"

enum { PATH_LENGTH_MAX = 512 };

const struct args_option cmd_bench_options[] = {
    { "explain", 0, NULL, "nothing: that is all it does" },
    { "profile", 0, "NAME", "the work to score for (default)" },
    { NULL, 0, NULL, NULL },
};

static const struct table_column task_columns[] = {
    { "Task", false, 0, 0 },    { "Weight", true, 0, 0 }, { "Time on a V100", false, 1, 0 },
    { "x V100", true, 0, 0 },   { "Score", true, 0, 0 },  { "By", false, 0, 0 },
    { "Learned", false, 1, 0 },
};

static const char *const parts[] = { "tf32", "f32", "f16", "bf16", "bandwidth", "constant" };

static void add_time(struct table *table, const json_t *time)
{
    auto_buf struct buf text = buf_of(PATH_LENGTH_MAX);

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        double part = print_real_of(time, parts[i]);

        if (part > 0)
            buf_printf(&text, "%s%.1f%% %s", text.length > 0 ? ", " : "", part * 100, parts[i]);
    }
    table_cell(table, "%s", text.length > 0 ? text.bytes : "-");
}

/* Whether it is used, and how far both are off. */
static void add_predictor(struct table *table, const json_t *predictor)
{
    const char *state = print_text_of(predictor, "state");

    if (print_int_of(predictor, "runs") == 0)
        table_cell(table, "%s", state);
    else
        table_cell(table, "%s: errs by %.1f%%, formula %.1f%%", state,
                   print_real_of(predictor, "error") * 100,
                   print_real_of(predictor, "formula_error") * 100);
}

static void add_task(struct table *table, const json_t *task)
{
    table_text(table, task, "title");
    table_number(table, task, "weight", 1, 2);
    add_time(table, json_member(task, "time"));
    table_number(table, task, "speed", 1, 3);
    table_number(table, task, "score", 1, 2);
    table_text(table, task, "by");
    add_predictor(table, json_member(task, "predictor"));
}

static void print_rates(struct cli *cli, const char *name, const json_t *rates)
{
    print_line(
        cli->out, name, "tf32 %.1f   f32 %.1f   f16 %.1f   bf16 %.1f TFLOP/s   bandwidth %.0f GB/s",
        print_real_of(rates, "tf32"), print_real_of(rates, "f32"), print_real_of(rates, "f16"),
        print_real_of(rates, "bf16"), print_real_of(rates, "bandwidth"));
}

static const struct table_column gpu_columns[] = {
    { "GPU", true, 0, 0 },      { "fp32", true, 0, 0 },       { "tf32", true, 0, 0 },
    { "fp16", true, 0, 0 },     { "bf16", true, 0, 0 },       { "int8", true, 0, 0 },
    { "GB/s", true, 0, 0 },     { "From host", true, 0, 0 },  { "To host", true, 0, 0 },
    { "To next", true, 0, 0 },  { "C", true, 0, 0 },          { "W", true, 0, 0 },
    { "Core MHz", true, 0, 0 }, { "Slowed by", false, 1, 0 },
};

/* A list of words, or that it is not known. */
static void add_brakes(struct table *table, const json_t *gpu)
{
    auto_buf struct buf text = buf_of(PATH_LENGTH_MAX);
    const json_t *brakes = json_member(gpu, "slowed_by");

    for (size_t i = 0; i < json_array_size(brakes); i++)
        buf_printf(&text, "%s%s", i > 0 ? ", " : "", json_string_value(json_array_get(brakes, i)));
    if (print_int_of(gpu, "wrong") > 0)
        buf_printf(&text, "%sit counts wrongly", text.length > 0 ? ", " : "");
    table_cell(table, "%s", text.length > 0 ? text.bytes : json_is_array(brakes) ? "nothing" : "-");
}

static void add_gpu(struct table *table, const json_t *gpu)
{
    static const char *const rates[] = { "f32",       "tf32",      "f16",     "bf16",  "i8",
                                         "bandwidth", "from_host", "to_host", "to_gpu" };

    table_number(table, gpu, "index", 1, 0);
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++)
        table_number(table, gpu, rates[i], 1, 1);
    table_number(table, gpu, "temperature_c", 1, 0);
    table_number(table, gpu, "power_w", 1, 0);
    table_number(table, gpu, "core_mhz", 1, 0);
    add_brakes(table, gpu);
}

static void print_unlike(struct cli *cli, const json_t *machine)
{
    auto_buf struct buf text = buf_of(PATH_LENGTH_MAX);
    const json_t *unlike = json_member(machine, "unlike");

    for (size_t i = 0; i < json_array_size(unlike); i++)
        buf_printf(&text, "%s%s", i > 0 ? ", " : "", json_string_value(json_array_get(unlike, i)));
    print_line(cli->out, "UNLIKE", "far from what %lld other hosts measured of such GPUs: %s",
               (long long)print_int_of(machine, "hosts"), text.bytes);
}

/* How the machine itself was measured, GPU by GPU. */
static void print_machine(struct cli *cli, const json_t *machine)
{
    auto_table struct table table =
        table_of(gpu_columns, sizeof gpu_columns / sizeof gpu_columns[0]);
    const json_t *gpus = json_member(machine, "gpus");
    const char *stale = print_text_of(machine, "stale");

    for (size_t i = 0; i < json_array_size(gpus); i++)
        add_gpu(&table, json_array_get(gpus, i));
    table_write(&table, cli->style, cli->out);
    if (strcmp(stale, "age") == 0)
        print_line(cli->out, "STALE", "it was measured over 30 days ago");
    if (strcmp(stale, "driver") == 0)
        print_line(cli->out, "STALE", "it was measured with driver %s, and has %s now",
                   print_text_of(machine, "driver"), print_text_of(machine, "driver_now"));
    print_line(cli->out, "several",
               "n GPUs are worth n / (1 + %.4f (n - 1)) of one; x %.2f for its processor",
               print_real_of(machine, "link_loss"), print_real_of(machine, "cpu_factor"));
    if (json_is_object(json_member(machine, "usual")))
        print_rates(cli, "usual", json_member(machine, "usual"));
    if (json_array_size(json_member(machine, "unlike")) > 0)
        print_unlike(cli, machine);
    cli_note(cli, "Rates are medians of five runs, TFLOP/s, TOP/s and GB/s; C, W and MHz are the "
                  "worst meanwhile.");
}

static void print_explanation(struct cli *cli, const json_t *reply)
{
    auto_table struct table table =
        table_of(task_columns, sizeof task_columns / sizeof task_columns[0]);
    const json_t *tasks = json_member(reply, "tasks"), *rates = json_member(reply, "rates");

    print_line(cli->out, "profile", "%s: %s", print_text_of(reply, "profile"),
               print_text_of(reply, "title"));
    print_rates(cli, "V100", json_member(reply, "reference"));
    if (json_is_object(rates))
        print_rates(cli, "this GPU", rates);
    for (size_t i = 0; i < json_array_size(tasks); i++)
        add_task(&table, json_array_get(tasks, i));
    table_write(&table, cli->style, cli->out);
    if (json_is_object(rates))
        print_line(cli->out, "DLPerf", "%.2f = 21 x the product of (x V100) ^ weight, %s",
                   print_real_of(reply, "score"), print_text_of(reply, "source"));
    if (json_is_object(json_member(reply, "machine")))
        print_machine(cli, json_member(reply, "machine"));
    cli_note(cli,
             "x V100 is 1 / the sum of each part of the time x the V100's rate / this GPU's; or "
             "what was learned of runs, where that errs less.");
}

bool cmd_bench(struct cli *cli, struct error *err)
{
    auto_buf struct buf path = buf_of(PATH_LENGTH_MAX);
    auto_json json_t *reply = NULL;
    const char *profile = args_get(&cli->args, "profile");

    buf_printf(&path, "/api/v0/dlperf/?profile=");
    client_escape(&path, profile != NULL ? profile : "default");
    if (cli->args.word_count > 0) {
        const char *word = cli->args.words[0];

        buf_printf(&path, word[strspn(word, "0123456789")] == '\0' ? "&machine_id=" : "&gpu_name=");
        client_escape(&path, word);
    }
    if (!client_call(cli->client, "GET", path.bytes, NULL, &reply, err))
        return false;
    if (!cli_print_raw(cli, reply))
        print_explanation(cli, reply);
    return true;
}
