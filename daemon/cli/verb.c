/*
 * verb.c - the table of verbs.  A new one is a row here and a function in show.h; the
 * options are in option.c.
 */
#include "verb.h"

#include "act.h"
#include "admit.h"
#include "run.h"
#include "show.h"

enum { ANSWER_MS = 10 * 1000, SURVEY_MS = RUN_SURVEY_MS, RENDER_MS = 30 * 1000, RUN_MS = 24 * 3600 * 1000,
	AUDIT_MS = 60 * 1000 };

const struct verb verbs[] = {
    {.name = "status",
	.summary = "the mesh on one screen",
	.details = "Exit code: 0 healthy, 1 degraded or not a member, "
		   "2 critical, 3 no daemon or no permission.",
	.options = OPT_BIT(OPT_WATCH),
	.timeout_ms = ANSWER_MS,
	.failed_code = 3,
	.print = show_status,
	.code = show_status_code},
    {.name = "members",
	.summary = "the nodes, as this node sees them",
	.details = "'*' marks this node.  The two sides of a split give "
		   "different answers: --compare asks all,\nand shows who sees whom "
		   "(exit code 1: there are faults).",
	.options = OPT_BIT(OPT_WATCH) | OPT_BIT(OPT_COMPARE) | OPT_BIT(OPT_STATUS) | OPT_BIT(OPT_TAG) |
		   OPT_BIT(OPT_NAME),
	.timeout_ms = ANSWER_MS,
	.print = show_members,
	.code = show_members_code},
    {.name = "facts",
	.summary = "what nodes say of themselves: machine, images, sandboxes",
	.details = "Each node's own signed word, as this node holds it, also of nodes that are dead.\n"
		   "KNOWN: yes; old = it has said something newer, which is on its way; no.",
	.operand = OPERAND_NODE,
	.operand_name = "NODE",
	.operand_optional = true,
	.options = OPT_BIT(OPT_WATCH),
	.timeout_ms = ANSWER_MS,
	.print = show_facts},
    {.name = "leader",
	.summary = "who leads this side of the network",
	.details = "Exit code: 0 there is a leader, 1 there is none.\n"
		   "With --to it resigns to that node; every node takes the wish, and waits until the\n"
		   "node leads.  Exit code 1: it does not, within a lease or two.",
	.options = OPT_BIT(OPT_WATCH) | OPT_BIT(OPT_TO),
	.timeout_ms = ANSWER_MS,
	.print = show_leader,
	.code = show_leader_code},
    {.name = "partition",
	.summary = "the sides of the mesh, and who is missing",
	.details = "What this side weighs, who is here, who leads for whom, who is missing "
		   "since when.\nExit code: 0 whole, 1 somebody is missing or there are two "
		   "sides, 2 no leader here.",
	.options = OPT_BIT(OPT_WATCH),
	.timeout_ms = SURVEY_MS,
	.print = show_partition,
	.code = show_partition_code},
    {.name = "roster",
	.summary = "whose votes count, and a change under way",
	.details = "Asked of the leader, who alone knows who stored it; without one, what this "
		   "node holds.",
	.options = OPT_BIT(OPT_WATCH),
	.timeout_ms = ANSWER_MS,
	.print = show_roster},
    {.name = "events",
	.summary = "what happened to the mesh, as this node saw it",
	.details = "The last 1000 or so: members, elections, rosters, schedules, each with its "
		   "cause.\nThey are forgotten when meshd's engine starts anew; -f goes on with the new one.",
	.options = OPT_BIT(OPT_FOLLOW) | OPT_BIT(OPT_LINES) | OPT_BIT(OPT_SINCE),
	.timeout_ms = ANSWER_MS,
	.json_lines = true,
	.print = show_events},
    {.name = "rtt",
	.summary = "how long a word takes to a node and back",
	.details = "From this node to all or to one; or between two others, as they measured "
		   "it.\nMeasured by the probes, in whole milliseconds.",
	.operand = OPERAND_NODE,
	.operand_name = "NODE",
	.operand_optional = true,
	.second = OPERAND_NODE,
	.second_name = "NODE",
	.options = OPT_BIT(OPT_WATCH),
	.timeout_ms = ANSWER_MS,
	.print = show_rtt},
    {.name = "reachability",
	.summary = "who answers a ping, and by which way not",
	.details = "Pings everybody directly; no answer accuses nobody.  --matrix has every "
		   "node do so.\nExit code: 0 all answer, 1 not all.",
	.options = OPT_BIT(OPT_MATRIX) | OPT_BIT(OPT_WATCH),
	.timeout_ms = ANSWER_MS,
	.print = show_reachability,
	.code = show_reachability_code},
    {.name = "ps",
	.summary = "the instances of all roles, or of one",
	.details = "All that is there or should be: also what was not heard of, and "
		   "is lost.",
	.operand = OPERAND_ROLE,
	.operand_name = "ROLE",
	.operand_optional = true,
	.options = OPT_BIT(OPT_WATCH),
	.timeout_ms = ANSWER_MS,
	.print = show_ps},
    {.name = "logs",
	.summary = "what an instance wrote, on whatever node, or all of a role",
	.details = "Of a role: the last lines of all its instances on all nodes, merged by their stamps, each\n"
		   "with INSTANCE@NODE before it. A stamp is of the clock of its own host; one that is a\n"
		   "second off is named. So is, on standard error, a node that does not answer: exit\n"
		   "code 1. -f follows, also what comes later. What has ended can be read for a day.",
	.operand = OPERAND_INSTANCE,
	.operand_name = "INSTANCE|ROLE",
	.options = OPT_BIT(OPT_FOLLOW) | OPT_BIT(OPT_LINES) | OPT_BIT(OPT_SINCE) | OPT_BIT(OPT_RAW),
	.timeout_ms = ANSWER_MS,
	.json_lines = true,
	.print = show_logs,
	.code = show_logs_code},
    {.name = "metrics",
	.summary = "what nodes measure, asked in PromQL",
	.details = "Every node evaluates its part over the hour that it keeps, and this one puts them together:\n"
		   "'sum by (role) (rate(container_cpu_usage_seconds_total[1m]))'. With --range a line a series,\n"
		   "drawn over time; --list PATTERN names what there is. A node that does not answer within\n"
		   "--timeout is named on standard error, and what is told lacks it. Exit code: 0, also then;\n"
		   "1 nobody answered, or it costs too much; 64 it is no PromQL.",
	.operand = OPERAND_EXPR,
	.operand_name = "EXPR",
	.operand_optional = true,
	.options = OPT_BIT(OPT_RANGE) | OPT_BIT(OPT_STEP) | OPT_BIT(OPT_AT) | OPT_BIT(OPT_NODE) |
		   OPT_BIT(OPT_TIMEOUT) | OPT_BIT(OPT_LIST) | OPT_BIT(OPT_WATCH),
	.timeout_ms = ANSWER_MS,
	.prepare = metrics_prepare,
	.explain = metrics_explain,
	.print = show_metrics},
    {.name = "top",
	.summary = "nodes and containers, by what they use",
	.details = "CPU in cores and memory of each node, then of each container, the largest users first.\n"
		   "On a terminal again each two seconds, until q; else, or with -o, once.",
	.live_ms = 2000,
	.local = show_top},
    {.name = "check",
	.summary = "are a host's config files in order, and an image's",
	.details = "DIR is /etc/mesh, or a directory of lithos: master.yaml, sandboxes/, processes/. Every\n"
		   "file is read, whatever is wrong with another; images that processes/ names are judged\n"
		   "by their sandbox, as at a start. IMAGE is an image's root: its config/*.yaml must be\n"
		   "what one of the sandboxes takes. Nothing is asked of a daemon and nothing is run.\n"
		   "A note is no error: a key that is treated otherwise than by lithos, an image that is\n"
		   "not here. Owners and modes are judged where DIR is root's. Exit code: 0, or 1 with errors.",
	.operand = OPERAND_FILE,
	.operand_name = "DIR",
	.second = OPERAND_FILE,
	.second_name = "IMAGE",
	.local = show_check},
    {.name = "test",
	.summary = "a script tree's *_spec.lua, in the sandbox of schedulers",
	.details = "DIR is the tree with main.lua (.), a config directory that has it as scheduler-scripts/,\n"
		   "or one file of specs. Each file runs by itself, within limits: describe, it, before_each,\n"
		   "assert.are.equal and the rest as in busted; mesh.sim{} makes a world to test in.\n"
		   "-o tap, -o junit; -o wide names those that passed. Nothing is asked of a daemon.\n"
		   "Exit code: 0, or 1 if a test failed.",
	.operand = OPERAND_FILE,
	.operand_name = "DIR",
	.operand_optional = true,
	.local = show_test},
    {.name = "sim",
	.summary = "a simulation: a world of nodes under a scheduler, from a Lua file",
	.details = "FILE is a chunk that makes worlds by mesh.sim{nodes = 5} and says by print() what it\n"
		   "saw. Exit code: 0, or 1: it failed, with the seed that does it again.",
	.operand = OPERAND_FILE,
	.operand_name = "FILE",
	.options = OPT_BIT(OPT_SEED),
	.local = show_sim},
    {.name = "lint",
	.summary = "what is wrong in a script tree, without running it",
	.details = "DIR as for mesh test. Each *.lua: its syntax, names that nobody defined, globals that\n"
		   "are written, fields that mesh and the libraries lack, modules that are not there.\n"
		   "FILE:LINE:COL: a finding. Exit code: 0, or 1 with findings.",
	.operand = OPERAND_FILE,
	.operand_name = "DIR",
	.operand_optional = true,
	.local = show_lint},
    {.name = "template",
	.summary = "check: what is wrong in templates, without rendering them",
	.details = "DIR is templates/, a config directory that has it (.), or one template's directory. Each\n"
		   "render.yaml, the files that it names, and each *.tmpl: tags, expressions, filters, includes.\n"
		   "Everything that is wrong, FILE:LINE:COL. Variables are the scheduler's: mesh render or mesh\n"
		   "plan sees those. Exit code: 0, or 1 with errors; a note is none.",
	.operand = OPERAND_WORD,
	.operand_name = "COMMAND",
	.words = {"check"},
	.second = OPERAND_FILE,
	.second_name = "DIR",
	.local = show_template},
    {.name = "new",
	.summary = "a start that works: a scheduler, or a role of one",
	.details = "scheduler: a config directory NAME with scripts, a spec and a role's templates.\n"
		   "role: run in such a directory; the role's script, spec, render.yaml and template.\n"
		   "mesh test and mesh lint pass as it is. No file that exists is touched.",
	.operand = OPERAND_WORD,
	.operand_name = "KIND",
	.words = {"scheduler", "role"},
	.second = OPERAND_NODE,
	.second_name = "NAME",
	.local = show_new},
    {.name = "seal",
	.summary = "a secret from standard input, sealed for a container file",
	.details = "KEY is the public half of the hosts' secrets-private-key (FILE.pub of ssh-keygen -t ed25519);\n"
		   "with NAMESPACE, sandboxes open it that have that in secrets-namespaces. A newline at its end\n"
		   "is not part of the secret. Goes into secret-environ. Nothing is asked of a daemon.",
	.operand = OPERAND_FILE,
	.operand_name = "KEY",
	.second = OPERAND_FILE,
	.second_name = "NAMESPACE",
	.local = show_seal},
    {.name = "audit",
	.summary = "what the kernel says of containers, and what is weaker than the default",
	.details = "Rights, namespaces, mounts, descriptors, limits: read now from the kernel, of the init and\n"
		   "the application. INSTANCE may be on any node; without it, all that run on this node.\n"
		   "weaker: less than every container gets; allowed: so too, but its sandbox says so by\n"
		   "name; unknown: this kernel does not tell. Exit code: 0 nothing is weaker, 1 something\n"
		   "is, or could not be looked at. It needs root or an operator, as /proc does.",
	.operand = OPERAND_INSTANCE,
	.operand_name = "INSTANCE",
	.operand_optional = true,
	.timeout_ms = AUDIT_MS,
	.print = show_audit,
	.code = show_audit_code},
    {.name = "exec",
	.summary = "a command inside a running container of this host",
	.details = "As the container's own user, inside its namespaces, group, limits and system call\n"
		   "filter, with no capability that it lacks. For root alone, on the instance's own host, where its\n"
		   "sandbox says `allow-exec: yes`; meshd writes down who ran which program where.\n"
		   "Input and output are passed on, a terminal as one; signals too, and if this\n"
		   "program ends, the command and all that it started end. Exit code: the command's\n"
		   "own (128 + signal); 125 refused, 126 it can't be run, 127 it is not there.",
	.operand = OPERAND_INSTANCE,
	.operand_name = "INSTANCE",
	.command = true,
	.options = OPT_BIT(OPT_INTERACTIVE) | OPT_BIT(OPT_TTY),
	.local = show_exec},
    {.name = "run",
	.summary = "a Command container of this node, once",
	.details = "COMMAND is an entry of kind Command that a role of this node has in its processes\n"
		   "file; without it, those of SANDBOX are listed. Only root may run one, and where the\n"
		   "sandbox says `allow-exec: yes`. It may take a day; what it says is shown line by line;\n"
		   "if this program ends (Ctrl-C), so does it. Exit code: its own (0 for one that its\n"
		   "file calls normal, 128 + signal); 125 refused.",
	.operand = OPERAND_SANDBOX,
	.operand_name = "SANDBOX",
	.second = OPERAND_COMMAND,
	.second_name = "COMMAND",
	.timeout_ms = RUN_MS,
	.json_lines = true,
	.print = show_run,
	.code = show_run_code},
    {.name = "schedule",
	.summary = "the schedule this node acts on, older ones, what differs",
	.details = "show: the one in force, or the older one STAMP. history: those that this node still has.\n"
		   "diff: what the one in force decides otherwise than STAMP, or than the one before it.\n"
		   "revert STAMP: that one is issued again, with a new stamp, as an operator's deed; the rails\n"
		   "hold (--force). The next round starts from it, its state too: what the scripts decide\n"
		   "otherwise they decide again, so put the old scripts back first. input: what a round gets\n"
		   "now, as JSON, for mesh plan --input. shadow: what scheduler-scripts-shadow/ would do.\n"
		   "Exit code of diff and shadow: 0 the same, 1 they differ.",
	.operand = OPERAND_WORD,
	.operand_name = "COMMAND",
	.words = {"show", "history", "diff", "revert", "input", "shadow"},
	.second = OPERAND_STAMP,
	.second_name = "STAMP",
	.options = OPT_BIT(OPT_WATCH) | OPT_BIT(OPT_FORCE),
	.timeout_ms = ANSWER_MS,
	.prepare = schedule_prepare,
	.print = show_schedules,
	.code = show_schedules_code},
    {.name = "why",
	.summary = "why an instance is where it is, and as it is",
	.details = "What the scheduler says it decided by, in order; what holds it now: a rail, what its node\n"
		   "lacks, its back-off, its health.  Exit code: 0, or 1: no such instance.",
	.operand = OPERAND_INSTANCE,
	.operand_name = "INSTANCE",
	.options = OPT_BIT(OPT_WATCH),
	.timeout_ms = ANSWER_MS,
	.print = show_why},
    {.name = "plan",
	.summary = "what a round would change, without doing it",
	.details = "Runs the scripts of this host, or those of --scheduler DIR, in their sandbox and limits, on\n"
		   "what a round would get now (--input FILE: on that), and shows what they decide otherwise\n"
		   "than the schedule in force, and which files that gives roles. Of variables only names are\n"
		   "shown. With --input and --scheduler no daemon is needed.\n"
		   "Exit code: 0 nothing would change, 1 something would or a role fails, 2 an error.",
	.options = OPT_BIT(OPT_SCHEDULER) | OPT_BIT(OPT_INPUT),
	.failed_code = 2,
	.local = show_plan},
    {.name = "replay",
	.summary = "run recorded rounds again: the same bytes, or what differs",
	.details = "The leader keeps each round: input, scripts, answer, log (limits.rounds-disk, rounds-keep).\n"
		   "DIR is such a record, of this host (STATE-DIR/rounds) unless said, or a copy of one; no\n"
		   "daemon is needed then. Each round is run as it was, with the scripts it had; with\n"
		   "--scheduler by others, and what these decide otherwise is shown. It can hold secrets of\n"
		   "variables: guard a copy. Exit code: 0 all the same, 1 some differ, 2 an error.",
	.operand = OPERAND_FILE,
	.operand_name = "DIR",
	.operand_optional = true,
	.options = OPT_BIT(OPT_SINCE) | OPT_BIT(OPT_SCHEDULER),
	.failed_code = 2,
	.local = show_replay},
    {.name = "render",
	.summary = "the files of a role, rendered but not used",
	.details = "As this node, or --node, renders them: from the schedule in force and this host's templates.\n"
		   "With --scheduler or --input, as in mesh plan: what a round of those would decide, by the\n"
		   "templates beside the scripts; with both of them no daemon is needed.",
	.operand = OPERAND_ROLE, .operand_name = "ROLE",
	.options = OPT_BIT(OPT_NODE) | OPT_BIT(OPT_SCHEDULER) | OPT_BIT(OPT_INPUT) | OPT_BIT(OPT_RAW),
	.local_options = OPT_BIT(OPT_SCHEDULER) | OPT_BIT(OPT_INPUT),
	.timeout_ms = RENDER_MS,
	.local = show_render_plan,
	.print = show_render},
    {.name = "generations", .summary = "the rendered generations of a role on this node",
	.details = "The last three are kept. --hold N makes one current again and keeps it so, whatever is\n"
		   "scheduled or rendered and over restarts; its on-change actions run. Containers follow the\n"
		   "schedule. mesh status shows it until --release.",
	.operand = OPERAND_ROLE,
	.operand_name = "ROLE",
	.options = OPT_BIT(OPT_HOLD) | OPT_BIT(OPT_RELEASE),
	.timeout_ms = ANSWER_MS,
	.print = show_generations},
    {.name = "apply",
	.summary = "confirm a schedule that is held for a role",
	.details = "A schedule that would stop many instances waits until a "
		   "person says so.\nmesh status names the stamp. STAMP may be scheduler: code that is in quarantine, since\n"
		   "it crashed three times in a row, is run at once.",
	.operand = OPERAND_STAMP,
	.operand_name = "STAMP",
	.options = OPT_BIT(OPT_FORCE),
	.timeout_ms = ANSWER_MS,
	.print = show_apply},
    {.name = "action",
	.summary = "ask the scheduler for something: an action",
	.details = "Any node takes it, keeps it on its disk and hands it to the leader; the script\n"
		   "gets it with the next round, and replies. It survives a leader, this command and\n"
		   "this node's restart, and is carried out once. What NAMEs there are is for the script\n"
		   "to say; `mesh.scheduler` knows scale, update, restart, pause, resume, proceed, skip,\n"
		   "revert, add and remove, and of a node (--node) drain, undrain and tag. One that breaks three\n"
		   "rounds is set aside, until --retry or --drop.\n"
		   "Exit code: 0 answered, 1 refused or set aside, 2 pending after 5 s: mesh actions.",
	.operand = OPERAND_ROLE,
	.operand_name = "ROLE",
	.operand_optional = true,
	.second = OPERAND_NAME,
	.second_name = "NAME",
	.second_needed = true,
	.pairs = true,
	.options = OPT_BIT(OPT_NODE) | OPT_BIT(OPT_RETRY) | OPT_BIT(OPT_DROP),
	.prepare = act_prepare,
	.timeout_ms = ANSWER_MS,
	.print = show_action,
	.code = show_action_code},
    {.name = "actions",
	.summary = "the actions that wait, and the last replies",
	.details = "Of all nodes, as far as the leader has them, and of this one.",
	.options = OPT_BIT(OPT_WATCH),
	.timeout_ms = ANSWER_MS,
	.print = show_actions},
    {.name = "scale",
	.summary = "how many instances a role has",
	.details = "auto: the scheduler's own count again. It is mesh action ROLE scale count=N.",
	.operand = OPERAND_ROLE,
	.operand_name = "ROLE",
	.second = OPERAND_COUNT,
	.second_name = "N",
	.second_needed = true,
	.prepare = act_prepare,
	.timeout_ms = ANSWER_MS,
	.print = show_action,
	.code = show_action_code},
    {.name = "update",
	.summary = "roll a role to another version",
	.details = "image=IMAGE where its name does not follow from the version. It is mesh action ROLE\n"
		   "update version=VERSION; pause, proceed, skip and revert are actions too.",
	.operand = OPERAND_ROLE,
	.operand_name = "ROLE",
	.second = OPERAND_NAME,
	.second_name = "VERSION",
	.second_needed = true,
	.pairs = true,
	.prepare = act_prepare,
	.timeout_ms = ANSWER_MS,
	.print = show_action,
	.code = show_action_code},
    {.name = "role",
	.summary = "add or remove a role, or a member of a role group",
	.operand = OPERAND_WORD,
	.operand_name = "COMMAND",
	.words = {"add", "remove"},
	.second = OPERAND_ROLE,
	.second_name = "ROLE",
	.second_needed = true,
	.pairs = true,
	.prepare = act_prepare,
	.timeout_ms = ANSWER_MS,
	.print = show_action,
	.code = show_action_code},
    {.name = "node",
	.summary = "tag a node for the scheduler",
	.details = "Over what its mesh.yaml says; an empty VALUE takes the tag away. `node` is no KEY.",
	.operand = OPERAND_WORD,
	.operand_name = "tag",
	.words = {"tag"},
	.second = OPERAND_NODE,
	.second_name = "NODE",
	.second_needed = true,
	.pairs = true,
	.prepare = act_prepare,
	.timeout_ms = ANSWER_MS,
	.print = show_action,
	.code = show_action_code},
    {.name = "init",
	.summary = "make a new cluster with this node in it",
	.details = "Run it on exactly one host of a cluster, once. It makes the cluster's CA: ca.key in\n"
		   "the state directory, root's alone, and no daemon reads it. Keep a copy away from\n"
		   "here: whoever has it decides who belongs. Then: mesh token.\n"
		   "With `cluster-key` in mesh.yaml there is no CA (starter mode): whoever has that\n"
		   "file may join.",
	.prepare = admit_init,
	.timeout_ms = ANSWER_MS,
	.print = show_init},
    {.name = "join",
	.summary = "join the cluster that HOST:PORT belongs to",
	.details = "TOKEN is what mesh token printed. Others can see the arguments of a command while it\n"
		   "runs, so '-' (paste it, then Ctrl-D) or --token-file is safer; a token's short life\n"
		   "and few uses are the other half. The token stays in this command: it signs this\n"
		   "node's certificate, and the daemon gets that.\n"
		   "Without TOKEN (starter mode) the cluster's key file must be on this host first.\n"
		   "HOST:PORT is kept over restarts; --forget takes it back, and joins nothing.",
	.operand = OPERAND_SEED,
	.operand_name = "HOST:PORT",
	.second = OPERAND_TOKEN,
	.second_name = "TOKEN",
	.options = OPT_BIT(OPT_TOKEN_FILE) | OPT_BIT(OPT_FORGET),
	.prepare = admit_join,
	.timeout_ms = ANSWER_MS,
	.print = show_join},
    {.name = "token",
	.summary = "a token that lets a node into the cluster",
	.details = "Needs ca.key and no daemon: run it on the host of mesh init, as root, or anywhere with\n"
		   "--ca-key. Then on the new host: mesh join HOST:PORT TOKEN. Whoever has the token can\n"
		   "come in until it expires or is used up.",
	.options = OPT_BIT(OPT_EXPIRES) | OPT_BIT(OPT_USES) | OPT_BIT(OPT_ZONE) | OPT_BIT(OPT_CA_KEY),
	.local = show_token},
    {.name = "evict",
	.summary = "put a node out of the cluster, for good",
	.details = "Signed, told to all, and never forgotten: every node refuses it from then\n"
		   "on, the roster drops it, and what it ran is placed elsewhere. Once it hears\n"
		   "of it, it stops all but `keep` work. NODE is a name or an id. Any node takes\n"
		   "it; the one that is to go can't. Where there is a CA, it signs: run it where\n"
		   "ca.key lies, or give --ca-key. With a cluster key, mesh keys rotate too: whoever\n"
		   "holds it can join as a new node.",
	.operand = OPERAND_NODE,
	.operand_name = "NODE",
	.options = OPT_BIT(OPT_CA_KEY),
	.prepare = admit_evict,
	.timeout_ms = ANSWER_MS,
	.print = show_evict},
    {.name = "drain",
	.operand = OPERAND_NODE,
	.operand_name = "NODE",
	.operand_optional = true,
	.prepare = act_prepare,
	.summary = "move a node's work to others; nothing new comes",
	.details = "The leader is told, and the schedule takes `replace` work from here as far\n"
		   "as another node can have it, with the library a tenth of a role at a time: mesh\n"
		   "why INSTANCE says for what it waits. What is `keep` stays, and is listed. The\n"
		   "node stays a member and votes. Kept over restarts, until mesh undrain.\n"
		   "Without NODE it is this node's own word, and needs no leader. With NODE it is an\n"
		   "action (mesh help action): the scheduler keeps it, also for a node that is away.",
	.timeout_ms = ANSWER_MS,
	.print = show_drain,
	.code = show_action_code},
    {.name = "undrain",
	.operand = OPERAND_NODE,
	.operand_name = "NODE",
	.operand_optional = true,
	.prepare = act_prepare,
	.summary = "let a node have work again",
	.details = "As drain: without NODE this node's own word, with NODE an action. The one takes\n"
		   "back what the same one said, not the other.",
	.timeout_ms = ANSWER_MS,
	.print = show_drain,
	.code = show_action_code},
    {.name = "stop",
	.summary = "stop an instance of this node, and hold it down",
	.details = "As its file says: TERM, then kill-timeout, then kill. It stays down, whatever the\n"
		   "schedule says and over restarts of meshd and the host, until mesh start. mesh ps\n"
		   "and mesh status show it as held. It is not placed elsewhere for that.",
	.operand = OPERAND_INSTANCE,
	.operand_name = "INSTANCE",
	.timeout_ms = ANSWER_MS,
	.print = show_hold},
    {.name = "start",
	.summary = "let an instance run that mesh stop holds down",
	.operand = OPERAND_INSTANCE,
	.operand_name = "INSTANCE",
	.timeout_ms = ANSWER_MS,
	.print = show_hold},
    {.name = "restart",
	.summary = "stop an instance of this node, and start it again",
	.details = "TERM, then kill-timeout, then kill; then it is started at once, without a back-off.\n"
		   "Its files are judged first: while a broken one would keep it from coming up again\n"
		   "it is refused with that line, and what runs goes on.",
	.operand = OPERAND_INSTANCE,
	.operand_name = "INSTANCE",
	.timeout_ms = AUDIT_MS,
	.print = show_hold},
    {.name = "leave",
	.here = true,
	.summary = "take this node out of its cluster",
	.details = "First its work moves, as in a drain; then its vote is taken away, by the others and\n"
		   "with its help; then it says goodbye, and forgets the cluster: its schedule, roster\n"
		   "and peers. Nothing is suspected or lost over it. `keep` work moves nowhere: --stop\n"
		   "or --keep says what becomes of it. A restart in the middle goes on with it, until\n"
		   "mesh leave --cancel. --force waits for nobody: neither for the work nor for the\n"
		   "vote. Its seeds do not bring it back; mesh join HOST:PORT does, or mesh init makes\n"
		   "a new cluster. -w shows it until it has left (exit 0), or until it does not get\n"
		   "on, with the reason (exit 1): then it goes on waiting.",
	.options = OPT_BIT(OPT_WATCH) | OPT_BIT(OPT_STOP) | OPT_BIT(OPT_KEEP) | OPT_BIT(OPT_LAST) |
		   OPT_BIT(OPT_FORCE) | OPT_BIT(OPT_CANCEL),
	.timeout_ms = ANSWER_MS,
	.print = show_leave,
	.over = show_leave_over},
    {.name = "recover",
	.summary = "go on without a majority that is gone for good",
	.details = "Makes a roster of those who are alive, and evicts those named, who must be all the\n"
		   "others, 64 at most. Without --yes it only says what that gives up. The mesh can't know\n"
		   "whether they are gone: if they are only cut off, both sides run until they meet, and\n"
		   "`exclusive` work may run twice meanwhile. Whoever returns hears that it was given\n"
		   "up, and stops. Two such orders on two sides: the higher number counts on both. It is\n"
		   "refused where there is a majority: that is mesh evict. Where there is a CA, it\n"
		   "signs: run it where ca.key lies, or give --ca-key.",
	.options = OPT_BIT(OPT_LOST) | OPT_BIT(OPT_YES) | OPT_BIT(OPT_CA_KEY),
	.prepare = admit_recover,
	.timeout_ms = ANSWER_MS,
	.print = show_recover,
	.code = show_recover_code},
    {.name = "keys",
	.summary = "the cluster key: status, rotate, export",
	.details = "rotate: a new key, sealed to each member, used when all have it; the old\n"
		   "one is wiped when all use it. Nothing stops meanwhile. It waits for members\n"
		   "that are down: rotate --force NODE[,NODE] goes on without these, each of\n"
		   "which fetches the key when it is back. Who has no vote is handed no key, and\n"
		   "status names it: rotate begins when all who are up have one; who is down\n"
		   "comes back by its certificate, or else as a new node, by export. export: the\n"
		   "key of now, 32 bytes to a file, for a host that is to join.",
	.operand = OPERAND_WORD,
	.operand_name = "COMMAND",
	.words = {"status", "rotate", "export"},
	.second = OPERAND_NODES,
	.second_name = "NODES",
	.second_word = "rotate",
	.prepare = keys_prepare,
	.options = OPT_BIT(OPT_FORCE),
	.timeout_ms = ANSWER_MS,
	.print = show_keys},
    {.name = "debug",
	.summary = "bundle: one file for whoever helps; show: this node's insides",
	.details = "bundle writes a tar file (0600) with what status, members --compare, roster, "
		   "events\nand so on say, configuration, queues, counters and the end of the "
		   "log; no keys, no\nvariables of roles, no output of containers.",
	.operand = OPERAND_WORD,
	.operand_name = "COMMAND",
	.words = {"bundle", "show"},
	.second = OPERAND_FILE,
	.second_name = "FILE",
	.second_word = "bundle",
	.timeout_ms = ANSWER_MS,
	.local_word = "bundle",
	.local = show_bundle,
	.print = show_debug},
    {.name = "version",
	.summary = "versions of mesh, meshd and the wire",
	.timeout_ms = ANSWER_MS,
	.print = show_version},
    {.name = "help",
	.summary = "what a command does",
	.operand = OPERAND_VERB,
	.operand_name = "COMMAND",
	.operand_optional = true,
	.local = show_help},
    {.name = "completion",
	.summary = "a shell's completion of this program",
	.details = "bash: mesh completion bash > "
		   "/usr/share/bash-completion/completions/mesh",
	.operand = OPERAND_WORD,
	.operand_name = "SHELL",
	.words = {"bash", "fish"},
	.local = show_completion},
};
const size_t verbs_count = ARRAY_LEN(verbs);
