/*
 * test_procfs.c - the kernel's texts as several kernels write them: which numbers come
 * out, what they are called, and that no text at all does harm.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../daemon/core/procfs.h"

static char told[65536];

static struct slice
text_of(const char *text)
{
	return (struct slice){(const uint8_t *)text, strlen(text)};
}

/* What is read of it, a line each as an exposition has them. */
static const char *
read_all(enum procfs_kind kind, struct slice text, bool cut)
{
	struct procfs_scan s;
	struct procfs_item it;
	size_t n = 0;

	told[0] = '\0';
	procfs_begin(&s, kind, text, cut);
	while (procfs_next(&s, &it)) {
		char name[PROCFS_NAME_CAP];
		struct labels l = {0};
		const char *sep = "{";

		if (!procfs_name(&it, name, &l))
			continue;
		n += (size_t)snprintf(told + n, sizeof told - n, "%s", name);
		for (uint32_t i = 0; i < l.count; i++) {
			if (slice_eq(l.items[i].name, slice_of(LABEL_NAME)))
				continue;
			n += (size_t)snprintf(told + n, sizeof told - n, "%s%.*s=%.*s", sep,
			    (int)l.items[i].name.len, (const char *)l.items[i].name.b,
			    (int)l.items[i].value.len, (const char *)l.items[i].value.b);
			sep = ",";
		}
		n += (size_t)snprintf(told + n, sizeof told - n, "%s %.15g\n", *sep == ',' ? "}" : "", it.value);
		assert_true(n < sizeof told);
	}
	return told;
}

static void
reads(enum procfs_kind kind, const char *text, const char *want)
{
	assert_string_equal(read_all(kind, text_of(text), false), want);
}

static void
cpu_of_each_core_and_mode(void **state)
{
	(void)state;
	/* 6.18; the sum of all cores is nobody's, and guest time is told apart. */
	reads(PROCFS_STAT,
	    "cpu  100252 94 35956 50527 1484 0 478 1629 7 8\n"
	    "cpu0 49248 35 18074 26894 137 0 28 810 7 8\n"
	    "intr 1107471 0 0 0 16\nctxt 3404811\nbtime 1796038318\nprocesses 49297\n"
	    "procs_running 6\nprocs_blocked 0\nsoftirq 702462 0 85319\n",
	    "node_cpu_seconds_total{cpu=0,mode=user} 492.48\n"
	    "node_cpu_seconds_total{cpu=0,mode=nice} 0.35\n"
	    "node_cpu_seconds_total{cpu=0,mode=system} 180.74\n"
	    "node_cpu_seconds_total{cpu=0,mode=idle} 268.94\n"
	    "node_cpu_seconds_total{cpu=0,mode=iowait} 1.37\n"
	    "node_cpu_seconds_total{cpu=0,mode=irq} 0\n"
	    "node_cpu_seconds_total{cpu=0,mode=softirq} 0.28\n"
	    "node_cpu_seconds_total{cpu=0,mode=steal} 8.1\n"
	    "node_cpu_guest_seconds_total{cpu=0,mode=user} 0.07\n"
	    "node_cpu_guest_seconds_total{cpu=0,mode=nice} 0.08\n"
	    "node_intr_total 1107471\nnode_context_switches_total 3404811\n"
	    "node_boot_time_seconds 1796038318\nnode_forks_total 49297\n"
	    "node_procs_running 6\nnode_procs_blocked 0\n");
	/* 2.6.18 had no guests, and a core can be away. */
	reads(PROCFS_STAT, "cpu  1 2 3 4 5 6 7 8\ncpu2 100 0 0 0 0 0 0 0\nctxt 5\n",
	    "node_cpu_seconds_total{cpu=2,mode=user} 1\nnode_cpu_seconds_total{cpu=2,mode=nice} 0\n"
	    "node_cpu_seconds_total{cpu=2,mode=system} 0\nnode_cpu_seconds_total{cpu=2,mode=idle} 0\n"
	    "node_cpu_seconds_total{cpu=2,mode=iowait} 0\nnode_cpu_seconds_total{cpu=2,mode=irq} 0\n"
	    "node_cpu_seconds_total{cpu=2,mode=softirq} 0\nnode_cpu_seconds_total{cpu=2,mode=steal} 0\n"
	    "node_context_switches_total 5\n");
}

