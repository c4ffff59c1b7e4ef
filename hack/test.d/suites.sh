# What each suite is. Part of hack/test.
# shellcheck shell=bash

built=
cluster_state=

# The name that a suite has in the output: the one of the plain build has no addition.
_name()
{
        echo "$1$([ "$2" = build ] || echo "+${2#build-}")"
}

# An own limit for each check is not needed: none of them runs what was built.
suite_check()
{
        local rc=0 start=$SECONDS passed failed
        limited 240 check "$hack/check" || rc=$?
        passed=$(grep -c ' ok$' "$logs/check.log") || true
        failed=$(grep -c ' FAILED$' "$logs/check.log") || true
        if [ "$rc" -ne 0 ] && [ "$failed" -eq 0 ]; then
                failed=1
        fi
        record check "$passed" "$failed" 0 "$((SECONDS - start)) s"
        [ "$rc" -eq 0 ] || grep -v ' ok$' "$logs/check.log" | head -n 100 | indent
}

_configure_and_compile()
{
        local dir=$1
        shift
        [ -e "$dir/build.ninja" ] || meson setup "$dir" "$@" || return
        ninja -C "$dir"
}

# build_in DIRECTORY [MESON OPTION...]: a failure is counted here; suites then find that the directory is not `built`.
build_in()
{
        local suite start=$SECONDS
        suite=$(_name compile "$1")
        # `timeout` runs programs, not functions.
        export -f _configure_and_compile
        # shellcheck disable=SC2016 # the inner shell expands it
        if limited 900 "$suite" bash -c '_configure_and_compile "$@"' bash "$@"; then
                printf '%-22s done (%d s)\n' "$suite" $((SECONDS - start))
                built+=" $1 "
        else
                record "$suite" 0 1 0
                show_log "$suite"
        fi
}

_is_built()
{
        [[ $built == *" $1 "* ]] || { skip "$2" "$1 could not be built" "${3:-}"; return 1; }
}

# Exports the path of every program of a build but the unit tests: SLUICE_BIN for sluice, EXEC_TOOL_BIN for exec-tool.
_export_programs()
{
        local name path
        while read -r name path; do
                name=${name//-/_}_BIN
                export "${name^^}=$path"
        done < <(meson introspect --targets "$1" | /usr/bin/python3 -c '
import json, sys
for target in json.load(sys.stdin):
    if target["type"] == "executable" and not target["name"].startswith("test-"):
        print(target["name"], target["filename"][0])')
}

# _with_sanitizers OPTIONS ARGUMENT OF limited...: what the sanitizers find ends the program. The abort after an undefined
# operation makes a report of the address sanitizer, which is the one that obeys log_path. What it keeps of stacks that
# were left is small, because some tests measure memory.
_with_sanitizers()
{
        local options=$1 stacks=detect_stack_use_after_return=1:max_uar_stack_size_log=16
        shift
        ASAN_OPTIONS=detect_leaks=1:handle_abort=1:$stacks$options \
                UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1:abort_on_error=1$options limited "$@"
}

# Everything that meson knows to be a test, but for what is slow or needs a cluster.
suite_unit()
{
        local dir=$1 suite rc=0 start=$SECONDS slowness=1
        suite=$(_name unit "$dir")
        [ "$dir" = build ] || slowness=3
        _is_built "$dir" "$suite" || return 0
        rm -f "$dir/meson-logs/testlog.json"
        CMOCKA_MESSAGE_OUTPUT=TAP _with_sanitizers '' 480 "$suite" meson test -C "$dir" --no-rebuild --print-errorlogs \
                --timeout-multiplier $slowness --no-suite integration --no-suite e2e --no-suite bench || rc=$?
        count "$suite" $rc "$start" meson "$dir/meson-logs/testlog.json"
}

# A test need not look at what a sanitizer says about a program that it has started: each report is a failure.
_count_sanitizer_reports()
{
        local report
        for report in "$logs/$1.sanitizer".*; do
                [ -e "$report" ] || continue
                record "$1" 0 1 0 "the report of a sanitizer: $report"
                head -n 40 "$report" | indent
        done
}

# _pytest SUITE FOLDER BUILD SECONDS
_pytest()
{
        local suite=$1 rc=0 start=$SECONDS
        _with_sanitizers ":log_path=$logs/$suite.sanitizer" "$4" "$suite" /usr/bin/python3 -m pytest "$2" -v --tb=short -p no:cacheprovider \
                --rootdir="$PWD" --basetemp="$TMPDIR/$suite" --junitxml="$logs/$suite.xml" || rc=$?
        count "$suite" $rc "$start" pytest "$logs/$suite.xml" "$logs/$suite.log"
        _count_sanitizer_reports "$suite"
}

_has_tests()
{
        [ -n "$(compgen -G "$1/test_*.py")$(compgen -G "$1/*/test_*.py")" ]
}

# _against_standin SUITE FOLDER BUILD SECONDS: pytest with the programs of that build.
_against_standin()
{
        local suite
        suite=$(_name "$1" "$3")
        _has_tests "$2" || { skip "$suite" "there is no test in $2"; return 0; }
        _is_built "$3" "$suite" || return 0
        _export_programs "$3"
        _pytest "$suite" "$2" "$3" "$4"
}

suite_standin()
{
        _against_standin standin test/standin "$1" 240
}

suite_integration()
{
        _against_standin integration test/integration "$1" 480
}

# The user's cluster where it answers, else one of our own. Sets KUBECONFIG.
_enter_cluster()
{
        local settings
        if settings=$("$hack/cluster" env 2> /dev/null) && eval "$settings" &&
                timeout 10 kubectl get --raw /readyz > /dev/null 2>&1; then
                echo "e2e uses the cluster that is up: $KUBECONFIG"
                return 0
        fi
        # Compiling Kubernetes takes minutes, once on a machine: that is no time of the tests.
        local before=$SECONDS allowed=$deadline
        deadline=$((SECONDS + 3600))
        limited_free 3000 cluster "$hack/cluster" build || return
        deadline=$((allowed + SECONDS - before))
        # One at a time on a machine: another checkout's hack/test would delete the cluster under our tests. The lock is on
        # the folder of Kubernetes' programs.
        exec 6< "${SLUICE_CACHE:-/var/cache/sluice}/bin"
        flock -w 900 6 || { echo "another hack/test has the cluster" >> "$logs/cluster.log"; return 1; }
        cluster_state=/var/lib/sluice-test-cluster
        export SLUICE_STATE=$cluster_state API_PORT=16443 ETCD_PORT=22379 KUBELET_PORT=20250 \
                BRIDGE=sluicetest0 POD_SUBNET=10.245.0.0/24
        limited_free 300 cluster "$hack/cluster" up || return
        settings=$("$hack/cluster" env) && eval "$settings"
}

# Deletes the cluster if it is ours. Its logs stay when something failed.
leave_cluster()
{
        [ -n "$cluster_state" ] || return 0
        if [ "$n_failed" -gt 0 ] && [ -d "$cluster_state/log" ]; then
                cp -r "$cluster_state/log" "$logs/cluster-components"
        fi
        SLUICE_STATE=$cluster_state timeout --kill-after=10 120 "$hack/cluster" down --delete >> "$logs/cluster.log" 2>&1 || {
                record cluster 0 1 0 "it could not be taken down"
                show_log cluster
        }
        cluster_state=
        exec 6<&-
}

suite_e2e()
{
        local dir=$1
        _has_tests test/e2e || { skip e2e "there is no test in test/e2e" "$require_e2e"; return 0; }
        _is_built "$dir" e2e "$require_e2e" || return 0
        [ "$(id -u)" -eq 0 ] || { skip e2e "a real cluster needs root" "$require_e2e"; return 0; }
        mountpoint -q / || {
                skip e2e "this is a chroot whose root is no mount point: no container runtime can run in it" "$require_e2e"
                return 0
        }
        _export_programs "$dir"
        if _enter_cluster; then
                _pytest e2e test/e2e "$dir" 900
        else
                record e2e 0 1 0 "the cluster did not start"
                show_log cluster
        fi
        leave_cluster
}
