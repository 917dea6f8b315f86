"""chance.py - expressions by chance, out of all that there is: for `promql.py chance`,
which asks Prometheus and us the same.  What each has to refuse comes up too."""
import random

SELECTORS = ["up", "temperature", "node_load1", "http_requests_total", "strange", "single", "once", "brief",
             "node_info", "latency_seconds_bucket", "node_cpu_seconds_total", "negative_total", "nonexistent",
             'up{node=~"a1|b2"}', 'temperature{sensor!="core1"}', 'strange{kind="mix"}',
             'http_requests_total{code="200",method="get"}', '{__name__=~"up|single|once"}']
LABELS = ["node", "role", "method", "code", "kind", "sensor", "le", "instance", "mode", "missing", "__name__"]
TIMES = ["20s", "1m", "3m", "5m", "12m", "40m"]
RANGE = ["rate", "increase", "delta", "irate", "idelta", "deriv", "changes", "resets", "avg_over_time",
         "min_over_time", "max_over_time", "sum_over_time", "count_over_time", "last_over_time",
         "present_over_time", "stddev_over_time", "stdvar_over_time", "absent_over_time"]
EACH = ["abs", "ceil", "floor", "round", "sgn", "sqrt", "exp", "ln", "log2", "log10", "timestamp", "absent",
        "hour", "minute", "month", "year", "day_of_week", "day_of_month", "-", "+", ""]
ARITHMETIC = ["+", "-", "*", "/", "%", "^"]
COMPARE = ["==", "!=", "<", ">", "<=", ">="]


class Chance:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def number(self):
        return self.r.choice(["0", "1", "2", "3", "0.5", "-1", "10", "100", "NaN", "Inf", "1e3", "0.9"])

    def scalar(self, deep):
        if deep <= 0 or self.r.random() < 0.7:
            return self.number()
        return self.r.choice([lambda: f"scalar({self.vector(deep - 1)})", lambda: "time()",
                              lambda: f"({self.scalar(deep - 1)} {self.r.choice(ARITHMETIC)} {self.scalar(deep - 1)})",
                              lambda: f"({self.number()} {self.r.choice(COMPARE)} bool {self.scalar(deep - 1)})"])()

    def modifiers(self):
        if self.r.random() < 0.85:
            return ""
        return self.r.choice([" offset 3m", " offset -90s", " @ 1795001500", " @ end()", " @ start() offset 30s"])

    def selector(self):
        return self.r.choice(SELECTORS) + self.modifiers()

    def samples(self, deep):
        if deep > 1 and self.r.random() < 0.2:
            step = self.r.choice(["30s", "1m", "47s", ""])
            return f"({self.vector(deep - 2)})[{self.r.choice(TIMES)}:{step}]" + self.modifiers()
        return f"{self.r.choice(SELECTORS)}[{self.r.choice(TIMES)}]" + self.modifiers()

    def names(self):
        return "(" + ", ".join(self.r.sample(LABELS, self.r.randint(0, 3))) + ")"

    def aggregate(self, deep):
        by = self.r.choice(["", "by " + self.names(), "without " + self.names()])
        what = self.r.choice(["sum", "avg", "min", "max", "count", "group", "stddev", "stdvar", "quantile",
                              "count_values"])
        param = {"quantile": self.scalar(deep - 1) + ", ", "count_values": '"v", '}.get(what, "")
        return f"{what} {by} ({param}{self.vector(deep - 1)})"

    def binary(self, deep):
        left, right = self.vector(deep - 1), self.vector(deep - 1)
        if self.r.random() < 0.3:
            left = self.scalar(deep - 1)
        elif self.r.random() < 0.3:
            right = self.scalar(deep - 1)
        kind = self.r.random()
        op = self.r.choice(ARITHMETIC if kind < 0.5 else COMPARE if kind < 0.8 else ["and", "or", "unless"])
        if op in COMPARE and self.r.random() < 0.4:
            op += " bool"
        if self.r.random() < 0.4:
            op += self.r.choice([" on ", " ignoring "]) + self.names()
            if self.r.random() < 0.5:
                op += self.r.choice([" group_left ", " group_right "]) + self.r.choice(["", self.names()])
        return f"({left} {op} {right})"

    def vector(self, deep):
        if deep <= 0:
            return self.selector()
        d, r = deep - 1, self.r
        return r.choice([
            self.selector,
            lambda: f"{r.choice(RANGE)}({self.samples(d)})",
            lambda: f"{r.choice(EACH)}({self.vector(d)})",
            lambda: f"{r.choice(EACH)}({self.vector(d)})",
            lambda: self.aggregate(deep), lambda: self.aggregate(deep),
            lambda: self.binary(deep), lambda: self.binary(deep), lambda: self.binary(deep),
            lambda: f"{r.choice(['topk', 'bottomk'])}(100, {self.vector(d)})",
            lambda: f"clamp({self.vector(d)}, {self.scalar(d)}, {self.scalar(d)})",
            lambda: f"quantile_over_time({self.scalar(d)}, {r.choice(SELECTORS)}[{r.choice(TIMES)}])",
            lambda: f"predict_linear({self.r.choice(SELECTORS)}[5m], {self.scalar(d)})",
            lambda: f"histogram_quantile({self.scalar(d)}, {self.vector(d)})",
            lambda: f"vector({self.scalar(d)})",
            lambda: f'label_replace({self.vector(d)}, "{r.choice(LABELS[:-1])}", "$1-x", '
                    f'"{r.choice(LABELS)}", "(.*).")',
            lambda: f'label_join({self.vector(d)}, "{r.choice(LABELS[:-1])}", "-", "{r.choice(LABELS)}")',
        ])()

    def expression(self):
        return self.vector(self.r.randint(1, 4))
