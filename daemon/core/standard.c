/*
 * standard.c - see standard.h.
 */
#include "standard.h"

#include <math.h>

#include "prom_math.h"

/* An application may call its series as the host's are called: these tell them apart (target.h). */
#define HOST "{job=\"node\"}"
#define CONTAINERS "{job=\"cadvisor\"}"
#define CPU "avg by (mode) (rate(node_cpu_seconds_total" HOST "[1m]))"
#define NONE " or vector(0)"
#define MIB 1048576.0
#define KIB 1024.0
#define PERCENT 0.01
#define CODE_MAX 9e15 /* a double counts that far */

/* clang-format off */
const struct standard_row standard_rows[VIEW_STANDARD_COUNT] = {
    {"cpu_user", "share", "Of all cores' time.", CPU, "user", PERCENT, 0},
    {"cpu_system", "share", "", CPU, "system", PERCENT, 0},
    {"cpu_nice", "share", "", CPU, "nice", PERCENT, 0},
    {"cpu_iowait", "share", "", CPU, "iowait", PERCENT, 0},
    {"cpu_irq", "share", "", CPU, "irq", PERCENT, 0},
    {"cpu_softirq", "share", "", CPU, "softirq", PERCENT, 0},
    {"cpu_steal", "share", "Taken by the machine's own host.", CPU, "steal", PERCENT, 0},
    {"cpu_idle", "share", "", CPU, "idle", PERCENT, 0},
    {"cpu_busiest", "share", "Of the core that had most to do.",
	"1 - min(rate(node_cpu_seconds_total{job=\"node\",mode=\"idle\"}[1m]))", NULL, PERCENT, 16},
    {"cpu_count", "cores", "That are online.", "count(rate(node_cpu_seconds_total{job=\"node\",mode=\"idle\"}[10s]))", NULL, 1, 0},
    {"load5", "", "", "node_load5" HOST, NULL, 0.05, 32},
    {"load15", "", "", "node_load15" HOST, NULL, 0.05, 32},
    {"procs_running", "processes", "That run or could, in the mean of a minute.",
	"avg_over_time(node_procs_running" HOST "[1m])", NULL, 1, 16},
    {"procs_blocked", "processes", "That wait for a disk.", "avg_over_time(node_procs_blocked" HOST "[1m])", NULL, 1, 16},
    {"psi_cpu_10", "share", "Of the last 10 s, some had to wait for a CPU.",
	"rate(node_pressure_cpu_waiting_seconds_total" HOST "[10s])", NULL, PERCENT, 8},
    {"psi_cpu_60", "share", "", "rate(node_pressure_cpu_waiting_seconds_total" HOST "[1m])", NULL, PERCENT, 16},
    {"psi_io_10", "share", "", "rate(node_pressure_io_waiting_seconds_total" HOST "[10s])", NULL, PERCENT, 8},
    {"psi_io_60", "share", "", "rate(node_pressure_io_waiting_seconds_total" HOST "[1m])", NULL, PERCENT, 16},
    {"psi_memory_10", "share", "", "rate(node_pressure_memory_waiting_seconds_total" HOST "[10s])", NULL, PERCENT, 8},
    {"psi_memory_60", "share", "", "rate(node_pressure_memory_waiting_seconds_total" HOST "[1m])", NULL, PERCENT, 16},
    {"memory_total", "bytes", "", "node_memory_MemTotal_bytes" HOST, NULL, MIB, 0},
    {"memory_unused", "bytes", "Not even as a cache.", "node_memory_MemFree_bytes" HOST, NULL, 4 * MIB, 32},
    {"memory_cached", "bytes", "", "node_memory_Cached_bytes" HOST " + node_memory_Buffers_bytes" HOST, NULL, 4 * MIB, 32},
    {"swap_total", "bytes", "", "node_memory_SwapTotal_bytes" HOST, NULL, MIB, 0},
    {"swap_free", "bytes", "", "node_memory_SwapFree_bytes" HOST, NULL, MIB, 64},
    {"swap_pages", "pages/s", "In and out.",
	"rate(node_vmstat_pswpin" HOST "[1m]) + rate(node_vmstat_pswpout" HOST "[1m])", NULL, 1, 8},
    {"major_faults", "faults/s", "Pages that a disk had to bring.", "rate(node_vmstat_pgmajfault" HOST "[1m])", NULL, 1, 8},
    {"oom_kills", "processes", "Killed for want of memory in ten minutes.",
	"round(increase(node_vmstat_oom_kill" HOST "[10m]))", NULL, 1, 0},
    {"disk_read", "bytes/s", "", "sum(rate(node_disk_read_bytes_total" HOST "[1m]))" NONE, NULL, 64 * KIB, 8},
    {"disk_written", "bytes/s", "", "sum(rate(node_disk_written_bytes_total" HOST "[1m]))" NONE, NULL, 64 * KIB, 8},
    {"disk_operations", "operations/s", "",
	"sum(rate(node_disk_reads_completed_total" HOST "[1m])) + sum(rate(node_disk_writes_completed_total" HOST "[1m]))" NONE, NULL, 10, 8},
    {"disk_busiest", "share", "Of time, of the disk that had most to do.",
	"max(rate(node_disk_io_time_seconds_total" HOST "[1m]))" NONE, NULL, PERCENT, 8},
    {"root_size", "bytes", "Of the file system that is /.", "node_filesystem_size_bytes{job=\"node\",mountpoint=\"/\"}", NULL, MIB, 0},
    {"root_available", "bytes", "", "node_filesystem_avail_bytes{job=\"node\",mountpoint=\"/\"}", NULL, 4 * MIB, 256},
    {"fullest", "share", "Of the file system that is fullest.",
	"1 - min((node_filesystem_avail_bytes" HOST " / node_filesystem_size_bytes" HOST ") unless node_filesystem_readonly" HOST " == 1)", NULL, PERCENT, 0},
    {"fullest_files", "share", "The same of its file nodes.",
	"1 - min((node_filesystem_files_free" HOST " / node_filesystem_files" HOST " > 0) unless node_filesystem_readonly" HOST " == 1)", NULL, PERCENT, 0},
    {"net_received", "bytes/s", "", "sum(rate(node_network_receive_bytes_total" HOST "[1m]))" NONE, NULL, 16 * KIB, 8},
    {"net_sent", "bytes/s", "", "sum(rate(node_network_transmit_bytes_total" HOST "[1m]))" NONE, NULL, 16 * KIB, 8},
    {"net_lost", "packets/s", "Bad ones, and dropped ones.",
	"sum(rate(node_network_receive_errs_total" HOST "[1m])) + sum(rate(node_network_transmit_errs_total" HOST "[1m])) + "
	"sum(rate(node_network_receive_drop_total" HOST "[1m])) + sum(rate(node_network_transmit_drop_total" HOST "[1m]))" NONE, NULL, 1, 8},
    {"tcp_connections", "connections", "", "node_netstat_Tcp_CurrEstab" HOST, NULL, 8, 16},
    {"tcp_retransmits", "segments/s", "", "rate(node_netstat_Tcp_RetransSegs" HOST "[1m])", NULL, 1, 8},
    {"files_open", "files", "", "node_filefd_allocated" HOST, NULL, 64, 16},
    {"files_max", "files", "", "node_filefd_maximum" HOST, NULL, 64, 0},
    {"boot_time", "s", "Since 1970; scripts and people also get `uptime`.", "node_boot_time_seconds" HOST, NULL, 1, 0},
    {"temperature", "celsius", "Of the hottest sensor.", "max(node_hwmon_temp_celsius" HOST " or node_thermal_zone_temp" HOST ")", NULL, 1, 0},
    {"containers_wanted", "instances", "By the schedule, here.", "mesh_instances_wanted", NULL, 1, 0},
    {"containers_running", "instances", "", "count(mesh_instance_up == 1)" NONE, NULL, 1, 0},
    {"containers_unhealthy", "instances", "", "count(mesh_instance_health == 0)" NONE, NULL, 1, 0},
    {"containers_restarts", "restarts", "In ten minutes.",
	"round(sum(increase(mesh_instance_restarts_total[10m])))" NONE, NULL, 1, 0},
    {"containers_cpu", "cores", "All of them together.",
	"sum(rate(container_cpu_usage_seconds_total" CONTAINERS "[1m]))" NONE, NULL, 0.02, 16},
    {"containers_throttled", "s/s", "That they were kept from running by their limits.",
	"sum(rate(container_cpu_cfs_throttled_seconds_total" CONTAINERS "[1m]))" NONE, NULL, 0.02, 8},
    {"containers_memory", "bytes", "Their working sets.",
	"sum(container_memory_working_set_bytes" CONTAINERS ")" NONE, NULL, 4 * MIB, 32},
    {"containers_oom", "events", "In ten minutes, for want of memory within a limit.",
	"round(sum(increase(container_oom_events_total" CONTAINERS "[10m])))" NONE, NULL, 1, 0},
    {"engine_memory", "bytes", "Of mesh's own engine.", "mesh_resident_memory_bytes", NULL, 512 * KIB, 8},
    {"engine_cpu", "cores", "", "sum(rate(mesh_cpu_seconds_total[1m]))", NULL, 0.005, 8},
    {"engine_drops", "datagrams/s", "Not taken, sent or begun, for whatever reason.",
	"sum(rate(mesh_dropped_total[1m]))" NONE, NULL, 1, 8},
};
/* clang-format on */

