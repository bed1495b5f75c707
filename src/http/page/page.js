// SPDX-License-Identifier: MPL-2.0
// Texts of peers are untrusted: everything is written by textContent and setAttribute.
'use strict';

const INTERVAL_MS = 1000;
const MAX_SAMPLES = 120;
const STATES = ['connected', 'tuning', 'connecting', 'binding', 'backoff', 'idle'];
const SVG = 'http://www.w3.org/2000/svg';
const byId = (id) => document.getElementById(id);

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function setClass(node, name) {
  if (node.getAttribute('class') !== name) node.setAttribute('class', name);
}

const whole = new Intl.NumberFormat('en');
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const count = (value) => (value < 1e6 ? whole.format(Math.round(value)) : short.format(value));
const bytes = (value) => (value < 1000 ? `${Math.round(value)} B` : `${short.format(value)}B`);

function time(seconds) {
  if (seconds < 0.001) return `${Math.round(seconds * 1e6)} µs`;
  if (seconds < 1) return `${(seconds * 1e3).toFixed(seconds < 0.01 ? 1 : 0)} ms`;
  if (seconds < 120) return `${seconds.toFixed(1)} s`;
  return `${Math.floor(seconds / 60)} min`;
}

// A table whose rows are updated in place. A column is {label, number, bad}; a row is {key, cells,
// state: the index of the cell with a state of a link}.
class LiveTable {
  // `limit`: the number of rows until the reader asks for all.
  constructor(id, limit, columns, empty) {
    this.limit = limit;
    this.columns = columns;
    this.empty = empty;
    this.rows = new Map();
    this.all = [];
    this.shows_all = false;
    this.table = byId(id);
    this.table.setAttribute('role', 'table');
    this.table.setAttribute('aria-labelledby', `${id}-title`);
    const head = this.table.createTHead();
    head.setAttribute('role', 'rowgroup');
    const row = head.insertRow();
    row.setAttribute('role', 'row');
    for (const column of columns) {
      const cell = document.createElement('th');
      cell.scope = 'col';
      cell.setAttribute('role', 'columnheader');
      cell.textContent = column.label;
      if (column.number) cell.className = 'number';
      row.append(cell);
    }
    this.body = this.table.createTBody();
    this.body.setAttribute('role', 'rowgroup');
    this.filter = byId(`${id}-filter`);
    if (this.filter) this.filter.addEventListener('input', () => this.draw());
    this.more = byId(`${id}-more`);
    this.more.addEventListener('click', () => {
      this.shows_all = !this.shows_all;
      this.draw();
    });
  }

  update(all) {
    this.all = all;
    this.draw();
  }

  draw() {
    const wanted = this.filter ? this.filter.value.trim().toLowerCase() : '';
    const found = wanted
      ? this.all.filter((row) => row.cells.join(' ').toLowerCase().includes(wanted))
      : this.all;
    const shown = this.shows_all ? found : found.slice(0, this.limit);
    const old = this.rows;
    this.rows = new Map();
    let at = this.body.firstChild;
    for (const row of shown.length ? shown : [{ key: '', cells: [this.empty], note: true }]) {
      const node = old.get(row.key) || this.make(row);
      old.delete(row.key);
      this.rows.set(row.key, node);
      this.fill(node, row);
      if (node === at) at = at.nextSibling;
      else this.body.insertBefore(node, at);
    }
    for (const node of old.values()) node.remove();
    this.more.hidden = found.length <= this.limit;
    setText(this.more, this.shows_all ? `Show the first ${this.limit}` : `Show all ${count(found.length)}`);
  }

  make(row) {
    const node = document.createElement('tr');
    node.setAttribute('role', 'row');
    for (const index of row.cells.keys()) {
      const cell = node.insertCell();
      cell.setAttribute('role', 'cell');
      if (!row.note) cell.dataset.label = this.columns[index].label;
      else cell.colSpan = this.columns.length;
    }
    return node;
  }

