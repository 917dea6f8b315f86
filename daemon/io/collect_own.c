/*
 * collect_own.c - see collect_own.h.  All is gathered into one struct of numbers; a row of
 * the table says where in it a figure is.
 */
#include "collect_own.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "../../gossip/facts.h"
#include "../../gossip/look.h"
#include "engine.h"
#include "metricsask.h"

enum { EVERY_TICKS = 5 };

struct inside {
	struct mesh_stats mesh;
	struct mesh_queues queues;
	struct mesh_facts_stats facts;
	struct stream_stats stream;
	struct series_stats series;
	struct mesh_side side;
	struct collect_self self;
	struct metricsrun copies;
	uint64_t send_failed, udp_bytes, streams, control, surveys, relays, role_jobs, instances, wanted, reporting,
	    events, rows_cut, rows_unknown, rounds_ok, rounds_failed, round_ms, leads, resident_bytes, cpu_user_us, cpu_system_us,
	    wall_at_start_s, streams_kept, metrics_asking, metrics_copies, metrics_waiting, metrics_asking_max, metrics_copies_max,
	    metrics_waiting_max, one;
};

struct row {
	const char *metric, *label, *value; /* label: NULL, or one of its own */
	enum series_type type;
	uint16_t at, bytes; /* in struct inside */
	double div;
	const char *help;
};

#define IN(field) offsetof(struct inside, field), sizeof((struct inside *)0)->field
#define C(metric, label, value, field, help) {metric, label, value, SERIES_COUNTER, IN(field), 1, help}
#define G(metric, label, value, field, help) {metric, label, value, SERIES_GAUGE, IN(field), 1, help}
#define TRAFFIC "Datagrams of the mesh."
#define BYTES "Bytes of datagrams of the mesh."
#define STREAMS "Connections of other nodes, by what became of them."
#define QUEUE "What waits in the engine's queues."
#define LIMIT "How much may wait in that queue."
#define FACTS "What others say of themselves: questions asked, and answers by what became of them."
#define ROUNDS "Scheduling rounds that this node ran as leader."
#define ASKED "Questions about metrics that were asked here, by what became of them."
#define PARTS "Evaluations of questions about metrics, by what became of them: at_once in the engine, all others in a copy of it."
#define CPU "CPU time of the engine."

