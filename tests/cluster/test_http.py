"""meshd-http: what Grafana and Prometheus ask of any node, and what nobody is given."""
import http.client
import json
import os
import socket
import subprocess
import time
import urllib.parse

import pytest
from mesh import BUILD, Missed, in_netns, read, wait_until

USER = "64782"
PORT = 7781
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def asked(cluster):
    """The second node answers over HTTP, and goes on to; the others have none."""
    node = cluster.node("n2")
    if "http" not in node.settings:
        node.write_config(http={"listen": f"127.0.0.1:{PORT}", "user": USER, "hosts": ["grafana.example"]})
        node.stop()
        node.start()

    def up():
        try:
            return in_netns(node.netns, get, "/-/ready")[0] == 200 or None
        except OSError as e:
            raise Missed(str(e)) from e
    wait_until("it answers", up, 40)
    return node


def request(method, path, body=None, headers=None):
    c = http.client.HTTPConnection("127.0.0.1", PORT, timeout=20)
    c.request(method, path, body, headers or {})
    answer = c.getresponse()
    text = answer.read()
    c.close()
    return answer.status, {k.lower(): v for k, v in answer.getheaders()}, text


def get(path, **headers):
    return request("GET", path, headers=headers)


def raw(data):
    """What comes back for these very bytes."""
    with socket.create_connection(("127.0.0.1", PORT), timeout=20) as s:
        s.sendall(data)
        out = b""
        while chunk := s.recv(65536):
            out += chunk
        return out


def api(node, path, **params):
    status, _, text = in_netns(node.netns, get, f"/api/v1/{path}?" + urllib.parse.urlencode(params, doseq=True))
    said = json.loads(text)
    assert (status, said["status"]) == (200, "success"), said
    return said


def test_a_query_is_of_all_nodes(asked):
    def all_of_them():
        said = api(asked, "query", query="count by (node) (node_load1)")["data"]
        nodes = sorted(s["metric"]["node"] for s in said["result"])
        if nodes != ["n1", "n2", "n3"]:
            raise Missed(nodes)
        return said
    said, _ = wait_until("all three", all_of_them, 30)
    assert said["resultType"] == "vector"
    assert all(s["value"][1] == "1" for s in said["result"])
    at = said["result"][0]["value"][0]
    form = urllib.parse.urlencode({"query": "sum(up or vector(1))", "start": at - 10, "end": at, "step": 5})
    status, _, text = in_netns(asked.netns, request, "POST", "/api/v1/query_range", form, FORM)
    said = json.loads(text)
    assert status == 200 and said["data"]["resultType"] == "matrix"
    assert len(said["data"]["result"][0]["values"]) == 3
    assert api(asked, "query_range", query="1", start=0, end=1, step=3600)["data"]["result"][0]["values"] == [[0, "1"]]
    # All sample at the same moment, and say so: a whole second of the wall clock.
    assert api(asked, "query", query="count(timestamp(node_load1) % 1 == 0)")["data"]["result"][0]["value"][1] == "3"
    assert api(asked, "query", query='"word"')["data"]["result"][1] == "word"
    assert api(asked, "query", query="1 / 0")["data"]["result"][1] == "+Inf"


def test_what_there_is(asked):
    def measured():
        left = {"node_load1", "node_memory_MemAvailable_bytes", "mesh_build_info"} - \
            set(api(asked, "label/__name__/values")["data"])
        if left:
            raise Missed(left)
        return True
    wait_until("what is measured has names", measured, 30)
    assert {"node", "instance", "job"} <= set(api(asked, "labels")["data"])
    assert {s["node"] for s in api(asked, "series", **{"match[]": ["node_load1"]})["data"]} == {"n1", "n2", "n3"}
    meta = api(asked, "metadata", metric="node_load1")["data"]
    assert meta["node_load1"][0]["type"] == "gauge"
    assert len(api(asked, "metadata", limit=3)["data"]) == 3
    # Grafana asks for 40000 of everything.
    assert len(api(asked, "metadata", limit=40000)["data"]) > 100
    cut = api(asked, "label/__name__/values", limit=3, **{"match[]": ['{job="node"}', "mesh_build_info"]})
    assert len(cut["data"]) == 3 and cut["warnings"] == ["results truncated due to limit"], cut


