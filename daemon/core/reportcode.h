/*
 * reportcode.h - the rows and the numbers of a report, for its writer and its
 * reader.  A row's key is its kind and then its name; that of REPORT_CUT comes after
 * all others.  Private to core.
 *
 *   [1, arch, kernel, cpus, memory, config hash]
 *   [2, id, role, version, image, error, state, health, restarts, pid, since,
 *       until when its role lease lasts (0: it has none), 1 if what its role is to be
 *       rendered to is not in use: the last two only if they say something]
 *   [3, sandbox]   [4, image]   [5, how many records were cut]
 *   [6, ...]  of an older version: skipped
 *   [7, name of a query, mark of its expression, piece from 0, of how many, bytes]
 *       an answer (query.h) in pieces, which follow each other: their keys are the name,
 *       a byte 1, and the piece + 1
 *   [8, role, host action, why it failed]   while it does; its key is "ROLE ACTION"
 */
#ifndef CORE_REPORTCODE_H
#define CORE_REPORTCODE_H

#include "view.h"

enum report_kind {
	REPORT_HEAD = 1,
	REPORT_INSTANCE,
	REPORT_SANDBOX,
	REPORT_IMAGE,
	REPORT_CUT,
	REPORT_ANSWER = 7,
	REPORT_HOSTACT,
};

enum { REPORT_CUT_KEY = 255, REPORT_PIECE_BYTES = 800, REPORT_PIECES_MAX = 16 };

/* By place; new ones at the end. */
enum report_number {
	REPORT_LOAD1, /* hundredths, as the next */
	REPORT_CPU,
	REPORT_MEMORY_FREE,
	REPORT_DISK_FREE,
	REPORT_DISK,
	REPORT_STANDARD, /* from here on the codes of standard.h, by their place in its table */
	REPORT_NUMBERS = REPORT_STANDARD + VIEW_STANDARD_COUNT,
};

#endif
