# Compiles Kubernetes from Debian's own source package with Debian's Go. Part of hack/cluster.
#
# The package builds in GOPATH mode, since its go.mod does not agree with its vendor directory, and it needs two things
# before it compiles and runs: a newer reflect2 and the generated pkg/generated/openapi. Only the four programs stay in
# the cache; the sources and Go's cache of objects go when they are done.
# shellcheck shell=bash

kubernetes_programs=(kube-apiserver kube-controller-manager kube-scheduler kubelet)

# Prints deb-src entries for the Debian mirrors that this machine uses, in the one-line or the deb822 format of $1.
_debian_sources()
{
        local file
        for file in /etc/apt/sources.list /etc/apt/sources.list.d/*."$1"; do
                [ -e "$file" ] || continue
                if [ "$1" = list ]; then
                        sed -nE 's/^deb ((\[[^]]*\] *)?[^ ]*debian.*)/deb-src \1/p' "$file"
                elif [[ $file == *.sources ]] && grep -Eq 'debian-archive-keyring|^URIs:.*debian' "$file"; then
                        sed 's/^Types:.*/Types: deb-src/' "$file"
                        echo
                fi
        done
}

# apt-get with lists of its own, so that the machine's settings stay as they are.
_apt_source()
{
        apt-get -q -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$cache/apt/sources.list.d" \
                -o Dir::State::Lists="$cache/apt/lists" -o APT::Sandbox::User=root "$@"
}

_fetch_source()
{
        local apt=$cache/apt
        set -euo pipefail
        rm -rf "$apt" "$cache/source"
        mkdir -p "$apt/sources.list.d" "$apt/lists/partial" "$cache/source"
        _debian_sources list > "$apt/sources.list.d/debian.list"
        _debian_sources sources > "$apt/sources.list.d/debian.sources"
        _apt_source update
        cd "$cache/source"
        _apt_source source --download-only kubernetes
        dpkg-source --no-check -x kubernetes_*.dsc unpacked
        mv unpacked tree
}

_prepare_source()
{
        local reflect2=github.com/modern-go/reflect2
        set -euo pipefail
        # Its reflect2 1.0.1 corrupts maps when built with Go 1.18 or newer: the API server dies of "fatal error: fault"
        # after seconds to minutes. Debian's package of the library is 1.0.2, which is right.
        rm -rf "$cache/source/tree/vendor/$reflect2"
        cp -r "/usr/share/gocode/src/$reflect2" "$cache/source/tree/vendor/$reflect2"
        mkdir -p "$cache/gopath/src/k8s.io" "$bin"
        ln -sfn "$cache/source/tree" "$cache/gopath/src/k8s.io/kubernetes"
        cd "$cache/gopath/src/k8s.io/kubernetes"
        [ ! -e pkg/generated/openapi/zz_generated.openapi.go ] || return 0
        _go build -o "$cache/openapi-gen" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen
        GOPATH=$cache/gopath GO111MODULE=off "$cache/openapi-gen" -O zz_generated.openapi -r /dev/null \
                --go-header-file hack/boilerplate/boilerplate.generatego.txt \
                -p k8s.io/kubernetes/pkg/generated/openapi -i "$(_openapi_packages)" --output-base "$cache/gopath/src"
}

# The import paths of all packages marked for the generator, separated by commas.
_openapi_packages()
{
        grep -rl --include='*.go' '+k8s:openapi-gen=' staging/src/k8s.io pkg cmd | xargs -n1 dirname |
                grep -vE 'sample|code-generator|kube-openapi/(cmd|pkg/gen|test)' |
                sed 's#^staging/src/#vendor/#; s#^#k8s.io/kubernetes/#' | sort -u | paste -sd,
}

_go()
{
        GOPATH=$cache/gopath GOCACHE=$cache/gocache GO111MODULE=off CGO_ENABLED=0 go "$@"
}

_compile()
{
        local version=k8s.io/kubernetes/vendor/k8s.io/component-base/version
        local client=k8s.io/kubernetes/vendor/k8s.io/client-go/pkg/version
        set -euo pipefail
        cd "$cache/gopath/src/k8s.io/kubernetes"
        _go build -o "$bin/" -ldflags "-s -w -X $version.gitVersion=v$kubernetes_version \
                -X $version.gitMajor=1 -X $version.gitMinor=20 -X $client.gitVersion=v$kubernetes_version" "./cmd/$1"
}

_is_built()
{
        [ -e "$bin/.version" ] && [ "$(< "$bin/.version")" = "$kubernetes_version" ]
}

build_kubernetes()
{
        local program log=$cache/build.log
        ! _is_built || return 0
        mkdir -p "$cache"
        exec 7< "$cache"
        flock 7
        ! _is_built || return 0         # somebody else has built it while we waited for the lock
        "$hack/deps" kubernetes
        : > "$log"
        note "compiling Kubernetes $kubernetes_version into $bin; this takes minutes, and only once (log: $log)"
        [ -d "$cache/source/tree" ] || run_step "$log" "fetching Debian's source package" _fetch_source
        run_step "$log" "preparing the sources" _prepare_source
        for program in "${kubernetes_programs[@]}"; do
                run_step "$log" "compiling $program" _compile "$program"
        done
        echo "$kubernetes_version" > "$bin/.version"
        rm -rf "$cache"/{apt,source,gopath,gocache,openapi-gen,build.log}
        exec 7<&-
}
