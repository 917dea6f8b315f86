/*
 * stdlib_files.h - which files are part of meshd-script: a symbol, the name that require
 * and errors know, the path in this tree.  For stdlib.c, which puts their text in, and
 * bake.c, which compiles them while mesh is built: both in this order.
 */
#ifndef SCRIPT_STDLIB_FILES_H
#define SCRIPT_STDLIB_FILES_H

#define STDLIB_FILES(X)                                                                            \
	X(mesh, "mesh.lua", "scheduler-scripts/lib/mesh.lua")                                      \
	X(scheduler, "mesh/scheduler.lua", "scheduler-scripts/lib/scheduler.lua")                  \
	X(actions, "mesh/actions.lua", "scheduler-scripts/lib/actions.lua")                        \
	X(code, "mesh/code.lua", "scheduler-scripts/lib/code.lua")                                 \
	X(compute, "mesh/compute.lua", "scheduler-scripts/lib/compute.lua")                        \
	X(drain, "mesh/drain.lua", "scheduler-scripts/lib/drain.lua")                              \
	X(even, "mesh/even.lua", "scheduler-scripts/lib/even.lua")                                 \
	X(gate, "mesh/gate.lua", "scheduler-scripts/lib/gate.lua")                                 \
	X(groups, "mesh/groups.lua", "scheduler-scripts/lib/groups.lua")                           \
	X(log, "mesh/log.lua", "scheduler-scripts/lib/log.lua")                                    \
	X(nodes, "mesh/nodes.lua", "scheduler-scripts/lib/nodes.lua")                              \
	X(pick, "mesh/pick.lua", "scheduler-scripts/lib/pick.lua")                                 \
	X(place, "mesh/place.lua", "scheduler-scripts/lib/place.lua")                              \
	X(placing, "mesh/placing.lua", "scheduler-scripts/lib/placing.lua")                        \
	X(plain, "mesh/plain.lua", "scheduler-scripts/lib/plain.lua")                              \
	X(ports, "mesh/ports.lua", "scheduler-scripts/lib/ports.lua")                              \
	X(role, "mesh/role.lua", "scheduler-scripts/lib/role.lua")                                 \
	X(restart, "mesh/restart.lua", "scheduler-scripts/lib/restart.lua")                        \
	X(round, "mesh/round.lua", "scheduler-scripts/lib/round.lua")                              \
	X(rules, "mesh/rules.lua", "scheduler-scripts/lib/rules.lua")                              \
	X(scale, "mesh/scale.lua", "scheduler-scripts/lib/scale.lua")                              \
	X(schema, "mesh/schema.lua", "scheduler-scripts/lib/schema.lua")                           \
	X(state, "mesh/state.lua", "scheduler-scripts/lib/state.lua")                              \
	X(units, "mesh/units.lua", "scheduler-scripts/lib/units.lua")                              \
	X(update, "mesh/update.lua", "scheduler-scripts/lib/update.lua")                           \
	X(version, "mesh/version.lua", "scheduler-scripts/lib/version.lua")                        \
	X(why, "mesh/why.lua", "scheduler-scripts/lib/why.lua")                                    \
	X(merge, "mesh/merge.lua", "scheduler-scripts/lib/merge.lua")                              \
	X(lithos, "mesh/lithos.lua", "scheduler-scripts/lib/lithos.lua")                           \
	X(filters, "mesh/filters.lua", "scheduler-scripts/lib/filters.lua")                        \
	X(json, "mesh/json.lua", "scheduler-scripts/lib/json.lua")                                 \
	X(verwalter, "mesh/verwalter.lua", "scheduler-scripts/lib/verwalter.lua")                  \
	X(util, "mesh/util.lua", "scheduler-scripts/lib/util.lua")                                 \
	X(spec, "mesh/spec.lua", "scheduler-scripts/lib/spec.lua")                                 \
	X(expect, "mesh/expect.lua", "scheduler-scripts/lib/expect.lua")                           \
	X(lint, "mesh/lint.lua", "scheduler-scripts/lib/lint.lua")                                 \
	X(lintlex, "mesh/lintlex.lua", "scheduler-scripts/lib/lintlex.lua")                        \
	X(lintread, "mesh/lintread.lua", "scheduler-scripts/lib/lintread.lua")                     \
	X(lintscope, "mesh/lintscope.lua", "scheduler-scripts/lib/lintscope.lua")                  \
	X(check, "mesh/check.lua", "scheduler-scripts/lib/check.lua")                              \
	X(contract, "mesh/contract.lua", "scheduler-scripts/schema/contract.lua")                  \
	X(sim, "mesh/sim.lua", "scheduler-scripts/lib/sim.lua")                                    \
	X(simworld, "mesh/simworld.lua", "scheduler-scripts/lib/simworld.lua")                     \
	X(simask, "mesh/simask.lua", "scheduler-scripts/lib/simask.lua")                           \
	X(simcheck, "mesh/simcheck.lua", "scheduler-scripts/lib/simcheck.lua")                     \
	X(simjudge, "mesh/simjudge.lua", "scheduler-scripts/lib/simjudge.lua")                     \
	X(simhost, "mesh/simhost.lua", "scheduler-scripts/lib/simhost.lua")                        \
	X(simrail, "mesh/simrail.lua", "scheduler-scripts/lib/simrail.lua")                        \
	X(simside, "mesh/simside.lua", "scheduler-scripts/lib/simside.lua")                        \
	X(processes, "mesh/processes.yaml.tmpl", "templates/processes.yaml.tmpl")

#endif
