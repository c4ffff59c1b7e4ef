# SPDX-License-Identifier: Apache-2.0
"""Whatever a workspace may hold arrives as it is, with BusyBox's tools and with GNU's."""

import os
import shutil

import pytest
from world import GNU_IMAGE, IMAGE

SYNC = [{"sync": {"localPath": "src", "containerPath": "/app"}}]
both_toolsets = pytest.mark.parametrize("image", [IMAGE, GNU_IMAGE], ids=["busybox", "gnu"])
ODD_NAMES = [b"plain", b"with space", b"quote'", b'double"', b"new\nline", b"-dash", b"--", b"-rf",
             b"back\\slash", b"$dollar `tick`", b"\xff\xfe not utf-8", "\u00e4\u2713".encode(),
             b"tab\t", b" lead", b"trail ", b"*", b"?", b"[x]", b"#", b"~x", b"x" * 255,
             b"\x81\x82\x88", b"a\rb"]


def _start(world, image, replicas=1):
    world.write("src/seed", "seed")
    pods = world.deployment(image=image, replicas=replicas,
                            command=["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1000 & "
                                                 "wait; done"])
    world.run_file(SYNC)
    world.write("src/seed", "seed 2")
    world.wait_equal(pods)
    return pods


@both_toolsets
def test_writes_deletes_and_executable_bits(world, image):
    _start(world, image)
    world.write("src/a", "1")
    world.write("src/sub/deep/b", "2", 0o755)
    world.write("src/empty", "")
    world.wait_equal()
    world.remove("src/a")
    world.write("src/sub/deep/b", "3", 0o644)
    world.wait_equal()
    world.remove("src/sub")
    world.wait_equal()


@both_toolsets
def test_empty_new_directories(world, image):
    _start(world, image)
    os.makedirs(world.path("src/one/two"))
    world.wait_equal()
    os.rmdir(world.path("src/one/two"))
    world.wait_equal()


@both_toolsets
def test_files_turn_into_directories_and_back(world, image):
    _start(world, image)
    world.write("src/x", "a file")
    world.write("src/y/inner", "in a directory")
    world.wait_equal()
    world.remove("src/x")
    world.write("src/x/inner", "now a directory")
    world.remove("src/y")
    world.write("src/y", "now a file")
    world.wait_equal()
    world.remove("src/x")
    world.write("src/x", "a file again")
    world.wait_equal()


@both_toolsets
def test_symlinks_are_sent_as_symlinks(world, image):
    _start(world, image)
    world.write("outside", "never read")
    os.symlink("seed", world.path("src/relative"))
    os.symlink("/etc/hostname", world.path("src/absolute"))
    os.symlink("../outside", world.path("src/leads-out"))
    os.symlink("nowhere", world.path("src/dangling"))
    world.wait_equal()
    os.unlink(world.path("src/relative"))
    os.symlink("other", world.path("src/relative"))
    world.wait_equal()
    os.unlink(world.path("src/relative"))
    world.write("src/relative", "now a file")
    world.wait_equal()


@both_toolsets
def test_odd_names_arrive_and_leave(world, image):
    _start(world, image)
    for name in ODD_NAMES:
        world.write(b"src/" + name, name)
        world.write(b"src/dir " + name[:200] + b"/" + name, name)
    world.wait_equal()
    for name in ODD_NAMES:
        world.remove(b"src/" + name)
    world.wait_equal()


@both_toolsets
def test_three_thousand_files_at_once(world, image):
    _start(world, image)
    since = world.sluice.mark()
    for i in range(3000):
        world.write(f"src/many/{i % 30}/{i}", f"content {i}")
    world.wait_equal(seconds=60)
    assert sum(e["files"] for e in world.sluice.events("updated", since)) >= 3000
    world.remove("src/many")
    world.wait_equal(seconds=60)


def test_a_long_path_and_a_large_file(world):
    _start(world, IMAGE)
    world.write("src/" + "/".join(["directory-%d" % i * 8 for i in range(12)]) + "/file", "deep")
    world.write("src/large", os.urandom(30_000_000))
    world.wait_equal(seconds=60)