#define BOOT_TIME 43

double
standard_value(uint32_t row, int64_t code)
{
	double n, step;

	if (row >= VIEW_STANDARD_COUNT || code == 0)
		return NAN;
	n = (double)(code > 0 ? code - 1 : code);
	step = standard_rows[row].step;
	return step < 1 ? n / prom_floor(1 / step + 0.5) : n * step; /* 0.07, not 0.07000000000000001 */
}

/* Did it move by what a reader would see? */
static bool
moved(double value, double told, double step, uint32_t part)
{
	double by = fabs(value - told);

	return by >= step * (1 - 1e-9) && (part == 0 || by * part >= fabs(told));
}

int64_t
standard_code(uint32_t row, double value, int64_t told)
{
	const struct standard_row *r = &standard_rows[row];
	double steps;

	if (isnan(value))
		return 0;
	if (told != 0 && !moved(value, standard_value(row, told), r->step, r->part))
		return told;
	steps = prom_floor(value / r->step + 0.5);
	if (!(fabs(steps) < CODE_MAX))
		steps = steps > 0 ? CODE_MAX : -CODE_MAX;
	return (int64_t)steps + (steps >= 0);
}

uint32_t
standard_next(uint32_t row)
{
	const char *expr = standard_rows[row].expr;

	while (row < VIEW_STANDARD_COUNT && strcmp(standard_rows[row].expr, expr) == 0)
		row++;
	return row;
}

