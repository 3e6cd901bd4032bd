-- What the book's Markdown means beyond pandoc's: boxes, figures, terms, and
-- citations that can be found again. Runs before citeproc, in book/.

local exercises, questions, figures, cites, subjects = 0, 0, 0, 0, 0
local number, chapter = '', ''

-- The checks name what is missing; here it is only not to be overlooked.
local function read(path)
  local file = io.open(path)
  if not file then
    return 'missing: book/' .. path
  end
  local text = file:read('a')
  file:close()
  return text
end

local function escape(text)
  return (text:gsub('&', '&amp;'):gsub('<', '&lt;'):gsub('>', '&gt;')
          :gsub('"', '&quot;'))
end

local function html(text)
  return pandoc.RawBlock('html', text)
end

-- How wide a drawing must be for its smallest text to be of 10 pixels on a
-- screen, of 7 points on paper.
local function least(svg)
  local width = svg:match('viewBox="[%d.-]+[ ,]+[%d.-]+[ ,]+([%d.]+)')
  local small = 16
  for _, pattern in ipairs({'font%-size[=:]%s*"?([%d.]+)',
                            'font:[%w%s]-([%d.]+)px'}) do
    for size in svg:gmatch(pattern) do
      small = math.min(small, tonumber(size))
    end
  end
  if not width or small <= 0 then
    return ''
  end
  width = tonumber(width) / small
  return string.format(' style="--least:%dpx;--print:%dpt"',
                       math.ceil(width * 10), math.ceil(width * 7))
end

-- The rules of a drawing's style are for it alone.
local function scoped(style, name)
  return (style:gsub('([^{}]+){', function(selectors)
    if selectors:match('^%s*@') then
      return nil
    end
    return selectors:gsub('[^,]+', function(one)
      one = one:match('^%s*(.-)%s*$')
      local rest = one:match('^svg(.*)$')
      return '#drawing-' .. name .. (rest or ' ' .. one)
    end) .. '{'
  end))
end

-- A drawing becomes part of the page, so that it takes on the page's colours.
-- Its identifiers get a prefix of their own.
local function inline_svg(path, alt)
  local name = path:match('([%w-]+)%.svg$') or 'figure'
  local svg = read(path):gsub('<%?.-%?>', ''):gsub('<!DOCTYPE.->', '')
  svg = svg:gsub('<!%-%-.-%-%->', '')
  svg = svg:gsub(' id="', ' id="' .. name .. '-')
  svg = svg:gsub('url%(#', 'url(#' .. name .. '-')
  svg = svg:gsub('href="#', 'href="#' .. name .. '-')
  svg = svg:gsub(' role="[^"]*"', ''):gsub(' aria%-[%w-]*="[^"]*"', '')
  svg = svg:gsub('(<style>)(.-)(</style>)', function(open, style, close)
    return open .. scoped(style, name) .. close
  end)
  svg = svg:gsub('<svg', '<svg id="drawing-' .. name .. '" role="img" aria-label="' ..
                 escape(alt):gsub('%%', '%%%%') .. '"' .. least(svg), 1)
  return '<div class="drawing" tabindex="0">' .. svg .. '</div>'
end

function Para(para)
  local image = para.content[1]
  if #para.content ~= 1 or image.t ~= 'Image' then
    return nil
  end
  figures = figures + 1
  local alt = image.attributes.alt or pandoc.utils.stringify(image.caption)
  local label = pandoc.Strong('Figure ' .. number .. '.' .. figures .. '.')
  local caption = pandoc.List({label, pandoc.Space()})
  caption:extend(image.caption)
  local picture
  if image.src:match('%.svg$') then
    picture = inline_svg(image.src, alt)
  else
    picture = '<img src="' .. image.src .. '" alt="' .. escape(alt) .. '"/>'
  end
  local id = image.identifier ~= '' and ' id="' .. image.identifier .. '"'
             or ''
  return {
    html('<figure class="figure"' .. id .. '>' .. picture .. '<figcaption>'),
    pandoc.Plain(caption), html('</figcaption></figure>'),
  }
end

