/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "kube/config.h"
#include "test/unit/kube/files.h"

/* One context "c" of cluster "k" and user "u", whose entries are @cluster and @user (flow maps). */
static char *simple(const char *cluster, const char *user)
{
        return xasprintf("current-context: c\n"
                         "contexts: [{name: c, context: {cluster: k, user: u}}]\n"
                         "clusters: [{name: k, cluster: %s}]\n"
                         "users: [{name: u, user: %s}]\n",
                         cluster, user);
}

static struct kube_config *load(const struct kube_config_params *params)
{
        _cleanup_(err_done) struct err err = {};
        struct kube_config *c = NULL;

        if (kube_config_load(params, &c, &err) < 0)
                fail_msg("%s", err_text(&err));
        return c;
}

/* Loads @text out of a file named by --kubeconfig. */
static int load_text(const char *dir, const char *text, struct kube_config **ret_config,
                     struct err *err)
{
        _cleanup_(freep) char *path = xasprintf("%s/config", dir);
        const struct kube_config_params params = {.kubeconfig = path};

        put(dir, "config", text);
        return kube_config_load(&params, ret_config, err);
}

static void everything_of_an_entry_is_read(void **state)
{
        _cleanup_(kube_config_freep) struct kube_config *c = NULL;
        int r = load_text(*state,
                          "apiVersion: v1\nkind: Config\npreferences: {colors: true}\n"
                          "current-context: c\n"
                          "contexts:\n"
                          "- {name: other, context: {cluster: none, user: none}}\n"
                          "- name: c\n"
                          "  context: {cluster: k, user: u, namespace: shop, extensions: []}\n"
                          "clusters:\n"
                          "- name: k\n"
                          "  cluster:\n"
                          "    server: https://h:6443/prefix/\n"
                          "    tls-server-name: name.example\n"
                          "    proxy-url: http://proxy:3128\n"
                          "    certificate-authority: /ignored/data/wins\n"
                          "    certificate-authority-data: |\n"
                          "      Q0\n"
                          "      E=\n"
                          "users:\n"
                          "- name: u\n"
                          "  user:\n"
                          "    client-certificate-data: Q0VSVA==\n"
                          "    client-key-data: S0VZ\n"
                          "    token: abc\n",
                          &c, NULL);

        assert_int_equal(r, 0);
        assert_string_equal(c->context, "c");
        assert_string_equal(c->server, "https://h:6443/prefix");
        assert_string_equal(c->namespace_, "shop");
        assert_string_equal(c->tls_server_name, "name.example");
        assert_string_equal(c->proxy_url, "http://proxy:3128");
        assert_string_equal(str_text(&c->ca_pem), "CA");
        assert_string_equal(str_text(&c->client_cert_pem), "CERT");
        assert_string_equal(str_text(&c->client_key_pem), "KEY");
        assert_string_equal(c->token, "abc");
        assert_false(c->insecure_skip_tls_verify);
        assert_false(c->in_cluster);
}

static void json_is_a_kubeconfig_too(void **state)
{
        _cleanup_(kube_config_freep) struct kube_config *c = NULL;

        assert_int_equal(
                load_text(*state,
                          "{\"current-context\":\"c\",\"contexts\":[{\"name\":\"c\",\"context\":"
                          "{\"cluster\":\"k\"}}],\"clusters\":[{\"name\":\"k\",\"cluster\":"
                          "{\"server\":\"https://h\",\"insecure-skip-tls-verify\":true}}],"
                          "\"users\":null}",
                          &c, NULL),
                0);
        assert_string_equal(c->namespace_, "default");
        assert_true(c->insecure_skip_tls_verify);
        assert_null(c->token);
}

static void paths_are_relative_to_their_file(void **state)
{
        const char *dir = *state;
        _cleanup_(freep) char *sub = xasprintf("%s/pki", dir);
        _cleanup_(freep) char *text = simple("{server: 'https://h', certificate-authority: pki/ca}",
                                             "{client-certificate: pki/cert, client-key: pki/key, "
                                             "tokenFile: ./token, token: old}");
        _cleanup_(freep) char *cwd = getcwd(NULL, 0);
        const struct kube_config_params params = {.kubeconfig = "config"};
        _cleanup_(kube_config_freep) struct kube_config *c = NULL;

        mkdir(sub, 0700);
        put(dir, "pki/ca", "CA");
        put(dir, "pki/cert", "CERT");
        put(dir, "pki/key", "KEY");
        put(dir, "token", "new\n");
        put(dir, "config", text);
        assert_int_equal(chdir(dir), 0);
        c = load(&params);
        assert_int_equal(chdir(cwd), 0);
        assert_string_equal(str_text(&c->ca_pem), "CA");
        assert_string_equal(str_text(&c->client_cert_pem), "CERT");
        assert_string_equal(str_text(&c->client_key_pem), "KEY");
        assert_string_equal(kube_config_token(c, 0), "new");
        put(dir, "token", "newer");
        assert_string_equal(kube_config_token(c, 60000), "newer");
}

