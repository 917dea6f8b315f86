--- The contract between mesh and a scheduler, api 1: what goes in, what comes out.
-- Data and nothing else; one source for doc/scheduler.md, meta/*.lua, .luacheckrc, the JSON
-- Schemas and mesh.check.  `make contract` writes them anew, and a test says when they, the
-- C that checks the output or the C that packs the input say something else.
--
-- A field: {name, type, what it is, ...}.  Types: string integer number boolean any name
-- image stamp, a class below, list<T>, map<K, T>, enum(a, b).  optional: may be absent (in the
-- input: absent where there is nothing to say).  min, max: of a number; bytes: of a string at
-- most; items: of a list or map at most; unit.
-- `name` is [a-z0-9][a-z0-9_.-]{0,62}; `image` is words of [A-Za-z0-9_.-] joined by '/'.

local NAMES = "[a-z0-9][a-z0-9_.-]{0,62}"

return {
  api = 1,
  names = NAMES,
  roots = {input = "Input", output = "Output"},
  -- In the order in which the reference tells them.
  order = {"Input", "Side", "Node", "Facts", "Free", "NodeMetrics", "Running", "RoleInfo", "Metric", "Series",
    "NodeFigure", "Parent", "Action", "Output", "OutRole", "Update", "OutNode", "Place", "Instance", "Missing",
    "Reply"},
  types = {
    Input = {
      doc = "The world, as the leader of this side knows it. The same world gives the same bytes.",
      fields = {
        {"api", "integer", "the version of this contract", min = 1, max = 1},
        {"now", "integer", "wall clock of the leader when the round began", unit = "ms", min = 0},
        {"self", "name", "the leader's name"},
        {"side", "Side", "the part of the mesh that is in reach"},
        {"nodes", "map<name, Node>", "every node that is known, the lost ones too"},
        {"running", "map<name, Running>", "what runs or should, by instance; of several copies the one that runs longest"},
        {"copies", "map<name, list<Running>>", "instances that are on several nodes (after a heal): all of them"},
        {"roles", "map<name, RoleInfo>", "what config-dir/roles/ROLE/VERSION/*.yaml say"},
        {"metrics", "map<name, Metric>", "the answers to what the schedule in force has in `query`"},
        {"parents", "list<Parent>", "the schedule in force; several after a heal, the oldest stamp first; none at the very first round"},
        {"actions", "list<Action>", "operators' wishes that nobody has answered, by stamp and id"},
        {"vars", "map<string, any>", "variables of the operator"},
      },
    },
    Side = {
      doc = "Of a mesh that is cut each part has its own leader and its own schedule.",
      fields = {
        {"grade", "enum(none, degraded, full)", "full: a majority elected the leader; degraded: a minority did, as `election: any` allows"},
        {"visible", "integer", "nodes in reach", min = 0},
        {"known", "integer", "nodes that belong to the mesh", min = 0},
        {"lost", "list<name>", "nodes that are known and failed, sorted"},
        {"term", "integer", "of the election", min = 0},
      },
    },
    Node = {
      doc = "A node. Those that have left may not be in the output.",
      fields = {
        {"address", "string", "where it is reached"},
        {"zone", "string", "of its configuration; \"\" = none"},
        {"tags", "map<string, any>", "k=v of its configuration; true for a tag without a value"},
        {"state", "enum(alive, suspect, failed, left, restarting)", "failed: believed dead, or on the other side of a split"},
        {"since", "integer", "wall clock of its last change of state", unit = "ms", min = 0},
        {"reported", "boolean", "its report has arrived; a silent node keeps what it had"},
        {"draining", "boolean", "it is to get no new work (`mesh drain`)"},
        {"unstable", "boolean", "it comes and goes; it is to get no new work"},
        {"facts", "Facts", "what it says of itself"},
        {"free", "Free", "what there is for work"},
        {"metrics", "NodeMetrics", "as measured, a few seconds old"},
      },
    },
    Facts = {
      doc = "A node's own word. Placement never picks a node that lacks the image or the sandbox.",
      fields = {
        {"arch", "string", "of the machine: x86_64"},
        {"cpus", "integer", "processors", min = 0},
        {"memory", "integer", "all of it", unit = "bytes", min = 0},
        {"kernel", "string", "release of the kernel"},
        {"images", "list<string>", "that are there, sorted", items = 256},
        {"sandboxes", "list<name>", "that the administrator allows, sorted", items = 256},
        {"config_hash", "string", "of its config trees: 16 hexadecimal digits"},
      },
    },
    Free = {
      doc = "What a node has for containers.",
      fields = {
        {"cpus", "number", "processors", min = 0},
        {"memory", "integer", "memory", unit = "bytes", min = 0},
      },
    },
    NodeMetrics = {
      doc = "Summary numbers of a node. Anything else by `query`.",
      fields = {
        {"cpu_percent", "number", "of all processors together", min = 0},
        {"load1", "number", "load average of a minute", min = 0},
        {"memory_free", "integer", "memory that could be had", unit = "bytes", min = 0},
        {"disk", "integer", "size of the state directory's disk", unit = "bytes", min = 0},
        {"disk_free", "integer", "free of it", unit = "bytes", min = 0},
      },
    },
    Running = {
      doc = "An instance on a node, as that node reports it.",
      fields = {
        {"role", "name", "its role"},
        {"version", "string", "the role's version it was started for; \"\" = none"},
        {"node", "name", "where it is"},
        {"image", "string", "what it was started from"},
        {"state", "enum(unknown, starting, running, stopping, backoff, crash-loop, failed, lost, exited, waiting, held)",
          "lost: its node is failed; waiting: for its role lease; held: by an operator of its host"},
        {"health", "enum(none, wait, healthy, unhealthy)", "none: it has no probe, or does not run"},
        {"restarts", "integer", "since it was started", min = 0},
        {"since", "integer", "wall clock of its last change", unit = "ms", min = 0},
        {"error", "string", "why it failed or is held; \"\" = nothing"},
      },
    },
    RoleInfo = {
      doc = "Metadata of a role.",
      fields = {
        {"versions", "map<name, any>", "what the version's files say: FILE.yaml under `FILE`"},
      },
    },
    Metric = {
      doc = "What became of one entry of `query`. `trend` is the change per second over the last minute.",
      fields = {
        {"query", "string", "the expression"},
        {"series", "list<Series>", "what it comes to, in PromQL's order; only finite values"},
        {"value", "number", "of the one series, if it is one", optional = true},
        {"trend", "number", "of that", optional = true},
        {"nodes", "map<name, NodeFigure>", "who has answered"},
        {"missing", "list<name>", "who has not, or is not heard from any more"},
        {"age", "integer", "of the oldest answer", unit = "ms", min = 0},
        {"error", "string", "why the answers do not come to anything", optional = true},
      },
    },
    Series = {
      doc = "One series of an answer.",
      fields = {
        {"labels", "map<string, string>", "its labels"},
        {"value", "number", "now"},
        {"trend", "number", "change per second", optional = true},
      },
    },
    NodeFigure = {
      doc = "A node's answer; a value where one series is that node's alone.",
      fields = {
        {"age", "integer", "of its answer", unit = "ms", min = 0},
        {"value", "number", "of the series with its name in the label `node`", optional = true},
        {"trend", "number", "change per second", optional = true},
      },
    },
    Parent = {
      doc = "A schedule that came before: the output of an earlier round, checked, and its header.",
      fields = {
        {"stamp", "stamp", "TERM.LEADER8.SEQ: later ones are greater"},
        {"at", "integer", "wall clock of its leader", unit = "ms", min = 0},
        {"grade", "enum(none, degraded, full)", "of the side that issued it"},
        {"roles", "map<name, OutRole>", "as in the output"},
        {"nodes", "map<name, OutNode>", "as in the output"},
        {"vars", "map<string, any>", "as in the output"},
        {"state", "any", "as in the output", optional = true},
        {"query", "map<name, string>", "as in the output", optional = true},
        {"changes", "any", "as in the output", optional = true},
        {"replies", "map<string, any>", "as in the output", optional = true},
        {"why", "map<string, any>", "as in the output", optional = true},
      },
    },
    Action = {
      doc = "What an operator asked for (`mesh action`, `mesh scale`, ...).",
      fields = {
        {"id", "string", "NODE.N, unique"},
        {"stamp", "integer", "wall clock of the node that took it", unit = "ms", min = 0},
        {"node", "name", "that node"},
        {"by", "string", "who: \"uid 1000\""},
        {"role", "name", "whose; absent: the mesh's, a node's", optional = true},
        {"name", "name", "what: scale, update, pause, drain ..."},
        {"args", "map<string, string>", "as typed"},
        {"tries", "integer", "rounds that failed with it; at 3 it is set aside", min = 0},
      },
    },
    Output = {
      doc = "The schedule: what should run where. Checked whole; what is wrong is told with its path and the last good schedule stays.",
      fields = {
        {"roles", "map<name, OutRole>", "every role that stands on a node, and its data", optional = true, items = 1024},
        {"nodes", "map<name, OutNode>", "what runs where; only known nodes that have not left", optional = true, items = 8192},
        {"vars", "map<string, any>", "variables of every template, the weakest", optional = true},
        {"state", "any", "the script's own; comes back in parents[i].state", optional = true},
        {"query", "map<name, string>", "PromQL that each node evaluates once a second; the next round has it in metrics", optional = true, items = 64},
        {"changes", "any", "a journal for people: a list of lines", optional = true},
        {"replies", "map<string, any>", "answers to actions, by id: a line, or a Reply", optional = true},
        {"why", "map<string, any>", "why an instance is where it is: a line, or a list of them, the oldest first", optional = true},
        {"errors", "map<name, string>", "roles whose own part failed; they keep the last good one, and `mesh status` shows the line", optional = true, items = 1024},
        {"missing", "list<Missing>", "what placement lacked, for `mesh status`", optional = true},
      },
    },
    OutRole = {
      doc = "A role. Every role that a node has must be one of these.",
      fields = {
        {"version", "name", "of the role", optional = true},
        {"template", "string", "directory below templates/; absent: nothing is rendered", optional = true, bytes = 255},
        {"on_split", "enum(replace, keep, exclusive)", "what becomes of its instances on nodes that are lost: others take their place, they are waited for, or there is never a second one"},
        {"update", "Update", "how hosts change it", optional = true},
        {"vars", "map<string, any>", "variables of its templates", optional = true},
      },
    },
    Update = {
      doc = "What hosts read of a role's update; other keys are the script's own.",
      open = true,
      fields = {
        {"max_unavailable", "integer", "instances on one host that may be down at once for a change", optional = true, min = 1, max = 1000},
      },
    },
    OutNode = {
      doc = "What a node is to run.",
      fields = {
        {"vars", "map<string, any>", "variables of all roles on it", optional = true},
        {"roles", "map<name, Place>", "roles on it", optional = true, items = 256},
      },
    },
    Place = {
      doc = "A role on a node.",
      fields = {
        {"sandbox", "name", "in which its instances run; needed if there are any", optional = true},
        {"vars", "map<string, any>", "variables of the role on this node, the strongest", optional = true},
        {"instances", "map<name, Instance>", "by id, ROLE.N or ROLE.KEY, unique in the schedule", optional = true, items = 1000},
      },
    },
    Instance = {
      doc = "One container.",
      fields = {
        {"process", "name", "the container file in the image: config/PROCESS.yaml"},
        {"image", "image", "that it runs", bytes = 255},
        {"vars", "map<string, any>", "variables of the container, and of templates under `instances`", optional = true},
      },
    },
    Missing = {
      doc = "What a node lacks for a role. One of image, sandbox and what.",
      fields = {
        {"role", "name", "who wants it"},
        {"node", "name", "who lacks it; absent: every node", optional = true},
        {"image", "string", "an image", optional = true, bytes = 255},
        {"sandbox", "name", "a sandbox", optional = true},
        {"what", "string", "anything else, in words", optional = true, bytes = 255},
      },
    },
    Reply = {
      doc = "An answer to an action that is more than a line.",
      fields = {
        {"ok", "boolean", "was it done"},
        {"text", "string", "one line"},
      },
    },
  },
}
