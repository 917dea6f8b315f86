"""An administrator edits what containers were judged by: only what comes out
otherwise is restarted, and a broken file takes nothing down."""
from conftest import wait_for

SLEEP = "exec sleep 1000"


def asked_again(node, instance):
    """The supervisor says by itself that it is to be asked again."""
    return node.event(kind="state", instance=instance, hash=0)


def listed(node, instance):
    node.ask("LIST")
    return [e for e in node.events if e["kind"] == "state" and e["instance"] == instance][-1]


def again(node, instance, image="app", **keys):
    reply = node.run(instance, image, **keys)
    node.event(kind="state", instance=instance)
    return reply


def pid_of(node, instance):
    return listed(node, instance)["pid"]


def test_an_edit_restarts_what_it_changes(node):
    """Words alone, and limits of all together: nobody restarts.  Another user: who has that sandbox, once."""
    node.shell("app", SLEEP)
    node.sandbox("other", "default-user: 1000\n")
    node.start()
    web, other = node.up("web.0", "app"), node.up("other.0", "app", sandbox="other", role="other")

    node.sandbox("web", "# a word\ndefault-user: 1000\nallow-users: [1-2000]\n")
    assert asked_again(node, "web.0")["pid"] == web["pid"]
    assert again(node, "web.0")["code"] == 0
    assert pid_of(node, "web.0") == web["pid"]

    # A START that comes first need not wait for a look.
    node.sandbox("web", "default-user: 1000\nallow-users: [1-2000]\nlimits: {pids: 33}\n")
    assert again(node, "web.0")["code"] == 0
    assert pid_of(node, "web.0") == web["pid"]
    assert "its limits are now those of its file" in (node.top / "stderr").read_text()

    node.sandbox("web", "default-user: 1001\nallow-users: [1-2000]\n")
    asked_again(node, "web.0")
    assert again(node, "web.0")["code"] == 0
    node.event(kind="state", instance="web.0", state="starting")
    new = node.event(kind="state", instance="web.0", state="running")
    assert new["pid"] != web["pid"] and new["hash"] == web["hash"]
    assert pid_of(node, "other.0") == other["pid"]
    assert not [e for e in node.events if e["kind"] == "state" and e["instance"] == "other.0" and e["hash"] == 0]


def test_a_broken_file_keeps_the_last_good_set(node):
    """Refused with its line, once for each edit; it runs on, and goes on as soon as the file is good."""
    node.shell("app", SLEEP)
    node.start()
    web = node.up("web.0", "app")
    for text, why in (("default-user: 1000\nallow-usrs: [1-2000]\n", "web.yaml:2:1"), (None, "web.yaml")):
        if text is None:
            (node.sandboxes / "web.yaml").unlink()
        else:
            node.sandbox("web", text)
        asked_again(node, "web.0")
        reply = node.run("web.0", "app")
        assert reply["code"] != 0 and why in reply["text"], reply
        told = node.event(kind="state", instance="web.0")
        assert (told["state"], told["pid"], told["hash"]) == ("running", web["pid"], web["hash"])
        assert why in told["text"]
    looks = (node.top / "stderr").read_text().count("judged anew")
    node.image("app", run="kind: Daemon\nexecutable: /bin/sh\nbroken\n")
    asked_again(node, "web.0")
    assert (node.top / "stderr").read_text().count("judged anew") == looks + 1
    assert node.run("web.0", "app")["code"] != 0
    node.sandbox("web", "default-user: 1000\nallow-users: [1-2000]\n")
    asked_again(node, "web.0")
    assert "run.yaml:4:" in node.run("web.0", "app")["text"]
    assert pid_of(node, "web.0") == web["pid"]
    node.shell("app", SLEEP)
    asked_again(node, "web.0")
    assert again(node, "web.0")["code"] == 0
    assert pid_of(node, "web.0") == web["pid"]
    assert listed(node, "web.0")["text"] == ""


