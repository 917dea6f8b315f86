/*
 * test_expo.c - Prometheus' text format and OpenMetrics: what is read of the
 * specification's own examples and of what Debian's prometheus_client writes, and the
 * error line of each thing that neither format has.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../daemon/core/expo.h"

enum { OUT_CAP = 16384 };
static char out[OUT_CAP];
static size_t out_len;

__attribute__((format(printf, 1, 2))) static void
say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	out_len += (size_t)vsnprintf(out + out_len, OUT_CAP - out_len, fmt, ap);
	va_end(ap);
	assert_true(out_len < OUT_CAP);
}

static void
say_item(const struct expo_item *it, int step)
{
	say("%s %.*s: %.*s", expo_type_name(it->type), (int)it->family.len, it->family.b,
	    (int)(it->name.len < 40 ? it->name.len : 40), it->name.b);
	if (step == EXPO_REJECTED) {
		say(" rejected: %s\n", it->why);
		return;
	}
	for (uint32_t i = 0; i < it->labels.count; i++)
		if (it->labels.items[i].name.b[0] != '_' || it->labels.items[i].name.len != 8)
			say(" %.*s=[%.*s]", (int)it->labels.items[i].name.len,
			    it->labels.items[i].name.b, (int)it->labels.items[i].value.len,
			    it->labels.items[i].value.b);
	assert_true(slice_eq(labels_get(&it->labels, slice_of(LABEL_NAME)), it->name));
	say(" = %.17g\n", it->value);
}

/* All that is read, a line each; the error's line is the last one. */
static void
read_all(enum expo_format format, const char *text, size_t len, uint32_t max)
{
	struct expo_item it;
	struct err err;
	/* A copy of just these bytes: who reads behind them is seen by the sanitizers. */
	uint8_t *copy = malloc(len + (len == 0));
	struct expo *e;
	int step;

	memcpy(copy, text, len);
	e = expo_new(format, (struct slice){copy, len}, max);
	assert_non_null(e);
	out_len = 0;
	out[0] = '\0';
	while ((step = expo_next(e, &it, &err)) > 0)
		say_item(&it, step);
	if (step < 0)
		say("%s\n", err.text);
	assert_int_equal(expo_next(e, &it, &err), EXPO_END);
	expo_free(e);
	free(copy);
}

static void
reads(enum expo_format format, const char *text, const char *want)
{
	read_all(format, text, strlen(text), EXPO_SERIES_MAX);
	assert_string_equal(out, want);
}

static void
om(const char *text, const char *want)
{
	char whole[8192];

	snprintf(whole, sizeof whole, "%s# EOF\n", text);
	reads(EXPO_OPENMETRICS, whole, want);
}

/* Nothing but this error. */
static void
bad(enum expo_format format, const char *text, const char *want)
{
	size_t n = strlen(want);

	read_all(format, text, strlen(text), EXPO_SERIES_MAX);
	if (out_len < n + 1 || memcmp(out + out_len - n - 1, want, n) != 0)
		fail_msg("'%s' reads as\n%sand not as\n%s", text, out, want);
}

static void
bad_om(const char *text, const char *want)
{
	char whole[8192];

	snprintf(whole, sizeof whole, "%s# EOF\n", text);
	bad(EXPO_OPENMETRICS, whole, want);
}

