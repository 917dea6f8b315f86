/*
 * ctl.h - the control socket (run-dir/ctl): what `mesh` asks the daemon.
 *
 * A stream of frames:  u32 little-endian bytes (<= CTL_FRAME_BYTES_MAX) | msgpack
 *   request   {"verb": str, "args": {str: any}}            one per connection
 *   response  {"ok": bool, "data": any, "more": bool}      or
 *             {"ok": false, "code": int, "error": str, "hint": str}
 * "more" says that another response frame follows.  data has exactly the shape
 * that `mesh VERB --json` prints (DESIGN §10), so the CLI converts msgpack to
 * JSON without knowing the verb.
 *
 *   verb      args                    data
 *   status    {}                      {cluster, node, version,
 *                                      side: {grade, visible, suspected, known, term, leader, role, since_ms},
 *                                      config: {hash, agreed_by, errors: []}, scheduler: {ok, round, stamp, ms, error, excerpt},
 *                                      shadow: {rounds, differed, missed, error, added, removed, moved, changed, roles,
 *                                      failing, ms}?,
 *                                      roles: [{name, version, desired, running, healthy, on_split, note}],
 *                                      problems: [{text, hint}], member: bool, uptime_ms, health: 0 | 1 | 2 (exit code)}
 *   members   {compare: bool, status: str?, tag: str?, name: str?}
 *                                     [{name, id, address, state, zone, tags, rtt_ms, seen_ms, version, leader, self,
 *                                      generation, unstable, in_roster, since_ms}]; compare: as reachability matrix
 *   facts     {node: str?}            [{name, id, state, self, known: "yes" | "old" | "no", generation, version, bytes,
 *                                      left_out, arch, kernel, cpus, memory_bytes, config_hash, sandboxes: [], images: []}]
 *   leader    {}                      {leader, id, address, term, grade, since_ms, lease_ms, by_quorum, promised_ms,
 *                                      next: []}   leader nil: none
 *   partition {}                      {node, grade, visible, known, suspected: [], visible_weight, known_weight, term, since_ms, leader,
 *                                      tie_breaker, here: [], missing: [{name, address, state, since_ms, weight}],
 *                                      sides: [{leader, term, grade, since_ms, nodes: []}], silent: []}
 *   roster    {}                      {node, roster, term, version, electors, weight, joint, waits_for, knows_stored,
 *                                      stored_weight, votes: [{name, state, weight, weight_old, weight_new, change,
 *                                      tie_breaker, stored}]}
 *   events    {follow: bool, lines: int, since_ms: int?}  frames of {seq, at_ms, kind, subject, text}, at the end nil
 *   rtt       {node: str?, other: str?}  [{from, to, state, rtt_ms, measured_by, answers: bool?}]
 *   reachability {matrix: bool}       {node, took_ms, asked, answered, nodes: [{name, address, state, answered, heard,
 *                                      udp_blocked, rtt_ms}]}; matrix: {node, took_ms, nodes: [{name, id, self, known_here, asked, why,
 *                                      via, grade, term, leader, sees: a letter a node}], faults: [{kind, text, node,
 *                                      other}], faults_more, unlisted}   letters: enum see of core/compare.h
 *   debug     {}                      {node, id, version, generation, uptime_ms, has_cluster_key, applied, config_hash,
 *                                      config: {}, mesh_queues: {}, queues: {}, counters: {}, usage: {}, log: [str]}
 *   ps        {role: str?, all: bool} [{instance, role, version, node, state, health, restarts, pid, image,
 *                                      since_ms, lease_until_ms, error}]
 *   logs      {instance: str, lines: int, follow: bool, since_ms: int?}  frames of {text: str}; of a role of {instance, node,
 *                                      text}, {node, note}, at the end {asked, answered, logs}
 *   metrics   {expr: str, start_ms, end_ms, step_ms: int?, node: str?, timeout_ms: int?}  PromQL over all nodes, or one;
 *                                      without step_ms at one time, now unless said
 *                                     {kind: "scalar" | "vector" | "matrix" | "string", text: str?, series: [{labels: {name: str},
 *                                      points: [[ms, double]]}], nodes: how many answered, missing: [{node, why}], took_ms}
 *   series    {match: [str]?, start_ms, end_ms, node, timeout_ms: ?}  {data: [{name: str}], nodes, missing, took_ms}  of an hour
 *   labels    as series               {data: [str], nodes, missing, took_ms}
 *   label_values  as series, and name: str  likewise
 *   metadata  {metric: str?, node, timeout_ms: ?}  {data: [{metric, type, help}], nodes, missing, took_ms}
 *                                      a double that is no number: JSON has the string "NaN", "+Inf" or "-Inf"
 *   schedule  {command: str?, stamp: str?, force: bool}  by command:
 *             input                   what a round of the leader gets now: DESIGN 6's input
 *             history                 [{stamp, current, leader, grade, at_ms, roles, nodes: int, changes: []}]
 *             diff                    {from, to}: two as show has them
 *             revert                  {reverted: the new stamp}                        write
 *             shadow                  {is: bool, rounds, error, before, after}: two answers of scripts, or nil;
 *                                      failed: {before, after: [{role, error, keeps: bool}]}, and kept, what these roles had
 *             show, or none           {stamp, hash, leader, grade, at_ms, parents: [], roles: {}, nodes: {},
 *                                      changes: [], why: {}, held: [{role, stamp, why}]}
 *   input     {}                      as schedule input
 *   rounds    {}                      {dir, config_dir, recording: bool, kept, left_out, failed, bytes, error}
 *   why       {instance: str}         {instance, scheduled: bool, stamp, role, node, sandbox, process, image, version,
 *                                      why: str | [str], running: rows of ps, held: [{role, stamp, why}], problems: [{text, hint}]}
 *   render    {role: str, node: str?}  {role, node, files: {name: str}, generation: int}; of another node: 0
 *   apply     {stamp: str, force: bool}  {applied: str}                              write
 *   run       {sandbox: str, command: str?}  frames of {command, text: str, missing: bool}, the last with code: int;
 *                                      without command {sandbox, commands: [str]}  root
 *   stop start restart  {instance: str}  {instance, node, held: bool, runs: bool, placed: bool}  write
 *   identity  {node: str?}            {node, pk, zone, state_dir, starter, member, ca, cluster, other, id, token}: what
 *                                      `mesh` signs for this node, or about another one; keys, ids, signatures in hex
 *   init      {ca: hex?, cert: hex?}  {cluster: str, key_file | ca_key: str, address: str}        write
 *   join      {seed: "HOST:PORT", ca: hex?, cert: hex?, forget: bool}  {seeds: [str]}; forget: {forgotten: str}  write
 *   evict     {node: str, token: hex?, sig: hex?}  {evicted: str, id: str, before: bool}  write
 *   exposition {openmetrics: bool}    {text: str}: the newest sample of every series of this node (core/expotext.h)
 *   version   {}                      {version, wire: [min, max]}
 * Reads need group mesh or root (the socket's mode); writes need root or a
 * uid of `operators:` (SO_PEERCRED).  A stamp is written TERM.LEADER8.SEQ
 * (leader8 = the first 8 hex digits of the leader's id).
 */
#ifndef BASE_CTL_H
#define BASE_CTL_H

enum {
	CTL_FRAME_BYTES_MAX = 16 << 20,
	CTL_REQUEST_BYTES_MAX = 64 << 10,
	CTL_DEPTH_MAX = 40,
};

#define MESH_VERSION "0.1.0"

#endif
