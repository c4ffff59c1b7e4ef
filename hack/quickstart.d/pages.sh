# The pages that the replicas serve: the edit, and who sees it when. Part of hack/quickstart.
#
# One watcher for each replica asks for its page every few milliseconds. It says `watching` once it has got a page, and
# `served` when the page has the words it looks for; the time is taken here, when that arrives. Where the addresses of
# the pods cannot be reached from this machine the watcher runs inside the pod, through kubectl exec.
# shellcheck shell=bash

watch_seconds=30

# _fetch ADDRESS: sets `page`. Nothing but bash is needed, and no process is started that would take time.
_fetch()
{
        page=
        {
                printf 'GET / HTTP/1.0\r\n\r\n' >&3
                # Until the end of the stream: there is no NUL byte in a page.
                IFS= read -r -d '' -t 2 page <&3 || true
        } 3<> "/dev/tcp/$1/$port"
}

# Is it our page, and not that of somebody else who has this address in our network?
_is_ours()
{
        [[ $1 == *"this container started with"* || $1 == *"Sluice quickstart"* ]]
}

_is_reachable()
{
        export -f _fetch
        # shellcheck disable=SC2016 # the inner shell expands it
        page=$(port=$port timeout 2 bash -c '_fetch "$1" && printf "%s" "$page"' bash "$1" 2> /dev/null) || return 1
        _is_ours "$page"
}

_watch_from_here()
{
        local last=$((SECONDS + watch_seconds)) said=
        while [ $SECONDS -lt $last ]; do
                _fetch "$2" 2> /dev/null || true
                if [ -z "$said" ] && _is_ours "$page"; then
                        said=1
                        echo "$1 watching"
                fi
                if [[ $page == *"$marker"* ]]; then
                        echo "$1 served"
                        return 0
                fi
                sleep 0.005
        done
}

# The shell in the pod gives up by itself as well, should this script be killed.
_watch_from_within()
{
        # shellcheck disable=SC2016 # the shell in the container expands it
        kubectl -n "$namespace" exec "$1" -c web -- sh -c '
                last=$(($(date +%s) + $3))
                echo "$1 watching"
                while [ $(date +%s) -lt $last ]; do
                        case $(wget -qO- "http://$POD_IP:$PORT/") in
                        *"$2"*) echo "$1 served"; exit 0 ;;
                        esac
                        sleep 0.01
                done' sh "$1" "$marker" "$watch_seconds"
}

# Decides once for all replicas.
choose_watchers()
{
        local address
        watch=_watch_from_here
        for address in "${addresses[@]}"; do
                _is_reachable "$address" || watch=_watch_from_within
        done
}

_watch_all()
{
        local i
        for i in "${!pods[@]}"; do
                $watch "${pods[i]}" "${addresses[i]}" &
        done
        wait
}

# Waits for that many lines of watchers that end in the word; calls the function with the name of each replica.
_await()
{
        local word=$1 called=$2 n=0 name said
        while [ $n -lt "$replicas" ]; do
                IFS=' ' read -r -t $((watch_seconds + 10)) -u "$watchers_output" name said || return 1
                [ "$said" = "$word" ] || continue
                n=$((n + 1))
                $called "$name"
        done
}

_tell_served()
{
        printf '  %s  served after %d ms\n' "$1" "$(milliseconds_between "$saved" "$EPOCHREALTIME")"
        missing=${missing/"$1 "/}
}

edit_and_watch()
{
        local file=$workspace/src/index.html text
        marker="Hello at $(date +%H:%M:%S), $$" missing="${pods[*]} "
        choose_watchers
        mkfifo "$scratch/watchers.fifo"
        set -m
        _watch_all > "$scratch/watchers.fifo" 2>> "$scratch/kubectl.log" &
        watchers=$!
        set +m
        exec {watchers_output}< "$scratch/watchers.fifo"
        _await watching : || die "not every replica serves a page:"$'\n'"$(describe_pods)"
        text=$(< "$file")
        note "editing $file: Hello becomes '$marker'"
        saved=$EPOCHREALTIME
        printf '%s\n' "${text/Hello/"$marker"}" > "$file"
        _await served _tell_served || die "these replicas did not serve the new page within $watch_seconds s: $missing"
        end_child "$watchers"
        watchers=
}

where_the_pages_are()
{
        local i
        for i in "${!pods[@]}"; do
                if [ "$watch" = _watch_from_here ]; then
                        printf '  http://%s:%s/  (%s)\n' "${addresses[i]}" "$port" "${pods[i]}"
                else
                        # shellcheck disable=SC2016 # the shell in the container expands it
                        printf '  kubectl -n %s exec %s -- sh -c %s\n' "$namespace" "${pods[i]}" "'wget -qO- http://\$POD_IP:\$PORT/'"
                fi
        done
}