static void
the_specifications_examples(void **state)
{
	(void)state;
	om("# TYPE acme_http_router_request_seconds summary\n"
	   "# UNIT acme_http_router_request_seconds seconds\n"
	   "# HELP acme_http_router_request_seconds Latency though all of ACME's HTTP request router.\n"
	   "acme_http_router_request_seconds_sum{path=\"/api/v1\",method=\"GET\"} 9036.32\n"
	   "acme_http_router_request_seconds_count{path=\"/api/v1\",method=\"GET\"} 807283.0\n"
	   "acme_http_router_request_seconds_created{path=\"/api/v1\",method=\"GET\"} 1605281325.0\n"
	   "# TYPE go_goroutines gauge\n"
	   "# HELP go_goroutines Number of goroutines that currently exist.\n"
	   "go_goroutines 69\n"
	   "# TYPE process_cpu_seconds counter\n"
	   "# UNIT process_cpu_seconds seconds\n"
	   "# HELP process_cpu_seconds Total user and system CPU time spent in seconds.\n"
	   "process_cpu_seconds_total 4.20072246e+06\n",
	    "summary acme_http_router_request_seconds: acme_http_router_request_seconds_sum"
	    " method=[GET] path=[/api/v1] = 9036.3199999999997\n"
	    "summary acme_http_router_request_seconds: acme_http_router_request_seconds_count"
	    " method=[GET] path=[/api/v1] = 807283\n"
	    "summary acme_http_router_request_seconds: acme_http_router_request_seconds_created"
	    " method=[GET] path=[/api/v1] = 1605281325\n"
	    "gauge go_goroutines: go_goroutines = 69\n"
	    "counter process_cpu_seconds: process_cpu_seconds_total = 4200722.46\n");
	om("# TYPE foo_seconds counter\n# UNIT foo_seconds seconds\n"
	   "# HELP foo_seconds Some text and \\n some \\\" escaping\n", "");
	om("bar_seconds_count 0\n", "unknown bar_seconds_count: bar_seconds_count = 0\n");
	om("bar_seconds_count{} 0\n", "unknown bar_seconds_count: bar_seconds_count = 0\n");
	om("bar_seconds_count{a=\"x\",b=\"escaping\\\" example \\n \"} 0\n",
	    "unknown bar_seconds_count: bar_seconds_count a=[x] b=[escaping\" example \n ] = 0\n");
	om("# TYPE foo stateset\nfoo{foo=\"a\"} 0\nfoo{foo=\"bb\"} 1\nfoo{foo=\"ccc\"} 0\n",
	    "stateset foo: foo foo=[a] = 0\nstateset foo: foo foo=[bb] = 1\nstateset foo: foo foo=[ccc] = 0\n");
	om("# TYPE foo info\nfoo_info{entity=\"controller\",name=\"pretty name\",version=\"8.2.7\"} 1.0\n"
	   "foo_info{entity=\"replica\",name=\"prettier name\",version=\"8.1.9\"} 1.0\n",
	    "info foo: foo_info entity=[controller] name=[pretty name] version=[8.2.7] = 1\n"
	    "info foo: foo_info entity=[replica] name=[prettier name] version=[8.1.9] = 1\n");
	om("# TYPE foo counter\nfoo_total 17.0 1520879607.789\nfoo_created 1520430000.123 1520879607.789\n",
	    "counter foo: foo_total = 17\ncounter foo: foo_created = 1520430000.1229999\n");
	om("# TYPE foo summary\nfoo{quantile=\"0.95\"} 123.7\nfoo{quantile=\"0.99\"} 150.0\n",
	    "summary foo: foo quantile=[0.95] = 123.7\nsummary foo: foo quantile=[0.99] = 150\n");
	om("# TYPE foo gaugehistogram\nfoo_bucket{le=\"0.01\"} 20.0\nfoo_bucket{le=\"+Inf\"} 42.0\n"
	   "foo_gcount 42.0\nfoo_gsum 3289.3\n",
	    "gauge foo: foo_bucket le=[0.01] = 20\ngauge foo: foo_bucket le=[+Inf] = 42\n"
	    "gauge foo: foo_gcount = 42\ngauge foo: foo_gsum = 3289.3000000000002\n");
	/* Two points of one series: the first is given.  No metric at all is fine. */
	om("# TYPE foo gauge\nfoo 17.0 123\nfoo 18.0 456\n", "gauge foo: foo = 17\n");
	om("# TYPE foo gauge\n", "");
	reads(EXPO_OPENMETRICS, "# TYPE foo gauge\nfoo 1\n# EOF", "gauge foo: foo = 1\n");
}

