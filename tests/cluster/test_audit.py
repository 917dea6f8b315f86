"""`mesh audit` of the real daemons: every container here, one that is elsewhere, and who may ask."""
import json
import os
import subprocess

from mesh import BUILD, USER


def audit(node, *args):
    """(exit code, its rows)."""
    p = node.mesh("audit", "--json", *args)
    return p.returncode, json.loads(p.stdout) if p.stdout else p.stderr


def test_what_the_demo_runs(cluster):
    node, other = cluster.nodes[:2]
    here = {r["instance"]: r for r in node.ps() if r["node"] == node.name}
    code, rows = audit(node)
    assert code == 0, [r.get("findings") or r for r in rows]
    assert sorted(r["instance"] for r in rows) == sorted(here)
    for row in rows:
        assert (row["weaker"], row["node"], row["role"]) == (0, node.name, here[row["instance"]]["role"])
        assert [f["default"] for f in row["filters"]] == [True, True]
        assert all(len(f["sha256"]) == 64 for f in row["filters"])
        for who in ("init", "app"):
            said = row[who]
            with open(f"/proc/{said['pid']}/status", encoding="utf-8") as f:
                status = dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
            assert {k: said[k] for k in ("CapBnd", "NoNewPrivs", "Seccomp")} == \
                {k: status[k] for k in ("CapBnd", "NoNewPrivs", "Seccomp")}
            assert said["namespaces"]["net"]["host"] and not said["namespaces"]["mnt"]["host"]
        assert row["mounts"][0]["at"] == "/" and "ro" in row["mounts"][0]["options"].split(",")
    # Any node is asked of any instance; what is printed is of the node where it runs.
    there = next(r["instance"] for r in node.ps() if r["node"] == other.name)
    code, rows = audit(node, there)
    assert (code, [(r["instance"], r["node"]) for r in rows]) == (0, [(there, other.name)])
    text = node.mesh("audit", there)
    assert text.returncode == 0 and "nothing is weaker than the default" in text.stdout
    assert f"sha256 {rows[0]['filters'][0]['sha256']}  default" in text.stdout
    # Somebody moves one out of its place: that is said, and by the exit code.
    pid = rows[0]["app"]["pid"]
    with open(f"/proc/{pid}/oom_score_adj", "w", encoding="ascii") as f:
        f.write("1")
    code, rows = audit(node, there)
    assert code == 1 and [f["level"] for f in rows[0]["findings"]] == ["weaker"]
    assert rows[0]["findings"][0]["text"].startswith("app: oom_score_adj is '1'")
    assert node.mesh("audit", "-q", there).returncode == 1
    with open(f"/proc/{pid}/oom_score_adj", "w", encoding="ascii") as f:
        f.write("200")
    assert audit(node, there)[0] == 0


def test_who_may_not(cluster):
    node = cluster.nodes[0]
    code, said = audit(node, "web.99")
    assert code == 1 and "no instance web.99 runs on this node, nor should it on another" in said
    p = subprocess.run([os.path.join(BUILD, "mesh"), "--socket", node.socket, "audit"],
                       capture_output=True, text=True, user=65534,
                       group=USER, extra_groups=[], check=False)
    assert p.returncode != 0 and "audit: permission denied" in p.stderr, p.stderr