static void the_first_file_of_a_list_wins_whole_entries(void **state)
{
        const char *dir = *state;
        _cleanup_(freep) char *list = xasprintf("%s/missing::%s/a:%s/b:%s/a", dir, dir, dir, dir);
        const struct kube_config_params params = {}, second = {.context = "two"};
        _cleanup_(kube_config_freep) struct kube_config *one = NULL, *two = NULL;

        put(dir, "a",
            "clusters: [{name: k, cluster: {server: 'https://a'}}]\n"
            "contexts: [{name: one, context: {cluster: k, user: u}}]\n");
        put(dir, "b",
            "current-context: one\n"
            "clusters: [{name: k, cluster: {server: 'https://b', tls-server-name: x}},\n"
            "           {name: k2, cluster: {server: 'https://b2'}}]\n"
            "contexts: [{name: one, context: {cluster: k2, namespace: b}},\n"
            "           {name: two, context: {cluster: k2, user: u}}]\n"
            "users: [{name: u, user: {token: t}}]\n");
        setenv("KUBECONFIG", list, 1);
        one = load(&params);
        assert_string_equal(one->server, "https://a");
        assert_null(one->tls_server_name);
        assert_string_equal(one->namespace_, "default");
        assert_string_equal(one->token, "t");
        two = load(&second);
        assert_string_equal(two->server, "https://b2");
        assert_string_equal(two->context, "two");
}

static void without_a_list_the_file_at_home_is_read(void **state)
{
        const char *dir = *state;
        _cleanup_(freep) char *kube = xasprintf("%s/.kube", dir);
        _cleanup_(freep) char *text =
                simple("{server: 'https://home'}", "{username: me, password: x}");
        const struct kube_config_params params = {.namespace_ = "flag"};
        _cleanup_(kube_config_freep) struct kube_config *c = NULL;

        setenv("KUBECONFIG", "", 1);
        setenv("HOME", dir, 1);
        mkdir(kube, 0700);
        put(dir, ".kube/config", text);
        c = load(&params);
        assert_string_equal(c->server, "https://home");
        assert_string_equal(c->namespace_, "flag");
        assert_string_equal(c->username, "me");
        assert_string_equal(c->password, "x");
}

static void with_nothing_configured_the_pod_is_looked_at(void **state)
{
        const char *dir = *state;
        _cleanup_(freep) char *list = xasprintf("%s/empty:%s/none", dir, dir);
        const struct kube_config_params params = {}, named = {.context = "x"};
        _cleanup_(err_done) struct err err = {};
        struct kube_config *c = NULL;

        put(dir, "empty", "apiVersion: v1\nclusters: []\ncurrent-context: ''\n");
        setenv("KUBECONFIG", list, 1);
        unsetenv("KUBERNETES_SERVICE_HOST");
        assert_int_equal(kube_config_load(&params, &c, &err), -ENOENT);
        assert_non_null(strstr(err_text(&err), "this is not a pod"));
        assert_int_equal(kube_config_load(&named, &c, &err), -ENOENT);
        assert_non_null(strstr(err_text(&err), "there is no context 'x' (there are: none)"));
}

static void a_named_file_must_exist(void **state)
{
        _cleanup_(freep) char *path = xasprintf("%s/nope", (const char *)*state);
        const struct kube_config_params params = {.kubeconfig = path};
        _cleanup_(err_done) struct err err = {};
        struct kube_config *c = NULL;

        assert_int_equal(kube_config_load(&params, &c, &err), -ENOENT);
        assert_non_null(strstr(err_text(&err), path));
}

