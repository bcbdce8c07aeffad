-- Edits a project in Neovim with the language server: `nvim --headless -u NONE -S neovim.lua`.
--
-- The keys and functions are those of a user. The script writes a JSON object with what the editor shows to the file in RESULT, and
-- exits. It ends with an error if something does not happen within TIMEOUT milliseconds.
local TIMEOUT = 60000
local result = {}

local function finish(failure)
  result.failure = failure
  vim.fn.writefile({ vim.fn.json_encode(result) }, vim.env.RESULT)
  vim.cmd('qall!')
end

-- The steps of the script run in a coroutine, so that Neovim handles input and messages between them.
local steps

local function resume()
  local ok, failure = coroutine.resume(steps)
  if not ok then
    finish(debug.traceback(steps, failure))
  end
end

local function wait(condition, what)
  local deadline = vim.loop.now() + TIMEOUT
  while true do
    local value = condition()
    if value then
      return value
    end
    if vim.loop.now() > deadline then
      error(what .. ' does not happen: ' .. vim.inspect(vim.diagnostic.get(0)) .. vim.inspect(vim.api.nvim_buf_get_lines(0, 0, -1, false)))
    end
    vim.defer_fn(resume, 10)
    coroutine.yield()
  end
end

local function press(keys)
  vim.api.nvim_input(keys)
  vim.defer_fn(resume, 50)
  coroutine.yield()
end

local function start(name, cmd, settings)
  return vim.lsp.start_client({
    name = name,
    cmd = cmd,
    root_dir = vim.fn.getcwd(),
    settings = settings,
    on_error = function(code, ...)
      finish('error of a client: ' .. vim.inspect({ code, ... }))
    end,
  })
end

local function diagnostics(count)
  return wait(function()
    local found = vim.diagnostic.get(0)
    return #found == count and found
  end, count .. ' diagnostics')
end

-- Returns the answers of all servers to a request at the cursor, by the name of the server.
local function request(method, params)
  local answers
  params = params or vim.lsp.util.make_position_params(0, 'utf-16')
  vim.lsp.buf_request_all(0, method, params, function(found)
    answers = found
  end)
  wait(function()
    return answers
  end, method)
  local by_name = {}
  for id, answer in pairs(answers) do
    local name = vim.lsp.get_client_by_id(id).name
    by_name[name] = { result = answer.result, failure = answer.error and answer.error.message }
  end
  return by_name
end

local function go_to(pattern)
  vim.fn.cursor(1, 1)
  assert(vim.fn.search(pattern, 'cW') > 0, pattern)
end

local function session()
  local servers = { start('stackref', { vim.env.STACKREF, 'lsp' }) }
  if vim.env.YAML_SERVER then
    local schema = { ['file://' .. vim.fn.getcwd() .. '/schema.json'] = '*.yaml' }
    table.insert(servers, start('yaml', { vim.env.NODE, vim.env.YAML_SERVER, '--stdio' }, { yaml = { schemas = schema, schemaStore = { enable = false } } }))
  end
  vim.cmd('edit a.yaml')
  vim.bo.filetype = 'yaml'
  for _, id in ipairs(servers) do
    vim.lsp.buf_attach_client(0, id)
  end
  vim.bo.omnifunc = 'v:lua.vim.lsp.omnifunc'
  wait(function()
    return #vim.lsp.buf_get_clients(0) == #servers or vim.tbl_count(vim.lsp.buf_get_clients(0)) == #servers
  end, 'attaching')

  -- A diagnostic is shown.
  result.diagnostics = diagnostics(tonumber(vim.env.DIAGNOSTICS))

  if vim.env.YAML_SERVER then
    go_to('flavor')
    wait(function()
      local hover = request('textDocument/hover')
      result.hover_on_key = hover
      return hover.yaml and hover.yaml.result
    end, 'a hover of the other server')
    result.completion_of_key = request('textDocument/completion')
    go_to('mlflow.password')
    result.hover_on_reference = request('textDocument/hover')
    result.symbols = request('textDocument/documentSymbol', { textDocument = vim.lsp.util.make_text_document_params() })
    result.definition = request('textDocument/definition')
  end

  -- A completion is applied: the name and then the key of a reference are typed.
  go_to('{{mlflow.usrname}}')
  press('f.lct}us')
  press('<C-x><C-o>')
  wait(function()
    return vim.fn.pumvisible() == 1 or vim.api.nvim_get_current_line():find('username', 1, true)
  end, 'the menu')
  result.menu = vim.tbl_map(function(item)
    return item.word
  end, vim.fn.complete_info({ 'items' }).items)
  if vim.fn.pumvisible() == 1 and not vim.api.nvim_get_current_line():find('username', 1, true) then
    press('<C-n>')
  end
  press('<C-y><Esc>')
  result.completed_line = vim.api.nvim_get_current_line()
  diagnostics(tonumber(vim.env.DIAGNOSTICS) - 1)

  -- A fix is applied, chosen from the list.
  local chosen
  vim.ui.select = function(actions, _, choose)
    for at, action in ipairs(actions) do
      -- Neovim 0.10 replaced the pair of a client and its action by a table.
      local title = (action.action or action[2]).title
      if title:find('user', 1, true) and not title:find('gnore') then
        chosen = title
        return choose(action, at)
      end
    end
    chosen = vim.inspect(actions)
  end
  go_to('db.usr')
  vim.lsp.buf.code_action()
  wait(function()
    return chosen
  end, 'the list of actions')
  result.action = chosen
  diagnostics(tonumber(vim.env.DIAGNOSTICS) - 2)

  -- A secret is renamed in all files.
  go_to('mlflow.password')
  vim.lsp.buf.rename('tracking')
  wait(function()
    return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false)):find('tracking.password', 1, true)
  end, 'the rename')
  vim.cmd('silent wall')
  diagnostics(tonumber(vim.env.DIAGNOSTICS) - 2)
  go_to('tracking.password')
  result.hover_at_end = request('textDocument/hover')
  local ids = vim.tbl_map(function(client)
    return client.id
  end, vim.lsp.get_active_clients())
  vim.lsp.stop_client(ids)
  wait(function()
    return #vim.lsp.get_active_clients() == 0
  end, 'the end of the servers')
end

steps = coroutine.create(function()
  session()
  finish()
end)
vim.defer_fn(resume, 10)