  fill(node, row) {
    row.cells.forEach((text, index) => {
      const cell = node.cells[index];
      const column = this.columns[index];
      setText(cell, text);
      if (row.note) setClass(cell, 'empty');
      else if (row.state === index) setClass(cell, `state ${STATES.includes(text) ? text : ''}`);
      else if (column.bad && text !== '0' && text !== '') setClass(cell, column.number ? 'number bad' : 'bad');
      else setClass(cell, column.number ? 'number' : '');
    });
  }
}

const tables = {
  links: new LiveTable('links', 200, [
    { label: 'State' }, { label: 'Endpoint' }, { label: 'Socket' },
    { label: 'Attempts', number: true }, { label: 'Connections', number: true },
    { label: 'Failed handshakes', number: true, bad: true },
    { label: 'Out/s', number: true }, { label: 'In/s', number: true },
  ], 'There are no links.'),
  moves: new LiveTable('moves', 25, [
    { label: 'Ago', number: true }, { label: 'What' }, { label: 'Endpoint' },
    { label: 'Attempt', number: true }, { label: 'Details' },
  ], 'Nothing has happened since the page was started.'),
  peers: new LiveTable('peers', 100, [
    { label: 'Endpoint' }, { label: 'Address' }, { label: 'Routing id' }, { label: 'Condition' },
    { label: 'Queued', number: true }, { label: 'Sent/s', number: true },
    { label: 'Received/s', number: true }, { label: 'Sent', number: true },
    { label: 'Received', number: true }, { label: 'Round trip', number: true },
  ], 'There are no peers.'),
  sockets: new LiveTable('sockets', 100, [
    { label: 'Socket' }, { label: 'Peers', number: true }, { label: 'Queued now', number: true },
    { label: 'Queued, all', number: true }, { label: 'Received', number: true },
    { label: 'Dropped: full', number: true, bad: true },
    { label: 'Dropped: no route', number: true, bad: true },
    { label: 'Stale, expired', number: true, bad: true },
    { label: 'Unsent', number: true, bad: true }, { label: 'Discarded', number: true, bad: true },
  ], 'There are no sockets.'),
  listeners: new LiveTable('listeners', 100, [
    { label: 'Endpoint' }, { label: 'Socket or state' }, { label: 'Connections', number: true },
    { label: 'Failed', number: true, bad: true }, { label: 'Refused', number: true, bad: true },
  ], 'Nothing is bound.'),
};

// Numbers per second since the state before.
let last = new Map();
let last_time = 0;
let rates = new Map();
function takeRates(state) {
  const now = new Map();
  for (const socket of state.sockets) {
    now.set(`s${socket.number} out`, socket.counters.queued_total);
    now.set(`s${socket.number} in`, socket.counters.received);
    for (const each of socket.endpoints) {
      now.set(`e${socket.number}/${each.number} out`, each.bytes_sent);
      now.set(`e${socket.number}/${each.number} in`, each.bytes_received);
    }
    for (const each of socket.peers) {
      now.set(`p${socket.number}/${each.connection} out`, each.sent);
      now.set(`p${socket.number}/${each.connection} in`, each.received);
    }
  }
  let passed = state.time - last_time;
  if (passed < 0) { // another program, whose time has begun anew
    last = new Map();
    samples.out.length = 0;
    samples.in.length = 0;
    passed = state.time;
  }
  if (passed > 0.05) {
    rates = new Map();
    for (const [key, value] of now) {
      const before = last.get(key);
      rates.set(key, before === undefined ? 0 : Math.max(0, value - before) / passed);
    }
    last = now;
    last_time = state.time;
  }
}
const rate = (key) => rates.get(key) || 0;

