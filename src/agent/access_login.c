/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/access_login.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* libssh would rather have callbacks, which must answer on the spot; we take messages, so that
 * channels can be answered when the container has. */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

enum { OFFERS_MAX = 32, ANSWER_MS = 10000 };

/* A line for the person at the other end. OpenSSH shows it before "Permission denied". */
static void hint(struct session *session, const char *text)
{
    if (session->has_hinted)
        return;
    session->has_hinted = true;
    ssh_string banner = ssh_string_from_char(text);
    if (banner != NULL)
        (void)ssh_send_issue_banner(session->ssh, banner);
    ssh_string_free(banner);
}

/* Ask the broker and wait: nothing else goes on before login. */
static bool ask_broker(struct session *session, const char *base64, bool is_proved)
{
    static uint8_t bytes[WIRE_SIZE_MAX];
    const struct wire_message question = {
        .type = WIRE_KEY,
        .number = is_proved ? 1 : 0,
        .text = base64,
    };
    struct wire_message answer;
    int fds[WIRE_FDS_MAX];
    struct pollfd ready = { .fd = session->broker, .events = POLLIN };

    if (!wire_send(session->broker, &question, NULL, 0) || poll(&ready, 1, ANSWER_MS) != 1 ||
        wire_receive(session->broker, bytes, &answer, fds) != 1) {
        session->is_over = true;
        return false;
    }
    if (answer.type == WIRE_GRANTED && answer.text[0] != '\0' && session->errand == NULL) {
        session->errand = strdup(answer.text);
        if (session->errand == NULL)
            abort();
    }
    return answer.type == WIRE_GRANTED;
}

static void hint_at_key(struct session *session, ssh_key key)
{
    unsigned char *hash = NULL;
    size_t length = 0;
    char text[512];

    if (ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &hash, &length) != 0)
        return;
    char *fingerprint = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, length);
    (void)snprintf(text, sizeof(text),
                   "berth: key %s is not one of instance %lld's. Add it with\n"
                   "       berth attach ssh %lld \"$(cat ~/.ssh/id_ed25519.pub)\"\n",
                   fingerprint != NULL ? fingerprint : "?", (long long)session->start->instance_id,
                   (long long)session->start->instance_id);
    hint(session, text);
    ssh_string_free_char(fingerprint);
    ssh_clean_pubkey_hash(&hash);
}

/* Everybody is root in their own container. Whom clients copy files as is root too, and gets an
 * rsync alone (guest/copy.h). */
static bool user_is_known(struct session *session, const char *user)
{
    session->is_copy = user != NULL && strcmp(user, LOGIN_COPY_USER) == 0;
    if (session->is_copy || (user != NULL && strcmp(user, "root") == 0))
        return true;
    hint(session, "berth: log in as root: ssh -p PORT root@HOST\n");
    return false;
}

static void refuse(ssh_message message)
{
    (void)ssh_message_auth_set_methods(message, SSH_AUTH_METHOD_PUBLICKEY);
    (void)ssh_message_reply_default(message);
}

static void handle_key(struct session *session, ssh_message message)
{
    enum ssh_publickey_state_e state = ssh_message_auth_publickey_state(message);
    ssh_key key = ssh_message_auth_pubkey(message);
    char *base64 = NULL;

    if (++session->key_offers > OFFERS_MAX) {
        session->is_over = true;
        return;
    }
    if (!user_is_known(session, ssh_message_auth_user(message)) || key == NULL ||
        state == SSH_PUBLICKEY_STATE_WRONG || state == SSH_PUBLICKEY_STATE_ERROR ||
        ssh_pki_export_pubkey_base64(key, &base64) != SSH_OK) {
        refuse(message);
        return;
    }
    bool is_proved = state == SSH_PUBLICKEY_STATE_VALID;
    bool is_known = ask_broker(session, base64, is_proved);
    /* Such a key is nobody's to log in with as themselves. */
    if (session->errand != NULL && !session->is_copy)
        session->is_over = true;
    ssh_string_free_char(base64);
    if (!is_known) {
        hint_at_key(session, key);
        refuse(message);
    } else if (is_proved) {
        session->is_authenticated = true;
        (void)ssh_message_auth_reply_success(message, 0);
        session_ask_helper(session);
    } else {
        (void)ssh_message_auth_reply_pk_ok_simple(message);
    }
}

void login_handle(struct session *session, ssh_message message)
{
    if (ssh_message_type(message) == SSH_REQUEST_SERVICE) {
        const char *service = ssh_message_service_service(message);

        if (service != NULL && strcmp(service, "ssh-userauth") == 0)
            (void)ssh_message_service_reply_success(message);
        else
            session->is_over = true;
    } else if (session->is_authenticated) {
        (void)ssh_message_reply_default(message);
    } else if (ssh_message_subtype(message) == SSH_AUTH_METHOD_PUBLICKEY) {
        handle_key(session, message);
    } else {
        refuse(message);
    }
}