-- The patch of a "break it", and how to run it, under the text.
local function patch(name)
  local text = read('breakit/' .. name .. '.patch')
  local run = text:match('\nRun:%s*([^\n]*)') or text:match('^Run:%s*([^\n]*)')
  local diff = text:match('\n(%-%-%- .*)') or text
  local out = {}
  for line in diff:gmatch('([^\n]*)\n?') do
    local class = ({['+'] = 'add', ['-'] = 'del', ['@'] = 'at'})[line:sub(1, 1)]
    if line:match('^%-%-%- ') or line:match('^%+%+%+ ') then
      class = 'at'
    end
    line = escape(line)
    out[#out + 1] = class and '<span class="' .. class .. '">' .. line ..
                    '</span>' or line
  end
  while out[#out] == '' do
    table.remove(out)
  end
  return html('<details class="patch" open="open"><summary><code>book/breakit/'
    .. name .. '.patch</code>' .. (run and ': <code>git apply</code> it, then <code>' ..
    escape(run) .. '</code>' or
    ': <code>make test-breakit PATCH=' .. name .. '</code>') .. '</summary><pre tabindex="0" role="group" aria-label="patch"><code>'
    .. table.concat(out, '\n') .. '</code></pre></details>')
end

-- How a graded exercise is taken out, and graded.
local function graded(name)
  local stage = read('labs/' .. name .. '/lab.txt'):match('Stage:%s*(%S+)')
  return html('<p class="graded"><code>make lab STAGE=' .. (stage or '?') ..
    ' EXERCISE=' .. name .. ' DIR=d</code>, and when you are done ' ..
    '<code>make -C d grade</code></p>')
end

local TITLES = {
  decision = 'Decision', realworld = 'Real systems', breakit = 'Break it',
  example = 'Followed through',
}
local LEVELS = {
  ['1'] = 'look and think', ['2'] = 'change a few lines',
  ['3'] = 'build something',
}

local function title(text)
  return html('<p class="box-title">' .. text .. '</p>')
end

-- What goes to the back of the book, a page of its own, leaves a link. Between
-- the two comments it is picked up by back.py.
local function to_the_back(div, inner, page, label, link)
  local kept, back = pandoc.List(), pandoc.List()
  for _, block in ipairs(div.content) do
    if block.t == 'Div' and block.classes:includes(inner) then
      back:extend(block.content)
    else
      kept:insert(block)
    end
  end
  div.content = kept
  div.classes:insert('box')
  div.content:insert(1, title(label))
  if #back == 0 then
    return div
  end
  div.content:insert(html('<p class="to-back"><a href="' .. page .. '.html#' ..
    chapter .. '--' .. div.identifier .. '">' .. link .. '</a></p>'))
  local out = pandoc.List({div, html('<!--' .. page .. ' ' .. div.identifier ..
                                     ' ' .. label .. '-->')})
  out:extend(back)
  out:insert(html('<!--/back-->'))
  return out
end

function Div(div)
  for class, name in pairs(TITLES) do
    if div.classes:includes(class) then
      if class == 'breakit' then
        div.content:insert(patch(div.attributes.patch))
        div.attributes.patch = nil
      end
      div.classes:insert('box')
      div.attributes.role = 'note'
      div.content:insert(1, title(name))
      return div
    end
  end
  if div.classes:includes('opening') then
    div.classes:insert('box')
    return div
  end
  if div.classes:includes('question') then
    questions = questions + 1
    return to_the_back(div, 'answer', 'answers', 'Question ' .. number ..
                       '.' .. questions, 'Answer')
  end
  if div.classes:includes('exercise') then
    exercises = exercises + 1
    local label = 'Exercise ' .. number .. '.' .. exercises
    local level = LEVELS[div.attributes.level]
    if level then
      label = label .. ', level ' .. div.attributes.level .. ': ' .. level
      div.attributes.level = nil
    end
    if div.attributes.lab then
      div.content:insert(graded(div.attributes.lab))
      label = label .. ', graded'
      div.attributes.lab = nil
    end
    return to_the_back(div, 'solution', 'solutions', label,
                       'Solution, for instructors')
  end
end

-- A wide table scrolls by itself, not the page.
function Table(table)
  return pandoc.Div({table}, {class = 'wide', tabindex = '0'})
end

local function slug(text)
  return (text:lower():gsub('[^%w]+', '-'):gsub('^%-', ''):gsub('%-$', ''))
end

-- Terms, and what .index marks, are in the index of subjects.
function Span(span)
  local term = span.classes:includes('term')
  if not term and not span.classes:includes('index') then
    return nil
  end
  local name = span.attributes.of or pandoc.utils.stringify(span)
  local inner = span.content
  if term then
    inner = {pandoc.Link(inner, 'glossary.html#term-' .. slug(name), '',
                         {class = 'term'})}
  end
  subjects = subjects + 1
  return pandoc.Span(inner, {id = 'index-' .. subjects, subject = name})
end

-- The entries of the glossary can be linked to.
function DefinitionList(list)
  for _, item in ipairs(list.content) do
    local term = pandoc.utils.stringify(item[1])
    item[1] = {pandoc.Span(item[1], {id = 'term-' .. slug(term)})}
  end
  return list
end

-- citeproc wants "p. 3"; our locators are section numbers, handed through.
-- The span around it lets the index find the place.
function Cite(cite)
  local rows = {}
  for _, one in ipairs(cite.citations) do
    local locator = pandoc.utils.stringify(one.suffix):gsub('^[,%s]+', '')
    rows[#rows + 1] = one.id .. '|' .. locator
    if locator ~= '' then
      one.suffix = {pandoc.Str(','), pandoc.Space(),
                    pandoc.Str('{' .. locator .. '}')}
    end
  end
  cites = cites + 1
  return pandoc.Span({cite}, {id = 'cite-' .. cites, class = 'cite',
                              cites = table.concat(rows, ';;')})
end

return {
  {Meta = function(meta)
    number = pandoc.utils.stringify(meta.number or '')
    chapter = pandoc.utils.stringify(meta.chapter or '')
    return nil
  end},
  {Para = Para, Div = Div, Table = Table, Span = Span, DefinitionList = DefinitionList,
   Cite = Cite},
}
