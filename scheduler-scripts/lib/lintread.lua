---@meta mesh.lintread
--- Which name means what: a walk over the words of a Lua file with its scopes.
-- It tells a listener of every path of names that it meets, `mesh.place.spread`, with what
-- its first name is: a local (and what that was set to, as far as it is a path too) or a global.

---@class mesh.lint.Path
---@field root mesh.lint.Token      its first name
---@field of table?                 the local it names, nil: a global
---@field fields mesh.lint.Token[]  names behind it
---@field required string?          require "this"
---@field whole boolean             nothing but the path: no call, no index

local Reader = require "mesh.lintscope"

local ENDS = {["end"] = true, ["else"] = true, ["elseif"] = true, ["until"] = true}
local BINARY = {["and"] = true, ["or"] = true}
for sign in ("+ - * / // % ^ .. == ~= < > <= >= & | ~ << >>"):gmatch("%S+") do BINARY[sign] = true end
local UNARY = {["not"] = true, ["-"] = true, ["#"] = true, ["~"] = true}

function Reader:block()
  self:open()
  self:statements()
  self:close()
end

function Reader:arguments()
  if self:peek().kind == "string" then return self:take() end
  if self:is("{") then self:table() return end
  self:skip("(")
  local first = self:peek()
  local only = first.kind == "string" and self.tokens[self.at + 1].text == ")"
  if not self:is(")") then self:expressions() end
  self:skip(")")
  return only and first or nil
end