static void
exemplars_and_buckets(void **state)
{
	(void)state;
	/* The specification's, whose last line has a space too many. */
	om("# TYPE foo histogram\nfoo_bucket{le=\"0.01\"} 0\nfoo_bucket{le=\"0.1\"} 8 # {} 0.054\n"
	   "foo_bucket{le=\"1\"} 11 # {trace_id=\"KOO5S4vxi0o\"} 0.67\n"
	   "foo_bucket{le=\"10\"} 17 # {trace_id=\"oHg5SJYRHA0\"} 9.8 1520879607.789\n"
	   "foo_bucket{le=\"+Inf\"} 17\nfoo_count 17\nfoo_sum 324789.3\nfoo_created 1520430000.123\n",
	    "histogram foo: foo_bucket le=[0.01] = 0\nhistogram foo: foo_bucket le=[0.1] = 8\n"
	    "histogram foo: foo_bucket le=[1] = 11\nhistogram foo: foo_bucket le=[10] = 17\n"
	    "histogram foo: foo_bucket le=[+Inf] = 17\nhistogram foo: foo_count = 17\n"
	    "histogram foo: foo_sum = 324789.29999999999\nhistogram foo: foo_created = 1520430000.1229999\n");
	bad_om("# TYPE foo histogram\nfoo_bucket{le=\"+Inf\"} 1\nfoo_created  1\n",
	    "3:13: the value: a number is needed, not ''");
	bad_om("# TYPE foo histogram\nfoo_bucket{le=\"1\"} 1\nfoo_bucket{le=\"0.5\"} 1\n",
	    "3:1: buckets stand in the order of 'le'");
	bad_om("# TYPE foo histogram\nfoo_bucket{le=\"1\"} 2\nfoo_bucket{le=\"+Inf\"} 1\n",
	    "3:1: a bucket holds less than the one before it");
	bad_om("# TYPE foo histogram\nfoo_bucket{le=\"1\"} 2\n",
	    "3:1: above this a bucket le=\"+Inf\" is missing");
	bad_om("# TYPE foo histogram\nfoo_bucket{le=\"Inf\"} 2\n",
	    "2:1: a bucket needs a number as its label 'le'");
	bad_om("# TYPE foo histogram\nfoo_bucket{a=\"b\"} 2\n",
	    "2:1: a bucket needs a number as its label 'le'");
	bad_om("# TYPE foo histogram\nfoo_bucket{le=\"+Inf\"} 2.5\n", "2:1: a count is a whole number");
	bad_om("# TYPE foo histogram\nfoo_bucket{le=\"+Inf\"} 2\nfoo_count 3\nfoo_sum 1\n",
	    "5:1: above this _count is not what the bucket le=\"+Inf\" says");
	bad_om("# TYPE foo histogram\nfoo_bucket{le=\"+Inf\"} 2\nfoo_sum 3\n",
	    "4:1: above this there is only one of _sum and _count");
	bad_om("# TYPE foo histogram\nfoo_bucket{le=\"-1\"} 2\nfoo_bucket{le=\"+Inf\"} 2\nfoo_count 2\nfoo_sum 3\n",
	    "6:1: above this is a _sum beside buckets below 0");
	bad_om("# TYPE foo gaugehistogram\nfoo_bucket{le=\"+Inf\"} 2\nfoo_gcount 2\nfoo_gsum -3\n",
	    "5:1: above this is a _gsum below 0 without a bucket below 0");
	bad_om("# TYPE foo gauge\nfoo 1 # {a=\"b\"} 2\n",
	    "2:1: only _total of a counter and buckets have exemplars");
	bad_om("# TYPE foo counter\nfoo_total 1 # {a=\"b\"}\n", "2:22: a space is needed before an exemplar's value");
	bad_om("# TYPE foo counter\nfoo_total 1 # a\n", "2:15: an exemplar begins with '# {'");
	bad_om("# TYPE foo counter\nfoo_total 1 # {a=\"b\"} x\n",
	    "2:23: an exemplar's value: a number is needed, not 'x'");
	bad_om("# TYPE foo counter\nfoo_total 1 # {a=\"b\"} 1 NaN\n", "2:25: the time: no time is NaN or infinite");
	bad_om("# TYPE foo counter\nfoo_total 1 # {aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	       "=\"0123456789012345678901234567890123456789012345678901234567890123456789\"} 1\n",
	    "2:13: the labels of an exemplar have more than 128 characters");
}

