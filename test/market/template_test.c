/* SPDX-License-Identifier: Apache-2.0 */
#include "market/template.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

/* `text` is JSON, with ' for ". */
static json_t *json_of(const char *text)
{
    char copy[8192];
    json_t *root = NULL;
    struct error err;
    size_t length = strlen(text);

    CHECK(length < sizeof copy);
    for (size_t i = 0; i <= length; i++)
        copy[i] = text[i] == '\'' ? '"' : text[i];
    CHECK_OK(json_parse(copy, length, &root, &err), &err);
    return root;
}

static json_t *form_of(const char *text)
{
    auto_json json_t *body = json_of(text);
    json_t *form = NULL;
    struct error err;

    CHECK_OK(template_read(body, NULL, &form, &err), &err);
    return form;
}

/* Both as text, members in order. */
static void check_same(const json_t *got, const char *want)
{
    auto_json json_t *wanted = json_of(want);
    auto_free char *a = template_text(got), *b = template_text(wanted);

    CHECK_TEXT(a, b);
}

static void test_what_is_not_given_has_a_default(void **state)
{
    auto_json json_t *form = form_of("{'name':'n','image':'ubuntu'}");

    (void)state;
    check_same(form,
               "{'name':'n','image':'ubuntu','tag':null,'href':null,'repo':null,'env':'',"
               "'onstart':null,'args_str':null,'runtype':'ssh','jupyter_dir':null,"
               "'docker_login_repo':'','desc':'','readme':'','jup_direct':false,"
               "'ssh_direct':false,'use_ssh':true,'use_jupyter_lab':false,'readme_visible':true,"
               "'private':true,'recommended_disk_space':null,'extra_filters':'{}'}");
}

/* As clients send them: numbers in texts, objects that come back as text (api.md 2.13). */
static void test_members_are_read_as_clients_send_them(void **state)
{
    auto_json json_t *form = form_of(
        "{'name':'n','image':'a/b','tag':'2.4.0','env':'-e A=1 -p 80:80','runtype':'jupyter',"
        "'jup_direct':true,'recommended_disk_space':'16','private':false,"
        "'extra_filters':{'num_gpus':{'gte':2},'cuda_max_good':{'gte':12.0}}}");

    (void)state;
    CHECK_TEXT(json_string_value(json_object_get(form, "extra_filters")),
               "{\"cuda_max_good\":{\"gte\":12.0},\"num_gpus\":{\"gte\":2}}");
    CHECK(json_number_value(json_object_get(form, "recommended_disk_space")) == 16);
    CHECK(json_is_false(json_object_get(form, "private")));
    CHECK(json_is_true(json_object_get(form, "jup_direct")));
}

static void test_an_edit_keeps_what_it_does_not_name(void **state)
{
    auto_json json_t *before = form_of("{'name':'n','image':'ubuntu','env':'-e A=1','desc':'d',"
                                       "'recommended_disk_space':20,'private':false}");
    auto_json json_t *edit = json_of("{'name':null,'desc':'e','tag':'22.04','hash_id':'x'}");
    auto_json json_t *after = NULL;
    struct error err;

    (void)state;
    CHECK_OK(template_read(edit, before, &after, &err), &err);
    CHECK_TEXT(json_string_value(json_object_get(after, "name")), "n");
    CHECK_TEXT(json_string_value(json_object_get(after, "env")), "-e A=1");
    CHECK_TEXT(json_string_value(json_object_get(after, "desc")), "e");
    CHECK_TEXT(json_string_value(json_object_get(after, "tag")), "22.04");
    CHECK(json_is_false(json_object_get(after, "private")));
    CHECK(json_object_get(after, "hash_id") == NULL);
    /* An edit that changes nothing is the same content. */
    auto_json json_t *nothing = json_object(), *again = NULL;
    CHECK_OK(template_read(nothing, after, &again, &err), &err);
    auto_free char *a = template_text(after), *b = template_text(again);
    CHECK_TEXT(a, b);
}

