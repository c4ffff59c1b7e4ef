/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "kube/incluster.h"
#include "test/unit/kube/files.h"

static void in_a_pod(void)
{
        setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1", 1);
        setenv("KUBERNETES_SERVICE_PORT", "443", 1);
}

static void the_service_account_is_used(void **state)
{
        const char *dir = *state;
        const struct kube_config_params params = {};
        _cleanup_(kube_config_freep) struct kube_config *c = NULL;
        _cleanup_(freep) char *token_file = xasprintf("%s/token", dir);

        in_a_pod();
        put(dir, "token", "\n abc.def\n");
        put(dir, "ca.crt", "CA");
        put(dir, "namespace", "shop\n");
        assert_int_equal(incluster_load(dir, &params, &c, NULL), 0);
        assert_string_equal(c->server, "https://10.96.0.1:443");
        assert_string_equal(c->namespace_, "shop");
        assert_string_equal(c->token, "abc.def");
        assert_string_equal(c->token_file, token_file);
        assert_string_equal(str_text(&c->ca_pem), "CA");
        assert_string_equal(c->context, "in-cluster");
        assert_true(c->in_cluster);
}

static void a_token_is_read_again_each_minute_and_kept_meanwhile(void **state)
{
        const char *dir = *state;
        const struct kube_config_params params = {};
        _cleanup_(kube_config_freep) struct kube_config *c = NULL;
        _cleanup_(freep) char *token_file = xasprintf("%s/token", dir);

        in_a_pod();
        put(dir, "token", "one");
        put(dir, "ca.crt", "CA");
        assert_int_equal(incluster_load(dir, &params, &c, NULL), 0);
        assert_string_equal(kube_config_token(c, 1000), "one");
        put(dir, "token", "two");
        assert_string_equal(kube_config_token(c, 60999), "one");
        assert_string_equal(kube_config_token(c, 61000), "two");
        put(dir, "token", "three");
        assert_string_equal(kube_config_token(c, 61001), "two");
        kube_config_refresh(c);
        assert_string_equal(kube_config_token(c, 61001), "three");
        unlink(token_file);
        assert_string_equal(kube_config_token(c, 200000), "three");
        put(dir, "token", "four");
        assert_string_equal(kube_config_token(c, 200001), "three");
        put(dir, "token", " \n");
        assert_string_equal(kube_config_token(c, 260000), "three");
        put(dir, "token", "five");
        assert_string_equal(kube_config_token(c, 320000), "five");
}

static void an_ipv6_server_and_a_given_namespace(void **state)
{
        const char *dir = *state;
        const struct kube_config_params params = {.namespace_ = "mine"};
        _cleanup_(kube_config_freep) struct kube_config *c = NULL;

        in_a_pod();
        setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
        put(dir, "token", "t");
        put(dir, "ca.crt", "CA");
        assert_int_equal(incluster_load(dir, &params, &c, NULL), 0);
        assert_string_equal(c->server, "https://[fd00::1]:443");
        assert_string_equal(c->namespace_, "mine");
}

static void what_is_missing_is_named(void **state)
{
        const char *dir = *state;
        const struct kube_config_params params = {};
        _cleanup_(err_done) struct err err = {};
        struct kube_config *c = NULL;

        in_a_pod();
        assert_int_equal(incluster_load(dir, &params, &c, &err), -ENOENT);
        assert_non_null(strstr(err_text(&err), "/token"));
        put(dir, "token", "t");
        assert_int_equal(incluster_load(dir, &params, &c, &err), -ENOENT);
        assert_non_null(strstr(err_text(&err), "/ca.crt"));
        unsetenv("KUBERNETES_SERVICE_HOST");
        assert_int_equal(incluster_load(dir, &params, &c, &err), -ENOENT);
        assert_non_null(strstr(err_text(&err), "no cluster is configured"));
        assert_null(c);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(the_service_account_is_used, files_setup,
                                                files_teardown),
                cmocka_unit_test_setup_teardown(
                        a_token_is_read_again_each_minute_and_kept_meanwhile, files_setup,
                        files_teardown),
                cmocka_unit_test_setup_teardown(an_ipv6_server_and_a_given_namespace, files_setup,
                                                files_teardown),
                cmocka_unit_test_setup_teardown(what_is_missing_is_named, files_setup,
                                                files_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
