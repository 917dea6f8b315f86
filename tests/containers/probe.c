/*
 * probe.c - tries what a container must not be able to do, and prints
 * NAME=ERRNO for each try (the test knows what it should be).
 */
#include <errno.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void
say(const char *name, long rc)
{
	printf("%s=%s\n", name, rc >= 0 ? "ok" : strerrorname_np(errno));
}

/* The host's abstract socket, which the test holds, and one of our own. */
static void
abstract(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX,
	    .sun_path = "\0mesh-test-abstract"};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	int own = socket(AF_UNIX, SOCK_STREAM, 0);

	say("abstract-host", connect(fd, (struct sockaddr *)&a, sizeof a));
	a.sun_path[1] = 'o';
	if (bind(own, (struct sockaddr *)&a, sizeof a) < 0 || listen(own, 1) < 0)
		puts("abstract-own=cannot bind");
	else
		say("abstract-own", connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&a, sizeof a));
}

static void *
thread(void *arg)
{
	return arg;
}

static void
calls(void)
{
	say("unshare-user", syscall(SYS_unshare, CLONE_NEWUSER));
	say("clone-newuser", syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
	say("mount", syscall(SYS_mount, "none", "/tmp", "tmpfs", 0, 0));
	say("umount", syscall(SYS_umount2, "/tmp", 0));
	say("pivot_root", syscall(SYS_pivot_root, ".", "."));
	say("setns", syscall(SYS_setns, 0, 0));
	say("bpf", syscall(SYS_bpf, 0, 0, 0));
	say("keyctl", syscall(SYS_keyctl, 0, 0, 0, 0, 0));
	say("add_key", syscall(SYS_add_key, "user", "x", "y", 1, -2));
	say("perf_event_open", syscall(SYS_perf_event_open, 0, 0, 0, 0, 0));
	say("userfaultfd", syscall(SYS_userfaultfd, 1));
	say("io_uring_setup", syscall(SYS_io_uring_setup, 1, 0));
	say("ptrace", syscall(SYS_ptrace, 16, 1, 0, 0));
	say("process_vm_readv", syscall(SYS_process_vm_readv, 1, 0, 0, 0, 0, 0));
	say("kexec_load", syscall(SYS_kexec_load, 0, 0, 0, 0));
	say("init_module", syscall(SYS_init_module, 0, 0, ""));
	say("open_by_handle_at", syscall(SYS_open_by_handle_at, 0, 0, 0));
	say("fsopen", syscall(SYS_fsopen, "tmpfs", 0));
	say("move_mount", syscall(SYS_move_mount, 0, "", 0, "", 0));
	say("open_tree", syscall(SYS_open_tree, -100, "/", 1));
	say("reboot", syscall(SYS_reboot, 0, 0, 0, 0));
	say("settimeofday", syscall(SYS_settimeofday, 0, 0));
	say("sethostname", syscall(SYS_sethostname, "x", 1));
	say("swapon", syscall(SYS_swapon, "/x", 0));
	say("chroot", syscall(SYS_chroot, "/tmp"));
}

int
main(void)
{
	struct clone_args args = {.exit_signal = SIGCHLD};
	pthread_t t;
	pid_t pid;

	setvbuf(stdout, NULL, _IONBF, 0);
	say("clone3", syscall(SYS_clone3, &args, sizeof args));
	calls();
	say("TIOCSTI", ioctl(0, TIOCSTI, "x"));
	/* The kernel looks at 32 bits only: a filter must do the same. */
	say("TIOCSTI-high-bits", syscall(SYS_ioctl, 0, TIOCSTI | 1UL << 32, "x"));
	say("TIOCLINUX", ioctl(0, TIOCLINUX, "\1"));
	say("AF_VSOCK", socket(40, SOCK_STREAM, 0));
	say("AF_PACKET", socket(AF_PACKET, SOCK_RAW, 0));
	say("AF_INET", socket(AF_INET, SOCK_STREAM, 0));
	abstract();
	pid = fork();
	if (pid == 0)
		_exit(0);
	say("fork", pid);
	waitpid(pid, NULL, 0);
	errno = pthread_create(&t, NULL, thread, NULL);
	say("thread", errno ? -1 : 0);
	pthread_join(t, NULL);
	puts("DONE");
	for (;;)
		pause();
}
