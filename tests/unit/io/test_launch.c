/*
 * The engine's end of the supervisor's socket; the test is the supervisor,
 * with a real SOCK_SEQPACKET pair, real descriptors and a socket that fills.
 */
#include "world.h"

#include <sys/mman.h>
#include <sys/socket.h>

#include "../../../daemon/base/own.h"
#include "../../../daemon/io/launch.h"
#include "../../../daemon/io/memfd.h"
#include "loop.h"

static uv_loop_t loop;
static struct launch launch;
static int sup = -1; /* our end */

static struct {
	struct sup_event last;
	int events, closes, fd;
	struct sup_req *reply; /* sent from inside the callback, once */
} seen;

static void
on_event(void *arg, const struct sup_event *ev, int fd)
{
	assert_ptr_equal(arg, &seen);
	assert_int_equal(seen.closes, 0);
	seen.last = *ev;
	seen.events++;
	if (seen.fd >= 0)
		close(seen.fd);
	seen.fd = fd;
	if (seen.reply != NULL)
		assert_int_not_equal(launch_send(&launch, seen.reply, NULL, 0), 0);
	seen.reply = NULL;
}

static void
on_close(void *arg)
{
	assert_ptr_equal(arg, &seen);
	seen.closes++;
}

static int
setup(void **state)
{
	const int room = 212992; /* for 80 events at once; anybody may ask for so much */
	int pair[2];

	(void)state;
	memset(&seen, 0, sizeof seen);
	seen.fd = -1;
	if (uv_loop_init(&loop) != 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0)
		return -1;
	sup = pair[1];
	if (setsockopt(sup, SOL_SOCKET, SO_SNDBUF, &room, sizeof room) != 0)
		return -1;
	return launch_init(&launch, &loop, pair[0], &seen, on_event, on_close);
}

static int
teardown(void **state)
{
	(void)state;
	while (launch.count > 0) {
		struct launch_item *i = &launch.queue[launch.head];

		if (i->fd >= 0)
			close(i->fd);
		launch.head = (launch.head + 1) % LAUNCH_QUEUE_MAX;
		launch.count--;
	}
	uv_close((uv_handle_t *)&launch.poll, NULL);
	loop_end(&loop);
	close(launch.fd);
	free(launch.queue);
	if (sup >= 0)
		close(sup);
	if (seen.fd >= 0)
		close(seen.fd);
	return 0;
}

static struct sup_req
request(enum sup_op op, const char *instance)
{
	struct sup_req r;

	assert_true(launch_req(&r, op, "web", instance));
	return r;
}

/* What the supervisor gets: true, or false when nothing is there. */
static bool
take(struct sup_req *r, int *fd)
{
	struct iovec iov = { r, sizeof *r };
	char c[CMSG_SPACE(sizeof(int) * 4)];
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = c,
		.msg_controllen = sizeof c };
	ssize_t n = recvmsg(sup, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *h = n < 0 ? NULL : CMSG_FIRSTHDR(&m);

	*fd = -1;
	if (n < 0) {
		assert_int_equal(errno, EAGAIN);
		return false;
	}
	assert_int_equal(n, sizeof *r);
	assert_int_equal(r->version, SUP_VERSION);
	if (h != NULL) {
		assert_int_equal(h->cmsg_len, CMSG_LEN(sizeof(int)));
		memcpy(fd, CMSG_DATA(h), sizeof(int));
	}
	return true;
}

/* An event of len bytes with at most one descriptor. */
static void
tell(const void *ev, size_t len, int fd)
{
	struct iovec iov = { (void *)(uintptr_t)ev, len };
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} c;
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	memset(&c, 0, sizeof c);
	if (fd >= 0) {
		m.msg_control = c.buf;
		m.msg_controllen = sizeof c.buf;
		struct cmsghdr *h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(h), &fd, sizeof(int));
	}
	assert_int_equal(sendmsg(sup, &m, MSG_DONTWAIT), (ssize_t)len);
}

static struct sup_event
event(enum sup_ev kind)
{
	struct sup_event ev;

	memset(&ev, 0, sizeof ev);
	ev.version = SUP_VERSION;
	ev.kind = kind;
	return ev;
}

