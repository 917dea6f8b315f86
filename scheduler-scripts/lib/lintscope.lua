---@meta mesh.lintscope
--- What mesh.lintread reads with: a place among the words, and the scopes around it.

---@class mesh.lint.Reader
---@field tokens mesh.lint.Token[]
---@field at integer
---@field scope table  {above, names = {name = {token, path, parameter}}}
local Reader = {}
Reader.__index = Reader

function Reader:peek() return self.tokens[self.at] end

function Reader:take()
  local token = self.tokens[self.at]
  if token.kind ~= "end" then self.at = self.at + 1 end
  return token
end

--- Is the next one this word or sign?  Then it is taken.
function Reader:skip(text)
  local token = self.tokens[self.at]
  if (token.kind == "word" or token.kind == "sign") and token.text == text then
    self.at = self.at + 1
    return token
  end
end

function Reader:is(text)
  local token = self.tokens[self.at]
  return (token.kind == "word" or token.kind == "sign") and token.text == text
end

function Reader:open() self.scope = {above = self.scope, names = {}} end
function Reader:close() self.scope = self.scope.above end

function Reader:declare(token, path)
  self.scope.names[token.text] = {token = token, path = path}
end

function Reader:find(name)
  local scope = self.scope
  while scope do
    if scope.names[name] then return scope.names[name] end
    scope = scope.above
  end
end

return Reader
