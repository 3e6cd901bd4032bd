// The reader: theme, menu, progress, copying, search. No library, no network:
// it works from file://. Without it the book can be read all the same.
'use strict';

const $ = (selector) => document.querySelector(selector);
const root = document.body.dataset.root;

function say(text) {
  $('#said').textContent = text;
}

// --- dark and light ---

function setUpTheme() {
  $('#theme').addEventListener('click', () => {
    const html = document.documentElement;
    const dark = html.dataset.theme ? html.dataset.theme === 'dark'
      : matchMedia('(prefers-color-scheme: dark)').matches;
    html.dataset.theme = dark ? 'light' : 'dark';
    say(`${html.dataset.theme} colours`);
    try {
      localStorage.setItem('vellum-theme', html.dataset.theme);
    } catch (error) { /* not remembered */ }
  });
}

// --- menu, table of contents, progress ---

function setUpMenu() {
  $('#menu').addEventListener('click', () => {
    const open = $('#chapters').classList.toggle('open');
    $('#menu').setAttribute('aria-expanded', open);
    const here = $('#chapters [aria-current]');
    if (open && here) here.scrollIntoView({block: 'center'});
  });
  const here = $('#chapters [aria-current]');
  if (here && here.offsetParent) {
    $('#chapters').scrollTop = here.offsetTop - innerHeight / 3;
  }
  const wide = matchMedia('(min-width: 75.01rem)');
  const contents = $('#toc details');
  if (contents) contents.open = wide.matches;
}

// --- how far one has read: in the list of chapters, and on the first page ---

function setUpMemory() {
  let read = {}, last = null;
  try {
    read = JSON.parse(localStorage.getItem('vellum-read')) || {};
    last = JSON.parse(localStorage.getItem('vellum-last'));
  } catch (error) { /* nothing is remembered */ }
  for (const link of document.querySelectorAll('#chapters a')) {
    const part = read[link.getAttribute('href').replace(/^.*\/|\.html$/g, '')];
    if (part > 0.03) {
      link.style.setProperty('--read', `${Math.round(part * 100)}%`);
      link.classList.add('read');
      link.title = `read: ${Math.round(part * 100)} %`;
    }
  }
  if (last && $('#continue')) {
    const link = document.createElement('a');
    link.href = last.url;
    link.textContent = last.title;
    $('#continue').append('Go on where you were: ', link);
    $('#continue').hidden = false;
  }
  const name = document.body.dataset.page;
  if (!/^\d/.test(name)) return null;
  return (part, head) => {
    read[name] = Math.max(read[name] || 0, Math.round(part * 100) / 100);
    const title = document.title.replace(/ · Vellum$/, '');
    last = {url: `${name}.html${head ? `#${head.id}` : ''}`,
      title: head ? `${title}: ${head.firstChild.textContent}` : title};
    try {
      localStorage.setItem('vellum-read', JSON.stringify(read));
      localStorage.setItem('vellum-last', JSON.stringify(last));
    } catch (error) { /* not remembered */ }
  };
}

function setUpContents() {
  const links = new Map([...document.querySelectorAll('#toc a')].map(
    (link) => [decodeURIComponent(link.hash.slice(1)), link]));
  const heads = [...document.querySelectorAll('main h2[id], main h3[id]')]
    .filter((head) => links.has(head.id));
  const remember = setUpMemory();
  let current = null, timer = 0;
  function scrolled() {
    const height = document.documentElement.scrollHeight - innerHeight;
    const part = height > 0 ? Math.min(1, scrollY / height) : 1;
    $('#progress').style.transform = `scaleX(${part})`;
    if (remember && scrollY > 0) {
      clearTimeout(timer);
      timer = setTimeout(() => remember(part, current), 300);
    }
    let head = null;
    for (const one of heads) {
      if (one.getBoundingClientRect().top > 90) break;
      head = one;
    }
    if (head === current) return;
    current = head;
    links.forEach((link) => link.removeAttribute('aria-current'));
    if (head) {
      const link = links.get(head.id);
      link.setAttribute('aria-current', 'true');
      const list = $('#toc');
      if (list.scrollHeight > list.clientHeight && link.offsetParent) {
        list.scrollTop = link.offsetTop - list.clientHeight / 2;
      }
    }
  }
  addEventListener('scroll', () => requestAnimationFrame(scrolled),
                   {passive: true});
  scrolled();
}

