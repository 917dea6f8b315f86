"""refused.py - expressions that neither takes: see queries.py."""

# Both refuse these, when parsing or when evaluating.
INVALID = r'''
up{
up}
up{node="a1"
up{node}
up{node=a1}
up{="a1"}
up{node=="a1"}
up{node="a1" job="x"}
up{,}
{}
{node=""}
{node=~".*"}
{__name__="up",__name__=~"u.*"} +
up{__name__="down"}
up up
up +
+ +
* up
up * * up
(up
up)
()
sum
sum()
sum(up, up)
sum(1)
sum(up[5m])
topk(up)
topk(up, up)
topk("a", up)
topk(NaN, up)
count_values(up)
count_values("a b", up)
count_values(1, up)
quantile("a", up)
rate(up)
rate()
rate(up[5m], 1)
rate(up[5m] offset)
rate(up[0s])
rate(up[5])
rate(up[m])
rate(up[1m5h])
rate(up[5m]
up[5m][5m]
up[5m] + 1
-up[5m]
abs(up[5m])
abs(1)
abs("a")
floor()
nosuchfunction(up)
ratee(up[5m])
time(1)
scalar(1)
vector(up)
vector("a")
clamp(up)
clamp(up, 1)
round(up, 1, 2)
round(up, up)
label_replace(up, "a", "b", "c")
label_replace(up, "a b", "$1", "node", ".*")
label_replace(up, "a", "$1", "node", "(")
label_replace(up, "a", "$1", "node", "(?=x)")
label_replace(up, "node", "same", "node", ".*") + ignoring(instance) up
label_replace(up, "instance", "", "instance", ".*") + ignoring(job) group_left(x) (up or vector(1)
label_join(up, "a b", "-", "node")
label_join(up, "x", "-", "a b")
1 > 2
1 and 2
1 or up
up and 1
up bool 1
up + bool 1
1 + bool 1
up > bool
up on(node) up
up + on(node
up + on(node) group_left(node) up
up and on(node) group_left up
up + group_left up
up + on(1) up
1 + on(node) 1
up + on(node) 1
up offset 5m offset 5m
up offset 5
up offset up
(up) offset 5m
1 offset 5m
sum(up) offset 5m
up @
up @ foo
up @ 1 @ 2
up @ middle()
(up) @ 1
up[5m:
up[:1m]
1[5m:1m]
up[5m:1m:1m]
"unterminated
'unterminated
`unterminated
"bad \q escape"
"\xZZ"
up{node="\z"}
up{node=~"("}
up{node=~"a**"}
up{node=~"a++"}
up{node=~"*a"}
up{node=~"(?=a)"}
up{node=~"(?!a)"}
up{node=~"(?<=a)b"}
up{node=~"(?>a)"}
up{node=~"(a)\\1"}
up{node=~"(?P<n>a)(?P=n)"}
up{node=~"[b-a]"}
up{node=~"[a"}
up{node=~"a{2,1}"}
up{node=~"a{1001}"}
up{node=~"\\8"}
up{node=~"\\pX"}
up{node=~"(?z)a"}
up{node=~"a)"}
up{node=~"\\Qa"}
up{node=~"(?P<1"}
up{node=~"\\Ca"}
up{node=~"a\\Z"}
up{node=~"[[:foo:]]"}
up{node=~"(*VERB)a"}
up{node=~"a*+b"}
up{node=~"((a{100}){100}){100}"}
0xg
1.2.3
a:b(up)
up{a:b="c"}
sum by (a:b) (up)
1e
5mm
1_000
bool
on
group_left
up == bool
sum by node (up)
sum by (node up)
sum by ("node") (up)
sum by (node) by (node) (up)
by (node)
a and
a unless or b
#
$
up & up
up = up
up =~ "a"
up ! up
!up
up;
http_requests_total + on(node) node_load1
node_load1 + on(node) http_requests_total
http_requests_total + on(role) group_left up
up * on() up
temperature + on(node) temperature
http_requests_total * on(node) group_left temperature
http_requests_total and on(node) group_left() up
rate({__name__=~"up|temperature",node="b2"}[5m]) + on(node) up
label_replace(http_requests_total, "method", "", "method", ".*") + 0
-label_replace(http_requests_total, "code", "", "code", ".*")
abs(label_replace(http_requests_total, "code", "", "code", ".*"))
rate({__name__=~"latency_seconds_(count|sum)"}[5m])
holt_winters(temperature[10m], 0, 0.5)
holt_winters(temperature[10m], 0.5, 1)
'''
