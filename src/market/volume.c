/* SPDX-License-Identifier: Apache-2.0 */
#include "market/volume.h"

#include <string.h>

int64_t volume_left_gb(const struct volume_facts *facts)
{
    int64_t left = facts->terms.disk_gb - facts->sold_gb;

    left = left < facts->free_gb ? left : facts->free_gb;
    return left > 0 ? left : 0;
}

static enum rent_outcome check_offer(const struct volume_facts *facts)
{
    if (!facts->has_offer)
        return RENT_NO_SUCH_OFFER;
    if (instant_until(facts->now, facts->terms.end) < RENT_LIFETIME_MIN_US)
        return RENT_OFFER_OVER;
    if (!facts->is_connected)
        return RENT_MACHINE_OFFLINE;
    return facts->is_deverified ? RENT_MACHINE_DEVERIFIED : RENT_OK;
}

/* With the volume on top of what the account runs already. */
static enum rent_outcome check_credit(const struct volume_facts *facts, const struct meter *disk)
{
    struct credit credit = facts->credit;

    credit_add(&credit, disk, &credit.as_of);
    credit_add_starting(&credit, facts->starting);
    if (!credit_admits(&credit))
        return RENT_NO_CREDIT;
    struct money hour = credit_hour(&credit);
    bool is_capped =
        facts->spend_cap.nanodollars > 0 &&
        (!money_add(hour, facts->waiting, &hour) || money_compare(hour, facts->spend_cap) > 0);
    return is_capped ? RENT_SPEND_CAP : RENT_OK;
}

enum rent_outcome volume_decide(int64_t size_gb, const struct volume_facts *facts,
                                struct volume_plan *ret_plan)
{
    struct volume_plan plan = { .terms = { .disk_month = facts->terms.disk_month,
                                           .disk_gb = size_gb,
                                           .start = facts->now,
                                           .end = facts->terms.end } };
    enum rent_outcome outcome = check_offer(facts);

    if (outcome != RENT_OK)
        return outcome;
    if (facts->is_barred)
        return RENT_ACCOUNT_BARRED;
    if (facts->volume_count >= VOLUME_COUNT_MAX)
        return RENT_TOO_MANY_CONTRACTS;
    if (size_gb < 1)
        return RENT_BAD_DISK;
    if (size_gb > volume_left_gb(facts))
        return RENT_DISK_TOO_LARGE;
    rent_meters(&plan.terms, size_gb, facts->fee_bps, plan.meters);
    outcome = check_credit(facts, &plan.meters[COMPONENT_DISK - 1]);
    if (outcome == RENT_OK)
        *ret_plan = plan;
    return outcome;
}

const char *volume_outcome_sentence(enum rent_outcome outcome)
{
    static const struct {
        enum rent_outcome outcome;
        const char *sentence;
    } rows[] = {
        { RENT_NO_SUCH_OFFER, "There is no such offer of a volume; offers change, search again." },
        { RENT_OFFER_OVER, "The host no longer offers this space." },
        { RENT_TOO_MANY_CONTRACTS, "This account has as many volumes as one may have." },
        { RENT_BAD_DISK, "A volume has at least 1 GB." },
        { RENT_DISK_TOO_LARGE, "The volume is larger than what this offer has left." },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].outcome == outcome)
            return rows[i].sentence;
    }
    return rent_outcome_sentence(outcome);
}

/* What is below one of these is not a renter's to replace. */
static bool is_reserved(const char *path)
{
    static const char *const folders[] = {
        "/proc", "/sys", "/dev", "/opt/berth", "/etc", "/bin", "/sbin", "/lib", "/lib64", "/usr",
    };

    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        size_t length = strlen(folders[i]);

        if (strncmp(path, folders[i], length) == 0 &&
            (path[length] == '\0' ||
             (path[length] == '/' && strncmp(path, "/usr/local/", 11) != 0)))
            return true;
    }
    return strcmp(path, "/opt") == 0 || strcmp(path, "/var") == 0 || strcmp(path, "/run") == 0;
}

bool volume_path_is_good(const char *path)
{
    size_t length = strnlen(path, VOLUME_PATH_MAX + 1);

    if (length < 2 || length > VOLUME_PATH_MAX || path[0] != '/')
        return false;
    for (const char *at = path; *at != '\0';) {
        const char *part = at + 1;
        size_t size = strcspn(part, "/");

        if (size == 0 || (size <= 2 && strspn(part, ".") >= size))
            return false; /* "//", a slash at the end, "/." and "/.." */
        at = part + size;
    }
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)path[i] < ' ' || path[i] == 0x7f || path[i] == ':' || path[i] == '\\')
            return false;
    }
    return !is_reserved(path);
}

bool volume_word_parse(const char *text, struct volume_word *ret)
{
    const char *at = text + (strncmp(text, "V.", 2) == 0 ? 2 : 0);
    size_t digits = strspn(at, "0123456789");
    int64_t id = 0;

    if (digits == 0 || digits > VOLUME_ID_DIGITS_MAX || at[digits] != ':' ||
        !volume_path_is_good(at + digits + 1))
        return false;
    for (size_t i = 0; i < digits; i++)
        id = id * 10 + (at[i] - '0');
    if (id == 0)
        return false;
    *ret = (struct volume_word){ id, at + digits + 1 };
    return true;
}
