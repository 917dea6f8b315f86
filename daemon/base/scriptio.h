/*
 * scriptio.h - what crosses between the engine and meshd-script.
 *
 * The engine execs meshd-script with stdin = a sealed memfd holding one
 * msgpack map, and reads one msgpack map from its stdout.  Nothing else is
 * open; stderr is for the log.  Exit 0 whenever an answer was written.
 *
 *   in   {"mode": "schedule" | "render" | "test" | "lint" | "check",
 *         "limits": {"heap": bytes, "cpu_ms": int, "output": bytes},
 *         "seed": int,                       of math.random; the input's hash
 *         "files": {"main.lua": str, ...}    the script tree, or the templates
 *         -- schedule, test, lint:
 *         "entry": "main.lua",               test: a file of specs; lint: not used
 *         "input": {...}                     DESIGN §6; test, lint: anything
 *         "check_input": bool                schedule: hold it against the contract first
 *         -- render; check, with "input" for "vars":
 *         "render": [{"name": str, "template": str}, ...],
 *         "vars": {"vars": {...}, "schedule": {...}, "node": {...},
 *                  "role": {...}, "instances": {...}, "deployment": {...}}}
 *                  (vars' keys are also global names in templates)
 *   out  {"ok": true, "result": table, "log": str, "cpu_ms": int, "heap": bytes}
 *         schedule: the script's table, checked to be serialisable;
 *         render:   {name: str}
 *         test:     {"tests": [{"name": str, "status": "ok" | "failed" | "pending",
 *                    "error", "file", "line", "excerpt", "traceback", "locals"}, ...]}
 *         lint:     {"findings": [{"file": str, "line": int, "col": int, "text": str}, ...],
 *                    "files": int}
 *         check:    the same, each finding with an "excerpt"; of what no template says, file ""
 *        {"ok": false, "error": "main.lua:12: '=' expected near 'x'",
 *         "file": str, "line": int, "col": int, "excerpt": str,
 *         "traceback": str, "locals": str, "log": str}
 *         locals: "name = value" a line, of the frame it happened in, without secrets
 *
 * The standard library mesh.* (scheduler-scripts/lib) is compiled into
 * meshd-script.  The engine kills the process at the wall deadline and bounds
 * what it reads; the answer is hostile and is decoded by gossip/mp.
 */
#ifndef BASE_SCRIPTIO_H
#define BASE_SCRIPTIO_H

enum {
	SCRIPT_API = 1, /* of input and output: scheduler-scripts/schema/contract.lua */
	SCRIPT_IN_BYTES_MAX = 64 << 20,
	SCRIPT_OUT_BYTES_MAX = 16 << 20,
	SCRIPT_SCHEDULE_BYTES_MAX = 4 << 20, /* a scheduler's result; a render may fill the above */
	SCRIPT_DEPTH_MAX = 32,
	SCRIPT_KEYS_MAX = 1000000,
	SCRIPT_HEAP_BYTES = 64 << 20,
	SCRIPT_CPU_MS = 5000,
};

#endif
