/*
 * procfs_names.c - what is in each file, and what it is called: tables alone, in the words
 * of node_exporter 1.5 and cAdvisor 0.49 (names, labels, units, and mostly their help),
 * so that dashboards people have read ours.  A row without a name is skipped.
 */
#include "procfs_in.h"

#define HZ 100.0	/* of /proc, whatever the kernel's own is */
#define SECTOR (1 / 512.0)
#define PAGES 0 /* of memory: times their size */
#define MICRO 1e6
#define NANO 1e9

static const struct procfs_meaning stat[] = {
    {NULL, "node_cpu_seconds_total", SERIES_COUNTER, HZ, "cpu", "mode", "user",
	"Seconds the CPUs spent in each mode."},
    {NULL, "node_cpu_seconds_total", SERIES_COUNTER, HZ, "cpu", "mode", "nice",
	"Seconds the CPUs spent in each mode."},
    {NULL, "node_cpu_seconds_total", SERIES_COUNTER, HZ, "cpu", "mode", "system",
	"Seconds the CPUs spent in each mode."},
    {NULL, "node_cpu_seconds_total", SERIES_COUNTER, HZ, "cpu", "mode", "idle",
	"Seconds the CPUs spent in each mode."},
    {NULL, "node_cpu_seconds_total", SERIES_COUNTER, HZ, "cpu", "mode", "iowait",
	"Seconds the CPUs spent in each mode."},
    {NULL, "node_cpu_seconds_total", SERIES_COUNTER, HZ, "cpu", "mode", "irq",
	"Seconds the CPUs spent in each mode."},
    {NULL, "node_cpu_seconds_total", SERIES_COUNTER, HZ, "cpu", "mode", "softirq",
	"Seconds the CPUs spent in each mode."},
    {NULL, "node_cpu_seconds_total", SERIES_COUNTER, HZ, "cpu", "mode", "steal",
	"Seconds the CPUs spent in each mode."},
    {NULL, "node_cpu_guest_seconds_total", SERIES_COUNTER, HZ, "cpu", "mode", "user",
	"Seconds the CPUs spent in guests (VMs) for each mode."},
    {NULL, "node_cpu_guest_seconds_total", SERIES_COUNTER, HZ, "cpu", "mode", "nice",
	"Seconds the CPUs spent in guests (VMs) for each mode."},
    {"intr", "node_intr_total", SERIES_COUNTER, 1, NULL, NULL, NULL,
	"Total number of interrupts serviced."},
    {"ctxt", "node_context_switches_total", SERIES_COUNTER, 1, NULL, NULL, NULL,
	"Total number of context switches."},
    {"btime", "node_boot_time_seconds", SERIES_GAUGE, 1, NULL, NULL, NULL,
	"Node boot time, in unixtime."},
    {"processes", "node_forks_total", SERIES_COUNTER, 1, NULL, NULL, NULL,
	"Total number of forks."},
    {"procs_running", "node_procs_running", SERIES_GAUGE, 1, NULL, NULL, NULL,
	"Number of processes in runnable state."},
    {"procs_blocked", "node_procs_blocked", SERIES_GAUGE, 1, NULL, NULL, NULL,
	"Number of processes blocked waiting for I/O to complete."},
};

static const struct procfs_meaning meminfo[] = {
    {"kB", "node_memory_*_bytes", SERIES_GAUGE, 1 / 1024.0, NULL, NULL, NULL,
	"Memory information field, in bytes."},
    {"*", "node_memory_*", SERIES_GAUGE, 1, NULL, NULL, NULL,
	"Memory information field."},
};

static const struct procfs_meaning loadavg[] = {
    {NULL, "node_load1", SERIES_GAUGE, 1, NULL, NULL, NULL,
	"1m load average."},
    {NULL, "node_load5", SERIES_GAUGE, 1, NULL, NULL, NULL,
	"5m load average."},
    {NULL, "node_load15", SERIES_GAUGE, 1, NULL, NULL, NULL,
	"15m load average."},
};

static const struct procfs_meaning vmstat[] = {
    {"oom_kill", "node_vmstat_*", SERIES_UNTYPED, 1, NULL, NULL, NULL,
	"/proc/vmstat information field."},
    {"pgpgin", "node_vmstat_*", SERIES_UNTYPED, 1, NULL, NULL, NULL,
	"/proc/vmstat information field."},
    {"pgpgout", "node_vmstat_*", SERIES_UNTYPED, 1, NULL, NULL, NULL,
	"/proc/vmstat information field."},
    {"pswpin", "node_vmstat_*", SERIES_UNTYPED, 1, NULL, NULL, NULL,
	"/proc/vmstat information field."},
    {"pswpout", "node_vmstat_*", SERIES_UNTYPED, 1, NULL, NULL, NULL,
	"/proc/vmstat information field."},
    {"pgfault", "node_vmstat_*", SERIES_UNTYPED, 1, NULL, NULL, NULL,
	"/proc/vmstat information field."},
    {"pgmajfault", "node_vmstat_*", SERIES_UNTYPED, 1, NULL, NULL, NULL,
	"/proc/vmstat information field."},
};