def test_what_grafana_asks_to_know_whom_it_asks(asked):
    assert api(asked, "status/buildinfo")["data"]["version"] == "2.42.0"
    assert api(asked, "rules", type="alert")["data"] == {"groups": []}
    assert api(asked, "alerts")["data"] == {"alerts": []}


def test_metrics_in_both_formats(asked):
    status, headers, text = in_netns(asked.netns, get, "/metrics")
    assert status == 200 and headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert b'\nnode_load1{instance="n2",job="node",node="n2"} ' in text
    assert b"# TYPE node_cpu_seconds_total counter\n" in text
    status, headers, text = in_netns(asked.netns, lambda: get("/metrics", Accept="application/openmetrics-text; version=1.0.0"))
    assert headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert text.endswith(b"\n# EOF\n") and b"# TYPE node_cpu_seconds counter\n" in text
    head = in_netns(asked.netns, request, "HEAD", "/metrics")
    assert head[0] == 200 and int(head[1]["content-length"]) > 10000 and head[2] == b""


@pytest.mark.parametrize("path, status, why", [
    ("/../../etc/passwd", 400, "bad path"), ("/%2e%2e/etc/passwd", 400, "bad path"), ("/a%00", 400, "bad path"),
    ("//metrics", 400, "bad path"), ("/nope", 404, "no such path"), ("/api/v1/query", 400, 'parameter "query"'),
    ("/api/v1/query?query=sum(", 400, "parse error"), ("/api/v1/metadata?limit=-1", 400, '"limit": cannot parse "-1"'),
    ("/api/v1/query?query=up&time=x", 400, 'cannot parse "x"'),
    ("/api/v1/query_range?query=up&start=0&end=1e6&step=1", 400, "11,000 points"),
    ("/api/v1/query_range?query=up[1m]&start=0&end=1&step=1", 400, 'invalid expression type "range vector" for range query'),
    ("/api/v1/query_range?query=%22a%22&start=0&end=1&step=1", 400, 'invalid expression type "string" for range query'),
])
def test_a_bad_path(asked, path, status, why):
    said = in_netns(asked.netns, get, path)
    assert said[0] == status and said[1]["content-type"] == "application/json"
    assert why in json.loads(said[2])["error"]


def test_a_bad_method_host_and_body(asked):
    status, headers, _ = in_netns(asked.netns, request, "PUT", "/metrics")
    assert status == 405 and headers["allow"] == "GET, HEAD"
    status, headers, _ = in_netns(asked.netns, request, "DELETE", "/api/v1/query")
    assert status == 405 and headers["allow"] == "GET, HEAD, POST"
    assert in_netns(asked.netns, request, "POST", "/metrics", "a", FORM)[0] == 405
    status, _, text = in_netns(asked.netns, request, "POST", "/api/v1/query", "{}", {"Content-Type": "application/json"})
    assert status == 415 and "x-www-form-urlencoded" in json.loads(text)["error"]
    status, _, text = in_netns(asked.netns, lambda: get("/metrics", Host="evil.com"))
    assert status == 421 and json.loads(text)["error"].startswith("unknown host 'evil.com'")
    assert in_netns(asked.netns, lambda: get("/-/healthy", Host="grafana.example:80"))[0] == 200
    assert in_netns(asked.netns, lambda: get("/metrics", Range="bytes=0-1"))[0] == 416
    assert in_netns(asked.netns, lambda: get("/metrics", X="a" * 9000))[0] == 431


