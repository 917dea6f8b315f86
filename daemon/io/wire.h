/*
 * wire.h - what engines ask each other over encrypted streams (stream.h).
 *
 *   QUERY_HEADER   hash (32)                 -> the schedule header's bytes
 *   QUERY_PARTS    hash (32) ...             -> [hash 32 | u32 LE bytes | part]...
 *                  as many of them as fit STREAM_BYTES_MAX; what is not held is left out;
 *                  more than QUERY_PARTS_MAX are refused, and longer requests before they
 *                  are read (what came before wire version 1 asked for all at once)
 *   QUERY_WHOLE    hash (32), hash in hand   -> u32 LE bytes | that header, if it is in force here;
 *                  and then, as for PARTS, what the one in hand has not, or else all, if it is not
 *                  more than QUERY_WHOLE_BYTES_MAX.  ERR_UNKNOWN: ask for HEADER
 *   QUERY_VIEW     nothing                   -> msgpack {ps: [...], roles: [...],
 *                  scheduler: {...}, problems: [...], held: [...]}  what this node knows
 *   QUERY_FORCE    stamp text                -> "ok": lift what is held at that stamp
 *   QUERY_LOGS     [instance, lines, after]  -> [after, text]  (logs_look)
 *
 *   QUERY_LOGS_OF  a question of a role      -> its logs on that node (logrole.h)
 *   QUERY_AUDIT    instance                  -> [row] of `mesh audit` (audit.h)
 *
 *   QUERY_ALIVE    id (16)                   -> id (16), generation (8 BE): it is I,
 *                  in this life; ERR_UNKNOWN from anybody else (gossip/dark.c)
 *   QUERY_HAND_OVER node's name or id        -> "ok": this leader resigns to it
 *
 *   QUERY_SIGHT    [id 16, what]             -> what that node sees (sight.h)
 *   QUERY_OVER     [hops, ms, id 16, kind, payload]  -> what another node answers (over.h)
 *
 *   QUERY_KEYS     [rotate?, name or ""]      -> what `mesh keys status` shows (rotate.h)
 *
 *   QUERY_ACTIONS  pk, signature, bundle     -> what is said of each (actlead.h)
 *   QUERY_ACTION   [number, retry?, uid]     -> "ok" (actions.h)
 *
 *   QUERY_FACTS    a question             -> records of facts (gossip/facts.h)
 *
 *   QUERY_METRICS  a question             -> this node's part (core/metricscode.h)
 *
 *   QUERY_ROUND    "input" | "shadow"      -> what a round would get now, what its shadow said (past.h)
 *   QUERY_REVERT   [stamp, force, who]    -> an older schedule is issued again (revert.h)
 *
 * Whoever holds the cluster key may ask; all of these are reads, except FORCE,
 * HAND_OVER, REVERT, KEYS, ACTIONS and ACTION, which an operator asked for at the node that sends them (acts.h); so is
 * AUDIT, which reads what is hidden from other users of that host.
 */
#ifndef IO_WIRE_H
#define IO_WIRE_H

enum query {
	QUERY_HEADER = 1,
	QUERY_PARTS,
	QUERY_VIEW,
	QUERY_FORCE,
	QUERY_LOGS,
	QUERY_HAND_OVER,
	QUERY_SIGHT,
	QUERY_KEYS,
	QUERY_ALIVE,
	QUERY_OVER,
	QUERY_FACTS,
	QUERY_AUDIT,
	QUERY_LOGS_OF,
	QUERY_METRICS,
	QUERY_ROUND,
	QUERY_REVERT,
	QUERY_ACTIONS,
	QUERY_ACTION,
	QUERY_WHOLE,
};

enum { QUERY_TIMEOUT_MS = 3000, QUERY_PARTS_MAX = 1000, QUERY_WHOLE_BYTES_MAX = 256 << 10 };

#endif