/* It is made with a rental that asks for one; what is there already is on one machine. */
static void test_a_template_has_a_new_volume(void **state)
{
    static const struct {
        const char *given, *kept; /* kept NULL: none */
    } rows[] = {
        { "{'mount_path':'/data','create_new':true,'size':20}",
          "{'create_new':true,'size':20,'mount_path':'/data','name':''}" },
        { "{'mount_path':'/a/b','name':'sets','volume_id':null}",
          "{'create_new':true,'size':15,'mount_path':'/a/b','name':'sets'}" },
        { "{'mount_path':'/data','size':1048576.0}",
          "{'create_new':true,'size':1048576,'mount_path':'/data','name':''}" },
        { "false", NULL },
        { "{}", NULL },
        { "null", NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_json json_t *body = json_of("{'name':'n','image':'u'}"), *form = NULL;
        auto_json json_t *edit = json_of("{'desc':'d'}"), *edited = NULL;
        struct error err;

        check_row("row %zu", i);
        json_object_set_new(body, "volume_info", json_null());
        auto_json json_t *given = json_of(rows[i].given[0] == '{' ? rows[i].given : "{}");
        if (rows[i].given[0] == '{')
            json_object_set(body, "volume_info", given);
        else if (rows[i].given[0] == 'f')
            json_object_set_new(body, "volume_info", json_false());
        CHECK_OK(template_read(body, NULL, &form, &err), &err);
        CHECK_OK(template_read(edit, form, &edited, &err), &err);
        if (rows[i].kept == NULL) {
            CHECK(json_object_get(form, "volume_info") == NULL);
            CHECK(json_object_get(edited, "volume_info") == NULL);
            continue;
        }
        check_same(json_object_get(form, "volume_info"), rows[i].kept);
        check_same(json_object_get(edited, "volume_info"), rows[i].kept);
        auto_json json_t *none = json_of("{'volume_info':{}}"), *bare = NULL;
        CHECK_OK(template_read(none, form, &bare, &err), &err);
        CHECK(json_object_get(bare, "volume_info") == NULL);
    }
}

static void test_what_is_wrong_is_named(void **state)
{
    static const struct {
        const char *body, *error;
    } rows[] = {
        { "[]", "a template is an object" },
        { "{}", "a template needs a name" },
        { "{'name':''}", "a template needs a name" },
        { "{'name':'n'}", "a template needs an image" },
        { "{'name':7,'image':'u'}", "'name' must be a text" },
        { "{'name':'n','image':'UPPER'}", "image" },
        { "{'name':'n','image':'u','tag':'no tag'}", "tag" },
        { "{'name':'n','image':'u','runtype':'vm'}", "runtype must be ssh, jupyter or args" },
        { "{'name':'n','image':'u','env':'-e'}", "env" },
        { "{'name':'n','image':'u','env':{'A':'1'}}", "'env' must be" },
        { "{'name':'n','image':'u','args_str':'\\'\\'\\'x'}", "args" },
        { "{'name':'n','image':'u','private':'yes'}", "'private' must be" },
        { "{'name':'n','image':'u','recommended_disk_space':'big'}",
          "'recommended_disk_space' must" },
        { "{'name':'n','image':'u','recommended_disk_space':0}", "'recommended_disk_space' must" },
        { "{'name':'n','image':'u','recommended_disk_space':1048577}", "recommended_disk_space" },
        { "{'name':'n','image':'u','extra_filters':[]}", "'extra_filters' must be an object" },
        { "{'name':'n','image':'u','extra_filters':'{'}", "extra_filters" },
        { "{'name':'n','image':'u','volume_info':7}", "'volume_info' must be an object" },
        { "{'name':'n','image':'u','volume_info':{'size':20}}", "volume_info" },
        { "{'name':'n','image':'u','volume_info':{'mount_path':'data'}}", "nothing is mounted at" },
        { "{'name':'n','image':'u','volume_info':{'mount_path':'/proc'}}",
          "nothing is mounted at" },
        { "{'name':'n','image':'u','volume_info':{'mount_path':'/data','size':0}}", "'size'" },
        { "{'name':'n','image':'u','volume_info':{'mount_path':'/data','size':1048577}}",
          "'size'" },
        { "{'name':'n','image':'u','volume_info':{'mount_path':'/data','volume_id':7}}",
          "on one machine" },
        { "{'name':'n','image':'u','volume_info':{'mount_path':'/data','create_new':false}}",
          "on one machine" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_json json_t *body = NULL;
        json_t *form = NULL;
        struct error err;

        if (strchr(rows[i].body, '\\') != NULL)
            body = json_loads("{\"name\":\"n\",\"image\":\"u\",\"args_str\":\"'x\"}", 0, NULL);
        else
            body = json_of(rows[i].body);
        CHECK(!template_read(body, NULL, &form, &err));
        CHECK(form == NULL);
        if (strstr(err.text, rows[i].error) == NULL)
            print_error("%s: %s\n", rows[i].body, err.text);
        CHECK(strstr(err.text, rows[i].error) != NULL);
    }
}

static void test_names_and_texts_are_bounded(void **state)
{
    static const struct {
        const char *name;
        size_t max;
    } rows[] = { { "name", TEMPLATE_NAME_MAX },
                 { "desc", TEMPLATE_LINE_MAX },
                 { "onstart", TEMPLATE_TEXT_MAX },
                 { "readme", TEMPLATE_TEXT_MAX } };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t over = 0; over < 2; over++) {
            auto_json json_t *body = json_of("{'name':'n','image':'u'}"), *form = NULL;
            auto_free char *text = malloc(rows[i].max + over + 1);
            struct error err;

            memset(text, 'x', rows[i].max + over);
            text[rows[i].max + over] = '\0';
            json_object_set_new(body, rows[i].name, json_string(text));
            CHECK(template_read(body, NULL, &form, &err) == (over == 0));
        }
    }
}

