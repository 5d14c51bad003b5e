/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers that this market goes by, each from where it is decided, so that no page
 * says another. */
#include "flow/audit_log.h"
#include "flow/enroll.h"
#include "flow/list_machine.h"
#include "flow/pay_in.h"
#include "flow/prepay.h"
#include "flow/usage.h"
#include "market/auction.h"
#include "market/billing.h"
#include "market/connected.h"
#include "market/credit.h"
#include "market/lifetime.h"
#include "market/meter.h"
#include "market/offer.h"
#include "market/reclaim.h"
#include "market/reliability.h"
#include "market/warning.h"
#include "server/app.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/reply.h"
#include "sys/password.h"

enum { RULES_REPLY_MAX = 16 << 10, SECONDS_PER_MINUTE = 60 };

#define US_PER_DAY (24 * US_PER_HOUR)

static void encode_money_rules(struct encoder *json, const struct flow *flow)
{
    field_fixed(json, "fee_percent", FEE_BPS_DEFAULT, 2);
    encode_field_money(json, "payout_min", flow->payout_min);
    encode_field_int(json, "payout_within_days", BILLING_PAID_WITHIN_US / US_PER_DAY);
    encode_field_money(json, "deposit_min", (struct money){ PAY_CREDIT_MIN });
    encode_field_money(json, "deposit_max", (struct money){ PAY_CREDIT_MAX });
    encode_field_money(json, "credit_rental_min", (struct money){ CREDIT_RENTAL_MIN });
    encode_key(json, "spend_cap");
    if (flow->spend_cap.nanodollars > 0)
        encode_money(json, flow->spend_cap);
    else
        encode_null(json);
    encode_field_int(json, "month_hours", METER_GPU_SCALE);
    encode_field_int(json, "gb_per_tb", OFFER_GB_PER_TB);
    encode_key(json, "low_credit_hours");
    encode_array(json);
    for (int i = 0; i < WARNING_COUNT; i++)
        encode_int(json, warning_lead_us(i) / US_PER_HOUR);
    encode_end(json);
}

static void encode_time_rules(struct encoder *json, const struct flow *flow)
{
    encode_field_int(json, "grace_default_s", AUCTION_GRACE_S_DEFAULT);
    encode_field_int(json, "grace_max_s", AUCTION_GRACE_S_MAX);
    encode_field_int(json, "grace_outranked_s", AUCTION_GRACE_S_OUTRANKED);
    encode_field_money(json, "bid_step", (struct money){ AUCTION_TICK });
    encode_field_int(json, "retention_hours", LIFETIME_RETENTION_US / US_PER_HOUR);
    encode_field_text(json, "storage_when_offline", flow->skips_disk_offline ? "skip" : "charge");
    encode_field_int(json, "disk_offline_hours", USAGE_DISK_OFFLINE_US / US_PER_HOUR);
    field_fixed(json, "downtime_credit_percent", flow->downtime_bps, 2);
    encode_field_int(json, "lease_s", CONNECTED_LEASE_US / US_PER_SECOND);
    encode_field_int(json, "reclaim_hours", RECLAIM_WINDOW_US / US_PER_HOUR);
    encode_field_int(json, "enroll_token_minutes", ENROLL_TOKEN_SECONDS / SECONDS_PER_MINUTE);
}

static void encode_reserved_rules(struct encoder *json)
{
    field_fixed(json, "discount_default_percent", LIST_DISCOUNT_DEFAULT_PPM, 4);
    encode_key(json, "reserved");
    encode_array(json);
    for (size_t i = 0; i < PREPAY_PLANS; i++) {
        int64_t months = prepay_plan_months(i);

        encode_object(json);
        encode_field_int(json, "months", months);
        field_fixed(json, "percent",
                    reserved_discount_ppm(months * RESERVED_MONTH_HOURS, RESERVED_PPM), 4);
        encode_end(json);
    }
    encode_end(json);
}

void handle_market_rules(struct call *call)
{
    const struct flow *flow = &call->app->flow;
    auto_buf struct buf body = buf_of(RULES_REPLY_MAX);
    struct encoder json = encoder_of(&body);

    encode_object(&json);
    encode_field_text(&json, "version", call->app->version);
    encode_money_rules(&json, flow);
    encode_time_rules(&json, flow);
    encode_reserved_rules(&json);
    field_fixed(&json, "reliability_new_percent", reliability_day_ppm(&(struct reliability){ 0 }),
                4);
    encode_field_int(&json, "audit_days", AUDIT_LOG_DAYS);
    encode_field_int(&json, "password_min", PASSWORD_LENGTH_MIN);
    field_known_text(&json, "terms", flow->terms);
    field_known_text(&json, "terms_url", flow->terms_url);
    encode_field_bool(&json, "auto_verifies", flow->auto_verifies);
    encode_field_bool(&json, "allows_simulated", flow->allows_simulated);
    encode_end(&json);
    reply_json(call, &body);
}
