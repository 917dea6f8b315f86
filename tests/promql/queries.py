"""queries.py - what is asked: every function and operator at least three times, and
what both have to refuse."""
import re

from refused import INVALID

SELECTORS = r'''
up
{__name__="up"}
up{node="a1"}
up{node!="a1"}
up{node=~"a.|b2"}
up{node!~"a.|b2"}
up{node=~"[a-c]\\d"}
up{node=~"(?i)A1|C3"}
up{job=~".+",node=~".*2"}
up{missing=""}
up{missing!="x"}
up{missing=~".*"}
up{node=~"a1|"}
{__name__=~"temp.*|up",node="a1"}
{node="b2",__name__!~"http.*|node.*|latency.*"}
http_requests_total
http_requests_total{code="500",method="get"}
http_requests_total{code=~"2..|5.."}
http_requests_total offset 5m
http_requests_total offset -2m
up @ 1795001000
up @ 1795001000.5 offset 1m
up @ start()
up @ end()
sum(up @ end()) - sum(up @ start())
brief
once
nonexistent
strange
strange{kind="mix"} offset 40s
text_of{word="café"}
text_of{word=~"caf."}
text_of{path=~"a\\.b/c"}
text_of{path=~"a.b/."}
text_of{word=~"\\pL+"}
text_of{word=~"[[:alpha:]]+.*"}
text_of{path=~"[^x]{5}"}
text_of{path=~"(a|b)(\\.|,)b.c$"}
text_of{path=~"^a\\Q.b\\E/c"}
up{node=~"a1$|^b2"}
up{node=~"\\x61[1-3]"}
up{instance=~"a1:8\\d{1,2}"}
UP
up # a comment
role:up:sum
role:up:sum / 2
:up
sum by (role) (role:up:sum)
{__name__="role:up:sum"}
up{
  node = 'a1' , # another
}
up{node=`a1`}
'''

NUMBERS = r'''
1
-1
+1
1.5e3
.5
5.
0x1F
017
08
Inf
-inf
NaN
1 + 2 * 3
(1 + 2) * 3
2 ^ 3 ^ 2
-2 ^ 2
2 ^ -1
2 ^ -1 ^ 2
10 % 3
-10 % 3
10 % -3
5.5 % 2.2
1e300 % 7
7 % 0
1 / 0
-1 / 0
0 / 0
7 / 2 / 2
2 * 3 % 4
1 - 2 - 3
2 ^ 0.5
2 ^ 0.3
10 ^ -3.7
(-8) ^ 3
(-8) ^ 0.5
0 ^ -1
0 ^ 0
NaN ^ 0
1e200 ^ 2
1.0000001 ^ 1e9
Inf ^ -1
1 > bool 2
1 < bool 2
1 == bool 1
1 != bool 1
2 >= bool 2
2 <= bool 1
NaN == bool NaN
1 + 1 > bool 1
-1 * -1
--1
-(1 + 2)
"text"
'single \'quoted\''
`raw \n`
"\x41\u00e9\n"
time()
time() - 3600
pi()
scalar(single)
scalar(up)
scalar(nonexistent)
vector(1)
vector(time())
vector(scalar(single) * 2)
sum(vector(1)) + vector(2)
'''

ARITHMETIC = r'''
up + 1
1 + up
temperature - 32
100 - temperature
-temperature
+temperature
-http_requests_total
temperature * 2
temperature * temperature
temperature / 10
10 / temperature
temperature / 0
temperature % 7
7 % temperature
temperature % 7.5
temperature ^ 2
2 ^ temperature
temperature ^ 0.5
temperature ^ -2
strange + strange
strange * 2
strange / strange
strange - strange
strange % 3
strange ^ 2
-temperature ^ 2
node_load1 / on(node) up
node_load1 * on(node) up
node_load1 + on(node) up
node_load1 - on(node) up
node_load1 % on(node) up
node_load1 ^ on(node) (up + 1)
node_load1 / ignoring(instance, job) up
node_load1 / up
temperature{sensor="core0"} - ignoring(sensor) temperature{sensor="core0"} offset 1m
http_requests_total{code="500"} / ignoring(code) http_requests_total{code="200"}
http_requests_total{code="500"} / on(node, method) http_requests_total{code="200"}
http_requests_total{code="500"} + on(node, method) http_requests_total{code="200"} * 2
sum by (node) (http_requests_total) / on(node) node_load1
'''