// --- copying ---

async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch (error) {     // file:// may have no clipboard
    const area = document.createElement('textarea');
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
  }
}

// Pages have spaces for tabs; what is copied has tabs again.
function withTabs(text) {
  return text.replace(/^(?: {8})+/gm,
                      (spaces) => '\t'.repeat(spaces.length / 8));
}

function setUpCopying() {
  document.querySelectorAll('.code, .transcript, .patch, main > pre, .whole')
    .forEach((box) => {
      const pre = box.matches('pre') ? box : box.querySelector('pre');
      if (!pre) return;
      const button = document.createElement('button');
      button.type = 'button';
      button.className = 'copy';
      button.textContent = 'copy';
      button.setAttribute('aria-label', 'Copy this code');
      button.addEventListener('click', async () => {
        await copyText(withTabs(pre.textContent.replace(/\n?$/, '\n')));
        button.textContent = 'copied';
        say('copied');
        setTimeout(() => { button.textContent = 'copy'; }, 1500);
      });
      if (box === pre) {
        const around = document.createElement('div');
        around.style.position = 'relative';
        pre.replaceWith(around);
        around.append(pre, button);
      } else {
        box.append(button);
      }
    });
}

// --- search: every word of the query begins a word of the section. What is
// about the phrase comes first, then what has it in its title or text; prose
// before code, and tests last. ---

const RANK = {prose: 300, tail: 200, code: 100, test: 0};

function plain(text) {
  return text.toLowerCase().replace(/[-\u2010-\u2015]/g, ' ');
}

function places(text, word) {
  let count = 0;
  for (let i = text.indexOf(word); i >= 0 && count < 9;
    i = text.indexOf(word, i + 1)) {
    count += i === 0 || !/[a-z0-9]/.test(text[i - 1]) ? 1 : 0.1;
  }
  return count;
}