--- A name or a bracket and all that hangs on it.
---@return mesh.lint.Path?
function Reader:suffixed()
  local path
  local token = self:take()
  if token.kind == "name" then
    path = {root = token, of = self:find(token.text), fields = {}, whole = true}
  else -- "("
    self:expression()
    self:skip(")")
  end
  local plain = path ~= nil -- names only, so far
  while true do
    local kind = self:peek().kind
    if self:skip(".") then
      local field = self:take()
      if plain then path.fields[#path.fields + 1] = field elseif path then path.whole = false end
    elseif self:skip("[") then
      self:expression()
      self:skip("]")
      plain = false
      if path then path.whole = false end
    elseif self:is(":") or self:is("(") or self:is("{") or kind == "string" then
      local method = self:skip(":")
      if method then
        local name = self:take()
        if plain then path.method = name end
      end
      local argument = self:arguments()
      if plain and not method and #path.fields == 0 and not path.of and token.text == "require" and argument then
        path.required, path.argument = argument.text, argument
      elseif path then
        path.whole = false
      end
      plain = false
      if path then path.called = true end
    else
      return path
    end
  end
end

function Reader:parameters(method)
  if method then self:declare({text = "self", kind = "name", line = 0, col = 0}) end
  self:skip("(")
  while not self:is(")") do
    local token = self:take()
    if token.kind == "name" then
      self:declare(token)
      self.scope.names[token.text].parameter = true
    end
    self:skip(",")
  end
  self:skip(")")
end

function Reader:body(method)
  self:open()
  self:parameters(method)
  self:statements()
  self:skip("end")
  self:close()
end

--- A table; its plain `name = number` fields.
function Reader:table()
  local fields = {}
  self:skip("{")
  while not self:skip("}") do
    local token, after = self:peek(), self.tokens[self.at + 1]
    if self:skip("[") then
      self:expression()
      self:skip("]")
      self:skip("=")
    elseif token.kind == "name" and after.kind == "sign" and after.text == "=" then
      self.at = self.at + 2
      fields[token.text] = self:peek()
    end
    self:expression()
    if not self:skip(",") then self:skip(";") end
  end
  return fields
end

--- One operand.
---@return mesh.lint.Path?
function Reader:operand()
  local token = self:peek()
  if UNARY[token.text] and token.kind ~= "string" and token.kind ~= "name" then
    self:take()
    self:expression()
  elseif token.kind == "name" or self:is("(") then
    local path = self:suffixed()
    if path then self.see(path, "read") end
    return path
  elseif self:is("{") then
    self.last_table = self:table()
  elseif self:skip("function") then
    self:body(false)
  else
    self:take() -- a constant, or ...
  end
end

---@return mesh.lint.Path? path when it is one and nothing else
function Reader:expression()
  local path, alone = self:operand(), true
  while BINARY[self:peek().text] and (self:peek().kind == "sign" or self:peek().kind == "word") do
    self:take()
    self:operand()
    alone = false
  end
  return alone and path or nil
end

---@return (mesh.lint.Path|false)[]
function Reader:expressions()
  local list = {self:expression() or false}
  while self:skip(",") do list[#list + 1] = self:expression() or false end
  return list
end

function Reader:local_names()
  local names, values = {}, {}
  repeat
    names[#names + 1] = self:take()
    if self:skip("<") then
      self:take()
      self:skip(">")
    end
  until not self:skip(",")
  if self:skip("=") then values = self:expressions() end
  for i, token in ipairs(names) do self:declare(token, values[i] and values[i].whole and values[i] or nil) end
end

function Reader:for_loop()
  local names = {}
  repeat names[#names + 1] = self:take() until not self:skip(",")
  if not self:skip("=") then self:skip("in") end
  self:expressions()
  self:skip("do")
  self:open()
  for _, token in ipairs(names) do self:declare(token) end
  self:statements()
  self:close()
  self:skip("end")
end

function Reader:named_function()
  local root, method = self:take(), false
  local path = {root = root, of = self:find(root.text), fields = {}, whole = true}
  while self:is(".") or self:is(":") do
    method = self:take().text == ":"
    path.fields[#path.fields + 1] = self:take()
  end
  self.see(path, "write")
  self:body(method)
end

function Reader:assignment()
  local path = self:suffixed()
  local targets = {path or false}
  while self:skip(",") do targets[#targets + 1] = self:suffixed() or false end
  if not self:skip("=") then
    if path then self.see(path, "read") end
    return
  end
  self:expressions()
  for _, target in ipairs(targets) do
    if target then
      self.see(target, (target.whole and not target.called) and "write" or "read")
      if target.of and target.whole and #target.fields == 0 then target.of.path = nil end
    end
  end
end

function Reader:conditional()
  self:expression()
  self:skip("then")
  self:block()
  while self:skip("elseif") do
    self:expression()
    self:skip("then")
    self:block()
  end
  if self:skip("else") then self:block() end
  self:skip("end")
end

function Reader:statement()
  if self:skip("local") then
    if self:skip("function") then
      self:declare(self:take())
      self:body(false)
    else
      self:local_names()
    end
  elseif self:skip("function") then self:named_function()
  elseif self:skip("if") then self:conditional()
  elseif self:skip("for") then self:for_loop()
  elseif self:skip("while") then
    self:expression()
    self:skip("do")
    self:block()
    self:skip("end")
  elseif self:skip("do") then
    self:block()
    self:skip("end")
  elseif self:skip("repeat") then
    self:open()
    self:statements()
    self:skip("until")
    self:expression()
    self:close()
  elseif self:skip("goto") then self:take()
  elseif self:skip("::") then
    self:take()
    self:skip("::")
  elseif not (self:skip(";") or self:skip("break")) then self:assignment() end
end

function Reader:statements()
  while self:peek().kind ~= "end" and not (self:peek().kind == "word" and ENDS[self:peek().text]) do
    local was = self.at
    local token = self:skip("return")
    if token then
      self.last_table = nil
      if not (self:peek().kind == "end" or self:is(";") or ENDS[self:peek().text]) then self:expressions() end
      if self.scope.above == nil then self.returned = {token = token, fields = self.last_table} end
    else
      self:statement()
    end
    if self.at == was then self.at = was + 1 end -- whatever it is, on with it
  end
end

--- Read a file's tokens; see(path, "read" | "write") for each path of names.
---@return {token: mesh.lint.Token, fields: table?}? returned  the file's own `return`
return function(tokens, see)
  local reader = setmetatable({tokens = tokens, at = 1, see = see}, Reader)
  reader:open()
  while reader:peek().kind ~= "end" do
    reader:statements()
    if reader:peek().kind ~= "end" then reader.at = reader.at + 1 end
  end
  return reader.returned
end
