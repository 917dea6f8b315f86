/*
 * reportcode.h - the records of a report, for its writer and its reader.
 * Private to core.
 *
 *   [1, arch, kernel, cpus, memory, config hash, load1, cpu %, memory free,
 *       disk free, disk]
 *   [2, id, role, version, image, error, state, health, restarts, pid, since,
 *       until when its role lease lasts: only if it has one]
 *   [3, sandbox]   [4, image]   [5, how many records were cut]
 */
#ifndef CORE_REPORTCODE_H
#define CORE_REPORTCODE_H

enum { REPORT_FORMAT = 1 };

enum report_kind {
	REPORT_HEAD = 1,
	REPORT_INSTANCE,
	REPORT_SANDBOX,
	REPORT_IMAGE,
	REPORT_CUT,
};

#endif
