---@meta
-- Written by `make contract` from schema/contract.lua.

---@type mesh
mesh = nil

--- The world, as the leader of this side knows it. The same world gives the same bytes.
---@class mesh.Input
---@field api integer the version of this contract
---@field now integer wall clock of the leader when the round began (ms)
---@field self string the leader's name
---@field side mesh.Side the part of the mesh that is in reach
---@field nodes table<string, mesh.Node> every node that is known, the lost ones too
---@field running table<string, mesh.Running> what runs or should, by instance; of several copies the one that runs longest
---@field copies table<string, mesh.Running[]> instances that are on several nodes (after a heal): all of them
---@field roles table<string, mesh.RoleInfo> what config-dir/roles/ROLE/VERSION/*.yaml say
---@field metrics table<string, mesh.Metric> the answers to what the schedule in force has in `query`
---@field parents mesh.Parent[] the schedule in force; several after a heal, the oldest stamp first; none at the very first round
---@field actions mesh.Action[] operators' wishes that nobody has answered, by stamp and id
---@field vars table<string, any> variables of the operator

--- Of a mesh that is cut each part has its own leader and its own schedule.
---@class mesh.Side
---@field grade "none"|"degraded"|"full" full: a majority elected the leader; degraded: a minority did, as `election: any` allows
---@field visible integer nodes in reach
---@field known integer nodes that belong to the mesh
---@field lost string[] nodes that are known and failed, sorted
---@field term integer of the election

--- A node. Those that have left may not be in the output.
---@class mesh.Node
---@field address string where it is reached
---@field zone string of its configuration; "" = none
---@field tags table<string, any> k=v of its configuration; true for a tag without a value
---@field state "alive"|"suspect"|"failed"|"left"|"restarting" failed: believed dead, or on the other side of a split
---@field since integer wall clock of its last change of state (ms)
---@field reported boolean its report has arrived; a silent node keeps what it had
---@field draining boolean it is to get no new work (`mesh drain`)
---@field unstable boolean it comes and goes; it is to get no new work
---@field facts mesh.Facts what it says of itself
---@field free mesh.Free what there is for work
---@field metrics mesh.NodeMetrics as measured, a few seconds old

--- A node's own word. Placement never picks a node that lacks the image or the sandbox.
---@class mesh.Facts
---@field arch string of the machine: x86_64
---@field cpus integer processors
---@field memory integer all of it (bytes)
---@field kernel string release of the kernel
---@field images string[] that are there, sorted
---@field sandboxes string[] that the administrator allows, sorted
---@field config_hash string of its config trees: 16 hexadecimal digits

--- What a node has for containers.
---@class mesh.Free
---@field cpus number processors
---@field memory integer memory (bytes)

--- Summary numbers of a node. Anything else by `query`.
---@class mesh.NodeMetrics
---@field cpu_percent number of all processors together
---@field load1 number load average of a minute
---@field memory_free integer memory that could be had (bytes)
---@field disk integer size of the state directory's disk (bytes)
---@field disk_free integer free of it (bytes)

--- An instance on a node, as that node reports it.
---@class mesh.Running
---@field role string its role
---@field version string the role's version it was started for; "" = none
---@field node string where it is
---@field image string what it was started from
---@field state "unknown"|"starting"|"running"|"stopping"|"backoff"|"crash-loop"|"failed"|"lost"|"exited"|"waiting"|"held" lost: its node is failed; waiting: for its role lease; held: by an operator of its host
---@field health "none"|"wait"|"healthy"|"unhealthy" none: it has no probe, or does not run
---@field restarts integer since it was started
---@field since integer wall clock of its last change (ms)
---@field error string why it failed or is held; "" = nothing

--- Metadata of a role.
---@class mesh.RoleInfo
---@field versions table<string, any> what the version's files say: FILE.yaml under `FILE`

--- What became of one entry of `query`. `trend` is the change per second over the last minute.
---@class mesh.Metric
---@field query string the expression
---@field series mesh.Series[] what it comes to, in PromQL's order; only finite values
---@field value? number of the one series, if it is one
---@field trend? number of that
---@field nodes table<string, mesh.NodeFigure> who has answered
---@field missing string[] who has not, or is not heard from any more
---@field age integer of the oldest answer (ms)
---@field error? string why the answers do not come to anything

--- One series of an answer.
---@class mesh.Series
---@field labels table<string, string> its labels
---@field value number now
---@field trend? number change per second

--- A node's answer; a value where one series is that node's alone.
---@class mesh.NodeFigure
---@field age integer of its answer (ms)
---@field value? number of the series with its name in the label `node`
---@field trend? number change per second

--- A schedule that came before: the output of an earlier round, checked, and its header.
---@class mesh.Parent
---@field stamp string TERM.LEADER8.SEQ: later ones are greater
---@field at integer wall clock of its leader (ms)
---@field grade "none"|"degraded"|"full" of the side that issued it
---@field roles table<string, mesh.OutRole> as in the output
---@field nodes table<string, mesh.OutNode> as in the output
---@field vars table<string, any> as in the output
---@field state? any as in the output
---@field query? table<string, string> as in the output
---@field changes? any as in the output
---@field replies? table<string, any> as in the output
---@field why? table<string, any> as in the output

--- What an operator asked for (`mesh action`, `mesh scale`, ...).
---@class mesh.Action
---@field id string NODE.N, unique
---@field stamp integer wall clock of the node that took it (ms)
---@field node string that node
---@field by string who: "uid 1000"
---@field role? string whose; absent: the mesh's, a node's
---@field name string what: scale, update, pause, drain ...
---@field args table<string, string> as typed
---@field tries integer rounds that failed with it; at 3 it is set aside

--- The schedule: what should run where. Checked whole; what is wrong is told with its path and the last good schedule stays.
---@class mesh.Output
---@field roles? table<string, mesh.OutRole> every role that stands on a node, and its data
---@field nodes? table<string, mesh.OutNode> what runs where; only known nodes that have not left
---@field vars? table<string, any> variables of every template, the weakest
---@field state? any the script's own; comes back in parents[i].state
---@field query? table<string, string> PromQL that each node evaluates once a second; the next round has it in metrics
---@field changes? any a journal for people: a list of lines
---@field replies? table<string, any> answers to actions, by id: a line, or a Reply
---@field why? table<string, any> why an instance is where it is: a line, or a list of them, the oldest first
---@field errors? table<string, string> roles whose own part failed; they keep the last good one, and `mesh status` shows the line
---@field missing? mesh.Missing[] what placement lacked, for `mesh status`

--- A role. Every role that a node has must be one of these.
---@class mesh.OutRole
---@field version? string of the role
---@field template? string directory below templates/; absent: nothing is rendered
---@field on_split "replace"|"keep"|"exclusive" what becomes of its instances on nodes that are lost: others take their place, they are waited for, or there is never a second one
---@field update? mesh.Update how hosts change it
---@field vars? table<string, any> variables of its templates

--- What hosts read of a role's update; other keys are the script's own.
---@class mesh.Update
---@field max_unavailable? integer instances on one host that may be down at once for a change
---@field [string] any

--- What a node is to run.
---@class mesh.OutNode
---@field vars? table<string, any> variables of all roles on it
---@field roles? table<string, mesh.Place> roles on it

--- A role on a node.
---@class mesh.Place
---@field sandbox? string in which its instances run; needed if there are any
---@field vars? table<string, any> variables of the role on this node, the strongest
---@field instances? table<string, mesh.Instance> by id, ROLE.N or ROLE.KEY, unique in the schedule

--- One container.
---@class mesh.Instance
---@field process string the container file in the image: config/PROCESS.yaml
---@field image string that it runs
---@field vars? table<string, any> variables of the container, and of templates under `instances`

--- What a node lacks for a role. One of image, sandbox and what.
---@class mesh.Missing
---@field role string who wants it
---@field node? string who lacks it; absent: every node
---@field image? string an image
---@field sandbox? string a sandbox
---@field what? string anything else, in words

--- An answer to an action that is more than a line.
---@class mesh.Reply
---@field ok boolean was it done
---@field text string one line

---@class mesh.Main what main.lua returns
---@field api? integer
---@field schedule fun(input: mesh.Input): mesh.Output
