--- mesh.schema and mesh.units: what is taken, and what the error of the rest says.

package.path = "scheduler-scripts/spec/?.lua;" .. package.path
local mesh = require("setup").mesh
local s, units = mesh.schema, mesh.units

local function refuses(text, validator, value, path)
  local ok, err = s.check(validator, value, path or "x")
  assert.is_nil(ok)
  assert.are.equal(text, err)
end

describe("mesh.units", function()
  it("reads durations, sizes, CPUs, percentages, rates", function()
    assert.are.equal(90000, units.duration "1m30s")
    assert.are.equal(500, units.duration "500ms")
    assert.are.equal(1500, units.duration "1.5s")
    assert.are.equal(512 << 20, units.size "512Mi")
    assert.are.equal(4096, units.size(4096))
    assert.are.equal(2000000000, units.size "2G")
    assert.are.equal(500, units.cpu "500m")
    assert.are.equal(2000, units.cpu(2))
    assert.are.equal(5, units.percent "5%")
    assert.are.same({count = 5, ms = 10000}, units.rate "5/10s")
    assert.are.same({count = 1, ms = 60000}, units.rate "1/m")
  end)

  it("refuses what has no unit, or another one", function()
    for _, bad in ipairs {"30", 30, "", "s", "3x", "-3s", "30s ", "99999999d", {}} do
      assert.is_nil(units.duration(bad), tostring(bad))
    end
    for _, bad in ipairs {"12Qi", "Mi", -1, 1.5, "1e9", {}, "9999999999Ti"} do assert.is_nil(units.size(bad)) end
    for _, bad in ipairs {"101%", -1, "x", "5 %", {}} do assert.is_nil(units.percent(bad)) end
    for _, bad in ipairs {"0/10s", "5", 5, "5/", "5/0s", "99999/1s"} do assert.is_nil(units.rate(bad)) end
    for _, bad in ipairs {"half", "-1", "1k", {}} do assert.is_nil(units.cpu(bad)) end
  end)

  it("shows milliseconds as people read them", function()
    assert.are.same({"200ms", "45s", "1m30s", "2h", "1d3h"}, {units.show_ms(200), units.show_ms(45000),
      units.show_ms(90000), units.show_ms(7200000), units.show_ms(97200000)})
  end)
end)

describe("mesh.schema", function()
  local camera = s.record {site = s.name, fps = s.optional(s.integer(1, 60), 25),
    keep = s.optional(s.duration), tags = s.optional(s.list(s.name, 0, 3))}

  it("fills in defaults and converts", function()
    assert.are.same({site = "west", fps = 25, keep = 60000},
      s.check(camera, {site = "west", keep = "1m"}, "c1"))
  end)

  it("says where and what", function()
    refuses("cams.c1.fps: expected an integer 1-60, got 99", s.map(s.name, camera),
      {c1 = {site = "a", fps = 99}}, "cams")
    refuses("x.site: is missing", camera, {})
    refuses("x.sit: unknown key; did you mean 'site'?", camera, {sit = "a"})
    refuses("x.tags[2]: expected a name, [a-z0-9][a-z0-9_.-]{0,62}, got 'B!'", camera,
      {site = "a", tags = {"a", "B!"}})
    refuses("x.tags: 4 items, expected 0-3", camera, {site = "a", tags = {"a", "b", "c", "d"}})
    refuses("x: expected a table, got 3", camera, 3)
    refuses("x: 'smoth' is none of smooth, quick; did you mean 'smooth'?", s.enum {"smooth", "quick"}, "smoth")
    refuses("x: expected true or false, got 'yes'", s.boolean, "yes")
    refuses("x: expected a number, got nan", s.number(), 0 / 0)
    refuses("x: expected an even number, got 3", s.where(s.integer(), function(n) return n % 2 == 0 end,
      "an even number"), 3)
    refuses("x: expected a list, got one with the key 'a'", s.list(s.any), {a = 1})
  end)

  it("reads what was typed", function()
    assert.are.same({site = "west", fps = 30, tags = {"a", "b"}},
      s.parse(camera, {site = "west", fps = "30", tags = "a,b"}))
    assert.are.same({on = true}, s.parse(s.record {on = s.boolean}, {on = "yes"}))
    local _, err = s.parse(camera, {site = "west", fps = "0x20"})
    assert.are.equal("fps: expected an integer 1-60, got '0x20'", err)
    assert.are.equal("count: unknown key", select(2, s.parse(s.record {}, {count = "3"})))
  end)

  it("takes the first of several that fits", function()
    local count = s.either {s.integer(0), s.enum {"auto"}}
    assert.are.equal(3, s.check(count, 3))
    assert.are.equal("auto", s.check(count, "auto"))
    refuses("x: 'soon' is none of auto", count, "soon")
  end)

  it("is not hurt by what it is given", function()
    local deep = {}
    deep.deep = deep
    local endless
    local lazy = function(...) return endless(...) end
    endless = s.record {deep = lazy}
    assert.is_nil((s.check(endless, deep, "x")))
    refuses("x: expected text, got a function", s.string(), function() end)
  end)
end)
