/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/kubeconfig.h"

/*
 * Several files are never merged into one: each stays as the tree that libyaml made of it, and a
 * name is looked up in them in order. That is the merge kubectl documents (the first definition
 * wins as a whole), and every entry still knows its file, which relative paths and messages need.
 *
 * Which file and entry a fact comes from is put in front of an error by the function that knows.
 */

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/strv.h"
#include "kube/base64.h"
#include "kube/yamltree.h"

struct file {
        char *path;
        char *dir; /* absolute: what relative paths in it are relative to */
        struct yaml_tree *tree;
};

struct files {
        struct file *items;
        size_t n_items;
};

/* One named entry, or with node NULL: there is none of that name. */
struct entry {
        const struct file *file;
        struct yaml_node *node; /* the map below "cluster", "user" or "context"; NULL when empty */
        bool found;
};

static void files_done(struct files *f)
{
        for (size_t i = 0; i < f->n_items; i++) {
                free(f->items[i].path);
                free(f->items[i].dir);
                yaml_tree_free(f->items[i].tree);
        }
        free(f->items);
        *f = (struct files){};
}

static int directory_of(const char *path, char **ret_dir, struct err *err)
{
        _cleanup_(freep) char *cwd = NULL;
        const char *slash = strrchr(path, '/');
        _cleanup_(freep) char *dir = xstrndup(path, slash ? (size_t)(slash - path) : 0);

        if (*path != '/') {
                cwd = getcwd(NULL, 0);
                if (!cwd)
                        return err_errno(err, -errno, "looking up the working directory");
        }
        *ret_dir = xasprintf("%s%s%s", cwd ? cwd : "", cwd && *dir ? "/" : "", dir);
        return 0;
}

static int files_add(struct files *files, const char *path, struct err *err)
{
        _cleanup_(str_done) struct str text = {};
        _cleanup_(freep) char *dir = NULL;
        struct yaml_tree *tree = NULL;
        int r = file_read(path, LIMIT_KUBECONFIG, &text, err);

        if (r < 0)
                return err_wrap(err, r, "loading the kubeconfig");
        r = directory_of(path, &dir, err);
        if (r < 0)
                return r;
        r = yaml_tree_parse(str_text(&text), text.len, &tree, err);
        if (text.data)
                explicit_bzero(text.data, text.len);
        if (r < 0)
                return err_wrap(err, r, "the kubeconfig '%s' is not valid YAML", path);
        files->items = xreallocarray(files->items, files->n_items + 1, sizeof(*files->items));
        files->items[files->n_items++] =
                (struct file){.path = xstrdup(path), .dir = take_ptr(dir), .tree = tree};
        return 0;
}

/* The files to read: one that must exist, or a list whose missing ones are skipped. */
static int files_find(struct files *files, const char *explicit_path, struct err *err)
{
        _cleanup_(freep) char *list = NULL;
        const char *home = getenv("HOME");

        if (explicit_path && *explicit_path)
                return files_add(files, explicit_path, err);
        list = xstrdup(getenv("KUBECONFIG"));
        if ((!list || !*list) && home && *home) {
                free(list);
                list = xasprintf("%s/.kube/config", home);
        }
        for (char *rest = list, *path; (path = strsep(&rest, ":"));) {
                int r;

                if (!*path)
                        continue;
                if (access(path, F_OK) < 0 && (errno == ENOENT || errno == ENOTDIR))
                        continue;
                r = files_add(files, path, err);
                if (r < 0)
                        return r;
        }
        return 0;
}

static struct entry find_entry(const struct files *files, const char *list, const char *inner,
                               const char *name)
{
        for (size_t i = 0; i < files->n_items; i++) {
                const struct file *f = &files->items[i];
                struct yaml_node *all = yaml_tree_get(f->tree, yaml_tree_root(f->tree), list);
                struct yaml_node *item;

                for (size_t k = 0; (item = yaml_tree_item(f->tree, all, k)); k++)
                        if (streq(yaml_tree_get_text(f->tree, item, "name"), name))
                                return (struct entry){.file = f,
                                                      .node = yaml_tree_get(f->tree, item, inner),
                                                      .found = true};
        }
        return (struct entry){};
}

static const char *current_context(const struct files *files)
{
        for (size_t i = 0; i < files->n_items; i++) {
                struct yaml_tree *t = files->items[i].tree;
                const char *name = yaml_tree_get_text(t, yaml_tree_root(t), "current-context");

                if (name && *name)
                        return name;
        }
        return NULL;
}