static const struct procfs_meaning diskstats[] = {
    {NULL, "node_disk_reads_completed_total", SERIES_COUNTER, 1, "device", NULL, NULL,
	"The total number of reads completed successfully."},
    {NULL, "node_disk_reads_merged_total", SERIES_COUNTER, 1, "device", NULL, NULL,
	"The total number of reads merged."},
    {NULL, "node_disk_read_bytes_total", SERIES_COUNTER, SECTOR, "device", NULL, NULL,
	"The total number of bytes read successfully."},
    {NULL, "node_disk_read_time_seconds_total", SERIES_COUNTER, 1000, "device", NULL, NULL,
	"The total number of seconds spent by all reads."},
    {NULL, "node_disk_writes_completed_total", SERIES_COUNTER, 1, "device", NULL, NULL,
	"The total number of writes completed successfully."},
    {NULL, "node_disk_writes_merged_total", SERIES_COUNTER, 1, "device", NULL, NULL,
	"The number of writes merged."},
    {NULL, "node_disk_written_bytes_total", SERIES_COUNTER, SECTOR, "device", NULL, NULL,
	"The total number of bytes written successfully."},
    {NULL, "node_disk_write_time_seconds_total", SERIES_COUNTER, 1000, "device", NULL, NULL,
	"This is the total number of seconds spent by all writes."},
    {NULL, "node_disk_io_now", SERIES_GAUGE, 1, "device", NULL, NULL,
	"The number of I/Os currently in progress."},
    {NULL, "node_disk_io_time_seconds_total", SERIES_COUNTER, 1000, "device", NULL, NULL,
	"Total seconds spent doing I/Os."},
    {NULL, "node_disk_io_time_weighted_seconds_total", SERIES_COUNTER, 1000, "device", NULL, NULL,
	"The weighted # of seconds spent doing I/Os."},
    {NULL, "node_disk_discards_completed_total", SERIES_COUNTER, 1, "device", NULL, NULL,
	"The total number of discards completed successfully."},
    {NULL, "node_disk_discards_merged_total", SERIES_COUNTER, 1, "device", NULL, NULL,
	"The total number of discards merged."},
    {NULL, "node_disk_discarded_sectors_total", SERIES_COUNTER, 1, "device", NULL, NULL,
	"The total number of sectors discarded successfully."},
    {NULL, "node_disk_discard_time_seconds_total", SERIES_COUNTER, 1000, "device", NULL, NULL,
	"This is the total number of seconds spent by all discards."},
    {NULL, "node_disk_flush_requests_total", SERIES_COUNTER, 1, "device", NULL, NULL,
	"The total number of flush requests completed successfully"},
    {NULL, "node_disk_flush_requests_time_seconds_total", SERIES_COUNTER, 1000, "device", NULL, NULL,
	"This is the total number of seconds spent by all flush requests."},
};

