# Looks whether the tests left something behind. Part of hack/test.
# shellcheck shell=bash

_mounts()
{
        awk '{ print $5 }' /proc/self/mountinfo | sort
}

# Without the ports of bridges: on a bridge that was there before they are the pods of a cluster that is not ours, and
# one that we made shows itself.
_interfaces()
{
        local path
        for path in /sys/class/net/*; do
                [ -e "$path/master" ] || printf '%s\n' "${path##*/}"
        done | sort
}

# A checkout may belong to somebody else than root, who runs this in CI.
_git_status()
{
        git -c safe.directory="$PWD" status --porcelain
}

remember_surroundings()
{
        touch "$TMPDIR/left"
        _mounts > "$TMPDIR/mounts"
        _interfaces > "$TMPDIR/interfaces"
        _git_status > "$TMPDIR/git"
}

# Prints the pids that carry our mark.
_our_processes()
{
        { grep -lszxF "SLUICE_TEST_ID=$test_id" /proc/[0-9]*/environ || true; } | cut -d/ -f3
}

end_our_processes()
{
        _our_processes | xargs -r kill -KILL 2> /dev/null || true
}

# Prints what is there now and was not before.
_new_things()
{
        local pid
        cat "$TMPDIR/left"
        for pid in $(_our_processes); do
                echo "process $pid: $(tr "\0" " " 2> /dev/null < "/proc/$pid/cmdline" | cut -c1-200)"
        done
        _mounts | comm -13 "$TMPDIR/mounts" - | sed 's/^/mount /'
        _interfaces | comm -13 "$TMPDIR/interfaces" - | sed 's/^/network interface /'
        diff "$TMPDIR/git" <(_git_status) | sed -n 's/^> /git status: /p; s/^< /git status no longer: /p'
}

# What ends only now, like the network of a pod that is being deleted, is given a while.
compare_surroundings()
{
        local last=$((SECONDS + 30)) left
        while left=$(_new_things) && [ -n "$left" ] && [ ! -s "$TMPDIR/left" ] && [ $SECONDS -lt $last ]; do
                sleep 0.5
        done
        if [ -z "$left" ]; then
                record "nothing left behind" 1 0 0
        else
                record "nothing left behind" 0 1 0
                indent <<< "$left"
        fi
}
