/*
 * test_still.c - what hardly moves (collect_still.h), and network devices (collect_net.h):
 * over a directory that stands for /, and over this host's own.
 */
#include "figures.h"

#include "../../../daemon/io/collect_net.h"
#include "../../../daemon/io/collect_still.h"

static void
device(const char *name, const char *state, const char *mtu)
{
	char path[64];

	snprintf(path, sizeof path, "net/%s/operstate", name);
	put(path, state);
	snprintf(path, sizeof path, "net/%s/mtu", name);
	put(path, mtu);
	snprintf(path, sizeof path, "net/%s/flags", name);
	put(path, "0x1003\n");
	snprintf(path, sizeof path, "net/%s/address", name);
	put(path, "02:00:00:00:00:01\n");
}

static void
network_devices(void **state)
{
	struct netclass *n;

	(void)state;
	device("eth0", "up\n", "1500\n");
	device("v1", "down\n", "none\n");
	put("net/v1/speed", "-1\n");
	put("net/.hidden/mtu", "1\n");
	put("net/a_name_that_no_device_can_have_____/mtu", "1\n");
	assert_non_null(n = netclass_new(&of, w.fd, "net"));
	for (int i = 0; i < 4; i++)
		netclass_tick(n, tick++);
	assert_true(value("node_network_up,device=eth0," OF) == 1);
	assert_true(value("node_network_mtu_bytes,device=eth0," OF) == 1500);
	assert_true(value("node_network_flags,device=eth0," OF) == 4099);
	assert_true(value("node_network_info,device=eth0,address=02:00:00:00:00:01,operstate=up," OF) == 1);
	assert_true(value("node_network_up,device=v1," OF) == 0);
	assert_true(value("node_network_speed_bytes,device=v1," OF) == -125000);
	assert_true(is_none("node_network_mtu_bytes,device=v1," OF));
	assert_true(is_none("node_network_mtu_bytes,device=.hidden," OF));

	/* One goes down, one goes. */
	put("net/eth0/operstate", "down\n");
	assert_int_equal(unlinkat(w.fd, "net/v1/mtu", 0), 0);
	assert_int_equal(renameat(w.fd, "net/v1", w.fd, "was"), 0);
	for (int i = 0; i < 34; i++)
		netclass_tick(n, tick++);
	assert_true(value("node_network_up,device=eth0," OF) == 0);
	assert_true(has_ended("node_network_info,device=eth0,address=02:00:00:00:00:01,operstate=up," OF));
	assert_true(value("node_network_info,device=eth0,address=02:00:00:00:00:01,operstate=down," OF) == 1);
	assert_true(has_ended("node_network_up,device=v1," OF));
	netclass_free(n);
	assert_non_null(n = netclass_new(&of, w.fd, "nowhere"));
	netclass_tick(n, tick);
	netclass_free(n);
}

static void
many_devices(void **state)
{
	struct netclass *n;
	struct series_stats st;
	char name[16];

	(void)state;
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof name, "v%d", i);
		device(name, "up\n", "1500\n");
	}
	assert_non_null(n = netclass_new(&of, w.fd, "net"));
	for (int i = 0; i < 200; i++)
		netclass_tick(n, tick++);
	series_stats(of.store, &st);
	assert_int_equal(st.series, NETCLASS_DEVICES_MAX * 4);
	netclass_free(n);
}

#define ARP "IP address  HW type  Flags  HW address  Mask  Device\n"
#define UDP "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when\n"
#define CLOCK "sys/devices/system/clocksource/clocksource0/"