static const struct row rows[] = {
    {"mesh_build_info", "version", MESH_VERSION, SERIES_GAUGE, IN(one), 1, "The version that runs."},
    {"mesh_start_time_seconds", NULL, NULL, SERIES_GAUGE, IN(wall_at_start_s), 1, "Start of the engine since unix epoch."},
    {"mesh_cpu_seconds_total", "mode", "user", SERIES_COUNTER, IN(cpu_user_us), 1e6, CPU},
    {"mesh_cpu_seconds_total", "mode", "system", SERIES_COUNTER, IN(cpu_system_us), 1e6, CPU},
    G("mesh_resident_memory_bytes", NULL, NULL, resident_bytes, "Memory of the engine."),
    C("mesh_packets_total", "direction", "rx", mesh.rx_packets, TRAFFIC),
    C("mesh_packets_total", "direction", "tx", mesh.tx_packets, TRAFFIC),
    C("mesh_packet_bytes_total", "direction", "rx", mesh.rx_bytes, BYTES),
    C("mesh_packet_bytes_total", "direction", "tx", mesh.tx_bytes, BYTES),
    C("mesh_send_failed_total", NULL, NULL, send_failed, "Datagrams that the kernel did not take."),
    C("mesh_sync_records_total", NULL, NULL, mesh.sync_records, "Whole records told because tables differed."),
    C("mesh_sync_bytes_total", NULL, NULL, mesh.sync_bytes, "Bytes told because tables differed."),
    C("mesh_streams_total", "result", "accepted", stream.accepted, STREAMS),
    C("mesh_streams_total", "result", "answered", stream.answered, STREAMS),
    G("mesh_streams_kept", NULL, NULL, streams_kept, "Connections to other nodes that are kept for the next question."),
    G("mesh_queue_length", "queue", "datagrams", queues.out, QUEUE),
    G("mesh_queue_length", "queue", "long_answers", queues.jobs, QUEUE),
    G("mesh_queue_length", "queue", "urgent", queues.urgent, QUEUE),
    G("mesh_queue_length", "queue", "news", queues.news, QUEUE),
    G("mesh_queue_length", "queue", "summaries", queues.summaries, QUEUE),
    G("mesh_queue_length", "queue", "evictions", queues.evictions, QUEUE),
    G("mesh_queue_length", "queue", "udp_unsent_bytes", udp_bytes, QUEUE),
    G("mesh_queue_length", "queue", "streams", streams, QUEUE),
    G("mesh_queue_length", "queue", "control_connections", control, QUEUE),
    G("mesh_queue_length", "queue", "surveys", surveys, QUEUE),
    G("mesh_queue_length", "queue", "relayed_questions", relays, QUEUE),
    G("mesh_queue_length", "queue", "role_jobs", role_jobs, QUEUE),
    G("mesh_queue_length", "queue", "metrics_questions", metrics_asking, QUEUE),
    G("mesh_queue_length", "queue", "metrics_copies", metrics_copies, QUEUE),
    G("mesh_queue_length", "queue", "metrics_waiting", metrics_waiting, QUEUE),
    G("mesh_queue_limit", "queue", "datagrams", queues.out_max, LIMIT),
    G("mesh_queue_limit", "queue", "long_answers", queues.jobs_max, LIMIT),
    G("mesh_queue_limit", "queue", "metrics_questions", metrics_asking_max, LIMIT),
    G("mesh_queue_limit", "queue", "metrics_copies", metrics_copies_max, LIMIT),
    G("mesh_queue_limit", "queue", "metrics_waiting", metrics_waiting_max, LIMIT),
    G("mesh_members", NULL, NULL, queues.members, "Members that this node knows, the dead included."),
    G("mesh_members_max", NULL, NULL, queues.members_max, "How many it can know."),
    G("mesh_sessions", NULL, NULL, queues.pairs, "Members that it has keys of their own with."),
    G("mesh_local_health", NULL, NULL, queues.health, "Lifeguard's local health: 0 well to 8."),
    G("mesh_visible_voters", NULL, NULL, side.visible, "Alive members of the roster, this node included."),
    G("mesh_roster_voters", NULL, NULL, side.known, "Members of the roster."),
    G("mesh_term", NULL, NULL, side.term, "Term of the election."),
    G("mesh_leads", NULL, NULL, leads, "1 while this node leads."),
    C("mesh_rounds_total", "result", "ok", rounds_ok, ROUNDS),
    C("mesh_rounds_total", "result", "failed", rounds_failed, ROUNDS),
    {"mesh_round_duration_seconds", NULL, NULL, SERIES_GAUGE, IN(round_ms), 1e3, "How long the last round took."},
    G("mesh_reporting_nodes", NULL, NULL, reporting, "Nodes whose reports this node holds."),
    G("mesh_report_rows_cut", NULL, NULL, rows_cut, "Rows of those reports that did not fit."),
    G("mesh_report_rows_unknown", NULL, NULL, rows_unknown, "Rows of those reports of a kind that is not known here."),
    G("mesh_instances", NULL, NULL, instances, "Containers on this host."),
    G("mesh_instances_wanted", NULL, NULL, wanted, "Instances that the schedule in force has here."),
    C("mesh_events_total", NULL, NULL, events, "Events told in mesh events."),
    C("mesh_facts_total", "result", "asked", facts.asked, FACTS),
    C("mesh_facts_total", "result", "taken", facts.taken, FACTS),
    C("mesh_facts_total", "result", "stale", facts.stale, FACTS),
    C("mesh_facts_total", "result", "unknown", facts.unknown, FACTS),
    C("mesh_facts_total", "result", "refused", facts.refused, FACTS),
    G("mesh_facts_held", NULL, NULL, facts.held, "Nodes whose facts are held."),
    G("mesh_facts_held_bytes", NULL, NULL, facts.bytes, "Bytes of those."),
    C("mesh_metrics_ticks_total", NULL, NULL, self.ticks, "Seconds that were sampled."),
    C("mesh_metrics_ticks_missed_total", NULL, NULL, self.missed, "Seconds that were not: the engine was late, or the host slept."),
    {"mesh_metrics_tick_late_seconds", NULL, NULL, SERIES_GAUGE, IN(self.late_us), 1e6, "How long after its second the last sampling began."},
    C("mesh_metrics_questions_total", "result", "answered", copies.asked.answered, ASKED),
    C("mesh_metrics_questions_total", "result", "failed", copies.asked.failed, ASKED),
    C("mesh_metrics_questions_total", "result", "refused", copies.asked.refused, ASKED),
    {"mesh_metrics_question_seconds_total", NULL, NULL, SERIES_COUNTER, IN(copies.asked.us), 1e6, "How long those took that were answered or failed."},
    C("mesh_metrics_nodes_late_total", NULL, NULL, copies.asked.late, "Nodes that did not answer such a question in time."),
    C("mesh_metrics_evaluations_total", "result", "at_once", copies.asked.at_once, PARTS),
    C("mesh_metrics_evaluations_total", "result", "done", copies.done, PARTS),
    C("mesh_metrics_evaluations_total", "result", "failed", copies.failed, PARTS),
    C("mesh_metrics_evaluations_total", "result", "late", copies.late, PARTS),
    C("mesh_metrics_evaluations_total", "result", "refused", copies.refused, PARTS),
    {"mesh_metrics_evaluation_seconds_total", NULL, NULL, SERIES_COUNTER, IN(copies.us), 1e6, "How long copies of the engine took, by the clock."},
    G("mesh_metrics_instances_unread", NULL, NULL, self.unread, "Running containers whose cgroups are not read."),
    G("mesh_metrics_series", NULL, NULL, series.series, "Series that are kept."),
    G("mesh_metrics_series_live", NULL, NULL, series.series_live, "Series that go on."),
    G("mesh_metrics_samples", NULL, NULL, series.samples, "Samples that are kept."),
    G("mesh_metrics_bytes", NULL, NULL, series.bytes, "Memory of series."),
    G("mesh_metrics_bytes_max", NULL, NULL, series.bytes_max, "The most that they may take (limits.metrics-memory)."),
    C("mesh_metrics_evicted_samples_total", NULL, NULL, series.evicted_samples, "Samples dropped before their time for want of room."),
    C("mesh_metrics_refused_series_total", NULL, NULL, series.refused_series, "Series that there was no room for."),
    C("mesh_metrics_refused_samples_total", NULL, NULL, series.refused_samples, "Samples that there was no room for."),
};