function score(entry, words, phrase) {
  if (entry.name && entry.name.toLowerCase() === phrase &&
      /[_\d]|\(/.test(phrase)) {
    return 1000 + RANK[entry.kind];
  }
  let sum = 0;
  for (const word of words) {
    const count = places(entry.low, word);
    const inTitle = places(entry.lowTitle, word);
    if (count + inTitle < 1) return 0;
    sum += Math.min(count, 4) + (inTitle ? 6 : 0);
  }
  sum += places(entry.lowTitle, phrase) ? 40 : 0;
  sum += Math.min(places(entry.low, phrase), 6) * 5;
  if (entry.lowAbout.includes(phrase)) {
    sum += entry.lowAbout.split(' | ').includes(phrase) ? 60 : 30;
  }
  // A place that has the words, but not together, is hardly one.
  const together = words.length < 2 || places(entry.low, phrase) >= 1 ||
    places(entry.lowTitle, phrase) >= 1 || entry.lowAbout.includes(phrase);
  return Math.min(sum, 99) + (together ? RANK[entry.kind] : 0);
}

function excerpt(entry, words, phrase) {
  const first = plain(entry.text).indexOf(phrase);
  const at = first >= 0 ? first
    : Math.max(0, plain(entry.text).indexOf(words[0]));
  const from = entry.text.lastIndexOf(' ', Math.max(0, at - 60)) + 1;
  const p = document.createElement('div');
  const pattern = new RegExp(`(${words.map((word) =>
    word.replace(/[^\w\s]/g, '\\$&')).join('|')})`, 'i');
  for (const part of entry.text.slice(from, at + 140).split(pattern)) {
    const node = document.createElement(pattern.test(part) ? 'mark' : 'span');
    node.textContent = part;
    p.append(node);
  }
  return p;
}

function search(query) {
  const words = plain(query).split(/\s+/).filter(Boolean)
    .map((word) => word.replace(/\(\)?$/, ''));
  const index = window.SEARCH_INDEX || [];
  if (!words.length) return [];
  const phrase = words.join(' ');
  for (const entry of index) {
    if (entry.low !== undefined) break;
    entry.low = plain(entry.text);
    entry.lowTitle = plain(entry.title);
    entry.lowAbout = plain(entry.about);
  }
  return index.map((entry) => [score(entry, words, phrase), entry])
    .filter(([sum]) => sum > 0).sort((a, b) => b[0] - a[0]).slice(0, 25)
    .map(([, entry]) => [entry, words, phrase]);
}

function show(query) {
  const box = $('#results');
  const found = search(query);
  box.hidden = !query.trim();
  const list = document.createElement('ol');
  for (const [entry, words, phrase] of found) {
    const item = document.createElement('li');
    const link = document.createElement('a');
    link.href = root + entry.url;
    link.textContent = entry.title;
    item.className = entry.kind;
    item.append(link, excerpt(entry, words, phrase));
    list.append(item);
  }
  const head = document.createElement('p');
  head.textContent = !found.length ? 'nothing found'
    : found.length === 1 ? '1 place' : `${found.length} places`;
  box.replaceChildren(head, list);
  say(head.textContent);
}

function setUpSearch() {
  const input = $('#search input');
  input.addEventListener('input', () => show(input.value));
  $('#search').addEventListener('submit', (event) => {
    event.preventDefault();
    const first = $('#results a');
    if (first) location.href = first.href;
  });
  addEventListener('keydown', (event) => {
    const typing = event.target.matches('input, textarea');
    if (event.key === '/' && !typing && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      input.focus();
    } else if (event.key === 'Escape') {
      $('#results').hidden = true;
      if (typing) event.target.blur();
    } else if (event.key === 'ArrowDown' && event.target === input) {
      const first = $('#results a');
      if (first) { event.preventDefault(); first.focus(); }
    }
  });
  addEventListener('click', (event) => {
    if (!event.target.closest('#results, #search')) $('#results').hidden = true;
  });
}

// --- what is closed opens for a link to it, and for paper ---

function setUpDetails() {
  function reveal() {
    const target = location.hash.length > 1 &&
      document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    const closed = target.closest('details:not([open])');
    if (closed) closed.open = true;
    // Figures have been folded meanwhile: go there once more.
    target.scrollIntoView({behavior: 'instant'});
  }
  addEventListener('hashchange', reveal);
  reveal();
  addEventListener('beforeprint', () => document.querySelectorAll('details')
    .forEach((one) => { one.open = true; }));
}

// --- figures of several frames, one above the other: one is shown ---

function setUpFrames() {
  for (const svg of document.querySelectorAll('svg[data-frames]')) {
    const whole = svg.getAttribute('viewBox');
    const [x, y, width, height] = whole.split(/[\s,]+/).map(Number);
    const count = Number(svg.dataset.frames);
    const old = svg.getAttribute('height');
    const each = height / count;
    let at = 0;
    const bar = document.createElement('div');
    const place = document.createElement('span');
    bar.className = 'steps';
    function step(by) {
      at = Math.max(0, Math.min(count - 1, at + by));
      svg.setAttribute('viewBox', `${x} ${y + at * each} ${width} ${each}`);
      if (old) svg.setAttribute('height', parseFloat(old) / count);
      place.textContent = `${at + 1} of ${count}`;
      bar.firstChild.disabled = at === 0;
      bar.lastChild.disabled = at === count - 1;
    }
    for (const [by, text] of [[-1, '← Back'], [1, 'Next →']]) {
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = text;
      button.addEventListener('click', () => {
        step(by);
        say(`step ${place.textContent}`);
      });
      bar.append(button);
    }
    bar.firstChild.after(place);
    const figure = svg.closest('figure') || svg.parentElement;
    (svg.closest('.drawing') || svg).after(bar);
    figure.tabIndex = 0;
    figure.addEventListener('keydown', (event) => {
      const by = {ArrowLeft: -1, ArrowRight: 1}[event.key];
      if (!by || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      step(by);
      say(`step ${place.textContent}`);
    });
    addEventListener('beforeprint', () => {
      svg.setAttribute('viewBox', whole);
      if (old) svg.setAttribute('height', old);
    });
    addEventListener('afterprint', () => step(0));
    step(0);
  }
}

// --- the views of a stage's changes ---

function setUpViews() {
  const buttons = [...document.querySelectorAll('.views button')];
  for (const button of buttons) {
    button.addEventListener('click', () => {
      $('main').className = button.dataset.view;
      buttons.forEach((other) => other.setAttribute(
        'aria-pressed', other === button));
    });
  }
}

setUpTheme();
setUpMenu();
setUpContents();
setUpCopying();
setUpSearch();
setUpFrames();
setUpDetails();
setUpViews();
