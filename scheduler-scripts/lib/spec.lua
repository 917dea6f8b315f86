---@meta mesh.spec
--- describe, it, before_each, pending ... in busted's form, for `mesh test`.
-- A file of specs is one run of meshd-script: its own process, heap and clock.  Tests are
-- collected while the file is loaded and run after, in the order they stand there.

local expect = require "mesh.expect"
local sim = require "mesh.sim"

---@class mesh.spec.Block
---@field name string
---@field parent mesh.spec.Block?
---@field items table[]                 blocks and tests, as they stand in the file
---@field hooks table<string, function[]>

local FAILURES_SHOWN <const> = 3

local HOOKS = {"before_each", "after_each", "setup", "teardown"}
local ALIASES = {before_all = "setup", after_all = "teardown", lazy_setup = "setup",
  lazy_teardown = "teardown", strict_setup = "setup", strict_teardown = "teardown"}

local function new_block(name, parent)
  local block = {name = name, parent = parent, items = {}, hooks = {}}
  for _, hook in ipairs(HOOKS) do block.hooks[hook] = {} end
  return block
end

local function full_name(block, name)
  while block.parent do
    name = block.name .. " " .. name
    block = block.parent
  end
  return name
end

--- The hooks of one kind, from the outermost block inwards.
local function hooks_of(block, kind)
  local list = block.parent and hooks_of(block.parent, kind) or {}
  for _, f in ipairs(block.hooks[kind]) do list[#list + 1] = f end
  return list
end

local function reversed(list)
  local out = {}
  for i = #list, 1, -1 do out[#out + 1] = list[i] end
  return out
end

--- A traceback without the frames of this library: the author's are meant.
local function own_frames(traceback)
  local list = {}
  for line in (traceback .. "\n"):gmatch("([^\n]*)\n") do
    if not (line:find("^\tmesh/spec%.lua:") or line:find("^\tmesh/expect%.lua:") or line:find("^\tmesh/sim%a*%.lua:")
      or line == "\t[C]: in global 'xpcall'" or line == "\t[C]: in global 'error'") then
      list[#list + 1] = line
    end
  end
  return #list > 1 and table.concat(list, "\n") or ""
end

--- A test's error, and below it what failed in its worlds meanwhile: maybe that is why.
local function with_worlds(why)
  local said = {why.error}
  for i, line in ipairs(sim.failures) do
    if i <= FAILURES_SHOWN then said[#said + 1] = "in its world: " .. line end
  end
  why.error = table.concat(said, "\n")
end

--- What pending() raises inside a test.
local PENDING = {}

local Suite = {}
Suite.__index = Suite

--- What Lua says of a heap that is full.
local FULL <const> = "not enough memory"

--- What f fails with, or nil.  Without memory Lua asks no message handler: it is a text then.
function Suite:call(f)
  local ok, why = xpcall(f, self.fault)
  if ok then return nil end
  if why == FULL then return self.refused(why) end
  return type(why) == "table" and why or {error = tostring(why)}
end

--- The first failure of a list of functions, or nil.
function Suite:call_all(list)
  for _, f in ipairs(list) do
    local why = self:call(f)
    if why then return why end
  end
end

function Suite:note(test, status, why)
  local row = {name = test.name, status = status}
  for key, value in pairs(why or {}) do row[key] = value end
  self.tests[#self.tests + 1] = row
end

function Suite:run_test(block, test)
  if not test.body then
    self:note(test, "pending", {error = test.why})
    return
  end
  self.finally = {}
  local why = self:call_all(hooks_of(block, "before_each"))
  if not why then why = self:call(test.body) end
  local late = self:call_all(reversed(hooks_of(block, "after_each")))
  late = self:call_all(reversed(self.finally)) or late
  self.finally = nil
  why = why or late
  if why and not why.pending then with_worlds(why) end
  sim.failures = {}
  if why and why.pending then
    self:note(test, "pending", {error = why.error})
  else
    self:note(test, why and "failed" or "ok", why)
  end
end

--- Tests of a block whose setup failed are failed, not forgotten.
function Suite:fail_all(block, why)
  for _, item in ipairs(block.items) do
    if item.items then self:fail_all(item, why) else self:note(item, "failed", why) end
  end
end

function Suite:run_block(block)
  local why = self:call_all(block.hooks.setup)
  if why then
    self:fail_all(block, why)
    return
  end
  for _, item in ipairs(block.items) do
    if item.items then self:run_block(item) else self:run_test(block, item) end
  end
  why = self:call_all(reversed(block.hooks.teardown))
  if why then self:note({name = full_name(block, "teardown")}, "failed", why) end
end

local function check_name(name, what)
  if type(name) ~= "string" then
    error(("%s: expected a name, got %s"):format(what, type(name)), 3)
  end
end

--- The words of a file of specs.
local function words(suite)
  local at = suite.root

  local function outside(what)
    if suite.running then error(what .. ": not inside of a test", 3) end
  end

  local function describe(name, body)
    check_name(name, "describe")
    outside "describe"
    if type(body) ~= "function" then error("describe: expected a function, got " .. type(body), 2) end
    local block = new_block(name, at)
    at.items[#at.items + 1] = block
    at = block
    body()
    at = block.parent
  end

  local function it(name, body)
    check_name(name, "it")
    outside "it"
    if body ~= nil and type(body) ~= "function" then
      error("it: expected a function, got " .. type(body), 2)
    end
    at.items[#at.items + 1] = {name = full_name(at, name), body = body}
  end

  local list = {describe = describe, context = describe, insulate = describe, expose = describe,
    it = it, spec = it, test = it, assert = expect.assert}

  function list.pending(name, _)
    if suite.running then error(setmetatable({why = name}, PENDING), 0) end
    check_name(name, "pending")
    at.items[#at.items + 1] = {name = full_name(at, name), why = "pending"}
  end

  function list.finally(f)
    if not suite.finally then error("finally: only inside of a test", 2) end
    suite.finally[#suite.finally + 1] = f
  end

  for _, hook in ipairs(HOOKS) do
    list[hook] = function(f)
      outside(hook)
      if type(f) ~= "function" then error(hook .. ": expected a function, got " .. type(f), 2) end
      local hooks = at.hooks[hook]
      hooks[#hooks + 1] = f
    end
  end
  for alias, hook in pairs(ALIASES) do list[alias] = list[hook] end
  return list
end

--- mesh.spec(fault, refused): the words, and a function that runs what was collected.
---@param fault fun(err: any): table   a message handler: {error, file, line, excerpt, ...}
---@param refused fun(err: string): table   the same where Lua had no memory to ask it
---@return table<string, any> words
---@return fun(): {tests: table[]} run
return function(fault, refused)
  local suite = setmetatable({root = new_block("", nil), tests = {}, refused = refused}, Suite)
  function suite.fault(err)
    if type(err) == "table" and getmetatable(err) == PENDING then
      return {pending = true, error = err.why and tostring(err.why) or "pending"}
    end
    local why = fault(err)
    if type(why.traceback) == "string" then why.traceback = own_frames(why.traceback) end
    return why
  end
  return words(suite), function()
    suite.running = true
    suite:run_block(suite.root)
    suite.running = false
    return {tests = suite.tests}
  end
end