static const struct reading_figure dropped = {"mesh_dropped_total",
    "What was not taken, sent or begun, by reason (mesh debug says what each means).", SERIES_COUNTER};

static const struct reading_figure kinds_rx = {"mesh_packets_received_total", "Packets read, by their kind.",
    SERIES_COUNTER};
static const struct reading_figure kinds_tx = {"mesh_packets_sent_total",
    "Packets made, by their kind; those that travel within another are among them.", SERIES_COUNTER};

struct collect_own {
	const struct reading_of *of;
	int statm;
	series_id ids[ARRAY_LEN(rows)], dropped[COUNTERS_KINDS], rx[MESH_KINDS_MAX], tx[MESH_KINDS_MAX];
};

struct collect_own *
collect_own_new(const struct reading_of *of)
{
	struct collect_own *c = calloc(1, sizeof *c);

	if (c == NULL)
		return NULL;
	c->of = of;
	c->statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	return c;
}

static uint64_t
resident(const struct collect_own *c)
{
	char text[128];
	const char *p = text;
	ssize_t n = c->statm < 0 ? -1 : pread(c->statm, text, sizeof text, 0);
	double all, pages;

	if (n <= 0 || !procfs_number(&p, text + n, &all) || !procfs_number(&p, text + n, &pages) || pages < 0)
		return 0;
	return (uint64_t)pages * c->of->page_bytes;
}

static void
gather_questions(const struct engine *e, struct inside *in)
{
	in->copies = e->metricsrun;
	in->streams_kept = e->kept != NULL ? stream_kept_idle(e->kept) : 0;
	in->metrics_asking = e->metrics_asking;
	in->metrics_copies = e->metricsrun.running;
	in->metrics_waiting = e->metricsrun.waiting;
	in->metrics_asking_max = METRICSASK_MAX;
	in->metrics_copies_max = METRICSRUN_AT_ONCE;
	in->metrics_waiting_max = METRICSRUN_WAIT_MAX;
}