static void
memory_by_any_name(void **state)
{
	(void)state;
	reads(PROCFS_MEMINFO,
	    "MemTotal:       24684096 kB\nActive(anon):    1203332 kB\nHugePages_Total:       3\n"
	    "Hugepagesize:       2048 kB\nNew Word:  1 kB\nNewer:\t12 kB\n: 1 kB\nBad: x kB\n",
	    "node_memory_MemTotal_bytes 25276514304\nnode_memory_Active_anon_bytes 1232211968\n"
	    "node_memory_HugePages_Total 3\nnode_memory_Hugepagesize_bytes 2097152\n"
	    "node_memory_Newer_bytes 12288\n");
}

static void
one_line_of_numbers(void **state)
{
	(void)state;
	reads(PROCFS_LOADAVG, "3.35 3.89 0.29 5/204 16871\n", "node_load1 3.35\nnode_load5 3.89\nnode_load15 0.29\n");
	reads(PROCFS_FILE_NR, "1763\t0\t2466193\n", "node_filefd_allocated 1763\nnode_filefd_maximum 2466193\n");
	reads(PROCFS_FILE_NR, "1763\t0\t9223372036854775807\n",
	    "node_filefd_allocated 1763\nnode_filefd_maximum 9.22337203685478e+18\n");
	reads(PROCFS_ENTROPY, "256\n", "node_entropy_available_bits 256\n");
	reads(PROCFS_CONNTRACK_MAX, "65536", "node_nf_conntrack_entries_limit 65536\n");
}

static void
vmstat_by_word(void **state)
{
	(void)state;
	reads(PROCFS_VMSTAT, "nr_free_pages 5\npgpgin 1707933\npgpgout 2\npswpin 0\npswpout 1\npgfault 47337193\n"
	    "pgmajfault 2215\npgfaultless 9\noom_kill 4\n",
	    "node_vmstat_pgpgin 1707933\nnode_vmstat_pgpgout 2\nnode_vmstat_pswpin 0\nnode_vmstat_pswpout 1\n"
	    "node_vmstat_pgfault 47337193\nnode_vmstat_pgmajfault 2215\nnode_vmstat_oom_kill 4\n");
}

static void
disks_of_three_kernels(void **state)
{
	static const char first[] =
	    "node_disk_reads_completed_total{device=vda} 86755\nnode_disk_reads_merged_total{device=vda} 13066\n"
	    "node_disk_read_bytes_total{device=vda} 1748923392\nnode_disk_read_time_seconds_total{device=vda} 68.571\n"
	    "node_disk_writes_completed_total{device=vda} 66437\nnode_disk_writes_merged_total{device=vda} 250317\n"
	    "node_disk_written_bytes_total{device=vda} 4707201024\nnode_disk_write_time_seconds_total{device=vda} 106.322\n"
	    "node_disk_io_now{device=vda} 0\nnode_disk_io_time_seconds_total{device=vda} 34.752\n"
	    "node_disk_io_time_weighted_seconds_total{device=vda} 179.527\n";
	static const char line[] = " 254       0 vda 86755 13066 3415866 68571 66437 250317 9193752 106322 0 34752 179527";
	char text[512], want[2048];

	(void)state;
	snprintf(text, sizeof text, "   7       0 loop0 1 2 3 4 5 6 7 8 9 10 11\n   8  1 sda1 1 2 3 4 5 6 7 8 9 10 11\n%s\n", line);
	reads(PROCFS_DISKSTATS, text, first); /* 4.17 and older */
	snprintf(text, sizeof text, "%s 23527 58 2353080 3837\n", line);
	snprintf(want, sizeof want, "%snode_disk_discards_completed_total{device=vda} 23527\nnode_disk_discards_merged_total{device=vda} 58\n"
	    "node_disk_discarded_sectors_total{device=vda} 2353080\nnode_disk_discard_time_seconds_total{device=vda} 3.837\n", first);
	reads(PROCFS_DISKSTATS, text, want); /* from 4.18 on */
	snprintf(text, sizeof text, "%s 23527 58 2353080 3837 8351 795 99 99\n", line);
	snprintf(want + strlen(want), sizeof want - strlen(want), "node_disk_flush_requests_total{device=vda} 8351\n"
	    "node_disk_flush_requests_time_seconds_total{device=vda} 0.795\n");
	reads(PROCFS_DISKSTATS, text, want); /* from 5.5 on, and of a later one */
}