static const struct procfs_meaning netdev[] = {
    {NULL, "node_network_receive_bytes_total", SERIES_COUNTER, 1, "device", NULL, NULL,
	"Network device statistic receive_bytes."},
    {NULL, "node_network_receive_packets_total", SERIES_COUNTER, 1, "device", NULL, NULL,
	"Network device statistic receive_packets."},
    {NULL, "node_network_receive_errs_total", SERIES_COUNTER, 1, "device", NULL, NULL,
	"Network device statistic receive_errs."},
    {NULL, "node_network_receive_drop_total", SERIES_COUNTER, 1, "device", NULL, NULL,
	"Network device statistic receive_drop."},
    {NULL, "node_network_receive_fifo_total", SERIES_COUNTER, 1, "device", NULL, NULL,
	"Network device statistic receive_fifo."},
    {NULL, "node_network_receive_frame_total", SERIES_COUNTER, 1, "device", NULL, NULL,
	"Network device statistic receive_frame."},
    {NULL, "node_network_receive_compressed_total", SERIES_COUNTER, 1, "device", NULL, NULL,
	"Network device statistic receive_compressed."},
    {NULL, "node_network_receive_multicast_total", SERIES_COUNTER, 1, "device", NULL, NULL,
	"Network device statistic receive_multicast."},
    {NULL, "node_network_transmit_bytes_total", SERIES_COUNTER, 1, "device", NULL, NULL,
	"Network device statistic transmit_bytes."},
    {NULL, "node_network_transmit_packets_total", SERIES_COUNTER, 1, "device", NULL, NULL,
	"Network device statistic transmit_packets."},
    {NULL, "node_network_transmit_errs_total", SERIES_COUNTER, 1, "device", NULL, NULL,
	"Network device statistic transmit_errs."},
    {NULL, "node_network_transmit_drop_total", SERIES_COUNTER, 1, "device", NULL, NULL,
	"Network device statistic transmit_drop."},
    {NULL, "node_network_transmit_fifo_total", SERIES_COUNTER, 1, "device", NULL, NULL,
	"Network device statistic transmit_fifo."},
    {NULL, "node_network_transmit_colls_total", SERIES_COUNTER, 1, "device", NULL, NULL,
	"Network device statistic transmit_colls."},
    {NULL, "node_network_transmit_carrier_total", SERIES_COUNTER, 1, "device", NULL, NULL,
	"Network device statistic transmit_carrier."},
    {NULL, "node_network_transmit_compressed_total", SERIES_COUNTER, 1, "device", NULL, NULL,
	"Network device statistic transmit_compressed."},
};

static const struct procfs_meaning group_netdev[] = {
    {NULL, "container_network_receive_bytes_total", SERIES_COUNTER, 1, "interface", NULL, NULL,
	"Cumulative count of bytes received."},
    {NULL, "container_network_receive_packets_total", SERIES_COUNTER, 1, "interface", NULL, NULL,
	"Cumulative count of packets received."},
    {NULL, "container_network_receive_errors_total", SERIES_COUNTER, 1, "interface", NULL, NULL,
	"Cumulative count of errors received."},
    {NULL, "container_network_receive_packets_dropped_total", SERIES_COUNTER, 1, "interface", NULL, NULL,
	"Cumulative count of packets dropped received."},
    {NULL, NULL, 0, 1, NULL, NULL, NULL, NULL},
    {NULL, NULL, 0, 1, NULL, NULL, NULL, NULL},
    {NULL, NULL, 0, 1, NULL, NULL, NULL, NULL},
    {NULL, NULL, 0, 1, NULL, NULL, NULL, NULL},
    {NULL, "container_network_transmit_bytes_total", SERIES_COUNTER, 1, "interface", NULL, NULL,
	"Cumulative count of bytes transmitted."},
    {NULL, "container_network_transmit_packets_total", SERIES_COUNTER, 1, "interface", NULL, NULL,
	"Cumulative count of packets transmitted."},
    {NULL, "container_network_transmit_errors_total", SERIES_COUNTER, 1, "interface", NULL, NULL,
	"Cumulative count of errors transmitted."},
    {NULL, "container_network_transmit_packets_dropped_total", SERIES_COUNTER, 1, "interface", NULL, NULL,
	"Cumulative count of packets dropped transmitted."},
    {NULL, NULL, 0, 1, NULL, NULL, NULL, NULL},
    {NULL, NULL, 0, 1, NULL, NULL, NULL, NULL},
    {NULL, NULL, 0, 1, NULL, NULL, NULL, NULL},
    {NULL, NULL, 0, 1, NULL, NULL, NULL, NULL},
};

static const struct procfs_meaning psi_cpu[] = {
    {"some", "node_pressure_cpu_waiting_seconds_total", SERIES_COUNTER, MICRO, NULL, NULL, NULL,
	"Total time in seconds that processes have waited for CPU time"},
};

static const struct procfs_meaning group_psi_cpu[] = {
    {"some", "container_pressure_cpu_waiting_seconds_total", SERIES_COUNTER, MICRO, NULL, NULL, NULL,
	"Total time duration tasks in the container have waited due to cpu congestion."},
    {"full", "container_pressure_cpu_stalled_seconds_total", SERIES_COUNTER, MICRO, NULL, NULL, NULL,
	"Total time duration no tasks in the container could make progress due to cpu congestion."},
};

static const struct procfs_meaning psi_io[] = {
    {"some", "node_pressure_io_waiting_seconds_total", SERIES_COUNTER, MICRO, NULL, NULL, NULL,
	"Total time in seconds that processes have waited due to IO congestion"},
    {"full", "node_pressure_io_stalled_seconds_total", SERIES_COUNTER, MICRO, NULL, NULL, NULL,
	"Total time in seconds no process could make progress due to io congestion"},
};

