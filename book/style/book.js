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
  });
}

function setUpContents() {
  const links = new Map([...document.querySelectorAll('#toc a')].map(
    (link) => [decodeURIComponent(link.hash.slice(1)), link]));
  const heads = [...document.querySelectorAll('main h2[id], main h3[id]')]
    .filter((head) => links.has(head.id));
  let current = null;
  function scrolled() {
    const height = document.documentElement.scrollHeight - innerHeight;
    $('#progress').style.transform =
      `scaleX(${height > 0 ? Math.min(1, scrollY / height) : 1})`;
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
      if (link.offsetParent) link.scrollIntoView({block: 'nearest'});
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

// --- search: every word of the query begins a word of the section ---

function score(entry, words) {
  let sum = 0;
  for (const word of words) {
    const inTitle = entry.title.toLowerCase().includes(word);
    const at = entry.low.indexOf(word);
    if (at < 0 && !inTitle) return 0;
    let count = 0;
    for (let i = at; i >= 0 && count < 9; i = entry.low.indexOf(word, i + 1)) {
      count += i === 0 || !/\w/.test(entry.low[i - 1]) ? 1 : 0.2;
    }
    sum += count + (inTitle ? 12 : 0) + (entry.name === word ? 50 : 0);
  }
  return sum;
}

function excerpt(entry, words) {
  const at = Math.max(0, entry.low.indexOf(words[0]));
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
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const index = window.SEARCH_INDEX || [];
  if (!words.length) return [];
  for (const entry of index) {
    entry.low = entry.low || entry.text.toLowerCase();
  }
  return index.map((entry) => [score(entry, words), entry])
    .filter(([sum]) => sum > 0).sort((a, b) => b[0] - a[0]).slice(0, 25)
    .map(([, entry]) => [entry, words]);
}

function show(query) {
  const box = $('#results');
  const found = search(query);
  box.hidden = !query.trim();
  const list = document.createElement('ol');
  for (const [entry, words] of found) {
    const item = document.createElement('li');
    const link = document.createElement('a');
    link.href = root + entry.url;
    link.textContent = entry.title;
    item.append(link, excerpt(entry, words));
    list.append(item);
  }
  const head = document.createElement('p');
  head.textContent = found.length ? `${found.length} places` : 'nothing found';
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
    const closed = target && target.closest('details:not([open])');
    if (closed) {
      closed.open = true;
      target.scrollIntoView();
    }
  }
  addEventListener('hashchange', reveal);
  reveal();
  addEventListener('beforeprint', () => document.querySelectorAll('details')
    .forEach((one) => { one.open = true; }));
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
setUpDetails();
setUpViews();
