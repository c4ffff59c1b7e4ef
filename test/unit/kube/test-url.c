/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "kube/url.h"

static void server_urls_come_apart(void **state)
{
        static const struct {
                const char *text;
                struct {
                        bool tls;
                        const char *host;
                        bool is_ip, is_ipv6;
                        unsigned port;
                        const char *prefix;
                } u;
        } rows[] = {
                {"https://kube.example:6443",
                 {.tls = true, .host = "kube.example", .port = 6443, .prefix = ""}},
                {"https://kube.example",
                 {.tls = true, .host = "kube.example", .port = 443, .prefix = ""}},
                {"http://localhost", {.host = "localhost", .port = 80, .prefix = ""}},
                {"HTTPS://10.0.0.1:1/",
                 {.tls = true, .host = "10.0.0.1", .is_ip = true, .port = 1, .prefix = ""}},
                {"https://[fd00::1]:6443/k8s/clusters/c-x/",
                 {.tls = true,
                  .host = "fd00::1",
                  .is_ip = true,
                  .is_ipv6 = true,
                  .port = 6443,
                  .prefix = "/k8s/clusters/c-x"}},
                {"https://[::1]",
                 {.tls = true,
                  .host = "::1",
                  .is_ip = true,
                  .is_ipv6 = true,
                  .port = 443,
                  .prefix = ""}},
                {"https://h/a%20b", {.tls = true, .host = "h", .port = 443, .prefix = "/a%20b"}},
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_(kube_url_done) struct kube_url u = {};

                assert_int_equal(kube_url_parse(rows[i].text, &u, NULL), 0);
                assert_int_equal(u.tls, rows[i].u.tls);
                assert_string_equal(u.host, rows[i].u.host);
                assert_int_equal(u.is_ip, rows[i].u.is_ip);
                assert_int_equal(u.is_ipv6, rows[i].u.is_ipv6);
                assert_int_equal(u.port, rows[i].u.port);
                assert_string_equal(u.prefix, rows[i].u.prefix);
        }
}

static void other_urls_are_refused_in_words(void **state)
{
        static const struct {
                const char *text, *problem;
        } rows[] = {
                {"kube.example:6443", "must begin with https://"},
                {"ftp://h", "must begin with https://"},
                {"", "must begin with https://"},
                {"https://", "names no valid host"},
                {"https://:6443", "names no valid host"},
                {"https://[fd00::1", "names no valid host"},
                {"https://[nonsense]", "names no valid host"},
                {"https://[fe80::1%25eth0]", "names no valid host"},
                {"https://h:0", "no valid port"},
                {"https://h:65536", "no valid port"},
                {"https://h:", "no valid port"},
                {"https://h:44x", "no valid port"},
                {"https://h/?a=b", "no query"},
                {"https://h#x", "no query"},
                {"https://h/a b", "no query"},
                {"https://h/a\r\nX: y", "no query"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_(err_done) struct err err = {};
                struct kube_url u = {};

                assert_int_equal(kube_url_parse(rows[i].text, &u, &err), -EINVAL);
                assert_non_null(strstr(err_text(&err), rows[i].problem));
                assert_null(u.host);
        }
}

static void a_password_in_the_url_is_not_repeated(void **state)
{
        _cleanup_(err_done) struct err err = {};
        struct kube_url u = {};

        assert_int_equal(kube_url_parse("https://me:geheim@h", &u, &err), -EINVAL);
        assert_null(strstr(err_text(&err), "geheim"));
}

static void an_authority_brackets_what_has_colons(void **state)
{
        _cleanup_(freep) char *name = kube_url_authority("h", 80);
        _cleanup_(freep) char *address = kube_url_authority("fd00::1", 443);

        assert_string_equal(name, "h:80");
        assert_string_equal(address, "[fd00::1]:443");
}

static void only_unreserved_characters_stay(void **state)
{
        _cleanup_(str_done) struct str s = {};

        url_encode(&s, "aZ09-._~ /?&=+,!%\xc3\xa9");
        assert_string_equal(str_text(&s), "aZ09-._~%20%2F%3F%26%3D%2B%2C%21%25%C3%A9");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(server_urls_come_apart),
                cmocka_unit_test(other_urls_are_refused_in_words),
                cmocka_unit_test(a_password_in_the_url_is_not_repeated),
                cmocka_unit_test(an_authority_brackets_what_has_colons),
                cmocka_unit_test(only_unreserved_characters_stay),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