static const struct procfs_meaning group_psi_io[] = {
    {"some", "container_pressure_io_waiting_seconds_total", SERIES_COUNTER, MICRO, NULL, NULL, NULL,
	"Total time duration tasks in the container have waited due to io congestion."},
    {"full", "container_pressure_io_stalled_seconds_total", SERIES_COUNTER, MICRO, NULL, NULL, NULL,
	"Total time duration no tasks in the container could make progress due to io congestion."},
};

static const struct procfs_meaning psi_memory[] = {
    {"some", "node_pressure_memory_waiting_seconds_total", SERIES_COUNTER, MICRO, NULL, NULL, NULL,
	"Total time in seconds that processes have waited for memory"},
    {"full", "node_pressure_memory_stalled_seconds_total", SERIES_COUNTER, MICRO, NULL, NULL, NULL,
	"Total time in seconds no process could make progress due to memory congestion"},
};

static const struct procfs_meaning group_psi_memory[] = {
    {"some", "container_pressure_memory_waiting_seconds_total", SERIES_COUNTER, MICRO, NULL, NULL, NULL,
	"Total time duration tasks in the container have waited due to memory congestion."},
    {"full", "container_pressure_memory_stalled_seconds_total", SERIES_COUNTER, MICRO, NULL, NULL, NULL,
	"Total time duration no tasks in the container could make progress due to memory congestion."},
};

static const struct procfs_meaning file_nr[] = {
    {NULL, "node_filefd_allocated", SERIES_GAUGE, 1, NULL, NULL, NULL,
	"File descriptor statistics: allocated."},
    {NULL, NULL, 0, 1, NULL, NULL, NULL, NULL},
    {NULL, "node_filefd_maximum", SERIES_GAUGE, 1, NULL, NULL, NULL,
	"File descriptor statistics: maximum."},
};

static const struct procfs_meaning sockstat[] = {
    {"*", "node_sockstat_*_%", SERIES_GAUGE, 1, NULL, NULL, NULL,
	"Number of sockets in that state."},
    {"mem", "node_sockstat_*_mem_bytes", SERIES_GAUGE, PAGES, NULL, NULL, NULL,
	"Bytes of memory of sockets."},
};

static const struct procfs_meaning netstat[] = {
    {"Ip Forwarding", "node_netstat_*_%", SERIES_UNTYPED, 1, NULL, NULL, NULL,
	"Statistic of the network stack."},
    {"IpExt InOctets", "node_netstat_*_%", SERIES_UNTYPED, 1, NULL, NULL, NULL,
	"Statistic of the network stack."},
    {"IpExt OutOctets", "node_netstat_*_%", SERIES_UNTYPED, 1, NULL, NULL, NULL,
	"Statistic of the network stack."},
    {"Icmp InMsgs", "node_netstat_*_%", SERIES_UNTYPED, 1, NULL, NULL, NULL,
	"Statistic of the network stack."},
    {"Icmp InErrors", "node_netstat_*_%", SERIES_UNTYPED, 1, NULL, NULL, NULL,
	"Statistic of the network stack."},
    {"Icmp OutMsgs", "node_netstat_*_%", SERIES_UNTYPED, 1, NULL, NULL, NULL,
	"Statistic of the network stack."},
    {"TcpExt ListenDrops", "node_netstat_*_%", SERIES_UNTYPED, 1, NULL, NULL, NULL,
	"Statistic of the network stack."},
    {"TcpExt ListenOverflows", "node_netstat_*_%", SERIES_UNTYPED, 1, NULL, NULL, NULL,
	"Statistic of the network stack."},
    {"TcpExt SyncookiesSent", "node_netstat_*_%", SERIES_UNTYPED, 1, NULL, NULL, NULL,
	"Statistic of the network stack."},
    {"TcpExt SyncookiesRecv", "node_netstat_*_%", SERIES_UNTYPED, 1, NULL, NULL, NULL,
	"Statistic of the network stack."},
    {"TcpExt SyncookiesFailed", "node_netstat_*_%", SERIES_UNTYPED, 1, NULL, NULL, NULL,
	"Statistic of the network stack."},
    {"TcpExt TCPSynRetrans", "node_netstat_*_%", SERIES_UNTYPED, 1, NULL, NULL, NULL,
	"Statistic of the network stack."},
    {"TcpExt TCPTimeouts", "node_netstat_*_%", SERIES_UNTYPED, 1, NULL, NULL, NULL,
	"Statistic of the network stack."},
    {"Tcp ActiveOpens", "node_netstat_*_%", SERIES_UNTYPED, 1, NULL, NULL, NULL,
	"Statistic of the network stack."},
    {"Tcp PassiveOpens", "node_netstat_*_%", SERIES_UNTYPED, 1, NULL, NULL, NULL,
	"Statistic of the network stack."},
    {"Tcp RetransSegs", "node_netstat_*_%", SERIES_UNTYPED, 1, NULL, NULL, NULL,
	"Statistic of the network stack."},
    {"Tcp CurrEstab", "node_netstat_*_%", SERIES_UNTYPED, 1, NULL, NULL, NULL,
	"Statistic of the network stack."},
    {"Tcp InErrs", "node_netstat_*_%", SERIES_UNTYPED, 1, NULL, NULL, NULL,
	"Statistic of the network stack."},
    {"Tcp InSegs", "node_netstat_*_%", SERIES_UNTYPED, 1, NULL, NULL, NULL,
	"Statistic of the network stack."},
    {"Tcp OutSegs", "node_netstat_*_%", SERIES_UNTYPED, 1, NULL, NULL, NULL,
	"Statistic of the network stack."},
    {"Tcp OutRsts", "node_netstat_*_%", SERIES_UNTYPED, 1, NULL, NULL, NULL,
	"Statistic of the network stack."},
    {"Udp InDatagrams", "node_netstat_*_%", SERIES_UNTYPED, 1, NULL, NULL, NULL,
	"Statistic of the network stack."},
    {"Udp NoPorts", "node_netstat_*_%", SERIES_UNTYPED, 1, NULL, NULL, NULL,
	"Statistic of the network stack."},
    {"Udp InErrors", "node_netstat_*_%", SERIES_UNTYPED, 1, NULL, NULL, NULL,
	"Statistic of the network stack."},
    {"Udp OutDatagrams", "node_netstat_*_%", SERIES_UNTYPED, 1, NULL, NULL, NULL,
	"Statistic of the network stack."},
    {"Udp RcvbufErrors", "node_netstat_*_%", SERIES_UNTYPED, 1, NULL, NULL, NULL,
	"Statistic of the network stack."},
    {"Udp SndbufErrors", "node_netstat_*_%", SERIES_UNTYPED, 1, NULL, NULL, NULL,
	"Statistic of the network stack."},
    {"UdpLite InErrors", "node_netstat_*_%", SERIES_UNTYPED, 1, NULL, NULL, NULL,
	"Statistic of the network stack."},
};