COMPARISON = r'''
temperature > 50
temperature >= 50
temperature < 50
temperature <= 50
temperature == 50
temperature != 50
50 < temperature
50 > temperature
50 == temperature
50 != temperature
50 >= temperature
50 <= temperature
temperature > bool 50
temperature == bool 50
temperature != bool 50
temperature < bool 50
temperature >= bool 50
temperature <= bool 50
50 < bool temperature
up == 1
up == 0
up != 1
strange > 0
strange == strange
strange != strange
strange != bool strange
strange >= bool 0
node_load1 > on(node) up
node_load1 < on(node) up
node_load1 >= bool on(node) up
node_load1 > ignoring(instance, job) up
node_load1 == on(node) node_load1
temperature{sensor="core0"} > temperature{sensor="core0"} offset 1m
temperature{sensor="core0"} <= temperature offset 30s
temperature > on(node, sensor) temperature offset 1m
temperature == temperature
http_requests_total{code="200"} > ignoring(code) http_requests_total{code="500"}
http_requests_total{code="200"} > bool ignoring(code) http_requests_total{code="500"}
scalar(single) < bool 100
count(up == 1) > 2
'''

SETS = r'''
up and up
up and on(node) temperature > 50
up and on(node) (temperature > 50)
up and on(node) node_load1 > 4
up and ignoring(job, instance) (node_load1 > 3)
up and nonexistent
up or node_load1
up or on(node) node_load1
node_load1 or on(node) up
(node_load1 > 4) or on(node) up
up or vector(7)
nonexistent or vector(0)
nonexistent or up
temperature{sensor="core1"} or on(node) temperature
up unless up
up unless on(node) (temperature > 50)
up unless on(node) (node_load1 > 4)
up unless ignoring(instance, job) (node_load1 > 4)
up unless nonexistent
up unless on() vector(1)
up and on() vector(1)
up and on() (vector(1) > 2)
up or on() vector(1)
up == 1 and on(node) node_load1 > 2 or on(node) temperature
http_requests_total and on(node) node_load1 > 4
http_requests_total unless on(node, method) http_requests_total{code="500"}
'''

MANY = r'''
http_requests_total * on(node) group_left node_load1
http_requests_total / on(node) group_left() node_load1
http_requests_total * on(node) group_left(version) node_info
http_requests_total * on(node) group_left(version, arch) node_info
node_info * on(node) group_right(version) http_requests_total
node_load1 * on(node) group_right http_requests_total
node_load1 > on(node) group_right temperature
temperature < on(node) group_left node_load1 * 20
temperature > bool on(node) group_left node_load1
http_requests_total / ignoring(code, method, role, instance) group_left sum without (code, method, role, instance) (http_requests_total)
http_requests_total / on(node) group_left sum by (node) (http_requests_total)
sum by (node) (http_requests_total) / on(node) group_right http_requests_total
up * on(node) group_left(sensor) temperature{sensor="core0"}
rate(node_cpu_seconds_total[2m]) * on(node) group_left(version) node_info
node_cpu_seconds_total / on(node) group_left(missing) node_info
node_cpu_seconds_total - on() group_left vector(5)
vector(5) + on() group_right up
'''

ONE_RANGE = ["rate", "increase", "delta", "irate", "idelta", "deriv", "changes", "resets",
             "avg_over_time", "min_over_time", "max_over_time", "sum_over_time",
             "count_over_time", "last_over_time", "present_over_time", "stddev_over_time",
             "stdvar_over_time", "absent_over_time"]

