/*
 * sys.h - the system calls that libc does not wrap well, and time.
 */
#ifndef SUPERVISOR_SYS_H
#define SUPERVISOR_SYS_H

#include <linux/openat2.h>
#include <pwd.h>
#include <signal.h>
#include <sys/types.h>

#include "../base/err.h"

/* Milliseconds: CLOCK_MONOTONIC, and CLOCK_REALTIME for people. */
msec sys_now(void);
uint64_t sys_wall_ms(void);
/* CLOCK_BOOTTIME: goes on while the host is suspended.  Of role leases. */
uint64_t sys_boot_ms(void);

/* openat2; EAGAIN (a rename raced with us) is tried again.  -1 and errno. */
int sys_openat2(int dir, const char *path, int flags, mode_t mode,
    uint64_t resolve);
/* Below dir, through no symlink: for what is on the host. */
int sys_open_beneath(int dir, const char *path, int flags);
/* As if dir were "/": for what is in an image. */
int sys_open_inside(int dir, const char *path, int flags);
/* Likewise, of what the kernel knows without reading: else EAGAIN. */
int sys_open_cached(int dir, const char *path, int flags);

/* fork with a pidfd, into cgroup (O_PATH fd of a cgroup2 directory, or -1)
 * and new namespaces (CLONE_NEW*).  Returns as fork; *pidfd in the parent. */
pid_t sys_fork(uint64_t flags, int cgroup, int *pidfd);
/* Likewise, without either, as this pid, which must be free, in our own pid
 * namespace: the pids that others get there are as without it. */
pid_t sys_fork_as(pid_t pid, int *pidfd);
int sys_pidfd_open(pid_t pid);
int sys_pidfd_kill(int pidfd, int sig);
/* Exec the program behind fd. Returns only on failure. */
void sys_exec_fd(int fd, char *const argv[], char *const envp[]);
/* Reap a child by pidfd without waiting.  1: reaped, *status as waitpid's;
 * 0: still runs; -1: not ours to reap. */
int sys_reap(int pidfd, int *status);

/* Start time of a process in clock ticks since boot; 0: no such process. */
uint64_t sys_start_time(pid_t pid);
/* Number of a process that no other of this boot ever has, unlike its pid and, in
 * one tick, its start time; 0: the kernel is older than Linux 6.9 and has none. */
uint64_t sys_pidfd_id(int pidfd);
/* The kernel's boot id as text (37 bytes with its NUL). */
void sys_boot_id(char *out);

/* Close every descriptor from 3 on but these (sorted in place; -1 is none): a
 * child that has not exec'd yet must not keep locks and sockets of ours alive
 * when we are killed. */
void sys_keep_only(int *fds, size_t count);

/* Version of the kernel's Landlock; 0: none.  What it can, from when on. */
enum { SYS_LANDLOCK_PORTS = 4, SYS_LANDLOCK_SCOPES = 6 };
int sys_landlock_abi(void);

/* A sealed memfd with this content, or -1. */
int sys_memfd(const char *name, const void *buf, size_t len);
/* Read a whole file of at most cap bytes.  Bytes, or -1 and errno. */
ssize_t sys_read_all(int fd, void *buf, size_t cap);
/* Write a whole small file (one write).  0, or -1 and errno. */
int sys_write_file(int dir, const char *path, const char *text);

/* Descriptors: from now on as many as the hard limit allows; in a child that
 * is to be exec'd, the soft limit we were started with. */
void sys_raise_nofile(void);
void sys_restore_nofile(void);
/* At start: whatever our starter ignored is default, PIPE and HUP ignored. */
void sys_default_signals(void);
/* In a child: default signals, nothing blocked. */
void sys_reset_signals(void);
/* Empty the bounding set but for these, the inheritable and the ambient set; what
 * is effective stays.  0, or -1 and errno. */
int sys_drop_bounding(uint64_t keep);
/* Leave all groups.  0 or -1. */
int sys_no_groups(void);
/* In a namespace with one id nobody leaves a group, and all are that id: from now
 * on sys_no_groups and sys_become do as much as can be done. */
void sys_keep_groups(void);
/* No groups, this user, no capability, no new privileges.  0 or -1. */
int sys_become(uid_t uid, gid_t gid);

/* Of /etc/passwd: who is called name, or is uid where name is NULL; NULL: nobody.  Until
 * the next call.  No other name service is asked: root's program loads no library. */
const struct passwd *sys_passwd(const char *name, uid_t uid);

#endif