static void
gather_engine(const struct engine *e, struct inside *in)
{
	if (e->mesh != NULL) {
		mesh_stats(e->mesh, &in->mesh);
		mesh_queues(e->mesh, &in->queues);
		mesh_facts_stats(e->mesh, &in->facts);
		mesh_side(e->mesh, net_now(), &in->side);
	}
	stream_server_stats(e->stream, &in->stream);
	in->send_failed = e->net.send_failed;
	in->udp_bytes = uv_udp_get_send_queue_size(&e->net.udp);
	in->streams = stream_server_open(e->stream);
	in->control = e->ctl.conns;
	in->surveys = e->surveys;
	in->relays = e->relays;
	for (const struct apply_job *j = e->apply.jobs; j != NULL; j = j->next)
		in->role_jobs++;
	gather_questions(e, in);
	in->instances = e->local.count;
	for (size_t i = 0; i < e->apply.here.places_count; i++)
		in->wanted += e->apply.here.places[i].instances_count;
	in->reporting = e->lead.nodes_count;
	for (size_t i = 0; i < e->lead.nodes_count; i++) {
		in->rows_cut += e->lead.nodes[i].report.now.cut;
		in->rows_unknown += e->lead.nodes[i].report.now.unknown;
	}
	in->events = e->journal.next - 1;
	in->rounds_ok = e->lead.rounds_ok;
	in->rounds_failed = e->lead.rounds_failed;
	in->round_ms = e->lead.ms;
	in->leads = e->lead.leading;
	in->wall_at_start_s = (engine_wall_ms() - (uint64_t)(net_now() - e->started) + 500) / 1000;
}

static void
gather(const struct collect_own *c, const struct engine *e, const struct collect_self *self, struct inside *in)
{
	struct rusage u = {0};

	memset(in, 0, sizeof *in);
	gather_engine(e, in);
	series_stats(c->of->store, &in->series);
	in->self = *self;
	in->one = 1;
	in->resident_bytes = resident(c);
	getrusage(RUSAGE_SELF, &u);
	in->cpu_user_us = (uint64_t)u.ru_utime.tv_sec * 1000000 + (uint64_t)u.ru_utime.tv_usec;
	in->cpu_system_us = (uint64_t)u.ru_stime.tv_sec * 1000000 + (uint64_t)u.ru_stime.tv_usec;
}

static double
figure(const struct inside *in, const struct row *r)
{
	const uint8_t *p = (const uint8_t *)in + r->at;
	uint64_t v = 0;
	uint32_t v32;

	if (r->bytes == sizeof v32) {
		memcpy(&v32, p, sizeof v32);
		v = v32;
	} else {
		memcpy(&v, p, sizeof v);
	}
	return (double)v / r->div;
}

/* One of a long list; that it never happened is not kept. */
static void
put(const struct collect_own *c, const struct reading_figure *f, series_id *id, const char *label,
    const char *value, uint64_t count, int64_t tick)
{
	struct label more;

	if (value == NULL || count == 0)
		return;
	more = (struct label){slice_of(label), slice_of(value)};
	reading_figure(c->of, f, id, &more, 1, tick, (double)count);
}

void
collect_own_tick(struct collect_own *c, const struct engine *e, const struct collect_self *self, int64_t tick)
{
	struct inside in;

	if (tick % EVERY_TICKS != 0)
		return;
	gather(c, e, self, &in);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		const struct reading_figure f = {r->metric, r->help, r->type};
		struct label more = {{NULL, 0}, {NULL, 0}};

		if (r->label != NULL)
			more = (struct label){slice_of(r->label), slice_of(r->value)};
		reading_figure(c->of, &f, &c->ids[i], &more, r->label != NULL, tick, figure(&in, r));
	}
	for (unsigned k = 1; k < COUNTERS_KINDS; k++)
		put(c, &dropped, &c->dropped[k], "reason", counters_reason(k), e->counters.dropped[k], tick);
	for (unsigned k = 0; k < MESH_KINDS_MAX; k++) {
		put(c, &kinds_rx, &c->rx[k], "kind", mesh_kind(k), in.mesh.rx_kinds[k], tick);
		put(c, &kinds_tx, &c->tx[k], "kind", mesh_kind(k), in.mesh.tx_kinds[k], tick);
	}
}

void
collect_own_free(struct collect_own *c)
{
	if (c == NULL)
		return;
	if (c->statm >= 0)
		close(c->statm);
	free(c);
}