static const struct procfs_meaning snmp6[] = {
    {"Ip6InOctets", "node_netstat_Ip6_InOctets", SERIES_UNTYPED, 1, NULL, NULL, NULL,
	"Statistic of the network stack."},
    {"Ip6OutOctets", "node_netstat_Ip6_OutOctets", SERIES_UNTYPED, 1, NULL, NULL, NULL,
	"Statistic of the network stack."},
    {"Icmp6InMsgs", "node_netstat_Icmp6_InMsgs", SERIES_UNTYPED, 1, NULL, NULL, NULL,
	"Statistic of the network stack."},
    {"Icmp6InErrors", "node_netstat_Icmp6_InErrors", SERIES_UNTYPED, 1, NULL, NULL, NULL,
	"Statistic of the network stack."},
    {"Icmp6OutMsgs", "node_netstat_Icmp6_OutMsgs", SERIES_UNTYPED, 1, NULL, NULL, NULL,
	"Statistic of the network stack."},
    {"Udp6InDatagrams", "node_netstat_Udp6_InDatagrams", SERIES_UNTYPED, 1, NULL, NULL, NULL,
	"Statistic of the network stack."},
    {"Udp6NoPorts", "node_netstat_Udp6_NoPorts", SERIES_UNTYPED, 1, NULL, NULL, NULL,
	"Statistic of the network stack."},
    {"Udp6InErrors", "node_netstat_Udp6_InErrors", SERIES_UNTYPED, 1, NULL, NULL, NULL,
	"Statistic of the network stack."},
    {"Udp6OutDatagrams", "node_netstat_Udp6_OutDatagrams", SERIES_UNTYPED, 1, NULL, NULL, NULL,
	"Statistic of the network stack."},
    {"Udp6RcvbufErrors", "node_netstat_Udp6_RcvbufErrors", SERIES_UNTYPED, 1, NULL, NULL, NULL,
	"Statistic of the network stack."},
    {"Udp6SndbufErrors", "node_netstat_Udp6_SndbufErrors", SERIES_UNTYPED, 1, NULL, NULL, NULL,
	"Statistic of the network stack."},
    {"UdpLite6InErrors", "node_netstat_UdpLite6_InErrors", SERIES_UNTYPED, 1, NULL, NULL, NULL,
	"Statistic of the network stack."},
};

