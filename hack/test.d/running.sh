# Runs commands under time limits, and keeps the counts. Part of hack/test.
#
# What a suite leaves running is found in two ways: contain.py becomes the parent of its orphans, and every process of a
# suite that keeps its environment has SLUICE_TEST_ID in it. The cluster is not contained: it is to live on.
# shellcheck shell=bash

# All suites together; what compiles Kubernetes comes on top.
total_seconds=$((34 * 60))
n_passed=0
n_failed=0
n_skipped=0

begin()
{
        # One at a time in one checkout: they share the build directories. The lock is on this folder.
        exec 9< "$hack/test.d"
        flock -n 9 || { note "waiting for another hack/test"; flock 9; }
        logs=$PWD/build/test-logs
        rm -rf "$logs"
        mkdir -p "$logs"
        # Short, because paths of sockets are; also what tests take for the place of temporary files, and some of them
        # run as another user.
        TMPDIR=$(mktemp -d /tmp/sluice-test.XXXXXX)
        chmod 755 "$TMPDIR"
        chmod 711 "$TMPDIR" # a test runs a program as another user
        test_id=$$-$(date +%s%N)
        export TMPDIR PYTHONDONTWRITEBYTECODE=1
        deadline=$((SECONDS + total_seconds))
        running=
        trap finish EXIT
        trap 'interrupted INT' INT
        trap 'interrupted TERM' TERM
        trap 'interrupted HUP' HUP
}

# The last thing that is printed, whatever happened before.
finish()
{
        local rc=$?
        trap - EXIT INT TERM HUP
        leave_cluster
        end_our_processes
        rm -rf --one-file-system "$TMPDIR"
        # Ended in the middle of something: that is no success.
        [ $rc -eq 0 ] || [ "$n_failed" -gt 0 ] || n_failed=1
        printf '%d passed, %d failed%s\n' "$n_passed" "$n_failed" "$([ "$n_skipped" -eq 0 ] || echo ", $n_skipped skipped")"
        exit $rc
}

interrupted()
{
        trap '' INT TERM HUP
        echo "ended by SIG$1"
        if [ -n "$running" ]; then
                kill -TERM "$running" 2> /dev/null || true
                wait "$running" 2> /dev/null || true
        fi
        n_failed=$((n_failed + 1))
        exit 1
}

# limited SECONDS LOG COMMAND...: runs the command with its output in the log, for at most that long and not beyond the
# budget of all, and ends what it leaves. Returns its exit code; 124 when time was over.
limited()
{
        _limited contained "$@"
}

# The same, and what the command leaves running is meant to.
limited_free()
{
        _limited free "$@"
}

_limited()
{
        local kind=$1
        shift
        local seconds=$1 log=$logs/$2.log rc=0
        shift 2
        if [ $((deadline - SECONDS)) -lt "$seconds" ]; then
                seconds=$((deadline - SECONDS))
        fi
        if [ "$seconds" -le 0 ]; then
                echo "there was no time left for this: all suites together have $total_seconds s" >> "$log"
                return 124
        fi
        # In the background, because bash runs a trap only between commands, but also within `wait`.
        if [ "$kind" = free ]; then
                set -- timeout --kill-after=30 "$seconds" "$@"
        else
                set -- /usr/bin/python3 "$hack/test.d/contain.py" "$seconds" "$TMPDIR/left" "$@"
        fi
        # With job control, because what bash starts in the background is else made to ignore INT.
        set -m
        SLUICE_TEST_ID=$test_id "$@" >> "$log" 2>&1 < /dev/null 9<&- 6<&- &
        running=$!
        set +m
        wait "$running" || rc=$?
        running=
        return $rc
}

# record SUITE PASSED FAILED SKIPPED [NOTE]
record()
{
        n_passed=$((n_passed + $2))
        n_failed=$((n_failed + $3))
        n_skipped=$((n_skipped + $4))
        printf '%-22s %4d passed, %d failed, %d skipped%s\n' "$1" "$2" "$3" "$4" "${5:+ ($5)}"
}

# skip SUITE REASON [IS_FAILURE]
skip()
{
        if [ -n "${3:-}" ]; then
                n_failed=$((n_failed + 1))
                printf '%-22s FAILED: it is required, and was not run: %s\n' "$1" "$2"
        else
                n_skipped=$((n_skipped + 1))
                printf '%-22s skipped: %s\n' "$1" "$2"
        fi
}

indent()
{
        sed 's/^/    /'
}

show_log()
{
        echo "    the last lines of $logs/$1.log:"
        tail -n 40 "$logs/$1.log" | indent
}

# count SUITE RC START FORMAT FILE...: counts the results of a suite that ended with RC, and shows what failed.
count()
{
        local suite=$1 rc=$2 start=$3 counts
        shift 3
        /usr/bin/python3 "$hack/test.d/results.py" "$rc" "$@" > "$TMPDIR/results"
        read -ra counts < "$TMPDIR/results"
        record "$suite" "${counts[@]}" "$((SECONDS - start)) s"
        sed 1d "$TMPDIR/results" | indent
        if [ "${counts[1]}" -gt 0 ]; then
                echo "    the log is $logs/$suite.log"
        fi
}