RANGES = r'''
quantile_over_time(0.5, temperature[5m])
quantile_over_time(0.95, node_load1[10m])
quantile_over_time(0, strange[3m])
quantile_over_time(1.1, up[3m])
quantile_over_time(-1, up[3m])
quantile_over_time(NaN, up[3m])
quantile_over_time(scalar(single) / 200, up[3m])
predict_linear(temperature[10m], 600)
predict_linear(node_cpu_seconds_total[5m], -60)
predict_linear(strange[3m], 10)
predict_linear(temperature[10m] offset 5m, 600)
holt_winters(temperature[10m], 0.5, 0.3)
holt_winters(node_load1[5m], 0.1, 0.9)
holt_winters(up[1m], 0.9, 0.1)
rate(http_requests_total[5m] offset 10m)
rate(http_requests_total[5m] offset -1m)
rate(http_requests_total[5m] @ 1795002000)
rate(http_requests_total[5m] @ end() offset 1m)
rate(http_requests_total[20s])
rate(http_requests_total[1m30s])
rate(http_requests_total[1h])
increase(negative_total[30m])
rate(negative_total[25m])
rate(brief[5m])
rate(once[1h])
sum(rate(http_requests_total[5m]))
sum by (role) (rate(http_requests_total[5m]))
sum by (code) (increase(http_requests_total[5m]))
sum without (instance, node) (irate(http_requests_total[5m]))
100 * (1 - avg by (node) (rate(node_cpu_seconds_total{mode="idle"}[5m])))
1 - sum(rate(http_requests_total{code="500"}[5m])) / sum(rate(http_requests_total[5m]))
absent_over_time(nonexistent{a="b",c=~"d"}[5m])
absent_over_time(once[5m])
absent_over_time(brief{node="b2"}[2m])
max_over_time(rate(http_requests_total[1m])[10m:1m])
avg_over_time(sum by (node) (http_requests_total)[10m:30s])
min_over_time((temperature > 40)[10m:])
sum_over_time(vector(1)[10m:1m])
count_over_time(up[7m:20s] offset 3m)
last_over_time(temperature[5m:1m] @ 1795001234)
rate(sum by (node) (http_requests_total)[10m:1m])
deriv(rate(http_requests_total[2m])[10m:1m])
max_over_time(max_over_time(temperature[2m])[10m:2m])
quantile_over_time(0.5, temperature[10m:1m])
max_over_time(sum(up)[10m:1m])
stddev_over_time(time()[5m:1m])
sum_over_time((time() - 3600)[5m:7s])
changes(up[15m:])
absent_over_time(nonexistent[5m:1m])
{__name__=~"up|single"} + on(node, __name__) group_left up
sort(rate(http_requests_total[5m]))
timestamp(rate(http_requests_total[5m]))
'''

AGGREGATES = ["sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"]

MORE_AGGREGATES = r'''
topk(3, temperature)
topk(1, node_load1)
topk(2, http_requests_total) by (method)
topk by (node) (1, http_requests_total)
topk(0, up)
topk(-1, up)
topk(1e9, up)
topk(3, strange)
topk(scalar(count(up)) - 3, node_load1)
topk(2, rate(http_requests_total[5m]))
bottomk(3, temperature)
bottomk(1, node_load1)
bottomk(2, http_requests_total) by (method)
bottomk(3, strange)
bottomk without (node, instance) (1, node_load1)
quantile(0.5, temperature)
quantile(0.9, http_requests_total) by (method)
quantile by (role) (0.25, http_requests_total)
quantile(0, node_load1)
quantile(1, node_load1)
quantile(1.5, node_load1)
quantile(-0.5, node_load1)
quantile(NaN, node_load1)
quantile(0.5, strange)
quantile(scalar(single) / 500, temperature)
count_values("v", up)
count_values by (node) ("v", up)
count_values("v", round(node_load1))
count_values("node", up)
count_values without (instance) ("v", up)
count_values("v", strange{kind="mix"})
count_values("v", temperature * 1e20)
count_values("v", temperature / 1e7)
count_values("v", 2 ^ -vector(24))
sum by (__name__) ({node="b2",__name__=~"up|temperature|brief"})
count by (__name__) ({node=~"a1|b2"})
avg by (__name__) ({node=~"a1|b2",__name__=~"up|temperature"})
count({__name__=~".+"})
sum by (missing) (up)
sum by (node, missing) (up)
sum by () (up)
sum without () (up)
sum(sum by (node) (up))
sum by (node,) (up)
SUM BY (node) (up)
sum(up) by (node) > 0
avg by (on, bool) (up)
count(nonexistent)
sum(nonexistent) or vector(0)
group by (role) (http_requests_total)
count(count by (node) (http_requests_total))
max(max_over_time(temperature[10m])) - min(min_over_time(temperature[10m]))
'''