static void
openmetrics_to_the_letter(void **state)
{
	(void)state;
	bad(EXPO_OPENMETRICS, "", "1:1: '# EOF' is missing: the text was cut");
	bad(EXPO_OPENMETRICS, "foo 1\n", "2:1: '# EOF' is missing: the text was cut");
	bad(EXPO_OPENMETRICS, "# EOF\nfoo 1\n", "2:1: nothing comes after '# EOF'");
	bad_om("\n", "1:1: an empty line");
	bad_om("# a comment\n", "1:3: '# TYPE', '# UNIT', '# HELP' or '# EOF' is needed");
	bad_om("#\n", "1:1: '# TYPE', '# UNIT', '# HELP' or '# EOF' is needed");
	bad_om("#EOF\n", "1:1: '# TYPE', '# UNIT', '# HELP' or '# EOF' is needed");
	bad_om("# TYPE foo\n", "1:11: a metric's name and a space are needed");
	bad_om("# TYPE foo untyped\n", "1:12: 'untyped' is no type of this format");
	bad_om("# TYPE foo gauge \n", "1:12: 'gauge ' is no type of this format");
	bad_om("# TYPE foo gauge\n# TYPE foo gauge\n", "2:12: a second TYPE of one metric");
	bad_om("# HELP foo a\n# HELP foo b\n", "2:12: a second HELP of one metric");
	bad_om("# TYPE foo gauge\nfoo 1\n# HELP foo x\n", "3:12: HELP comes before the samples");
	bad_om("# TYPE foo counter\n# UNIT foo seconds\n", "3:1: a metric with a unit is called ..._UNIT");
	bad_om("# TYPE s counter\n# UNIT s s\n", "3:1: a metric with a unit is called ..._UNIT");
	bad_om("# TYPE foo_s info\n# UNIT foo_s s\n", "3:1: an info and a stateset have no unit");
	bad_om("# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\na{x=\"y\"} 1\n",
	    "5:1: metric 'a' was there already: all of it stands together");
	bad_om("# TYPE foo counter\nfoo_total 1\n# TYPE foo_created gauge\nfoo_created 1\n",
	    "4:1: 'foo_created' is a name of two families");
	bad_om("# TYPE foo counter\nfoo 1\n", "2:1: metric 'foo' was there already: all of it stands together");
	bad_om("# TYPE foo summary\nfoo_count{a=\"bb\"} 0\nfoo_count{a=\"ccc\"} 0\nfoo_sum{a=\"bb\"} 0\n",
	    "4:1: samples of one metric stand together");
	bad_om("foo 1\nfoo 2\n", "2:1: this series is there twice");
	bad_om("foo 1 5\nfoo 2 5\n", "2:1: this series is there twice");
	bad_om("# TYPE foo gauge\nfoo{a=\"b\"} 1 5\nfoo{a=\"b\"} 2 4\n", "3:1: times of one metric go back");
	bad_om("# TYPE foo counter\nfoo_total 1 5\nfoo_created 2\n",
	    "3:1: some samples of one metric have a time, some have none");
	bad_om("# TYPE foo counter\nfoo_total -1\n", "2:1: a count is not below 0 and not NaN");
	bad_om("# TYPE foo counter\nfoo_total NaN\n", "2:1: a count is not below 0 and not NaN");
	bad_om("# TYPE foo info\nfoo_info 2\n", "2:1: the value of an info is 1");
	bad_om("# TYPE foo stateset\nfoo{foo=\"a\"} 2\n", "2:1: the value of a state is 0 or 1");
	bad_om("# TYPE foo stateset\nfoo{bar=\"a\"} 1\n",
	    "2:1: a state has a label called as the metric, with its name");
	bad_om("# TYPE foo summary\nfoo{quantile=\"1.5\"} 1\n",
	    "2:1: a summary's 'quantile' is a number from 0 to 1");
	bad_om("# TYPE foo summary\nfoo{quantile=\"0.5\"} -1\n", "2:1: a quantile is not below 0");
	bad_om("foo  1\n", "1:5: the value: a number is needed, not ''");
	bad_om("foo\t1\n", "1:4: a space is needed before the value");
	bad_om("foo {a=\"b\"} 1\n", "1:5: the value: a number is needed, not '{a=\"b\"}'");
	bad_om("foo{a=\"b\"}1\n", "1:11: a space is needed before the value");
	bad_om("foo{a=\"b\",} 1\n", "1:11: a label is needed after ','");
	bad_om("foo 1 \n", "1:7: nothing stands behind a space");
	bad_om("foo 1 2 3\n", "1:9: an exemplar begins with '# {'");
	bad_om(" foo 1\n", "1:1: a metric's name is needed");
	bad_om("foo 1\r\n", "1:5: the value: a number is needed, not '1\\x0d'");
}