static void test_a_template_completes_a_request(void **state)
{
    static const struct {
        const char *form, *request, *login, *filled;
    } rows[] = {
        { "{'name':'n','image':'u'}", "{}", NULL, "{'image':'u','env':[],'runtype':'ssh_proxy'}" },
        { "{'name':'n','image':'u','tag':'22.04','ssh_direct':true,'recommended_disk_space':16}",
          "{'client_id':'me','image':null,'onstart':''}", "-u a -p b r",
          "{'client_id':'me','image':'u:22.04','onstart':'','env':[],'disk':16,"
          "'runtype':'ssh_direc ssh_proxy','image_login':'-u a -p b r'}" },
        /* What the request says wins; a disk always does. */
        { "{'name':'n','image':'u','tag':'1','recommended_disk_space':16,'onstart':'a'}",
          "{'image':'v','disk':10,'onstart':'b','runtype':'args','image_login':'mine'}", "theirs",
          "{'image':'v','disk':10,'onstart':'b','runtype':'args','image_login':'mine','env':[]}" },
        { "{'name':'n','image':'u:3','tag':'1'}", "{}", NULL,
          "{'image':'u:3','env':[],'runtype':'ssh_proxy'}" },
        /* Variables by their names; ports are one set. */
        { "{'name':'n','image':'u','env':'-e A=1 -e B=2 -p 80:80'}",
          "{'env':{'B':'3','C':'4','-p 81:81':'1'}}", NULL,
          "{'image':'u','runtype':'ssh_proxy',"
          "'env':[['A','1'],['B','2'],['-p 80:80','1'],['B','3'],['C','4'],['-p 81:81','1']]}" },
        { "{'name':'n','image':'u','runtype':'jupyter','use_jupyter_lab':true,'jupyter_dir':'/w'}",
          "{'use_jupyter_lab':false}", NULL,
          "{'image':'u','runtype':'jupyter_proxy ssh_proxy','use_jupyter_lab':true,"
          "'jupyter_dir':'/w','env':[]}" },
        { "{'name':'n','image':'u','runtype':'jupyter','jup_direct':true}", "{}", NULL,
          "{'image':'u','runtype':'jupyter_direc ssh_direc ssh_proxy','env':[]}" },
        /* A volume only where one is asked for; what is said of it there wins. */
        { "{'name':'n','image':'u','volume_info':{'mount_path':'/data','size':20}}", "{}", NULL,
          "{'image':'u','env':[],'runtype':'ssh_proxy'}" },
        { "{'name':'n','image':'u','volume_info':{'mount_path':'/data','size':20,'name':'s'}}",
          "{'volume_info':{'create_new':true,'volume_id':5}}", NULL,
          "{'image':'u','env':[],'runtype':'ssh_proxy','volume_info':{'create_new':true,"
          "'volume_id':5,'size':20,'mount_path':'/data','name':'s'}}" },
        { "{'name':'n','image':'u','volume_info':{'mount_path':'/data','size':20}}",
          "{'volume_info':{'create_new':true,'volume_id':5,'size':30,'mount_path':'/x'}}", NULL,
          "{'image':'u','env':[],'runtype':'ssh_proxy','volume_info':{'create_new':true,"
          "'volume_id':5,'size':30,'mount_path':'/x'}}" },
        { "{'name':'n','image':'u','volume_info':{'mount_path':'/data','size':20}}",
          "{'volume_info':{'volume_id':5,'mount_path':'/y'}}", NULL,
          "{'image':'u','env':[],'runtype':'ssh_proxy',"
          "'volume_info':{'volume_id':5,'mount_path':'/y'}}" },
        { "{'name':'n','image':'u'}", "{'volume_info':{'create_new':true,'volume_id':5}}", NULL,
          "{'image':'u','env':[],'runtype':'ssh_proxy',"
          "'volume_info':{'create_new':true,'volume_id':5}}" },
        { "{'name':'n','image':'u','runtype':'args','args_str':'serve'}", "{}", NULL,
          "{'image':'u','runtype':'args','args_str':'serve','env':[]}" },
        { "{'name':'n','image':'u','runtype':'ssh','args_str':'serve'}", "{'args':['x']}", NULL,
          "{'image':'u','runtype':'args','args':['x'],'env':[]}" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_json json_t *form = form_of(rows[i].form), *request = json_of(rows[i].request);
        auto_json json_t *filled = NULL, *before = json_deep_copy(request);
        struct error err;

        CHECK_OK(template_fill(request, form, rows[i].login, &filled, &err), &err);
        check_same(filled, rows[i].filled);
        CHECK(json_equal(request, before));
    }
}

static void test_a_bad_request_is_not_filled(void **state)
{
    auto_json json_t *form = form_of("{'name':'n','image':'u'}");
    auto_json json_t *bad_env = json_of("{'env':7}"), *no_object = json_of("[]");
    json_t *filled = NULL;
    struct error err;

    (void)state;
    CHECK(!template_fill(bad_env, form, NULL, &filled, &err));
    CHECK(!template_fill(no_object, form, NULL, &filled, &err));
    CHECK(filled == NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_not_given_has_a_default),
        cmocka_unit_test(test_members_are_read_as_clients_send_them),
        cmocka_unit_test(test_an_edit_keeps_what_it_does_not_name),
        cmocka_unit_test(test_a_template_has_a_new_volume),
        cmocka_unit_test(test_what_is_wrong_is_named),
        cmocka_unit_test(test_names_and_texts_are_bounded),
        cmocka_unit_test(test_a_template_completes_a_request),
        cmocka_unit_test(test_a_bad_request_is_not_filled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