@pytest.mark.parametrize("text, status", [
    (b"GET /metrics HTTP/1.1\nHost: localhost\n\n", 400),
    (b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n", 400),
    (b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n", 400),
    (b"POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", 400),
    (b"POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\naa", 400),
    (b"POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nzz", 400),
    (b"POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2097152\r\n\r\nquery=", 413),
    (b"POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 411),
    (b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n" + b"X: a\r\n" * 100 + b"\r\n", 431),
])
def test_bytes_that_are_no_request(asked, text, status):
    said = in_netns(asked.netns, raw, text)
    assert said.startswith(b"HTTP/1.1 %d " % status)
    assert said.count(b"HTTP/1.1") == 1  # nothing of it was taken for a second one


def test_who_says_nothing_makes_room(asked):
    def many():
        silent = [socket.create_connection(("127.0.0.1", PORT), timeout=20) for _ in range(100)]
        for s in silent[::2]:
            s.sendall(b"GET /metr")
        status = get("/-/healthy")[0]
        for s in silent:
            s.close()
        return status
    assert in_netns(asked.netns, many) == 200


def test_it_can_open_nothing(asked):
    pid, = asked.pids("meshd-http")
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
    assert status["Seccomp"] == "2" and status["NoNewPrivs"] == "1" and int(status["CapEff"], 16) == 0
    assert status["Uid"].split()[0] == USER
    for fd in os.listdir(f"/proc/{pid}/fd"):
        target = os.readlink(f"/proc/{pid}/fd/{fd}")
        assert target.startswith(("socket:", "anon_inode:", "pipe:", "/dev/null")) or fd == "2", (fd, target)


def test_what_long_answers_took_is_given_back(asked):
    def four_at_once():
        at = int(time.time())
        form = urllib.parse.urlencode({"query": '{__name__=~"node_netstat_Tcp.*",node="n2"} @ end()',
                                       "start": at - 10990, "end": at, "step": 1}).encode()
        open_, got = [socket.create_connection(("127.0.0.1", PORT), timeout=20) for _ in range(4)], 0
        for s in open_:
            s.sendall(b"POST /api/v1/query_range HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                      b"Content-Length: %d\r\n\r\n%s" % (len(form), form))
        for s in open_:
            while chunk := s.recv(1 << 20):
                got += len(chunk)
            s.close()
        return got
    wait_until("it is long", lambda: in_netns(asked.netns, four_at_once) > 4 << 20, 30)
    for _ in range(2):
        assert in_netns(asked.netns, four_at_once) > 4 << 20
    pid, = asked.pids("meshd-http")
    anon = next(row for row in read(f"/proc/{pid}/status").splitlines() if row.startswith("RssAnon:"))
    assert int(anon.split()[1]) < 2560, anon


@pytest.mark.parametrize("verb", [["logs", "x"], ["render", "x"], ["ps"], ["events"], ["members"]])
def test_who_is_in_its_place_is_told_no_more(asked, verb):
    def mesh(*args):
        return subprocess.run([os.path.join(BUILD, "mesh"), "--socket", asked.socket, *args], user=int(USER), cwd="/", check=False,
                              group=os.stat(asked.socket).st_gid, extra_groups=[], capture_output=True, text=True)
    said = mesh(*verb)
    assert said.returncode != 0 and "permission denied: meshd-http's user may ask for metrics alone" in said.stderr, said
    assert mesh("metrics", "1 + 1").stdout.strip() != ""
    assert mesh("version").returncode == 0


def test_killed_it_comes_again_and_ends_with_meshd(asked):
    pid, = asked.pids("meshd-http")
    os.kill(pid, 9)

    def again():
        try:
            return in_netns(asked.netns, get, "/-/healthy")[0] == 200 or None
        except OSError as e:
            raise Missed(str(e)) from e
    wait_until("it answers again", again, 20)
    (pid,), (meshd,) = asked.pids("meshd-http"), asked.pids("meshd")
    os.kill(meshd, 9)
    wait_until("it ended too", lambda: not os.path.exists(f"/proc/{pid}"), 20)
    wait_until("it answers again", again, 40)
