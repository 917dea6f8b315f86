--- mesh.lint and mesh.spec under plain Lua: their host is given by hand.

package.path = "scheduler-scripts/spec/?.lua;" .. package.path
local setup = require "setup"

describe("mesh.lint", function()
  local lint

  setup.mesh.sim = setup.mesh.sim or require "mesh.sim"
  _G.mesh = setup.mesh
  lint = require "mesh.lint"
  _G.mesh = nil

  local GLOBALS = {}
  for name in ("assert error ipairs pairs print require string table math mesh type tostring"):gmatch("%a+") do
    GLOBALS[name] = true
  end

  --- The findings of one file, "LINE:COL text" each.
  local function found(text, file)
    local list = {}
    local function exists(name) return name == "lib/a.lua" end
    for i, f in ipairs(lint({[file or "x.lua"] = text}, {}, GLOBALS, exists).findings) do
      list[i] = ("%d:%d %s"):format(f.line, f.col, f.text)
    end
    return list
  end

  it("knows scopes", function()
    assert.are.same({}, found [[
local a <const>, b = 1
local function f(x, ...) return x, a, b, ... end
for i = 1, 2 do local c = i; f(c) end
for k, v in pairs({}) do f(k, v) end
repeat local done = true until done
while a do local d = a break end
do local e = 1 f(e) end
local t = {f = f, [a] = b; 1, function(self) return self end}
function t:m() return self end
function t.n.o(p) return p end
goto out
::out::
return t]])
    assert.are.same({"2:8 undefined global 'a'", "3:12 undefined global 'x'"},
      found "do local a = 1 end\nreturn a ..\n   3 + 4 * x")
  end)

  it("knows fields, through locals too", function()
    assert.are.same({"1:13 mesh has no 'rol'; did you mean 'role'?"}, found "return mesh.rol")
    assert.are.same({"2:17 mesh.version has no 'lest'; did you mean 'less'?"},
      found "local v = mesh.version\nreturn v.less(v.lest)")
    assert.are.same({}, found "local v = mesh.version\nv = {}\nreturn v.anything")
    assert.are.same({"1:15 string has no 'frmat'; did you mean 'format'?"}, found "return string.frmat('x')")
  end)

  it("knows modules", function()
    assert.are.same({}, found 'return require "lib.a"')
    assert.are.same({"1:16 module 'lib.b' not found: no file 'lib/b.lua' in the script tree"},
      found 'return require "lib.b"')
  end)

  it("knows what main.lua must return", function()
    assert.are.same({"1:1 returns nothing; it must return a table with a function 'schedule'"},
      found("local x = 1", "main.lua"))
    assert.are.same({"1:15 api 7 is not one of this mesh, which has api 1"}, found("return {api = 7}", "main.lua"))
    assert.are.same({}, found("return {api = 1}", "main.lua"))
  end)
end)

describe("mesh.spec", function()
  local function run(body)
    local words, go = require "mesh.spec"(function(err) return {error = tostring(err)} end)
    body(words)
    local list = {}
    for i, t in ipairs(go().tests) do list[i] = t.name .. ": " .. t.status .. (t.error and " " .. t.error or "") end
    return list
  end

  it("runs in order, with hooks around", function()
    local said = {}
    assert.are.same({"a b: ok", "a c d: failed no", "a e: pending", "f: pending later"}, run(function(w)
      w.describe("a", function()
        w.before_each(function() said[#said + 1] = "before" end)
        w.it("b", function() said[#said + 1] = "b" end)
        w.describe("c", function() w.it("d", function() error("no", 0) end) end)
        w.it("e")
      end)
      w.it("f", function() w.pending("later") end)
    end))
    assert.are.same({"before", "b", "before"}, said)
  end)

  it("fails all tests of a block whose setup failed", function()
    assert.are.same({"a b: failed gone", "a c: failed gone"}, run(function(w)
      w.describe("a", function()
        w.setup(function() error("gone", 0) end)
        w.it("b", function() end)
        w.it("c", function() end)
      end)
    end))
  end)
end)