static void what_cannot_be_used_is_refused_in_words(void **state)
{
        static const struct {
                const char *cluster, *user;
                int r;
                const char *problem;
        } rows[] = {
                {"{}", "{}", -EINVAL, "cluster 'k' in '"},
                {"{}", "{}", -EINVAL, "it has no server"},
                {"{server: 'https://h', insecure-skip-tls-verify: flase}", "{}", -EINVAL,
                 "must be true or false"},
                {"{server: 'https://h', insecure-skip-tls-verify: true, "
                 "certificate-authority-data: Q0E=}",
                 "{}", -EINVAL, "excludes certificate-authority"},
                {"{server: 'https://h', certificate-authority-data: '!'}", "{}", -EINVAL,
                 "certificate-authority-data is not valid base64"},
                {"{server: 'https://h', certificate-authority: nope}", "{}", -ENOENT, "/nope"},
                {"{server: 'https://h', proxy-url: 'socks5://p'}", "{}", -EOPNOTSUPP, "proxy-url"},
                {"{server: 'https://h'}", "{client-certificate-data: Q0E=}", -EINVAL,
                 "client-certificate without a client-key"},
                {"{server: 'https://h'}", "{client-key-data: Q0E=}", -EINVAL,
                 "client-key without a client-certificate"},
                {"{server: 'https://h'}", "{token: t, username: me}", -EINVAL,
                 "both a token and a user name"},
                {"{server: 'https://h'}", "{tokenFile: nope}", -ENOENT, "user 'u' in '"},
                {"{server: 'https://h'}", "{token: \"a\\r\\nb\"}", -EINVAL, "white space"},
                {"{server: 'https://h'}", "{as: other}", -EOPNOTSUPP, "impersonation"},
                {"{server: 'https://h'}", "{as-uid: '1'}", -EINVAL, "'as-uid' is of no use"},
                {"{server: 'https://h'}", "{as-user-extra: {a: [b]}}", -EINVAL, "'as-user-extra'"},
                {"{server: 'https://h'}", "{exec: {command: aws}}", -EOPNOTSUPP, "user 'u' in '"},
                {"{server: 'https://h'}", "{exec: {command: aws}}", -EOPNOTSUPP,
                 "kubectl create token"},
                {"{server: 'https://h'}", "{auth-provider: {name: oidc}}", -EOPNOTSUPP,
                 "'auth-provider' is not supported"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_(freep) char *text = simple(rows[i].cluster, rows[i].user);
                _cleanup_(err_done) struct err err = {};
                struct kube_config *c = NULL;

                assert_int_equal(load_text(*state, text, &c, &err), rows[i].r);
                if (!strstr(err_text(&err), rows[i].problem))
                        fail_msg("row %zu: '%s' is not in '%s'", i, rows[i].problem,
                                 err_text(&err));
                assert_null(c);
        }
}

static void a_plugin_is_not_asked_beside_another_credential(void **state)
{
        _cleanup_(freep) char *text =
                simple("{server: 'https://h'}", "{token: t, exec: {command: aws}}");
        _cleanup_(kube_config_freep) struct kube_config *c = NULL;

        assert_int_equal(load_text(*state, text, &c, NULL), 0);
        assert_string_equal(c->token, "t");
}

static void names_that_lead_nowhere_are_refused_in_words(void **state)
{
        static const struct {
                const char *text;
                int r;
                const char *problem;
        } rows[] = {
                {"current-context: x\n", -ENOENT, "there is no context 'x' (there are: none)"},
                {"contexts: [{name: a}, {name: b}]\n", -ENOENT,
                 "no current-context is set: name one with --context (there are: a, b)"},
                {"current-context: a\ncontexts: [{name: a, context: {user: u}}]\n", -EINVAL,
                 "names no cluster"},
                {"current-context: a\ncontexts: [{name: a, context: {cluster: k}}]\n", -EINVAL,
                 "the cluster 'k', which is not defined"},
                {"current-context: a\ncontexts: [{name: a, context: {cluster: k, user: u}}]\n"
                 "clusters: [{name: k, cluster: {server: 'https://h'}}]\n",
                 -EINVAL, "the user 'u', which is not defined"},
                {"a: [\n", -EINVAL, "is not valid YAML: line 2"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_(err_done) struct err err = {};
                struct kube_config *c = NULL;

                assert_int_equal(load_text(*state, rows[i].text, &c, &err), rows[i].r);
                if (!strstr(err_text(&err), rows[i].problem))
                        fail_msg("row %zu: '%s' is not in '%s'", i, rows[i].problem,
                                 err_text(&err));
        }
}

static void of_two_entries_of_a_name_the_first_counts(void **state)
{
        _cleanup_(kube_config_freep) struct kube_config *c = NULL;

        assert_int_equal(load_text(*state,
                                   "current-context: c\ncurrent-context: c\n"
                                   "contexts: [{name: c, context: {cluster: k}}]\n"
                                   "clusters: [{name: k, cluster: {server: 'https://1'}},\n"
                                   "           {name: k, cluster: {server: 'https://2'}}]\n",
                                   &c, NULL),
                         0);
        assert_string_equal(c->server, "https://1");
}

#define file_test(f) cmocka_unit_test_setup_teardown(f, files_setup, files_teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                file_test(everything_of_an_entry_is_read),
                file_test(json_is_a_kubeconfig_too),
                file_test(paths_are_relative_to_their_file),
                file_test(the_first_file_of_a_list_wins_whole_entries),
                file_test(without_a_list_the_file_at_home_is_read),
                file_test(with_nothing_configured_the_pod_is_looked_at),
                file_test(a_named_file_must_exist),
                file_test(what_cannot_be_used_is_refused_in_words),
                file_test(a_plugin_is_not_asked_beside_another_credential),
                file_test(names_that_lead_nowhere_are_refused_in_words),
                file_test(of_two_entries_of_a_name_the_first_counts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