static void
words_of_both(void **state)
{
	static const char *const numbers[] = {"", "x", "1_0", "0x10", "1e", "1e+", ".", "+", "--1", "1.2.3",
	    "+nan", "infinit", "1e999", "-1e999", "1,5", "0x1p3"};
	char text[512], want[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		for (int f = EXPO_TEXT; f <= EXPO_OPENMETRICS; f++) {
			snprintf(text, sizeof text, "foo %s\n# EOF\n", numbers[i]);
			snprintf(want, sizeof want, "1:5: the value: a number is needed, not '%s'", numbers[i]);
			bad((enum expo_format)f, text, want);
		}
	reads(EXPO_TEXT, "a .5\nb 1.\nc +Inf\nd -INF\ne nan\nf Infinity\ng 1E3\nh 9007199254740993\ni -0\nj 0042\n",
	    "unknown a: a = 0.5\nunknown b: b = 1\nunknown c: c = inf\nunknown d: d = -inf\nunknown e: e = nan\n"
	    "unknown f: f = inf\nunknown g: g = 1000\nunknown h: h = 9007199254740992\nunknown i: i = -0\n"
	    "unknown j: j = 42\n");
	for (int f = EXPO_TEXT; f <= EXPO_OPENMETRICS; f++) {
		bad((enum expo_format)f, "foo{a=\"b\"x1\n", "1:10: ',' or '}' is needed after a label");
		bad((enum expo_format)f, "foo{a=b} 1\n", "1:7: a label's value stands in double quotes");
		bad((enum expo_format)f, "foo{a\"b\"} 1\n", "1:6: '=' is needed after a label's name");
		bad((enum expo_format)f, "foo{1=\"b\"} 1\n", "1:5: a label's name is needed");
		bad((enum expo_format)f, "foo{a:b=\"b\"} 1\n", "1:6: '=' is needed after a label's name");
		bad((enum expo_format)f, "foo{a=\"b} 1\n", "1:12: the value of a label does not end: a '\"' is missing");
		bad((enum expo_format)f, "foo{a=\"\\\"} 1\n", "1:13: the value of a label does not end: a '\"' is missing");
		bad((enum expo_format)f, "foo{a=\"1\",a=\"2\"} 1\n", "1:11: label 'a' is there twice");
		bad((enum expo_format)f, "foo{a=\"\",a=\"2\"} 1\n", "1:10: label 'a' is there twice");
		bad((enum expo_format)f, "foo{__name__=\"x\"} 1\n", "1:5: a label can't be called __name__");
		bad((enum expo_format)f, "foo{a=\"\xc3(\"} 1\n", "1:8: not UTF-8");
		bad((enum expo_format)f, "# HELP foo a\xff\n", "1:13: not UTF-8");
		bad((enum expo_format)f, "1foo 1\n", "1:1: a metric's name is needed");
		bad((enum expo_format)f, "# TYPE 1foo gauge\n",
		    f == EXPO_TEXT ? "1:8: a metric's name is needed" :
				     "1:8: a metric's name and a space are needed");
	}
	reads(EXPO_TEXT, "foo{a=\"\",b=\"\\x\\\\n\"} 1\n", "unknown foo: foo b=[\\x\\n] = 1\n");
}

static void
text_as_prometheus_takes_it(void **state)
{
	(void)state;
	reads(EXPO_TEXT, "", "");
	reads(EXPO_TEXT,
	    "# a comment\n#\n\n \t\n#HELP not a help\n"
	    "\t# \t HELP\tfoo  some \\\\ text\\n\n# TYPE foo\tcounter \nfoo { a = \"b\" , c=\"d\", } \t 1  \n"
	    "bar 2\nfoo{a=\"z\"} 3 -1700000000000\t\nfoo{x=\"y\"}4\n",
	    "counter foo: foo a=[b] c=[d] = 1\nunknown bar: bar = 2\ncounter foo: foo a=[z] = 3\n"
	    "counter foo: foo x=[y] = 4\n");
	reads(EXPO_TEXT, "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_sum 3\nh_count 1\nh_created 5\n"
			 "# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_sum 3\ns_count 1\ns_bucket 9\n",
	    "histogram h: h_bucket le=[1] = 1\nhistogram h: h_sum = 3\nhistogram h: h_count = 1\n"
	    "unknown h_created: h_created = 5\nsummary s: s quantile=[0.5] = 1\nsummary s: s_sum = 3\n"
	    "summary s: s_count = 1\nunknown s_bucket: s_bucket = 9\n");
	bad(EXPO_TEXT, "foo 1", "1:6: the last line does not end: the text was cut");
	bad(EXPO_TEXT, "foo 1\n# HEL", "2:6: the last line does not end: the text was cut");
	bad(EXPO_TEXT, "# TYPE foo info\n", "1:12: 'info' is no type of this format");
	bad(EXPO_TEXT, "# TYPE foo gauge\n# TYPE foo gauge\n", "2:12: a second TYPE of one metric");
	bad(EXPO_TEXT, "foo 1\n# TYPE foo gauge\n", "2:12: TYPE comes before the samples");
	bad(EXPO_TEXT, "# HELP foo\n# HELP foo\n", "2:11: a second HELP of one metric");
	bad(EXPO_TEXT, "# TYPE foo histogram\nfoo 1\n", "2:1: samples of a histogram end in _bucket, _sum or _count");
	bad(EXPO_TEXT, "foo 1\nbar 1\nfoo 2\n", "3:1: this series is there twice");
	bad(EXPO_TEXT, "foo-1\n", "1:4: a space is needed before the value");
	bad(EXPO_TEXT, "foo 1 1.5\n", "1:7: the time: whole milliseconds are needed");
	bad(EXPO_TEXT, "foo 1 inf\n", "1:7: the time: no time is NaN or infinite");
	bad(EXPO_TEXT, "foo 1 2 3\n", "1:9: nothing more can stand here");
	bad(EXPO_TEXT, "foo 1 # {} 1\n", "1:7: nothing more can stand here");
}

static void
beyond_a_bound(void **state)
{
	char text[4096], name[1025], many[1024] = "";

	(void)state;
	memset(name, 'n', 1024);
	name[1024] = '\0';
	snprintf(text, sizeof text, "%s 1\nok 2\n", name);
	read_all(EXPO_TEXT, text, strlen(text), 100);
	assert_non_null(strstr(out, "rejected: its name is longer than 512 bytes\nunknown ok: ok = 2\n"));
	snprintf(text, sizeof text, "a{b=\"%.513s\"} 1\na{b=\"%.512s\"} 1\na{%.129s=\"b\"} 1\na{%.128s=\"b\"} 1\n", name, name,
	    name, name);
	read_all(EXPO_TEXT, text, strlen(text), 100);
	assert_non_null(strstr(out, "a rejected: a label's value is longer than 512 bytes\nunknown a: a b=[nn"));
	assert_non_null(strstr(out, "a rejected: a label's name is longer than 128 bytes\nunknown a: a nn"));
	for (int i = 0; i < 25; i++)
		snprintf(many + strlen(many), sizeof many - strlen(many), "l%d=\"\\\"v\\n\",", i);
	snprintf(text, sizeof text, "a{%s} 1\n# EOF\n", many);
	read_all(EXPO_TEXT, text, strlen(text), 100);
	assert_string_equal(out, "unknown a: a rejected: it has more than 24 labels\n");
	read_all(EXPO_TEXT, "a 1\nb 1\nb{c=\"d\"} 1\n", 19, 2);
	assert_string_equal(out, "unknown a: a = 1\nunknown b: b = 1\n3:1: more than 2 samples\n");
	/* Neither do names without a sample cost more, nor points of one series. */
	read_all(EXPO_OPENMETRICS, "# TYPE a gauge\n# TYPE b gauge\n# TYPE c gauge\n", 45, 2);
	assert_string_equal(out, "3:10: more than 2 metrics\n");
	read_all(EXPO_OPENMETRICS, "a 1 1\na 1 2\na 1 3\n", 18, 2);
	assert_string_equal(out, "unknown a: a = 1\n3:1: more than 2 samples\n");
}

static void
helps(void **state)
{
	static const char text[] = "# HELP a one\\n\\\\ \\\"two\\\" \\t\na 1\na{b=\"c\"} 1\n# HELP b \n# TYPE b gauge\nb 1\n# EOF\n";
	struct expo *e = expo_new(EXPO_OPENMETRICS, slice_of(text), 10);
	char many[2048];
	struct expo_item it;
	struct err err;

	(void)state;
	assert_int_equal(expo_next(e, &it, &err), EXPO_SAMPLE);
	assert_true(slice_eq(it.help, slice_of("one\n\\ \"two\" \\t")));
	assert_int_equal(expo_next(e, &it, &err), EXPO_SAMPLE);
	assert_true(slice_eq(it.help, slice_of("one\n\\ \"two\" \\t")));
	assert_int_equal(expo_next(e, &it, &err), EXPO_SAMPLE);
	assert_int_equal(it.help.len, 0);
	assert_int_equal(it.type, SERIES_GAUGE);
	expo_free(e);
	/* A long one is cut between two characters. */
	snprintf(many, sizeof many, "# HELP a %0511d\xc3\xa9\na 1\n", 0);
	e = expo_new(EXPO_TEXT, slice_of(many), 10);
	assert_int_equal(expo_next(e, &it, &err), EXPO_SAMPLE);
	assert_int_equal(it.help.len, 511);
	expo_free(e);
}

static void
file(const char *path, char *to, size_t cap)
{
	FILE *f = fopen(path, "rb");
	size_t n;

	assert_non_null(f);
	n = fread(to, 1, cap - 1, f);
	to[n] = '\0';
	assert_int_equal(fclose(f), 0);
}

/* Of one registry, in both formats. */
static void
what_python_writes(void **state)
{
	static char text[16384], want[16384];

	(void)state;
	file("tests/golden/expo/python.txt", text, sizeof text);
	file("tests/golden/expo/python.txt.want", want, sizeof want);
	reads(EXPO_TEXT, text, want);
	file("tests/golden/expo/python.om", text, sizeof text);
	file("tests/golden/expo/python.om.want", want, sizeof want);
	reads(EXPO_OPENMETRICS, text, want);
	/* Cut anywhere it is no text of this format. */
	for (size_t n = strlen(text) - 2; n > 0; n--) {
		read_all(EXPO_OPENMETRICS, text, n, EXPO_SERIES_MAX);
		assert_int_equal(out[out_len - 1], '\n');
		for (out_len--; out_len > 0 && out[out_len - 1] != '\n';)
			out_len--;
		assert_true(out[out_len] >= '1' && out[out_len] <= '9');
	}
}

static void
by_the_content_type(void **state)
{
	enum expo_format f;

	(void)state;
	assert_true(expo_format_of(slice_of("application/openmetrics-text; version=1.0.0; charset=utf-8"), &f));
	assert_int_equal(f, EXPO_OPENMETRICS);
	assert_true(expo_format_of(slice_of("Application/OpenMetrics-Text"), &f));
	assert_int_equal(f, EXPO_OPENMETRICS);
	assert_true(expo_format_of(slice_of("text/plain;version=0.0.4"), &f));
	assert_int_equal(f, EXPO_TEXT);
	assert_true(expo_format_of(slice_of(""), &f));
	assert_int_equal(f, EXPO_TEXT);
	assert_false(expo_format_of(slice_of("text/html"), &f));
	assert_false(expo_format_of(slice_of("text/plainer"), &f));
	assert_false(expo_format_of(slice_of("application/openmetrics-protobuf"), &f));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_specifications_examples),
	    cmocka_unit_test(exemplars_and_buckets),
	    cmocka_unit_test(openmetrics_to_the_letter),
	    cmocka_unit_test(words_of_both),
	    cmocka_unit_test(text_as_prometheus_takes_it),
	    cmocka_unit_test(beyond_a_bound),
	    cmocka_unit_test(helps),
	    cmocka_unit_test(what_python_writes),
	    cmocka_unit_test(by_the_content_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