static const struct procfs_meaning softnet[] = {
    {NULL, "node_softnet_processed_total", SERIES_COUNTER, 1, "cpu", NULL, NULL,
	"Number of processed packets"},
    {NULL, "node_softnet_dropped_total", SERIES_COUNTER, 1, "cpu", NULL, NULL,
	"Number of dropped packets"},
    {NULL, "node_softnet_times_squeezed_total", SERIES_COUNTER, 1, "cpu", NULL, NULL,
	"Number of times processing packets ran out of quota"},
};

static const struct procfs_meaning entropy[] = {
    {NULL, "node_entropy_available_bits", SERIES_GAUGE, 1, NULL, NULL, NULL,
	"Bits of available entropy."},
};

static const struct procfs_meaning poolsize[] = {
    {NULL, "node_entropy_pool_size_bits", SERIES_GAUGE, 1, NULL, NULL, NULL,
	"Bits of entropy pool."},
};

static const struct procfs_meaning conntrack[] = {
    {NULL, "node_nf_conntrack_entries", SERIES_GAUGE, 1, NULL, NULL, NULL,
	"Number of currently allocated flow entries for connection tracking."},
};

static const struct procfs_meaning conntrack_max[] = {
    {NULL, "node_nf_conntrack_entries_limit", SERIES_GAUGE, 1, NULL, NULL, NULL,
	"Maximum size of connection tracking table."},
};

static const struct procfs_meaning group_cpu_stat[] = {
    {"usage_usec", "container_cpu_usage_seconds_total", SERIES_COUNTER, MICRO, NULL, "cpu", "total",
	"Cumulative cpu time consumed in seconds."},
    {"user_usec", "container_cpu_user_seconds_total", SERIES_COUNTER, MICRO, NULL, NULL, NULL,
	"Cumulative user cpu time consumed in seconds."},
    {"system_usec", "container_cpu_system_seconds_total", SERIES_COUNTER, MICRO, NULL, NULL, NULL,
	"Cumulative system cpu time consumed in seconds."},
    {"nr_periods", "container_cpu_cfs_periods_total", SERIES_COUNTER, 1, NULL, NULL, NULL,
	"Number of elapsed enforcement period intervals."},
    {"nr_throttled", "container_cpu_cfs_throttled_periods_total", SERIES_COUNTER, 1, NULL, NULL, NULL,
	"Number of throttled period intervals."},
    {"throttled_usec", "container_cpu_cfs_throttled_seconds_total", SERIES_COUNTER, MICRO, NULL, NULL, NULL,
	"Total time duration the container has been throttled."},
    {"throttled_time", "container_cpu_cfs_throttled_seconds_total", SERIES_COUNTER, NANO, NULL, NULL, NULL,
	"Total time duration the container has been throttled."},
};

static const struct procfs_meaning group_cpu_max[] = {
    {NULL, "container_spec_cpu_quota", SERIES_GAUGE, 1, NULL, NULL, NULL,
	"CPU quota of the container."},
    {NULL, "container_spec_cpu_period", SERIES_GAUGE, 1, NULL, NULL, NULL,
	"CPU period of the container."},
};

static const struct procfs_meaning group_cpu_quota[] = {
    {NULL, "container_spec_cpu_quota", SERIES_GAUGE, 1, NULL, NULL, NULL,
	"CPU quota of the container."},
};

static const struct procfs_meaning group_cpu_period[] = {
    {NULL, "container_spec_cpu_period", SERIES_GAUGE, 1, NULL, NULL, NULL,
	"CPU period of the container."},
};

static const struct procfs_meaning group_memory_stat[] = {
    {"anon", "container_memory_rss", SERIES_GAUGE, 1, NULL, NULL, NULL,
	"Size of RSS in bytes."},
    {"file", "container_memory_cache", SERIES_GAUGE, 1, NULL, NULL, NULL,
	"Total page cache memory."},
    {"file_mapped", "container_memory_mapped_file", SERIES_GAUGE, 1, NULL, NULL, NULL,
	"Size of memory mapped files in bytes."},
    {"pgfault", "container_memory_failures_total", SERIES_COUNTER, 1, NULL, "failure_type", "pgfault",
	"Cumulative count of memory allocation failures."},
    {"pgmajfault", "container_memory_failures_total", SERIES_COUNTER, 1, NULL, "failure_type", "pgmajfault",
	"Cumulative count of memory allocation failures."},
    {"inactive_file", "container_memory_working_set_bytes", SERIES_GAUGE, 1, NULL, NULL, NULL,
	"Current working set in bytes."},
};