/* node_exporter's ^(ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$ */
static void
parts_of_disks_are_left_out(void **state)
{
	static const char *const out[] = {"ram0", "loop12", "fd0", "sda1", "hdb12", "vdc3", "xvda1", "nvme0n1p2", "nvme12n3p45"},
	    *const in[] = {"sda", "vda", "nvme0n1", "md0", "dm-0", "zram0", "mmcblk0p1", "sdaa1", "loop", "loopx1", "nvme0n1p", "sr0"};
	char text[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(out); i++) {
		snprintf(text, sizeof text, "1 2 %s 1 2 3 4 5 6 7 8 9 10 11\n", out[i]);
		if (*read_all(PROCFS_DISKSTATS, text_of(text), false) != '\0')
			fail_msg("%s is looked at", out[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(in); i++) {
		snprintf(text, sizeof text, "1 2 %s 1 2 3 4 5 6 7 8 9 10 11\n", in[i]);
		if (*read_all(PROCFS_DISKSTATS, text_of(text), false) == '\0')
			fail_msg("%s is not looked at", in[i]);
	}
}

static void
the_network(void **state)
{
	(void)state;
	/* A number can touch the name, and lo is nobody's traffic. */
	read_all(PROCFS_NETDEV, text_of("Inter-|   Receive  |  Transmit\n face |bytes packets\n"
	    "    lo:  302871    2817 0 0 0 0 0 0 302871 2817 0 0 0 0 0 0\n"
	    "eth0:130366655    2468    1    2    3     4          5         6   114744    1538    7    8    9     10       11          12\n"), false);
	assert_null(strstr(told, "=lo"));
	assert_non_null(strstr(told, "node_network_receive_bytes_total{device=eth0} 130366655\n"));
	assert_non_null(strstr(told, "node_network_receive_drop_total{device=eth0} 2\n"));
	assert_non_null(strstr(told, "node_network_transmit_compressed_total{device=eth0} 12\n"));
	reads(PROCFS_GROUP_NETDEV, "a\nb\n veth: 1 2 3 4 5 6 7 8 11 12 13 14 15 16 17 18\n",
	    "container_network_receive_bytes_total{interface=veth} 1\ncontainer_network_receive_packets_total{interface=veth} 2\n"
	    "container_network_receive_errors_total{interface=veth} 3\ncontainer_network_receive_packets_dropped_total{interface=veth} 4\n"
	    "container_network_transmit_bytes_total{interface=veth} 11\ncontainer_network_transmit_packets_total{interface=veth} 12\n"
	    "container_network_transmit_errors_total{interface=veth} 13\ncontainer_network_transmit_packets_dropped_total{interface=veth} 14\n");
	reads(PROCFS_SOCKSTAT, "sockets: used 17\nTCP: inuse 1 orphan 0 tw 15 alloc 7 mem 168\nFRAG6: inuse 0 memory 2\n",
	    "node_sockstat_sockets_used 17\nnode_sockstat_TCP_inuse 1\nnode_sockstat_TCP_orphan 0\nnode_sockstat_TCP_tw 15\n"
	    "node_sockstat_TCP_alloc 7\nnode_sockstat_TCP_mem_bytes 688128\nnode_sockstat_TCP_mem 168\n"
	    "node_sockstat_FRAG6_inuse 0\nnode_sockstat_FRAG6_memory 2\n");
	/* Names of the line above; a group of which the names are missing is none. */
	reads(PROCFS_NETSTAT, "Ip: Forwarding DefaultTTL\nIp: 2 64\nTcp: RtoMin MaxConn ActiveOpens InSegs New\nTcp: 200 -1 252 4396 9\n"
	    "UdpLite: InErrors\nUdpLite: 3\nTcpExt: 1 2\nUdp: InDatagrams NoPorts\nUdp: 880\nTcpExt: TCPTimeouts\n",
	    "node_netstat_Ip_Forwarding 2\nnode_netstat_Tcp_ActiveOpens 252\nnode_netstat_Tcp_InSegs 4396\n"
	    "node_netstat_UdpLite_InErrors 3\nnode_netstat_Udp_InDatagrams 880\n");
	reads(PROCFS_SNMP6, "Ip6InReceives \t13\nIp6InOctets    \t1300\nUdpLite6InErrors  0\n",
	    "node_netstat_Ip6_InOctets 1300\nnode_netstat_UdpLite6_InErrors 0\n");
	reads(PROCFS_SOFTNET, "00002abf 00000001 0000000f 00000000\n00003d62 00000000 00000000\n",
	    "node_softnet_processed_total{cpu=0} 10943\nnode_softnet_dropped_total{cpu=0} 1\nnode_softnet_times_squeezed_total{cpu=0} 15\n"
	    "node_softnet_processed_total{cpu=1} 15714\nnode_softnet_dropped_total{cpu=1} 0\nnode_softnet_times_squeezed_total{cpu=1} 0\n");
}

static void
pressure(void **state)
{
	static const char text[] = "some avg10=36.15 avg60=52.24 avg300=57.07 total=513517347\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=12\n";

	(void)state;
	reads(PROCFS_PSI_CPU, text, "node_pressure_cpu_waiting_seconds_total 513.517347\n");
	reads(PROCFS_PSI_IO, text, "node_pressure_io_waiting_seconds_total 513.517347\nnode_pressure_io_stalled_seconds_total 1.2e-05\n");
	reads(PROCFS_GROUP_PSI_CPU, text,
	    "container_pressure_cpu_waiting_seconds_total 513.517347\ncontainer_pressure_cpu_stalled_seconds_total 1.2e-05\n");
	/* 5.12 and older have no full line of cpu. */
	reads(PROCFS_GROUP_PSI_CPU, "some avg10=0.00 avg60=0.00 avg300=0.00 total=1000000\n",
	    "container_pressure_cpu_waiting_seconds_total 1\n");
}

static void
a_group_of_cgroup2(void **state)
{
	(void)state;
	reads(PROCFS_GROUP_CPU_STAT, "usage_usec 1496763388\nuser_usec 1100346751\nsystem_usec 396416637\nnice_usec 942815\n"
	    "core_sched.force_idle_usec 0\nnr_periods 10\nnr_throttled 3\nthrottled_usec 1500000\nnr_bursts 0\nburst_usec 0\n",
	    "container_cpu_usage_seconds_total{cpu=total} 1496.763388\ncontainer_cpu_user_seconds_total 1100.346751\n"
	    "container_cpu_system_seconds_total 396.416637\ncontainer_cpu_cfs_periods_total 10\n"
	    "container_cpu_cfs_throttled_periods_total 3\ncontainer_cpu_cfs_throttled_seconds_total 1.5\n");
	reads(PROCFS_GROUP_CPU_MAX, "max 100000\n", "container_spec_cpu_period 100000\n");
	reads(PROCFS_GROUP_CPU_MAX, "50000 100000\n", "container_spec_cpu_quota 50000\ncontainer_spec_cpu_period 100000\n");
	reads(PROCFS_GROUP_MEMORY_STAT, "anon 14618624\nfile 9687040\nkernel 1\nfile_mapped 7499776\ninactive_file 16384\npgfault 51529\npgmajfault 2\n",
	    "container_memory_rss 14618624\ncontainer_memory_cache 9687040\ncontainer_memory_mapped_file 7499776\n"
	    "container_memory_working_set_bytes 16384\ncontainer_memory_failures_total{failure_type=pgfault,scope=container} 51529\n"
	    "container_memory_failures_total{failure_type=pgmajfault,scope=container} 2\n");
	reads(PROCFS_GROUP_MEMORY_LIMIT, "max\n", "container_spec_memory_limit_bytes 0\n");
	reads(PROCFS_GROUP_MEMORY_LIMIT, "67108864\n", "container_spec_memory_limit_bytes 67108864\n");
	reads(PROCFS_GROUP_MEMORY_EVENTS, "low 0\nhigh 0\nmax 12\noom 2\noom_kill 1\noom_group_kill 0\n",
	    "container_memory_failcnt 12\ncontainer_oom_events_total 1\n");
	reads(PROCFS_GROUP_PIDS, "5\n", "container_threads 5\n");
	reads(PROCFS_GROUP_PIDS_MAX, "max\n", "container_threads_max 0\n");
	reads(PROCFS_GROUP_IO, "254:0 rbytes=1748923392 wbytes=5 rios=7 wios=8 dbytes=0 dios=0\n7:0 \n253:0 rbytes=x wios=3\n",
	    "container_fs_reads_bytes_total{device=254:0} 1748923392\ncontainer_fs_writes_bytes_total{device=254:0} 5\n"
	    "container_fs_reads_total{device=254:0} 7\ncontainer_fs_writes_total{device=254:0} 8\n"
	    "container_fs_writes_total{device=253:0} 3\n");
}

static void
a_group_of_v1(void **state)
{
	(void)state;
	reads(PROCFS_GROUP_CPU_STAT, "nr_periods 4\nnr_throttled 3\nthrottled_time 250000000\nnr_bursts 0\nburst_time 0\n",
	    "container_cpu_cfs_periods_total 4\ncontainer_cpu_cfs_throttled_periods_total 3\ncontainer_cpu_cfs_throttled_seconds_total 0.25\n");
	reads(PROCFS_GROUP_CPU_QUOTA, "-1\n", "");
	reads(PROCFS_GROUP_CPU_QUOTA, "50000\n", "container_spec_cpu_quota 50000\n");
	/* With all that is below it, and each once. */
	reads(PROCFS_GROUP_MEMORY_STAT_V1, "cache 1\nrss 2\nmapped_file 3\nswap 4\ninactive_file 5\nhierarchical_memory_limit 9223372036854771712\n"
	    "total_cache 11\ntotal_rss 12\ntotal_mapped_file 13\ntotal_swap 14\ntotal_pgmajfault 16\ntotal_inactive_file 15\n",
	    "container_memory_cache 11\ncontainer_memory_rss 12\ncontainer_memory_mapped_file 13\n"
	    "container_memory_swap 14\ncontainer_memory_failures_total{failure_type=pgmajfault,scope=container} 16\n"
	    "container_memory_working_set_bytes 15\n");
	reads(PROCFS_GROUP_MEMORY_LIMIT, "9223372036854771712\n", "container_spec_memory_limit_bytes 0\n");
	reads(PROCFS_GROUP_MEMORY_EVENTS, "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n", "container_oom_events_total 3\n");
	reads(PROCFS_GROUP_BLKIO_BYTES, "254:0 Read 100\n254:0 Write 200\n254:0 Sync 0\n254:0 Total 300\nTotal 300\n",
	    "container_fs_reads_bytes_total{device=254:0} 100\ncontainer_fs_writes_bytes_total{device=254:0} 200\n");
	reads(PROCFS_GROUP_BLKIO_OPS, "Total 0\n", "");
}

/* Which number it is, is in the hash: the same the next time, and no two alike. */
static void
each_has_its_own_hash(void **state)
{
	static const char text[] = "Tcp: InSegs OutSegs\nTcp: 1 2\nUdp: InErrors\nUdp: 3\nUdpLite: InErrors\nUdpLite: 4\n";
	uint64_t seen[4];
	struct procfs_scan s;
	struct procfs_item it;
	int n = 0;

	(void)state;
	procfs_begin(&s, PROCFS_NETSTAT, text_of(text), false);
	for (; procfs_next(&s, &it); n++) {
		assert_true(n < 4);
		seen[n] = it.hash;
		for (int i = 0; i < n; i++)
			assert_true(seen[i] != it.hash);
	}
	assert_int_equal(n, 4);
	procfs_begin(&s, PROCFS_NETSTAT, text_of(text), false);
	for (n = 0; procfs_next(&s, &it); n++)
		assert_true(seen[n] == it.hash);
}

static void
half_a_line_is_none(void **state)
{
	struct slice text = text_of("pgpgin 17\npgpgout 23");

	(void)state;
	assert_string_equal(read_all(PROCFS_VMSTAT, text, true), "node_vmstat_pgpgin 17\n");
	assert_string_equal(read_all(PROCFS_VMSTAT, text, false), "node_vmstat_pgpgin 17\nnode_vmstat_pgpgout 23\n");
	text.len = 8;
	assert_string_equal(read_all(PROCFS_VMSTAT, text, true), "");
	assert_string_equal(read_all(PROCFS_VMSTAT, (struct slice){NULL, 0}, true), "");
}

static void
garbage_is_skipped(void **state)
{
	char longer[PROCFS_WORD_BYTES_MAX + 64];

	(void)state;
	memset(longer, 'x', sizeof longer);
	memcpy(longer + PROCFS_WORD_BYTES_MAX + 1, ": 1 kB\nB: 2 kB\n", 16);
	reads(PROCFS_MEMINFO, longer, "node_memory_B_bytes 2048\n");
	reads(PROCFS_MEMINFO, "A: 99999999999999999999 kB\nB: 1 kB\n\n\n:::\nC", "node_memory_B_bytes 1024\n");
	reads(PROCFS_DISKSTATS, "1 2 s\x7f" "a 1 2\n1 2\n\n1 2 sdb\n1 2 \xff\xfe 4 5\n", "");
	reads(PROCFS_NETSTAT, "Tcp\nTcp:\nTcp: \n: 1\n", "");
	reads(PROCFS_SOFTNET, "zz\n", "");
	reads(PROCFS_GROUP_PIDS, "", "");
	/* A word with more behind its NUL is another one. */
	static const char *const words[] = {"Tcp", "mem", "kB", "max", "some", "cpu", "some avg10", "Ip: Forwarding", "A: 1 kB"};

	for (int kind = 0; kind < PROCFS_KINDS; kind++)
		for (size_t i = 0; i < ARRAY_LEN(words); i++) {
			uint8_t line[128] = {0};
			size_t n = strlen(words[i]);

			memcpy(line, words[i], n);
			memcpy(line + 50, ": 1 2 3\n", 8);
			memcpy(line + 58, words[i], n);
			line[127] = '\n';
			read_all((enum procfs_kind)kind, (struct slice){line, sizeof line}, false);
		}
	/* 64 KB of each byte is no text of any kind; that it ends, is the test. */
	for (int kind = 0; kind < PROCFS_KINDS; kind++)
		for (int c = 0; c < 256; c += 5) {
			static uint8_t bytes[4096];

			memset(bytes, c, sizeof bytes);
			read_all((enum procfs_kind)kind, (struct slice){bytes, sizeof bytes}, false);
		}
}

static void
mounts_that_are_measured(void **state)
{
	struct slice text = text_of("22 27 0:21 / /proc rw - proc proc rw\n"
	    "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard\n"
	    "28 27 8:1 / /mnt/a\\040b ro,nosuid master:1 - xfs /dev/sdb1 rw\n"
	    "29 27 8:1 /x /data rw shared:1 master:2 - btrfs /dev/sdc ro,compress\n"
	    "30 27 0:50 / /home rw - nfs4 srv:/home rw\n31 27 0:51 / /f rw - fuse.sshfs me@it: rw\n"
	    "32 27 0:6 / /dev/shm rw - tmpfs tmpfs rw\n33 27 0:60 / /var/lib/docker/x/merged rw - ext4 /dev/vda rw\n"
	    "34 27 0:61 / /m rw - overlay overlay rw\nrubbish\n35 27 0:62 / rel rw - ext4 x rw\n"
	    "36 27 0:63 / /device rw - ext4 \xff\\011 rw");
	static const struct {
		const char *point, *type, *device;
		bool readonly, network;
	} want[] = {{"/", "ext4", "/dev/vda", false, false}, {"/mnt/a b", "xfs", "/dev/sdb1", true, false},
	    {"/data", "btrfs", "/dev/sdc", true, false}, {"/home", "nfs4", "srv:/home", false, true},
	    {"/f", "fuse.sshfs", "me@it:", false, true}, {"/device", "ext4", "??", false, false}};
	struct procfs_mount m;
	size_t n = 0;

	(void)state;
	for (; procfs_mount_next(&text, &m); n++) {
		assert_true(n < ARRAY_LEN(want));
		assert_string_equal(m.point, want[n].point);
		assert_string_equal(m.type, want[n].type);
		assert_string_equal(m.device, want[n].device);
		assert_int_equal(m.readonly, want[n].readonly);
		assert_int_equal(m.network, want[n].network);
	}
	assert_int_equal(n, ARRAY_LEN(want));
}

static void
a_process(void **state)
{
	struct procfs_process p;

	(void)state;
	assert_true(procfs_process(text_of("4658 (a) b (c) S 1 2 3 0 -1 4194560 5 6 7 8 11 22 33 44 20 0 1 0 8765 9000 77 18446744073709551615 1\n"), &p));
	assert_string_equal(p.comm, "a)_b_(c");
	assert_int_equal(p.cpu_ticks, 33);
	assert_int_equal(p.rss_pages, 77);
	assert_int_equal(p.start_ticks, 8765);
	assert_true(procfs_process(text_of("1 (a-name-that-is-too-long) S 1 2 3 0 -1 4194560 5 6 7 8 11 22 33 44 20 0 1 0 8765 9000 77"), &p));
	assert_string_equal(p.comm, "a-name-that-is-");
	assert_false(procfs_process(text_of("1 (a) S 1 2 3"), &p));
	assert_false(procfs_process(text_of("1 a S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24"), &p));
	assert_false(procfs_process(text_of(") ( S 1"), &p));
	assert_false(procfs_process(text_of("1 (a) S 1 2 3 0 -1 4194560 5 6 7 8 -11 22 33 44 20 0 1 0 8765 9000 77"), &p));
	assert_false(procfs_process(text_of(""), &p));
}

static void
groups_of_a_process(void **state)
{
	static const char text[] = "9:name=systemd:/\n4:memory,hugetlb:/mesh/@box/web.1.2\n1:cpu,cpuacct:/c:d\n5:pids:/a/../b\n"
				   "6:blkio:relative\n0::/mesh/@box/web.1.2\n";
	char path[64];

	(void)state;
	assert_true(procfs_group(text_of(text), "", path, sizeof path));
	assert_string_equal(path, "/mesh/@box/web.1.2");
	assert_true(procfs_group(text_of(text), "memory", path, sizeof path));
	assert_string_equal(path, "/mesh/@box/web.1.2");
	assert_true(procfs_group(text_of(text), "cpuacct", path, sizeof path));
	assert_string_equal(path, "/c:d");
	assert_false(procfs_group(text_of(text), "pids", path, sizeof path));
	assert_false(procfs_group(text_of(text), "blkio", path, sizeof path));
	assert_false(procfs_group(text_of(text), "freezer", path, sizeof path));
	assert_false(procfs_group(text_of(text), "", path, 18));
	assert_true(procfs_group(text_of(text), "", path, 19));
}

static void
hierarchies(void **state)
{
	static const char text[] = "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
				   "41 31 0:38 /part /sys/fs/cgroup/uni\\040fied rw shared:3 - cgroup2 none rw,nsdelegate\n"
				   "42 31 0:39 / /x rw - ext4 cgroup rw,memory\n";
	char point[64], root[64];

	(void)state;
	assert_true(procfs_hierarchy(text_of(text), "", point, root, sizeof point));
	assert_string_equal(point, "/sys/fs/cgroup/uni fied");
	assert_string_equal(root, "/part");
	assert_true(procfs_hierarchy(text_of(text), "cpu", point, root, sizeof point));
	assert_string_equal(point, "/sys/fs/cgroup/cpu");
	assert_false(procfs_hierarchy(text_of(text), "memory", point, root, sizeof point));
	assert_false(procfs_hierarchy(text_of(text), "cpu", point, root, 10));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(cpu_of_each_core_and_mode),
	    cmocka_unit_test(memory_by_any_name),
	    cmocka_unit_test(one_line_of_numbers),
	    cmocka_unit_test(vmstat_by_word),
	    cmocka_unit_test(disks_of_three_kernels),
	    cmocka_unit_test(parts_of_disks_are_left_out),
	    cmocka_unit_test(the_network),
	    cmocka_unit_test(pressure),
	    cmocka_unit_test(a_group_of_cgroup2),
	    cmocka_unit_test(a_group_of_v1),
	    cmocka_unit_test(each_has_its_own_hash),
	    cmocka_unit_test(half_a_line_is_none),
	    cmocka_unit_test(garbage_is_skipped),
	    cmocka_unit_test(mounts_that_are_measured),
	    cmocka_unit_test(a_process),
	    cmocka_unit_test(groups_of_a_process),
	    cmocka_unit_test(hierarchies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