const samples = { out: [], in: [] };
function drawRates(state) {
  for (const way of ['out', 'in']) {
    let sum = 0;
    for (const socket of state.sockets) sum += rate(`s${socket.number} ${way}`);
    samples[way].push(sum);
    if (samples[way].length > MAX_SAMPLES) samples[way].shift();
  }
  const top = Math.max(1, ...samples.out, ...samples.in);
  for (const way of ['out', 'in']) {
    const list = samples[way];
    const points = list.map((value, index) =>
      `${(600 * (MAX_SAMPLES - list.length + index + 1) / MAX_SAMPLES).toFixed(1)},${(86 - 80 * value / top).toFixed(1)}`);
    byId(`rate-${way}`).setAttribute('points', points.join(' '));
  }
  const text = (way) => count(samples[way][samples[way].length - 1]);
  byId('rates').setAttribute('aria-label',
    `now ${text('out')} messages per second queued, ${text('in')} received; highest ${count(top)}`);
  setText(byId('rate-top'), `· highest ${count(top)}/s`);
}

function linksOf(state) {
  const found = state.links.map((each) => ({ key: `l${each.endpoint}`, socket: '', ...each }));
  for (const socket of state.sockets)
    for (const each of socket.endpoints)
      if (each.state !== undefined && !each.endpoint.startsWith('inproc:'))
        found.push({ key: `e${socket.number}/${each.number}`, socket: `${socket.type} ${socket.number}`, ...each });
  return found;
}

function drawStates(links) {
  const counts = new Map(STATES.map((state) => [state, 0]));
  for (const link of links) counts.set(link.state, (counts.get(link.state) || 0) + 1);
  const svg = byId('states');
  const legend = byId('legend');
  let x = 0;
  STATES.forEach((state, index) => {
    let bar = svg.children[index];
    if (!bar) {
      bar = document.createElementNS(SVG, 'rect');
      bar.setAttribute('class', state);
      bar.setAttribute('y', '0');
      bar.setAttribute('height', '24');
      svg.append(bar);
      const item = document.createElement('li');
      item.className = `state ${state}`;
      legend.append(item);
    }
    const width = links.length ? 600 * counts.get(state) / links.length : 0;
    bar.setAttribute('x', x.toFixed(2));
    bar.setAttribute('width', width.toFixed(2));
    x += width;
    setText(legend.children[index], `${state} ${count(counts.get(state))}`);
  });
  svg.setAttribute('aria-label', links.length
    ? STATES.filter((state) => counts.get(state)).map((state) => `${counts.get(state)} ${state}`).join(', ')
    : 'no links');
  return counts;
}

function drawTotals(entries) {
  const list = byId('totals');
  entries.forEach(([label, text], index) => {
    let box = list.children[index];
    if (!box) {
      box = document.createElement('div');
      box.append(document.createElement('dt'), document.createElement('dd'));
      list.append(box);
    }
    setText(box.children[0], label);
    setText(box.children[1], text);
  });
}

function details(event) {
  const parts = [];
  if (event.reason) parts.push(event.reason);
  if (event.delay !== undefined) parts.push(`next try in ${time(event.delay)}`);
  if (event.count) parts.push(count(event.count));
  if (event.routing_id) parts.push(event.routing_id);
  if (event.address) parts.push(event.address);
  return parts.join(' · ');
}