static const struct procfs_meaning group_memory_stat_v1[] = {
    {"total_rss", "container_memory_rss", SERIES_GAUGE, 1, NULL, NULL, NULL,
	"Size of RSS in bytes."},
    {"total_cache", "container_memory_cache", SERIES_GAUGE, 1, NULL, NULL, NULL,
	"Total page cache memory."},
    {"total_mapped_file", "container_memory_mapped_file", SERIES_GAUGE, 1, NULL, NULL, NULL,
	"Size of memory mapped files in bytes."},
    {"total_swap", "container_memory_swap", SERIES_GAUGE, 1, NULL, NULL, NULL,
	"Container swap usage in bytes."},
    {"total_pgfault", "container_memory_failures_total", SERIES_COUNTER, 1, NULL, "failure_type", "pgfault",
	"Cumulative count of memory allocation failures."},
    {"total_pgmajfault", "container_memory_failures_total", SERIES_COUNTER, 1, NULL, "failure_type", "pgmajfault",
	"Cumulative count of memory allocation failures."},
    {"total_inactive_file", "container_memory_working_set_bytes", SERIES_GAUGE, 1, NULL, NULL, NULL,
	"Current working set in bytes."},
};

static const struct procfs_meaning group_memory[] = {
    {NULL, "container_memory_usage_bytes", SERIES_GAUGE, 1, NULL, NULL, NULL,
	"Current memory usage in bytes, including all memory regardless of when it was accessed"},
};

static const struct procfs_meaning group_memory_peak[] = {
    {NULL, "container_memory_max_usage_bytes", SERIES_GAUGE, 1, NULL, NULL, NULL,
	"Maximum memory usage recorded in bytes"},
};

static const struct procfs_meaning group_memory_limit[] = {
    {NULL, "container_spec_memory_limit_bytes", SERIES_GAUGE, 1, NULL, NULL, NULL,
	"Memory limit for the container."},
};

static const struct procfs_meaning group_memory_events[] = {
    {"max", "container_memory_failcnt", SERIES_COUNTER, 1, NULL, NULL, NULL,
	"Number of memory usage hits limits"},
    {"oom_kill", "container_oom_events_total", SERIES_COUNTER, 1, NULL, NULL, NULL,
	"Count of out of memory events observed for the container"},
};

static const struct procfs_meaning group_memory_failcnt[] = {
    {NULL, "container_memory_failcnt", SERIES_COUNTER, 1, NULL, NULL, NULL,
	"Number of memory usage hits limits"},
};

static const struct procfs_meaning group_swap[] = {
    {NULL, "container_memory_swap", SERIES_GAUGE, 1, NULL, NULL, NULL,
	"Container swap usage in bytes."},
};

static const struct procfs_meaning group_pids[] = {
    {NULL, "container_threads", SERIES_GAUGE, 1, NULL, NULL, NULL,
	"Number of threads running inside the container"},
};

static const struct procfs_meaning group_pids_max[] = {
    {NULL, "container_threads_max", SERIES_GAUGE, 1, NULL, NULL, NULL,
	"Maximum number of threads allowed inside the container, infinity if value is zero"},
};

static const struct procfs_meaning group_io[] = {
    {"rbytes", "container_fs_reads_bytes_total", SERIES_COUNTER, 1, "device", NULL, NULL,
	"Cumulative count of bytes read"},
    {"wbytes", "container_fs_writes_bytes_total", SERIES_COUNTER, 1, "device", NULL, NULL,
	"Cumulative count of bytes written"},
    {"rios", "container_fs_reads_total", SERIES_COUNTER, 1, "device", NULL, NULL,
	"Cumulative count of reads completed"},
    {"wios", "container_fs_writes_total", SERIES_COUNTER, 1, "device", NULL, NULL,
	"Cumulative count of writes completed"},
};

static const struct procfs_meaning group_blkio_bytes[] = {
    {"Read", "container_fs_reads_bytes_total", SERIES_COUNTER, 1, "device", NULL, NULL,
	"Cumulative count of bytes read"},
    {"Write", "container_fs_writes_bytes_total", SERIES_COUNTER, 1, "device", NULL, NULL,
	"Cumulative count of bytes written"},
};

static const struct procfs_meaning group_blkio_ops[] = {
    {"Read", "container_fs_reads_total", SERIES_COUNTER, 1, "device", NULL, NULL,
	"Cumulative count of reads completed"},
    {"Write", "container_fs_writes_total", SERIES_COUNTER, 1, "device", NULL, NULL,
	"Cumulative count of writes completed"},
};

#define LAYOUT(f, lines, words, t) {FORMAT_##f, lines, words, ARRAY_LEN(t), t}