/* The names of all contexts, for messages. */
static char *context_names(const struct files *files)
{
        _cleanup_(strv_done) struct strv names = {};

        for (size_t i = 0; i < files->n_items; i++) {
                struct yaml_tree *t = files->items[i].tree;
                struct yaml_node *all = yaml_tree_get(t, yaml_tree_root(t), "contexts");
                struct yaml_node *item;

                for (size_t k = 0; (item = yaml_tree_item(t, all, k)); k++) {
                        const char *name = yaml_tree_get_text(t, item, "name");

                        if (name && !strv_contains(&names, name))
                                strv_push(&names, name);
                }
        }
        return names.n_items ? strv_join(&names, ", ") : xstrdup("none");
}

static bool says_nothing(const struct files *files)
{
        static const char *const lists[] = {"clusters", "users", "contexts"};

        if (current_context(files))
                return false;
        for (size_t i = 0; i < files->n_items; i++) {
                struct yaml_tree *t = files->items[i].tree;

                for (size_t k = 0; k < ARRAY_SIZE(lists); k++)
                        if (yaml_tree_item(t, yaml_tree_get(t, yaml_tree_root(t), lists[k]), 0))
                                return false;
        }
        return true;
}

static const char *entry_text(const struct entry *e, const char *key)
{
        const char *text = e->found ? yaml_tree_get_text(e->file->tree, e->node, key) : NULL;

        return text && *text ? text : NULL;
}

/* The words that YAML 1.1 knows for the two; anything else is refused rather than guessed. */
static int entry_bool(const struct entry *e, const char *key, bool *ret_value, struct err *err)
{
        static const char *const words[] = {"false", "no", "off", "n", "true", "yes", "on", "y"};
        const char *text = entry_text(e, key);

        if (!text) {
                *ret_value = false;
                return 0;
        }
        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                if (strcasecmp(text, words[i]) == 0) {
                        *ret_value = i >= ARRAY_SIZE(words) / 2;
                        return 0;
                }
        return err_set(err, -EINVAL, "%s must be true or false", key);
}

static char *entry_path(const struct entry *e, const char *key)
{
        const char *path = entry_text(e, key);

        if (!path)
                return NULL;
        return *path == '/' ? xstrdup(path) : xasprintf("%s/%s", e->file->dir, path);
}

/* "<key>-data" in base64, else the file that <key> names, else empty. */
static int entry_data(const struct entry *e, const char *key, struct str *ret_data, struct err *err)
{
        _cleanup_(freep) char *data_key = xasprintf("%s-data", key);
        _cleanup_(freep) char *path = entry_path(e, key);
        const char *data = entry_text(e, data_key);
        int r = 0;

        if (data && base64_decode(data, ret_data) < 0)
                return err_set(err, -EINVAL, "%s is not valid base64", data_key);
        if (!data && path)
                r = file_read(path, LIMIT_CREDENTIAL_FILE, ret_data, err);
        return r < 0 ? err_wrap(err, r, "%s", key) : 0;
}

static int read_cluster(const struct entry *e, struct kube_config *c, struct err *err)
{
        const char *server = entry_text(e, "server");
        const char *proxy = entry_text(e, "proxy-url");
        size_t len = server ? strlen(server) : 0;
        int r;

        if (!server)
                return err_set(err, -EINVAL, "it has no server");
        while (len > 0 && server[len - 1] == '/')
                len--;
        c->server = xstrndup(server, len);
        c->tls_server_name = xstrdup(entry_text(e, "tls-server-name"));
        if (proxy && strncasecmp(proxy, "http://", 7) != 0)
                return err_set(err, -EOPNOTSUPP,
                               "its proxy-url must begin with http://: HTTPS and SOCKS proxies "
                               "are not supported yet");
        c->proxy_url = xstrdup(proxy);
        r = entry_bool(e, "insecure-skip-tls-verify", &c->insecure_skip_tls_verify, err);
        if (r < 0)
                return r;
        r = entry_data(e, "certificate-authority", &c->ca_pem, err);
        if (r < 0)
                return r;
        if (c->insecure_skip_tls_verify && c->ca_pem.len > 0)
                return err_set(err, -EINVAL,
                               "insecure-skip-tls-verify excludes certificate-authority: remove "
                               "one of them");
        return 0;
}

/* What cannot be honoured is refused: leaving it out would act as somebody else, or as nobody. */
static int refuse_unsupported(const struct entry *e, const struct kube_config *c, struct err *err)
{
        static const char *const needs_as[] = {"as-uid", "as-groups", "as-user-extra"};
        bool has_credential = c->token || c->username || c->password || c->client_cert_pem.len > 0;
        struct yaml_tree *t = e->file->tree;

        if (entry_text(e, "as"))
                return err_set(err, -EOPNOTSUPP,
                               "impersonation ('as') is not supported yet: use a context whose "
                               "user has the rights itself");
        for (size_t i = 0; i < ARRAY_SIZE(needs_as); i++)
                if (yaml_tree_get(t, e->node, needs_as[i]))
                        return err_set(err, -EINVAL, "'%s' is of no use without 'as'", needs_as[i]);
        if (has_credential)
                return 0; /* a plugin is asked only when there is no other credential */
        if (yaml_tree_get(t, e->node, "exec"))
                return err_set(err, -EOPNOTSUPP,
                               "credential plugins ('exec') are not supported yet: use a token, a "
                               "tokenFile or a client certificate, such as the token that "
                               "'kubectl create token' prints");
        if (yaml_tree_get(t, e->node, "auth-provider"))
                return err_set(err, -EOPNOTSUPP,
                               "'auth-provider' is not supported: use a token, a tokenFile or a "
                               "client certificate, such as the token that 'kubectl create token' "
                               "prints");
        return 0;
}