def test_a_storm_of_edits_ends_with_the_last_content(world):
    _start(world, IMAGE)
    since = world.sluice.mark()
    for i in range(300):
        world.write("src/edited", f"content {i}")
    world.wait_equal()
    assert len(world.sluice.events("updated", since)) < 300


def test_what_is_renamed_into_place_arrives(world):
    """Editors write a temporary file beside the file and rename it."""
    _start(world, IMAGE)
    for i in range(5):
        world.write("src/.file.tmp", f"version {i}")
        os.rename(world.path("src/.file.tmp"), world.path("src/file"))
        world.wait_equal()


def test_a_directory_that_is_moved_in_and_out(world):
    _start(world, IMAGE)
    for i in range(50):
        world.write(f"elsewhere/tree/{i}", str(i))
    os.rename(world.path("elsewhere/tree"), world.path("src/tree"))
    world.wait_equal()
    os.rename(world.path("src/tree"), world.path("elsewhere/tree"))
    world.wait_equal()


def test_ignored_files_never_leave_the_machine(world):
    world.write("src/seed", "1")
    pods = world.deployment()
    world.run_file([{"sync": {"localPath": "src", "containerPath": "/app",
                              "ignore": ["*.map", "node_modules"]}}])
    world.write("src/a.map", "ignored")
    world.write("src/node_modules/x/y", "ignored")
    world.write("src/.a.swp", "an editor's")
    world.write("src/a", "wanted")
    world.sluice.wait_for(lambda: b"a" in world.seen(pods[0]), 30, "the wanted file")
    assert set(world.seen(pods[0])) <= {b"a", b"seed"}


def test_owner_and_mode_of_a_sync(world):
    world.write("src/seed", "1")
    pods = world.deployment()
    world.run_file([{"sync": {"localPath": "src", "containerPath": "/app", "owner": "1000:1000",
                              "mode": "0640"}}])
    world.write("src/a", "x", 0o755)
    world.sluice.wait_for(lambda: b"a" in world.seen(pods[0]), 30, "the file")
    info = os.stat(world.root(pods[0]) + "/app/a")
    assert (info.st_uid, info.st_gid, info.st_mode & 0o7777) == (1000, 1000, 0o640)


def test_a_user_who_is_not_root(world):
    world.write("src/seed", "1")
    pods = world.deployment(command=["sh", "-c", "mkdir -p /tmp/app; trap 'exit 0' TERM; while :; "
                                                 "do sleep 1000 & wait; done"],
                            securityContext={"runAsUser": 1000, "runAsGroup": 1000})
    world.run_file([{"sync": {"localPath": "src", "containerPath": "/tmp/app"}}])
    world.write("src/a", "1", 0o755)
    world.write("src/d/e", "2")
    world.write("src/seed", "2")
    world.wait_equal(pods, remote="/tmp/app")
    assert os.stat(world.root(pods[0]) + "/tmp/app/a").st_uid == 1000


def _copy_for_all(source, target):
    shutil.copyfile(source, target)
    os.chmod(target, 0o755)
    return target


def test_a_file_that_cannot_be_read_is_said_and_sent_once_it_can(world):
    """Run as a user who may not read one file: never a silent loss."""
    world.write("src/seed", "1")
    pods = world.deployment()
    folder = world.folder
    while folder != "/tmp" and folder != "/":
        os.chmod(folder, os.stat(folder).st_mode | 0o055)
        folder = os.path.dirname(folder)
    world.run("-f", world.live_update(SYNC), user=65534,
              kubeconfig=_copy_for_all(world.cluster.kubeconfig, world.folder + "/kubeconfig"),
              program=_copy_for_all(os.environ.get("SLUICE_BIN", "build/controller/sluice"),
                                    world.folder + "/sluice"))
    world.condition("Synced")
    world.write("hidden", "x", 0o600)
    os.rename(world.path("hidden"), world.path("src/hidden"))
    event = world.sluice.wait_event("failed", reason="UnreadableFile")
    assert "src/hidden" in event["message"] and not event["retry"]
    world.condition("UnreadableFile")
    os.chmod(world.path("src/hidden"), 0o644)
    world.wait_equal(pods)
    world.settled(1)
