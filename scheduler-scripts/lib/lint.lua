---@meta mesh.lint
--- What is wrong in a script tree, seen without running it: names that nobody defined,
-- globals that are written, fields that mesh and the libraries lack, modules that are not
-- there, an api that this mesh does not speak.  What mesh has is asked of mesh itself.

local contract = require "mesh.contract"
local lex = require "mesh.lintlex"
local read = require "mesh.lintread"
local spec = require "mesh.spec"
local util = require "mesh.util"

local lint = {}
lint.__index = lint

function lint:say(token, text, ...)
  self.findings[#self.findings + 1] = {file = self.file, line = token.line, col = token.col,
    text = text:format(...)}
end

--- A field of a value: found, its value.  A table that computes its fields has them all.
local function field(value, name)
  if type(value) == "string" then return true, nil end
  if type(value) ~= "table" then return value == nil or type(value) == "function", nil end
  local meta = getmetatable(value)
  local ok, found = pcall(function() return value[name] end)
  if ok and found ~= nil then return true, found end
  return type(meta) == "table" and meta.__index ~= nil, nil
end

local function names_of(value)
  local names = {}
  for key in pairs(value) do
    if type(key) == "string" then names[#names + 1] = key end
  end
  return names
end

--- Libraries as they are here, by the global's name.
local LIBRARIES = {coroutine = coroutine, math = math, mesh = mesh, string = string, table = table, utf8 = utf8}

--- What a path comes to: known, its value, the name to call it by.
function lint:resolve(path)
  local value, called
  if path.required then
    if not path.required:find("^mesh%f[%.\0]") or self.own["mesh.lua"] then return false end
    local ok
    ok, value = pcall(require, path.required)
    if not ok then return false end
    called = path.required
  elseif not path.of then
    value, called = LIBRARIES[path.root.text], path.root.text
  elseif path.of.path then
    local known
    known, value, called = self:resolve(path.of.path)
    if not known then return false end
  end
  if type(value) ~= "table" then return false end
  for _, token in ipairs(path.fields) do
    local there, next_value = field(value, token.text)
    if not there or next_value == nil then return false end
    value, called = next_value, called .. "." .. token.text
  end
  return true, value, called
end

--- Fields along a path, the first that is not there.
function lint:check_fields(path)
  local base = {root = path.root, of = path.of, required = path.required, fields = {}}
  if path.required and #path.fields == 0 then return end
  for _, token in ipairs(path.fields) do
    local known, value, called = self:resolve(base)
    if not known then return end
    if not field(value, token.text) then
      self:say(token, "%s has no '%s'%s", called, token.text, util.suggest(token.text, names_of(value)))
      return
    end
    base.fields[#base.fields + 1] = token
  end
end

--- input.nope, where a parameter is called input.
function lint:check_input(path)
  local token = path.fields[1]
  if not (path.of and path.of.parameter and path.root.text == "input" and token) or self.is_spec then return end
  if self.inputs[token.text] == nil then
    self:say(token, "input has no '%s'%s", token.text, util.suggest(token.text, util.keys(self.inputs)))
  end
end

--- The file that was meant: of the same path further down, else a module of nearly that name.
function lint:meant(name, file)
  local names = {}
  for _, path in ipairs(util.keys(self.own)) do
    if path:sub(-#file - 1) == "/" .. file then
      return ("; there is '%s': a module's name begins at the top of the tree"):format(path)
    end
    names[#names + 1] = path:gsub("%.lua$", ""):gsub("/", ".")
  end
  return util.suggest(name, names)
end

function lint:check_require(path)
  local name = path.required
  if not name then return end
  if name:find("^[%w_%-]+$") or name:find("^[%w_%-][%w_%.%-]*[%w_%-]$") and not name:find("..", 1, true) then
    local file = name:gsub("%.", "/") .. ".lua"
    if not self.exists(file) then
      self:say(path.argument, "module '%s' not found: no file '%s' in the script tree%s", name, file,
        self:meant(name, file))
    end
  else
    self:say(path.argument, "require: '%s' is not a module name like 'lib.foo'", name)
  end
end

function lint:see(path, how)
  local name = path.root.text
  self:check_require(path)
  if path.of or self.globals[name] or (self.is_spec and self.spec_words[name]) then
    if how == "write" and not path.of then
      self:say(path.root, #path.fields == 0 and "'%s' is read-only; write 'local %s = ...'" or "'%s' is read-only",
        name, name)
      return
    end
    self:check_input(path)
    self:check_fields(path)
    return
  end
  if how == "write" and #path.fields == 0 then
    self:say(path.root, "assignment to undefined global '%s'; write 'local %s = ...'", name, name)
    return
  end
  self:say(path.root, "undefined global '%s'%s", name, util.suggest(name, self.known))
end

function lint:check_main(returned)
  if not returned then
    self:say({line = 1, col = 1}, "returns nothing; it must return a table with a function 'schedule'")
    return
  end
  local api = returned.fields and returned.fields.api
  if api and api.kind == "number" and tonumber(api.text) ~= contract.api then
    self:say(api, "api %s is not one of this mesh, which has api %d", api.text, contract.api)
  end
end

function lint:read(file, text)
  self.file, self.is_spec = file, file:find("_spec%.lua$") ~= nil or file:find("^spec/") ~= nil
    or file:find("/spec/", 1, true) ~= nil
  local returned = read(lex(text), function(path, how) self:see(path, how) end)
  if file == "main.lua" then self:check_main(returned) end
end

local function by_place(a, b)
  if a.file ~= b.file then return a.file < b.file end
  if a.line ~= b.line then return a.line < b.line end
  return a.col < b.col
end

---@param sources table<string, string>  files that compile
---@param broken table[]                 faults of those that don't
---@param globals table<string, boolean>
---@param exists fun(file: string): boolean
return function(sources, broken, globals, exists)
  local words = spec(error)
  local self = setmetatable({findings = {}, globals = globals, known = util.keys(globals), exists = exists,
    spec_words = words, own = sources, inputs = {}}, lint)
  for _, item in ipairs(contract.types.Input.fields) do self.inputs[item[1]] = true end
  local files = 0
  for file, text in pairs(sources) do
    files = files + 1
    self:read(file, text)
  end
  for _, fault in ipairs(broken) do
    files = files + 1
    local text = fault.error
    if fault.line > 0 then text = text:gsub("^.-:%d+: ", "", 1) end
    self.findings[#self.findings + 1] = {file = fault.file, line = fault.line, col = 0, text = text}
  end
  table.sort(self.findings, by_place)
  return {findings = self.findings, files = files}
end
