# Makes the images of a cluster out of this machine's own programs and gives them to its containerd. Part of hack/cluster.
#
# An image archive is little: a tar file of the only layer, a configuration that names its digest, and a manifest. So
# none of the image builders is needed.
# shellcheck shell=bash

image_names=(localhost/pause:1 localhost/busybox:1 localhost/debian-tar:1)

# What debian-tar holds: `dash` becomes sh.
debian_programs='dash [ tar cat chmod chown cp cut date dd df dirname basename echo env expr false find grep head id kill
        ln ls md5sum mkdir mkfifo mktemp mv nproc od printenv printf ps pwd readlink realpath rm rmdir sed seq sha1sum
        sha256sum sleep sort stat stty sync tail tee test timeout touch tr true truncate uname uniq wc whoami xargs yes'

# Ends on TERM, which a `sleep` of its own would not do as PID 1.
idle_command='["sh", "-c", "trap \"exit 0\" TERM INT; while :; do sleep 3600 & wait $!; done"]'

# The directories and the users that both images with a shell have.
_fill_base()
{
        mkdir -p "$1"/{bin,etc,app,home/app,root,usr,proc,sys,dev,run}
        mkdir -m 1777 "$1/tmp"
        ln -s ../bin "$1/usr/bin"
        printf '%s\n' root:x:0:0:root:/root:/bin/sh app:x:1000:1000:app:/home/app:/bin/sh > "$1/etc/passwd"
        printf '%s\n' root:x:0: app:x:1000: > "$1/etc/group"
        chown 1000:1000 "$1/home/app"
}

_fill_pause()
{
        gcc -O2 -static -s -o "$1/pause" -x c - <<-END
		#include <signal.h>
		#include <unistd.h>

		static void end(int signal_number)
		{
		        (void)signal_number;
		        _exit(0);
		}

		int main(void)
		{
		        signal(SIGTERM, end);
		        signal(SIGINT, end);
		        for (;;)
		                pause();
		}
	END
}

_fill_busybox()
{
        local applet
        _fill_base "$1"
        cp "$(command -v busybox)" "$1/bin/busybox"
        for applet in $(busybox --list); do
                [ -e "$1/bin/$applet" ] || ln -s busybox "$1/bin/$applet"
        done
}

_fill_debian_tar()
{
        local program file library
        _fill_base "$1"
        for program in $debian_programs; do
                file=$(type -P "$program") || die "the program $program is missing on this machine"
                cp -L "$file" "$1/bin/$program"
        done
        ln -s dash "$1/bin/sh"
        for library in $(ldd "$1"/bin/* 2> /dev/null | grep -o '/[^ :]*' | grep -v "^$1" | sort -u); do
                [ -f "$library" ] || continue
                mkdir -p "$1${library%/*}"
                cp -L "$library" "$1$library"
        done
}

# _pack ROOT NAME CONFIG: makes the archive ROOT.tar of the directory ROOT. CONFIG is the JSON of how to run it.
_pack()
{
        local dir=$1.archive digest config architecture
        architecture=$(dpkg --print-architecture)
        mkdir "$dir"
        tar --sort=name --mtime=@0 --numeric-owner -C "$1" -cf "$dir/layer.tar" .
        digest=$(sha256sum < "$dir/layer.tar" | cut -d' ' -f1)
        printf '{"architecture": "%s", "os": "linux", "created": "1970-01-01T00:00:00Z", "config": %s, "rootfs": {"type": "layers", "diff_ids": ["sha256:%s"]}}' \
                "$architecture" "$3" "$digest" > "$dir/config"
        config=$(sha256sum < "$dir/config" | cut -d' ' -f1).json
        mv "$dir/config" "$dir/$config"
        printf '[{"Config": "%s", "RepoTags": ["%s"], "Layers": ["layer.tar"]}]' "$config" "$2" > "$dir/manifest.json"
        tar -C "$dir" -cf "$1.tar" manifest.json "$config" layer.tar
}

_make_image()
{
        local name=$1 short root config
        short=${name#localhost/}
        short=${short%:*}
        root=$2/$short
        mkdir "$root"
        config="{\"Env\": [\"PATH=/bin\"], \"WorkingDir\": \"/\", \"Cmd\": $idle_command}"
        [ "$short" != pause ] || config='{"Entrypoint": ["/pause"]}'
        "_fill_${short//-/_}" "$root"
        _pack "$root" "$name" "$config"
        ctr -a "$containerd_socket" -n k8s.io images import "$root.tar"
}

_make_all_images()
{
        local name
        set -euo pipefail
        work=$(mktemp -d)
        trap 'rm -rf "$work"' EXIT
        for name in "${image_names[@]}"; do
                _make_image "$name" "$work"
        done
}

import_images()
{
        run_step "$state/log/images.log" "making ${#image_names[@]} images" _make_all_images
}

import_missing_images()
{
        local name present
        present=$(ctr -a "$containerd_socket" -n k8s.io images list -q)
        for name in "${image_names[@]}"; do
                grep -qxF "$name" <<< "$present" || { import_images; return 0; }
        done
}
