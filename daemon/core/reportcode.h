/*
 * reportcode.h - the rows and the numbers of a report, for its writer and its
 * reader.  A row's key is its kind and then its name; that of REPORT_CUT comes after
 * all others.  Private to core.
 *
 *   [1, arch, kernel, cpus, memory, config hash]
 *   [2, id, role, version, image, error, state, health, restarts, pid, since,
 *       until when its role lease lasts: only if it has one]
 *   [3, sandbox]   [4, image]   [5, how many records were cut]
 *   [6, name of a query, mark of its expression, an integer or a double]
 */
#ifndef CORE_REPORTCODE_H
#define CORE_REPORTCODE_H

enum report_kind {
	REPORT_HEAD = 1,
	REPORT_INSTANCE,
	REPORT_SANDBOX,
	REPORT_IMAGE,
	REPORT_CUT,
	REPORT_ANSWER,
};

enum { REPORT_CUT_KEY = 255 };

/* By place; new ones at the end. */
enum report_number {
	REPORT_LOAD1, /* hundredths, as the next */
	REPORT_CPU,
	REPORT_MEMORY_FREE,
	REPORT_DISK_FREE,
	REPORT_DISK,
	REPORT_NUMBERS,
};

#endif