EACH = ["abs", "ceil", "floor", "sqrt", "exp", "ln", "log2", "log10", "sgn", "round", "deg", "rad"]

FUNCTIONS = r'''
round(temperature, 5)
round(temperature, 0.1)
round(temperature, -5)
round(strange, 0.5)
round(temperature, 0)
clamp(temperature, 20, 60)
clamp(strange, -1, 1)
clamp(temperature, 60, 20)
clamp(temperature, NaN, 20)
clamp(temperature, scalar(single), 100)
clamp_min(temperature, 50)
clamp_min(strange, 0)
clamp_min(up, NaN)
clamp_max(temperature, 50)
clamp_max(strange, 0)
clamp_max(up, NaN)
absent(up)
absent(nonexistent)
absent(nonexistent{a="b"})
absent(nonexistent{a="b",c="d",e=~"f.*",g!="h"})
absent(nonexistent{a="b",a="c"})
absent(once)
absent(sum(nonexistent))
absent((nonexistent{a="b"}))
absent(up{node="a1"} > 2)
absent(absent(nonexistent))
sort(temperature)
sort(node_load1)
sort(strange)
sort_desc(temperature)
sort_desc(node_load1)
sort_desc(strange)
sort_desc(sum by (node) (http_requests_total))
timestamp(up)
timestamp(temperature)
timestamp((up))
timestamp(up + 0)
timestamp(once)
timestamp(up offset 1m)
timestamp(up @ 1795001003)
timestamp(timestamp(up))
minute()
hour()
day_of_week()
day_of_month()
day_of_year()
days_in_month()
month()
year()
minute(up * 90)
hour(vector(1e9))
day_of_week(vector(951782400))
day_of_month(vector(951782400))
day_of_year(vector(1709251200))
days_in_month(vector(951782400))
days_in_month(vector(-1))
month(vector(-86400))
year(vector(4102444800))
year(vector(-62135596800))
minute(vector(-61))
hour(timestamp(up))
day_of_week(up * 1e6)
day_of_month(up * 3e7)
day_of_year(temperature * 1e8)
month(strange)
pi() * up
sum(up) * pi() ^ 2
time() - timestamp(up)
label_replace(up, "host", "$1", "instance", "(.*):.*")
label_replace(up, "host", "${1}-x", "instance", "(.*):(.*)")
label_replace(up, "host", "$2:$1", "instance", "(.*):(.*)")
label_replace(up, "host", "$1x", "instance", "(.*):.*")
label_replace(up, "host", "${name}", "instance", "(?P<name>.*):.*")
label_replace(up, "host", "$name.", "instance", "(?P<name>.*):.*")
label_replace(up, "host", "fixed", "instance", ".*")
label_replace(up, "host", "fixed", "instance", "nomatch")
label_replace(up, "host", "$3", "instance", "(.*):(.*)")
label_replace(up, "host", "$$1", "instance", "(.*):(.*)")
label_replace(up, "host", "a$", "instance", "(.*):(.*)")
label_replace(up, "host", "${1", "instance", "(.*):(.*)")
label_replace(up, "job", "", "job", "node")
label_replace(up, "node", "n-$1", "node", "(.).*")
label_replace(up, "__name__", "down", "", "")
label_replace(up, "new", "empty", "missing", "")
label_replace(up, "new", "none", "missing", ".+")
label_replace(single, "dir", "$1", "path", "/(\\w+)/.*")
label_replace(text_of, "w", "$1", "word", "(caf.)")
label_replace(text_of, "w", "$0|$1|$2", "path", "(a)?(z)?.*")
label_replace(text_of, "w", "$1", "word", "(?i)(CAF)É")
label_join(up, "all", "-", "node", "instance", "job")
label_join(up, "all", "", "node")
label_join(up, "all", "/", "missing", "node", "missing")
label_join(up, "node", ",")
label_join(up, "x", ", ", "job", "job")
histogram_quantile(0.9, latency_seconds_bucket)
histogram_quantile(0.5, rate(latency_seconds_bucket[5m]))
histogram_quantile(0.99, sum by (le) (rate(latency_seconds_bucket[5m])))
histogram_quantile(0.9, sum by (role, le) (rate(latency_seconds_bucket[5m])))
histogram_quantile(0, latency_seconds_bucket)
histogram_quantile(1, latency_seconds_bucket)
histogram_quantile(-0.1, latency_seconds_bucket)
histogram_quantile(1.1, latency_seconds_bucket)
histogram_quantile(NaN, latency_seconds_bucket)
histogram_quantile(0.5, latency_seconds_bucket{le!="+Inf"})
histogram_quantile(0.5, latency_seconds_bucket{le="+Inf"})
histogram_quantile(0.5, latency_seconds_bucket * -1)
histogram_quantile(0.5, up)
histogram_quantile(scalar(single) / 200, latency_seconds_bucket)
histogram_count(up)
histogram_count(latency_seconds_bucket)
histogram_count(sum(up)) or up
histogram_sum(up)
histogram_sum(latency_seconds_bucket)
histogram_sum(sum(up)) or up
histogram_fraction(0, 1, up)
histogram_fraction(0, 1, latency_seconds_bucket)
histogram_fraction(0, 1, sum(up)) or up
rate(latency_seconds_sum[5m]) / rate(latency_seconds_count[5m])
sum by (role) (rate(latency_seconds_bucket{le="0.5"}[5m])) / sum by (role) (rate(latency_seconds_count[5m]))
scalar(up{node="a1"})
scalar(temperature)
scalar(strange{kind="nan"})
vector(scalar(up{node="a1"}))
vector(NaN)
up * scalar(single)
scalar(sum(up)) / scalar(count(up))
'''