static double
find(const struct prom_result *r, const char *mode)
{
	for (uint32_t i = 0; r != NULL && i < r->count; i++)
		if (r->series[i].count > 0 &&
		    (mode == NULL || slice_eq(labels_find(r->series[i].labels, slice_of("mode")), slice_of(mode))))
			return r->series[i].values[0];
	return NAN;
}

void
standard_take(uint32_t row, const struct prom_result *r, int64_t codes[VIEW_STANDARD_COUNT])
{
	for (uint32_t end = standard_next(row); row < end; row++)
		codes[row] = standard_code(row, find(r, standard_rows[row].mode), codes[row]);
}

/* --- the five that are read ------------------------------------------------------ */

static void
settle(double *told, double now, double step, uint32_t part)
{
	if (moved(now, *told, step, part))
		*told = now;
}

static void
settle_bytes(uint64_t *told, uint64_t now, uint32_t part)
{
	if (moved((double)now, (double)*told, MIB, part))
		*told = now;
}

void
standard_settle(struct view_metrics *told, const struct view_metrics *now)
{
	settle(&told->load1, now->load1, 0.05, 32);
	settle(&told->cpu_percent, now->cpu_percent, 1, 16);
	settle_bytes(&told->memory_free_bytes, now->memory_free_bytes, 128);
	settle_bytes(&told->disk_free_bytes, now->disk_free_bytes, 1024);
	told->disk_bytes = now->disk_bytes;
	memcpy(told->standard, now->standard, sizeof told->standard);
}

/* --- all of them -------------------------------------------------------------------- */

bool
standard_each(const struct view_metrics *m, uint64_t now_ms, uint32_t *at, const char **name, double *value)
{
	const struct {
		const char *name;
		double value;
	} read[] = {{"cpu_percent", m->cpu_percent}, {"disk", (double)m->disk_bytes},
	    {"disk_free", (double)m->disk_free_bytes}, {"load1", m->load1}, {"memory_free", (double)m->memory_free_bytes},
	    {"uptime", (double)(now_ms / 1000) - standard_value(BOOT_TIME, m->standard[BOOT_TIME])}};

	while (*at < ARRAY_LEN(read) + VIEW_STANDARD_COUNT) {
		uint32_t i = (*at)++, row = i - (uint32_t)ARRAY_LEN(read);
		bool is_read = i < ARRAY_LEN(read);

		*name = is_read ? read[i].name : standard_rows[row].name;
		*value = is_read ? read[i].value : standard_value(row, m->standard[row]);
		if (fabs(*value) < 1e18)
			return true; /* not NaN either */
	}
	return false;
}