static int read_token(const struct entry *e, struct kube_config *c, struct err *err)
{
        c->token = xstrdup(entry_text(e, "token"));
        c->token_file = entry_path(e, "tokenFile");
        if (c->token && strpbrk(c->token, " \t\r\n"))
                return err_set(err, -EINVAL, "its token holds white space");
        if (!c->token_file)
                return 0;
        return kube_config_read_token(c, err);
}

static int read_user(const struct entry *e, struct kube_config *c, struct err *err)
{
        int r = entry_data(e, "client-certificate", &c->client_cert_pem, err);

        if (r < 0)
                return r;
        r = entry_data(e, "client-key", &c->client_key_pem, err);
        if (r < 0)
                return r;
        if (!c->client_cert_pem.len != !c->client_key_pem.len)
                return err_set(err, -EINVAL,
                               "it has a client-%s without a client-%s: both are needed",
                               c->client_cert_pem.len ? "certificate" : "key",
                               c->client_cert_pem.len ? "key" : "certificate");
        r = read_token(e, c, err);
        if (r < 0)
                return r;
        c->username = xstrdup(entry_text(e, "username"));
        c->password = xstrdup(entry_text(e, "password"));
        if (c->token && (c->username || c->password))
                return err_set(err, -EINVAL,
                               "it has both a token and a user name with password: remove one");
        return refuse_unsupported(e, c, err);
}

/* Reads the entry that @context names below @key, or nothing when it names none. */
static int read_entry(const struct files *files, const struct entry *context, const char *key,
                      struct kube_config *c, struct err *err)
{
        bool cluster = streq(key, "cluster");
        const char *name = entry_text(context, key);
        struct entry e = {};
        int r;

        if (!name && !cluster)
                return 0;
        if (name)
                e = find_entry(files, cluster ? "clusters" : "users", key, name);
        if (!name)
                return err_set(err, -EINVAL, "context '%s' in '%s' names no cluster", c->context,
                               context->file->path);
        if (!e.found)
                return err_set(err, -EINVAL,
                               "context '%s' in '%s' names the %s '%s', which is not "
                               "defined in any kubeconfig that was read",
                               c->context, context->file->path, key, name);
        r = cluster ? read_cluster(&e, c, err) : read_user(&e, c, err);
        return r < 0 ? err_wrap(err, r, "%s '%s' in '%s'", key, name, e.file->path) : 0;
}

static int choose_context(const struct files *files, const char *wanted, struct entry *ret_context,
                          struct kube_config *c, struct err *err)
{
        const char *name = wanted && *wanted ? wanted : current_context(files);
        _cleanup_(freep) char *names = context_names(files);

        if (!name)
                return err_set(err, -ENOENT,
                               "no current-context is set: name one with --context (there are: %s)",
                               names);
        *ret_context = find_entry(files, "contexts", "context", name);
        if (!ret_context->found)
                return err_set(err, -ENOENT, "there is no context '%s' (there are: %s)", name,
                               names);
        c->context = xstrdup(name);
        return 0;
}

int kubeconfig_load(const struct kube_config_params *params, struct kube_config **ret_config,
                    struct err *err)
{
        _cleanup_(kube_config_freep) struct kube_config *c = xcalloc(1, sizeof(*c));
        _cleanup_(files_done) struct files files = {};
        struct entry context = {};
        const char *namespace_;
        int r = files_find(&files, params->kubeconfig, err);

        if (r < 0)
                return r;
        if (says_nothing(&files) && !params->kubeconfig && !params->context)
                return KUBECONFIG_E_NOTHING;
        r = choose_context(&files, params->context, &context, c, err);
        if (r < 0)
                return r;
        r = read_entry(&files, &context, "cluster", c, err);
        if (r < 0)
                return r;
        r = read_entry(&files, &context, "user", c, err);
        if (r < 0)
                return r;
        namespace_ = params->namespace_ ? params->namespace_ : entry_text(&context, "namespace");
        c->namespace_ = xstrdup(namespace_ ? namespace_ : "default");
        *ret_config = take_ptr(c);
        return 0;
}