const struct procfs_layout procfs_layouts[PROCFS_KINDS] = {
    [PROCFS_STAT] = LAYOUT(STAT, 0, 0, stat),
    [PROCFS_MEMINFO] = LAYOUT(WORDS, 0, 0, meminfo),
    [PROCFS_LOADAVG] = LAYOUT(PLACES, 0, 0, loadavg),
    [PROCFS_VMSTAT] = LAYOUT(WORDS, 0, 0, vmstat),
    [PROCFS_DISKSTATS] = LAYOUT(COLUMNS, 0, 2, diskstats),
    [PROCFS_NETDEV] = LAYOUT(COLUMNS, 2, 0, netdev),
    [PROCFS_PSI_CPU] = LAYOUT(PSI, 0, 0, psi_cpu),
    [PROCFS_PSI_IO] = LAYOUT(PSI, 0, 0, psi_io),
    [PROCFS_PSI_MEMORY] = LAYOUT(PSI, 0, 0, psi_memory),
    [PROCFS_FILE_NR] = LAYOUT(PLACES, 0, 0, file_nr),
    [PROCFS_SOCKSTAT] = LAYOUT(SOCKETS, 0, 0, sockstat),
    [PROCFS_NETSTAT] = LAYOUT(PAIRS, 0, 0, netstat),
    [PROCFS_SNMP6] = LAYOUT(WORDS, 0, 0, snmp6),
    [PROCFS_SOFTNET] = LAYOUT(HEX, 0, 0, softnet),
    [PROCFS_ENTROPY] = LAYOUT(PLACES, 0, 0, entropy),
    [PROCFS_POOLSIZE] = LAYOUT(PLACES, 0, 0, poolsize),
    [PROCFS_CONNTRACK] = LAYOUT(PLACES, 0, 0, conntrack),
    [PROCFS_CONNTRACK_MAX] = LAYOUT(PLACES, 0, 0, conntrack_max),
    [PROCFS_GROUP_CPU_STAT] = LAYOUT(WORDS, 0, 0, group_cpu_stat),
    [PROCFS_GROUP_CPU_MAX] = LAYOUT(PLACES, 0, 0, group_cpu_max),
    [PROCFS_GROUP_CPU_QUOTA] = LAYOUT(PLACES, 0, 0, group_cpu_quota),
    [PROCFS_GROUP_CPU_PERIOD] = LAYOUT(PLACES, 0, 0, group_cpu_period),
    [PROCFS_GROUP_MEMORY_STAT] = LAYOUT(WORDS, 0, 0, group_memory_stat),
    [PROCFS_GROUP_MEMORY_STAT_V1] = LAYOUT(WORDS, 0, 0, group_memory_stat_v1),
    [PROCFS_GROUP_MEMORY] = LAYOUT(PLACES, 0, 0, group_memory),
    [PROCFS_GROUP_MEMORY_PEAK] = LAYOUT(PLACES, 0, 0, group_memory_peak),
    [PROCFS_GROUP_MEMORY_LIMIT] = LAYOUT(PLACES, 0, 0, group_memory_limit),
    [PROCFS_GROUP_MEMORY_EVENTS] = LAYOUT(WORDS, 0, 0, group_memory_events),
    [PROCFS_GROUP_MEMORY_FAILCNT] = LAYOUT(PLACES, 0, 0, group_memory_failcnt),
    [PROCFS_GROUP_SWAP] = LAYOUT(PLACES, 0, 0, group_swap),
    [PROCFS_GROUP_PIDS] = LAYOUT(PLACES, 0, 0, group_pids),
    [PROCFS_GROUP_PIDS_MAX] = LAYOUT(PLACES, 0, 0, group_pids_max),
    [PROCFS_GROUP_PSI_CPU] = LAYOUT(PSI, 0, 0, group_psi_cpu),
    [PROCFS_GROUP_PSI_IO] = LAYOUT(PSI, 0, 0, group_psi_io),
    [PROCFS_GROUP_PSI_MEMORY] = LAYOUT(PSI, 0, 0, group_psi_memory),
    [PROCFS_GROUP_IO] = LAYOUT(FIELDS, 0, 0, group_io),
    [PROCFS_GROUP_BLKIO_BYTES] = LAYOUT(DEVICES, 0, 0, group_blkio_bytes),
    [PROCFS_GROUP_BLKIO_OPS] = LAYOUT(DEVICES, 0, 0, group_blkio_ops),
    [PROCFS_GROUP_NETDEV] = LAYOUT(COLUMNS, 2, 0, group_netdev),
};
