/* SPDX-License-Identifier: Apache-2.0 */
#include "server/mailer.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "flow/account.h"
#include "flow/mail_code.h"
#include "server/mail_text.h"
#include "sys/file.h"

enum {
    MAIL_MAX = 64 * 1024,
    FILE_MODE = 0600,
    FOLDER_MODE = 0700,
    /* What SMTP and HTTP call it: the deliverer asks again where that can help. */
    STATUS_SENT = 200,
    STATUS_NEVER = 422,
    STATUS_LATER = 503,
};

static bool read_password(const char *path, struct mailer *mailer, struct error *err)
{
    auto_buf struct buf text = buf_of(MAILER_PASSWORD_SIZE - 1);

    if (!file_read(AT_FDCWD, path, &text, err))
        return error_context(err, "--smtp-password-file");
    (void)snprintf(mailer->password, sizeof mailer->password, "%.*s",
                   (int)strcspn(text.length > 0 ? text.bytes : "", "\r\n"),
                   text.length > 0 ? text.bytes : "");
    if (text.length > 0)
        crypto_wipe(text.bytes, text.length);
    mailer->smtp.password = mailer->password;
    return true;
}

bool mailer_read(const struct options *options, const char *data, struct mailer *ret,
                 struct error *err)
{
    const char *from = options_get(options, "mail-from");
    const char *password = options_get(options, "smtp-password-file");
    char email[EMAIL_LENGTH_MAX + 1];

    *ret = (struct mailer){ .smtp = { .url = options_get(options, "smtp"),
                                      .user = options_get(options, "smtp-user"),
                                      .ca_file = options_get(options, "smtp-ca") } };
    if (ret->smtp.url != NULL && !smtp_url_is_good(ret->smtp.url))
        return error_set(err, ERROR_INVALID, "--smtp is smtps://HOST:PORT or smtp://HOST:PORT");
    if (ret->smtp.url != NULL && from == NULL)
        return error_set(err, ERROR_INVALID, "--smtp needs --mail-from");
    if (from != NULL && !account_email(from, email))
        return error_set(err, ERROR_INVALID, "--mail-from is no email address");
    (void)snprintf(ret->from, sizeof ret->from, "%s", from != NULL ? from : "berth@localhost");
    (void)snprintf(ret->host, sizeof ret->host, "%s", strchr(ret->from, '@') + 1);
    if (password != NULL && !read_password(password, ret, err))
        return false;
    int length = snprintf(ret->folder, sizeof ret->folder, "%s/outbox", data);
    if (length < 0 || (size_t)length >= sizeof ret->folder)
        return error_set(err, ERROR_INVALID, "the name of the data folder is too long");
    return ret->smtp.url != NULL || file_make_dir(ret->folder, FOLDER_MODE, err);
}

/* What the text says besides: where the market is, and the code. False in `*ret_has` where the code
 * is no longer good, and the mail is not needed. */
static bool complete(const struct mailer *mailer, const char *template, json_t *members,
                     bool *ret_has, struct error *err)
{
    char code[MAIL_CODE_SIZE];
    int64_t id = 0;

    *ret_has = true;
    if (mail_text_has_code(template)) {
        if (!json_need_int(members, "code_id", (struct json_bounds){ 1, INT64_MAX }, &id, err) ||
            !flow_mail_code(mailer->flow, id, code, ret_has, err))
            return false;
        (void)json_object_set_new(members, "code", json_string(code));
        crypto_wipe(code, sizeof code);
    }
    (void)json_object_set_new(members, "url",
                              json_string(mailer->url != NULL ? mailer->url : "the market"));
    return true;
}

static bool write_file(const struct mailer *mailer, const struct outbox_item *item,
                       const struct buf *text, struct error *err)
{
    char path[MAILER_PATH_SIZE + 32];

    (void)snprintf(path, sizeof path, "%s/%08" PRId64 ".eml", mailer->folder, item->id);
    return file_replace(AT_FDCWD, path, FILE_MODE, text->bytes, text->length, err);
}

/* Whether asking again can help: 4yz says so; 53z is about us, not about the mail. */
static int64_t status_of(int code)
{
    if (code >= 200 && code < 300)
        return STATUS_SENT;
    return code >= 500 && code / 10 != 53 ? STATUS_NEVER : STATUS_LATER;
}

bool mailer_send(void *context, const struct outbox_item *item, int64_t *ret_status,
                 struct buf *response, struct error *err)
{
    const struct mailer *mailer = context;
    auto_json json_t *members = NULL;
    auto_buf struct buf text = buf_of(MAIL_MAX);
    const struct mail_envelope envelope = { mailer->from, item->path, mailer->host, item->key,
                                            clock_now(mailer->flow->clock) };
    const struct smtp_mail mail = { mailer->from, item->path, &text };
    char email[EMAIL_LENGTH_MAX + 1];
    const char *template;
    bool is_needed;
    int code;

    /* Nothing but an address goes to the mail server as one. */
    if (!account_email(item->path, email))
        return error_set(err, ERROR_CORRUPT, "a mail to no address");
    if (!json_parse(item->body, strlen(item->body), &members, err) ||
        !json_need_text(members, "template", 64, &template, err) ||
        !complete(mailer, template, members, &is_needed, err))
        return error_context(err, "mail %" PRId64, item->id);
    *ret_status = STATUS_SENT;
    if (!is_needed)
        return true;
    if (!mail_text_write(&text, &envelope, template, members, err))
        return false;
    if (mailer->smtp.url == NULL)
        return write_file(mailer, item, &text, err);
    if (!smtp_send(&mailer->smtp, &mail, &code, response, err))
        return false;
    *ret_status = status_of(code);
    return true;
}