function draw(state) {
  takeRates(state);
  const links = linksOf(state);
  const counts = drawStates(links);
  drawRates(state);
  let queued = 0;
  let peers = 0;
  let lost = 0;
  const peer_rows = [];
  const socket_rows = [];
  const listener_rows = state.listeners.map((each) => ({
    key: `l${each.endpoint}`,
    cells: [each.endpoint, each.state, count(each.accepted), count(each.failed), count(each.refused)],
  }));
  for (const socket of state.sockets) {
    const name = `${socket.type} ${socket.number}`;
    let waiting = 0;
    for (const each of socket.peers) {
      waiting += each.queued;
      peers += each.ready ? 1 : 0;
      const key = `p${socket.number}/${each.connection}`;
      peer_rows.push({
        key: `${key} ${each.endpoint}`,
        order: each.queued,
        cells: [each.endpoint, each.address, each.routing_id,
          each.stalled ? 'stalled' : each.ready ? 'ready' : 'not connected',
          count(each.queued), count(rate(`${key} out`)), count(rate(`${key} in`)),
          count(each.sent), count(each.received),
          each.round_trip === undefined ? '' : time(each.round_trip)],
      });
    }
    queued += waiting;
    const counters = socket.counters;
    lost += counters.dropped_full + counters.dropped_no_route + counters.dropped_stale + counters.expired
      + counters.unsent + counters.discarded + counters.set_aside;
    socket_rows.push({
      key: name,
      cells: [name, count(socket.peers.length), count(waiting), count(counters.queued_total),
        count(counters.received), count(counters.dropped_full), count(counters.dropped_no_route),
        count(counters.dropped_stale + counters.expired), count(counters.unsent), count(counters.discarded)],
    });
    for (const each of socket.endpoints)
      if (each.state === undefined)
        listener_rows.push({
          key: `${name}/${each.number}`,
          cells: [each.endpoint, name, count(each.connections), count(each.handshakes_failed), count(each.refused)],
        });
  }
  drawTotals([
    ['Links connected', `${count(counts.get('connected'))} of ${count(links.length)}`],
    ['Peers', count(peers)],
    ['Messages queued', count(queued)],
    ['Messages lost', count(lost)],
    ['Memory of queues', bytes(state.memory.bytes)],
  ]);
  // Links in trouble come first.
  const order = new Map([...STATES].reverse().map((name, index) => [name, index]));
  links.sort((a, b) => order.get(a.state) - order.get(b.state));
  tables.links.update(links.map((each) => ({
    key: each.key,
    state: 0,
    cells: [each.state, each.endpoint, each.socket, count(each.attempts), count(each.connections),
      each.handshakes_failed === undefined ? '' : count(each.handshakes_failed),
      each.socket === '' ? '' : bytes(rate(`${each.key} out`)),
      each.socket === '' ? '' : bytes(rate(`${each.key} in`))],
  })));
  tables.moves.update(state.events.slice().reverse().map((each) => ({
    key: String(each.number),
    cells: [time(Math.max(0, state.time - each.at)),
      each.to ? `${each.from} → ${each.to}` : each.kind.replaceAll('_', ' '),
      each.endpoint, each.attempt === undefined ? '' : count(each.attempt), details(each)],
  })));
  peer_rows.sort((a, b) => b.order - a.order);
  tables.peers.update(peer_rows);
  tables.sockets.update(socket_rows);
  tables.listeners.update(listener_rows);
  const status = byId('status');
  setClass(status, '');
  // The status is read aloud when it changes, so it has no number that changes each second.
  setText(status, `Live, version ${state.version}`);
}

let is_paused = false;
byId('pause').addEventListener('click', () => {
  is_paused = !is_paused;
  byId('pause').setAttribute('aria-pressed', String(is_paused));
  if (is_paused) setText(byId('status'), 'Paused');
  else poll();
});

let timer = 0;
let is_polling = false;
async function poll() {
  clearTimeout(timer);
  if (is_paused || is_polling) return;
  is_polling = true;
  try {
    if (!document.hidden) {
      const answer = await fetch('/state', { cache: 'no-store', signal: AbortSignal.timeout(5000) });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const state = await answer.json();
      if (!is_paused) draw(state);
    }
  } catch (failure) {
    if (is_paused) return;
    const status = byId('status');
    setClass(status, 'lost');
    setText(status, 'No answer: the program has ended, or is busy. Trying again …');
  } finally {
    is_polling = false;
    timer = setTimeout(poll, INTERVAL_MS);
  }
}
document.addEventListener('visibilitychange', () => { if (!document.hidden) poll(); });
poll();
