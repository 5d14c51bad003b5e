/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_rank.h"

#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/json.h"
#include "cli/cmd_offers.h"

enum { BODY_LENGTH_MAX = 1 << 20, PATH_SIZE = 64 };

const struct args_option cmd_host_rank_options[] = {
#include "cli/search_options.def"
    { NULL, 0, NULL, NULL },
};

static const struct {
    const char *member, *title;
    int decimals;
    bool falls; /* less is better */
} factors[] = {
    { "speed", "Speed", 1, false },       { "price", "Price $/h", 4, true },
    { "reliability", "Lasts", 4, false }, { "memory", "Memory", 2, false },
    { "network", "Network", 2, false },
};
enum { FACTORS = sizeof factors / sizeof factors[0] };

static const struct table_column compare_columns[] = {
    { "Factor", false, 0, 0 },
    { "This", true, 0, 0 },
    { "The other", true, 0, 0 },
    { "Times", true, 0, 0 },
};

/* {"q": the query, "id": N}. */
static bool write_question(struct cli *cli, size_t first, const char *id, struct buf *body,
                           struct error *err)
{
    auto_buf struct buf query = buf_of(BODY_LENGTH_MAX);
    struct encoder json = encoder_of(body);
    long long number = 0;

    if (!offers_write_search(cli, first, &query, err) ||
        (id != NULL && !cli_id(cli, id, "an offer", &number, err)))
        return false;
    encode_object(&json);
    encode_key(&json, "q");
    encode_raw(&json, query.bytes, query.length);
    if (id != NULL)
        encode_field_int(&json, "id", number);
    encode_end(&json);
    return true;
}

static void print_value(struct buf *out, const json_t *value)
{
    if (json_is_string(value))
        print_clean(out, json_string_value(value));
    else if (json_is_number(value))
        buf_printf(out, "%.10g", json_number_value(value));
    else
        buf_printf(out, "%s", "not known");
}

/* "  num_gpus gte 2: it is 1". */
static void print_misses(struct buf *out, const json_t *ranked)
{
    const json_t *misses = json_member(ranked, "misses");

    for (size_t i = 0; i < json_array_size(misses); i++) {
        const json_t *miss = json_array_get(misses, i), *wanted = json_member(miss, "wanted");

        buf_printf(out, "  %s %s ", print_text_of(miss, "field"), print_text_of(miss, "operator"));
        if (!json_is_array(wanted))
            print_value(out, wanted);
        for (size_t j = 0; j < json_array_size(wanted); j++) {
            buf_printf(out, "%s", j > 0 ? ", " : "");
            print_value(out, json_array_get(wanted, j));
        }
        buf_printf(out, ": it is ");
        print_value(out, json_member(miss, "value"));
        buf_printf(out, "\n");
    }
    if (json_is_true(json_member(ranked, "has_small_disk")))
        buf_printf(out, "  its disk is smaller than was asked for\n");
    if (json_is_true(json_member(ranked, "is_rented")))
        buf_printf(out, "  it is rented; --unavailable shows such\n");
}

/* Factor by factor: the quotients multiply to that of the scores. */
static void print_comparison(struct cli *cli, const json_t *own, const json_t *other)
{
    auto_table struct table table =
        table_of(compare_columns, sizeof compare_columns / sizeof compare_columns[0]);

    for (size_t i = 0; i <= FACTORS; i++) {
        const char *member = i < FACTORS ? factors[i].member : "score";
        double a = print_real_of(own, member), b = print_real_of(other, member);
        int decimals = i < FACTORS ? factors[i].decimals : 2;
        bool falls = i < FACTORS && factors[i].falls;
        double above = falls ? b : a, below = falls ? a : b;

        table_cell(&table, "%s", i < FACTORS ? factors[i].title : "Score");
        table_cell(&table, "%.*f", decimals, a);
        table_cell(&table, "%.*f", decimals, b);
        if (below > 0)
            table_cell(&table, "%.3f", above / below);
        else
            table_cell(&table, "-");
    }
    table_write(&table, cli->style, cli->out);
}

static void print_place(struct buf *out, const json_t *reply, const json_t *own)
{
    long long rank = (long long)print_int_of(own, "rank");
    long long count = (long long)print_int_of(reply, "count");

    buf_printf(out, "Offer %lld, %lldx ", (long long)print_int_of(own, "id"),
               (long long)print_int_of(own, "num_gpus"));
    print_clean(out, print_text_or_dash(own, "gpu_name"));
    buf_printf(out, ", $%.4f/h: ", print_real_of(own, "dph_total"));
    if (rank > 0)
        buf_printf(out, "place %lld of %lld, by %s%s.\n", rank, count,
                   print_text_of(reply, "order"),
                   json_is_true(json_member(reply, "is_descending")) ? " from the top" : "");
    else
        buf_printf(out, "not among the %lld that are found:\n", count);
    print_misses(out, own);
}