def test_an_edit_of_a_container_file_and_of_the_daemon_config(node):
    """Also when it was made while no supervisor ran; back-off and exit codes are no cause to restart."""
    node.shell("app", SLEEP)
    node.shell("app", SLEEP, name="second")
    node.start()
    one, two = node.up("web.0", "app"), node.up("web.1", "app", config="/config/second.yaml")
    node.kill()
    node.shell("app", SLEEP, extra="restart-timeout: 3\nnormal-exit-codes: [0, 7]\n")
    node.shell("app", SLEEP, name="second", extra="environ: {WHAT: new}\n")
    node.start()
    wait_for(lambda: listed(node, "web.0")["hash"] == 0)
    assert again(node, "web.0")["code"] == 0
    assert pid_of(node, "web.0") == one["pid"]
    node.run("web.1", "app", config="/config/second.yaml")
    wait_for(lambda: listed(node, "web.1")["pid"] not in (0, two["pid"]))

    # Another place of the images: all of them are judged anew, and are elsewhere.
    node.kill()
    new = node.top / "images-too"
    node.images.rename(new)
    node.images.symlink_to(new)
    node.images = new
    node.write_config()
    node.start()
    wait_for(lambda: listed(node, "web.0")["hash"] == 0)
    assert again(node, "web.0")["code"] == 0
    wait_for(lambda: listed(node, "web.0")["pid"] not in (0, one["pid"]))


ANEW, ONCE = 16, 32


def test_anew(node):
    """Another run of what is as it is to be; a broken file ends nothing, and it is done when that is mended."""
    node.shell("app", SLEEP)
    node.start()
    first = node.up("web.0", "app")
    assert node.run("web.0", "app", flags=ANEW)["code"] == 0
    second = node.event(kind="state", instance="web.0", state="running")
    assert second["pid"] != first["pid"] and second["hash"] == first["hash"]
    # Asked for once, it is done once.
    assert node.run("web.0", "app")["code"] == 0 and pid_of(node, "web.0") == second["pid"]

    node.image("app", run="kind: Daemon\nexecutable: /bin/sh\nbroken\n")
    assert "run.yaml:4:" in node.run("web.0", "app", flags=ANEW)["text"]
    told = listed(node, "web.0")
    assert (told["state"], told["pid"]) == ("running", second["pid"]) and "run.yaml:4:" in told["text"]
    assert "web.0" in node.records()
    node.shell("app", SLEEP)
    asked_again(node, "web.0")
    assert node.run("web.0", "app")["code"] == 0
    third = node.event(kind="state", instance="web.0", state="running")
    assert third["pid"] != second["pid"] and third["text"] == ""
    assert node.run("web.0", "app")["code"] == 0 and pid_of(node, "web.0") == third["pid"]


def test_anew_once(node):
    """An operator's restart: refused it says why, ends nothing, and is forgotten; what on-change asked for is not."""
    node.shell("app", SLEEP)
    node.start()
    first = node.up("web.0", "app")
    node.image("app", run="kind: Daemon\nexecutable: /bin/sh\nbroken\n")
    reply = node.run("web.0", "app", flags=ANEW | ONCE)
    assert reply["code"] != 0 and "run.yaml:4:" in reply["text"], reply
    assert "web.0" in node.records() and pid_of(node, "web.0") == first["pid"]
    node.shell("app", SLEEP)
    assert again(node, "web.0")["code"] == 0
    assert (pid_of(node, "web.0"), listed(node, "web.0")["text"]) == (first["pid"], "")

    # A START that comes while it is judged takes nothing from it.
    for flags in (ANEW | ONCE, 0):
        node.say("START ticket=9%02d instance=web.0 image=app config=/config/run.yaml sandbox=web role=web flags=%d" % (flags, flags))
    second = wait_for(lambda: (now := listed(node, "web.0"))["pid"] not in (0, first["pid"]) and now)
    assert second["hash"] == first["hash"]
    assert node.run("web.0", "app")["code"] == 0 and pid_of(node, "web.0") == second["pid"]

    # Another run that waits for a mended file is not lost by an operator's that is refused.
    node.image("app", run="kind: Daemon\nexecutable: /bin/sh\nbroken\n")
    for flags in (ANEW, ANEW | ONCE):
        assert node.run("web.0", "app", flags=flags)["code"] != 0
    node.shell("app", SLEEP)
    assert node.run("web.0", "app")["code"] == 0
    wait_for(lambda: listed(node, "web.0")["pid"] not in (0, second["pid"]))