def is_unordered(q):
    """An instant of these has the order of a Go map in Prometheus."""
    return "histogram_quantile" in q or re.search(r"\[[^\]\"]*:", q)


# Right, and refused by name when many nodes are asked: the asker would need their samples.
WHOLE_ONLY = ["quantile_over_time(scalar(single) / 200, up[3m])", "max_over_time(sum(up)[10m:1m])"]


def lines(block):
    out, open_ = [], False
    for line in block.split("\n"):
        if open_:
            out[-1] += "\n" + line
            open_ = line != "}"
        elif line.strip():
            out.append(line)
            open_ = line == "up{" and block is SELECTORS
    return out


def valid():
    out = []
    for block in (SELECTORS, NUMBERS, ARITHMETIC, COMPARISON, SETS, MANY):
        out += lines(block)
    for f in ONE_RANGE:
        out += [f"{f}(http_requests_total[5m])", f"{f}(temperature[3m])", f"{f}(strange[4m])",
                f"{f}(node_cpu_seconds_total[90s])"]
    out += lines(RANGES)
    for a in AGGREGATES:
        out += [f"{a}(temperature)", f"{a} by (role) (http_requests_total)",
                f"{a}(http_requests_total) without (code, instance)", f"{a}(strange)",
                f"{a} by (kind) (strange)"]
    out += lines(MORE_AGGREGATES)
    for f in EACH:
        out += [f"{f}(temperature)", f"{f}(strange)", f"{f}(rate(http_requests_total[5m]))"]
    return out + lines(FUNCTIONS)


def invalid():
    return lines(INVALID)