static void
a_host(void **state)
{
	struct still *s;

	(void)state;
	put("etc/os-release", "# comment\nNAME=\"Debian GNU/Linux\"\nID=debian\nVERSION_ID='12.4'\nodd\n=x\nID_LIKE=\nPRETTY_NAME=\"a\\\"b\xff\"\n");
	put(CLOCK "available_clocksource", "tsc hpet acpi_pm \n");
	put(CLOCK "current_clocksource", "tsc\n");
	put("proc/net/arp", ARP "10.0.0.1 0x1 0x2 02:00 * eth0\n10.0.0.2 0x1 0x2 02:00 * eth0\n10.0.0.3 0x1 0x2 02:00 * br0 \n\ncut off");
	put("proc/net/udp", UDP " 10: 00:1 00:0 07 00000010:000000FF 00:0\n 11: 00:1 00:0 07 00000001:00000001 00:0\n 12: odd\n");
	put("proc/net/stat/nf_conntrack", "entries searched found\n0a 0 2 0 3 0 0 0 1 0 ff 0 0 0 0 0 4\n0a 0 1 0 0 0 0 0 1 0 1 0 0 0 0 0 1\n");
	assert_non_null(s = still_new(&of, w.fd));
	still_tick(s, tick, true);
	assert_true(value("node_os_info,name=Debian GNU/Linux,id=debian,version_id=12.4,pretty_name=a\"b_," OF) == 1);
	assert_true(value("node_os_version,name=Debian GNU/Linux,id=debian," OF) == 12.4);
	assert_true(value("node_time_clocksource_available_info,clocksource=acpi_pm,device=0," OF) == 1);
	assert_true(value("node_time_clocksource_current_info,clocksource=tsc,device=0," OF) == 1);
	assert_true(value("node_arp_entries,device=eth0," OF) == 2);
	assert_true(value("node_arp_entries,device=br0," OF) == 1);
	assert_true(value("node_udp_queues,ip=v4,queue=tx," OF) == 17);
	assert_true(value("node_udp_queues,ip=v4,queue=rx," OF) == 256);
	assert_true(is_none("node_udp_queues,ip=v6,queue=rx," OF));
	assert_true(value("node_nf_conntrack_stat_found," OF) == 3);
	assert_true(value("node_nf_conntrack_stat_drop," OF) == 256);
	assert_true(value("node_nf_conntrack_stat_search_restart," OF) == 5);
	assert_true(value("node_selinux_enabled," OF) == 0);
	assert_true(value("node_timex_tick_seconds," OF) > 0);
	assert_true(value("node_timex_frequency_adjustment_ratio," OF) > 0.9);

	/* It all changes, within a minute. */
	put("etc/os-release", "NAME=Other\n");
	put(CLOCK "available_clocksource", "hpet\n");
	put(CLOCK "current_clocksource", "hpet\n");
	put("proc/net/arp", ARP);
	put("proc/net/udp", UDP);
	for (int i = 0; i < 60; i++)
		still_tick(s, ++tick, false);
	assert_true(has_ended("node_os_info,name=Debian GNU/Linux,id=debian,version_id=12.4,pretty_name=a\"b_," OF));
	assert_true(has_ended("node_os_version,name=Debian GNU/Linux,id=debian," OF));
	assert_true(value("node_os_info,name=Other," OF) == 1);
	assert_true(has_ended("node_time_clocksource_available_info,clocksource=tsc,device=0," OF));
	assert_true(value("node_time_clocksource_current_info,clocksource=hpet,device=0," OF) == 1);
	assert_true(has_ended("node_arp_entries,device=eth0," OF));
	assert_true(value("node_udp_queues,ip=v4,queue=rx," OF) == 0);
	still_free(s);
}

/* Files that are not there, and what nobody writes there. */
static void
an_odd_host(void **state)
{
	char many[4096] = "";
	struct still *s;

	(void)state;
	assert_non_null(s = still_new(&of, w.fd));
	still_tick(s, tick, true);
	assert_true(is_none("node_arp_entries,device=eth0," OF));
	assert_true(value("node_selinux_enabled," OF) == 0);
	for (int i = 0; i < 40; i++)
		snprintf(many + strlen(many), sizeof many - strlen(many), "source%d ", i);
	put(CLOCK "available_clocksource", many);
	put(CLOCK "current_clocksource", "a_clock_source_whose_name_is_longer_than_any\n");
	put("proc/net/arp", ARP "\n   \na_device_whose_name_is_longer_than_a_device_can_have\n");
	put("proc/net/udp", UDP "::::\n1 2 3 4 zz:zz\n1 2 3 4 ffffffffffffffffffffffffff:1\n");
	put("proc/net/stat/nf_conntrack", "x\nzz zz zz\n");
	put("etc/os-release", "NAME=\nVERSION_ID=1e999\nID=\"\nNAME");
	still_tick(s, ++tick, true);
	assert_true(value("node_time_clocksource_available_info,clocksource=source0,device=0," OF) == 1);
	assert_true(is_none("node_time_clocksource_available_info,clocksource=source30,device=0," OF));
	still_free(s);
}

static void
this_host(void **state)
{
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct still *s = still_new(&of, root);
	struct netclass *n = netclass_new(&of, AT_FDCWD, "/sys/class/net");

	(void)state;
	close(root);
	assert_non_null(s);
	assert_non_null(n);
	still_tick(s, tick, true);
	for (int i = 0; i < 100; i++)
		netclass_tick(n, tick++);
	assert_true(value("node_network_mtu_bytes,device=lo," OF) > 0);
	assert_true(value("node_network_protocol_type,device=lo," OF) == 772);
	assert_true(value("node_udp_queues,ip=v4,queue=rx," OF) >= 0);
	netclass_free(n);
	still_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(network_devices, setup, teardown),
	    cmocka_unit_test_setup_teardown(many_devices, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_host, setup, teardown),
	    cmocka_unit_test_setup_teardown(an_odd_host, setup, teardown),
	    cmocka_unit_test_setup_teardown(this_host, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