bool rank_explain(struct cli *cli, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_LENGTH_MAX);
    auto_json json_t *reply = NULL;

    if (!write_question(cli, 0, args_get(&cli->args, "about"), &body, err) ||
        !client_call(cli->client, "POST", "/api/v0/bundles/explain/", &body, &reply, err))
        return false;
    if (cli_print_raw(cli, reply))
        return true;
    const json_t *own = json_member(reply, "offer"), *below = json_member(reply, "below");
    const json_t *above = json_member(reply, "above");
    if (own == NULL) {
        cli_note(cli, "No offer matches.");
        return true;
    }
    print_place(cli->out, reply, own);
    const json_t *other = below != NULL ? below : above;
    if (other != NULL) {
        buf_printf(cli->out, "\nBeside offer %lld, the %s:\n", (long long)print_int_of(other, "id"),
                   below != NULL                      ? "next"
                   : print_int_of(other, "rank") == 1 ? "first"
                                                      : "one before");
        print_comparison(cli, own, other);
        buf_printf(cli->out, "\nScore = speed x lasts x memory x network / price.\n");
    }
    if (!json_is_true(json_member(own, "is_measured")))
        cli_note(cli, "It is not measured yet: its speed is what its maker says, in TFLOPS.");
    return true;
}

static const struct table_column rank_columns[] = {
    { "Offer", true, 0, 0 },        { "GPUs", false, 0, 0 },
    { "$/GPU h", true, 0, 0 },      { "Place", true, 0, 0 },
    { "Score", true, 1, 0 },        { "$ to be first", true, 0, 0 },
    { "$ for top 10", true, 0, 0 }, { "Reliab % to be first", true, 2, 0 },
};

static void add_rank(struct table *table, const json_t *row)
{
    const json_t *offer = json_member(row, "offer");

    table_number(table, offer, "id", 1, 0);
    table_cell(table, "%lldx %s", (long long)print_int_of(offer, "num_gpus"),
               print_text_or_dash(offer, "gpu_name"));
    table_number(table, row, "price_gpu", 1, 4);
    table_number(table, offer, "rank", 1, 0);
    table_number(table, offer, "score", 1, 2);
    table_number(table, row, "price_to_lead", 1, 4);
    table_number(table, row, "price_to_top_ten", 1, 4);
    table_number(table, row, "reliability_to_lead", 100, 2);
    if (json_member(offer, "rank") == NULL)
        table_dim(table);
}

static void print_ranks(struct cli *cli, const json_t *reply, const json_t *offers)
{
    auto_table struct table table =
        table_of(rank_columns, sizeof rank_columns / sizeof rank_columns[0]);
    const json_t *first = json_member(reply, "first");

    buf_printf(cli->out, "The search finds %lld offers, by %s%s",
               (long long)print_int_of(reply, "count"), print_text_of(reply, "order"),
               json_is_true(json_member(reply, "is_descending")) ? " from the top" : "");
    if (first != NULL)
        buf_printf(cli->out, "; first is offer %lld at $%.4f/h, score %.2f",
                   (long long)print_int_of(first, "id"), print_real_of(first, "dph_total"),
                   print_real_of(first, "score"));
    buf_printf(cli->out, ".\n\n");
    for (size_t i = 0; i < json_array_size(offers); i++)
        add_rank(&table, json_array_get(offers, i));
    table_write(&table, cli->style, cli->out);
    for (size_t i = 0; i < json_array_size(offers); i++) {
        const json_t *offer = json_member(json_array_get(offers, i), "offer");

        if (json_member(offer, "rank") != NULL)
            continue;
        buf_printf(cli->out, "\nOffer %lld is not found:\n", (long long)print_int_of(offer, "id"));
        print_misses(cli->out, offer);
    }
}

bool cmd_host_rank(struct cli *cli, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_LENGTH_MAX);
    auto_json json_t *reply = NULL;
    const json_t *offers;
    char path[PATH_SIZE];
    long long id;

    if (!cli_id(cli, cli->args.words[0], "a machine", &id, err) ||
        !write_question(cli, 1, NULL, &body, err))
        return false;
    (void)snprintf(path, sizeof path, "/api/v0/machines/%lld/rank/", id);
    if (!client_call(cli->client, "POST", path, &body, &reply, err))
        return error_context(err, "rank machine %lld", id);
    if (cli_print_raw(cli, reply))
        return true;
    if (!json_need_array(reply, "offers", SIZE_MAX, &offers, err))
        return false;
    if (json_array_size(offers) == 0)
        cli_note(cli, "Machine %lld has no offers: list it, and see that it is online.", id);
    else
        print_ranks(cli, reply, offers);
    return true;
}