static void
a_request_arrives_with_sealed_variables(void **state)
{
	static const char vars[] = "a=1\0b=2";
	struct sup_req r = request(SUP_START, "web.1"), got;
	char buf[32];
	int fd;

	(void)state;
	assert_int_equal(launch_send(&launch, &r, vars, sizeof vars), 1);
	assert_true(take(&got, &fd));
	assert_int_equal(got.op, SUP_START);
	assert_int_equal(got.ticket, 1);
	assert_string_equal(got.role, "web");
	assert_string_equal(got.instance, "web.1");
	assert_true(fd >= 0);
	assert_int_equal(read(fd, buf, sizeof buf), sizeof vars);
	assert_memory_equal(buf, vars, sizeof vars);
	assert_int_equal(fcntl(fd, F_GET_SEALS),
	    F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	close(fd);
	r = request(SUP_STOP, "web.1");
	assert_int_equal(launch_send(&launch, &r, NULL, 0), 2);
	assert_true(take(&got, &fd));
	assert_int_equal(fd, -1);
	assert_false(take(&got, &fd));
}

static void
names_are_never_cut(void **state)
{
	char longest[NAME_CAP], longer[NAME_CAP + 1];
	struct sup_req r;

	(void)state;
	memset(longest, 'a', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	memset(longer, 'a', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	memset(&r, 0xff, sizeof r);
	assert_true(launch_req(&r, SUP_SIGNAL, longest, longest));
	assert_string_equal(r.instance, longest);
	assert_int_equal(r.flags, 0);
	assert_false(launch_req(&r, SUP_SIGNAL, longer, "a"));
	assert_false(launch_req(&r, SUP_SIGNAL, "a", longer));
}

static void
too_many_variables_are_not_sent(void **state)
{
	uint8_t *vars = calloc(1, SUP_VARS_BYTES_MAX + 1);
	struct sup_req r = request(SUP_START, "web.1"), got;
	int fd;

	(void)state;
	assert_int_equal(launch_send(&launch, &r, vars, SUP_VARS_BYTES_MAX + 1), 0);
	assert_false(take(&got, &fd));
	assert_int_not_equal(launch_send(&launch, &r, vars, SUP_VARS_BYTES_MAX), 0);
	assert_true(take(&got, &fd));
	assert_int_equal(lseek(fd, 0, SEEK_END), SUP_VARS_BYTES_MAX);
	close(fd);
	free(vars);
}

/* Far more than the socket holds: nothing waits, nothing is lost or reordered. */
static void
a_full_socket_is_queued_in_order(void **state)
{
	int total = 1500, got = 0, fd;
	struct sup_req r;

	(void)state;
	for (int i = 0; i < total; i++) {
		char vars[32], name[32];
		bool with = i % 16 == 0;

		snprintf(name, sizeof name, "web.%d", i);
		snprintf(vars, sizeof vars, "i=%d", i);
		r = request(SUP_START, name);
		assert_int_equal(
		    launch_send(&launch, &r, with ? vars : NULL, with ? strlen(vars) + 1 : 0), i + 1);
	}
	assert_true(launch.count > 1000);
	while (got < total) {
		char name[32], vars[32], buf[32];

		if (!take(&r, &fd)) {
			uv_run(&loop, UV_RUN_NOWAIT);
			continue;
		}
		snprintf(name, sizeof name, "web.%d", got);
		assert_string_equal(r.instance, name);
		assert_int_equal(r.ticket, ++got);
		assert_int_equal(fd >= 0, (got - 1) % 16 == 0);
		if (fd < 0)
			continue;
		snprintf(vars, sizeof vars, "i=%d", got - 1);
		assert_int_equal(read(fd, buf, sizeof buf), strlen(vars) + 1);
		assert_string_equal(buf, vars);
		close(fd);
	}
	assert_int_equal(launch.count, 0);
	loop_for(&loop, 50); /* nothing more to write: nobody is woken for it */
	assert_false(take(&r, &fd));
	assert_int_equal(seen.closes, 0);
}

static void
a_full_queue_says_no(void **state)
{
	struct sup_req r = request(SUP_STOP, "web.1"), got;
	uint64_t sent = 0, ticket;
	int fd;

	(void)state;
	while ((ticket = launch_send(&launch, &r, NULL, 0)) != 0) {
		assert_int_equal(ticket, ++sent);
		assert_true(sent <= LAUNCH_QUEUE_MAX + 1000);
	}
	assert_int_equal(launch.count, LAUNCH_QUEUE_MAX);
	/* The kernel calls a socket writable when a good part of it is free. */
	while (take(&got, &fd))
		;
	loop_until(&loop, launch.count < LAUNCH_QUEUE_MAX);
	assert_int_equal(launch_send(&launch, &r, NULL, 0), sent + 1);
}

static void
events_come_with_their_descriptor(void **state)
{
	struct sup_event ev = event(SUP_EV_STATE);
	struct stat a, b;
	int fd = memfd_sealed("key", 3);

	(void)state;
	strcpy(ev.instance, "web.1");
	tell(&ev, sizeof ev, -1);
	loop_until(&loop, seen.events == 1);
	assert_string_equal(seen.last.instance, "web.1");
	assert_int_equal(seen.fd, -1);
	ev = event(SUP_EV_KEY);
	tell(&ev, sizeof ev, fd);
	loop_until(&loop, seen.events == 2);
	assert_true(seen.fd >= 0 && seen.fd != fd);
	assert_int_equal(fcntl(seen.fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fstat(fd, &a), 0);
	assert_int_equal(fstat(seen.fd, &b), 0);
	assert_int_equal(a.st_ino, b.st_ino);
	close(fd);
}

static void
an_event_may_be_answered_at_once(void **state)
{
	struct sup_req r = request(SUP_LIST, ""), got;
	struct sup_event ev = event(SUP_EV_LOST);
	int fd;

	(void)state;
	seen.reply = &r;
	for (int i = 0; i < 80; i++)
		tell(&ev, sizeof ev, -1);
	loop_until(&loop, seen.events == 80);
	assert_true(take(&got, &fd));
	assert_int_equal(got.op, SUP_LIST);
}

static void
the_supervisors_end_is_told_once_after_its_last_words(void **state)
{
	struct sup_event ev = event(SUP_EV_STATE);
	struct sup_req r = request(SUP_LIST, "");

	(void)state;
	for (int i = 0; i < 70; i++)
		tell(&ev, sizeof ev, -1);
	close(sup);
	sup = -1;
	loop_until(&loop, seen.closes == 1);
	assert_int_equal(seen.events, 70);
	/* Writing to it kills nobody. */
	launch_send(&launch, &r, NULL, 0);
}

/* How many descriptors this process has. */
static int
descriptors(void)
{
	AUTO_CLOSEDIR DIR *d = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	return n;
}

static void
wrong(size_t len, uint32_t version, bool with_fd)
{
	struct sup_event ev[2] = { event(SUP_EV_STATE), event(SUP_EV_STATE) };
	int fd = memfd_sealed("x", 1), before = descriptors();

	ev[0].version = version;
	tell(ev, len, with_fd ? fd : -1);
	loop_until(&loop, seen.closes == 1);
	assert_int_equal(seen.events, 0);
	assert_int_equal(descriptors(), before); /* what came with it is not kept */
	close(fd);
}

static void
a_short_event_closes(void **state)
{
	(void)state;
	wrong(sizeof(struct sup_event) - 1, SUP_VERSION, false);
}

static void
one_byte_closes(void **state)
{
	(void)state;
	wrong(1, SUP_VERSION, true);
}

static void
a_long_event_closes(void **state)
{
	(void)state;
	wrong(sizeof(struct sup_event) + 1, SUP_VERSION, false);
}

static void
another_version_closes(void **state)
{
	(void)state;
	wrong(sizeof(struct sup_event), SUP_VERSION + 1, true);
}

static void
memory_files_hold_what_they_should(void **state)
{
	int fd = memfd_sealed(NULL, 0);
	char c;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(read(fd, &c, 1), 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_request_arrives_with_sealed_variables),
		T(names_are_never_cut),
		T(too_many_variables_are_not_sent),
		T(a_full_socket_is_queued_in_order),
		T(a_full_queue_says_no),
		T(events_come_with_their_descriptor),
		T(an_event_may_be_answered_at_once),
		T(the_supervisors_end_is_told_once_after_its_last_words),
		T(a_short_event_closes),
		T(one_byte_closes),
		T(a_long_event_closes),
		T(another_version_closes),
		cmocka_unit_test(memory_files_hold_what_they_should),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
