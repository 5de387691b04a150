// The editor of regions: the visitor paints planes over the photo, and the server gets them.

const MOST_UNDONE = 20;
const NAME = Array.from(crypto.getRandomValues(new Uint32Array(3)), (part) => part.toString(36)).join('');
const LEAST_BRUSH = 4;  // pixels, as the most in nst_tf/page/region_editor.py
const MOST_BRUSH = 240;

class Regions {
  constructor(root) {
    this.root = root;
    const find = (one) => root.querySelector(one);
    [this.legend, this.stage, this.photo, this.canvas, this.brush, this.size, this.state, this.moved] =
      ['.legend', '.stage', '.stage img', 'canvas', '.brush', '[type=range]', '.state', '.moved'].map(find);
    this.context = this.canvas.getContext('2d');
    const colors = Object.entries(JSON.parse(find('.regions').dataset.colors));
    this.names = colors.map(([name]) => name);
    this.colors = colors.map(([, levels]) => levels);
    Object.assign(this, {
      key: '', taken: '', rows: '', region: 0, erasing: false, planes: null, parts: null, past: [],
      future: [], paintings: [],
    });
    this.listen();
  }

  // Follow what the server has sent, and the paintings of the form.
  follow() {
    const photo = document.querySelector('#regions-photo img');
    const key = photo?.dataset.photo ?? '';
    if (key !== this.key) this.open(key, photo?.src);
    this.paintings = [...document.querySelectorAll('#paintings .grid-container button img')].map(
      ({src}) => ({src, name: decodeURIComponent(src.split('/').pop())}));
    this.list();
    this.take();
  }

  // Show another photo, or none.
  async open(key, source) {
    Object.assign(this, {key, planes: null, parts: null, past: [], future: []});
    this.stage.hidden = !key;
    if (key) {
      this.photo.src = source;
      await this.photo.decode().catch(() => {});
      if (key !== this.key) return;
      const {naturalWidth: width, naturalHeight: height} = this.photo;
      Object.assign(this.canvas, {width, height});
      this.stage.style.setProperty('--shape', width / height);
      this.planes = new RegionPlanes(width, height);
      this.at = [width / 2, height / 2];
    }
    this.changed();
    this.follow();
  }

  // Take a drawing or a mask of the server once its photo and its paintings are here.
  async take() {
    const {number, photo, kind, colors, names, parts, source} =
      document.querySelector('#regions-drawing [data-number]')?.dataset ?? {};
    if (!number || number === this.taken || photo !== this.key || !this.planes) return;
    const files = JSON.stringify(JSON.parse(names ?? '[]'));
    if (Number(colors) && files !== this.files) return;
    this.taken = number;
    const {width, height} = this.planes;
    const planes = source ? await RegionPlanes.of(source, width, height) : new RegionPlanes(width, height);
    if (photo !== this.key) return;
    if (!source && !this.planes.used.length) return;
    this.remember();
    if (kind === 'mask') {
      this.planes.replace(this.region, planes.levels[0]);
    } else {
      this.planes = planes;
      this.parts = Number(colors) ? {colors, files, pictures: JSON.parse(parts)} : null;
    }
    this.changed();
  }

  get files() { return JSON.stringify(this.paintings.map(({name}) => name)); }

  // List the regions with their colours and what they are painted like.
  list() {
    if (this.parts && this.paintings.length && this.parts.files !== this.files) {
      this.parts = null;  // the paintings have changed
      this.changed();
    }
    const rows = this.parts
      ? this.parts.pictures.map((src, index) => ({src, name: `part ${index + 1}`}))
      : this.paintings.slice(0, this.colors.length);
    const shown = JSON.stringify(rows);
    if (shown === this.rows) return;
    this.rows = shown;
    this.region = Math.min(this.region, Math.max(0, rows.length - 1));
    this.legend.replaceChildren(...rows.map(({src, name}, index) => {
      const label = document.createElement('label');
      const choice = Object.assign(document.createElement('input'), {
        type: 'radio', name: 'region', value: index, checked: index === this.region});
      const chip = Object.assign(document.createElement('span'), {className: 'chip'});
      chip.style.background = `rgb(${this.colors[index]})`;
      const picture = Object.assign(document.createElement('img'), {src, alt: ''});
      const words = document.createElement('span');
      words.textContent = `${this.names[index]}: ${name}`;
      label.append(choice, chip, picture, words);
      return label;
    }));
    this.report();
  }

  remember() {
    this.past.push({planes: this.planes.copy(), parts: this.parts});
    this.past.splice(0, this.past.length - MOST_UNDONE);
    this.future = [];
  }

  // Go back to what was remembered in one list, and remember this in the other one.
  step(from, to) {
    const next = from.pop();
    if (!next) return;
    to.push({planes: this.planes, parts: this.parts});
    Object.assign(this, next);
    this.changed();
  }

  clear() {
    if (!this.planes?.used.length) return;
    this.remember();
    Object.assign(this, {planes: new RegionPlanes(this.planes.width, this.planes.height), parts: null});
    this.changed();
  }

  // Show all that depends on the planes, and send them.
  changed() {
    this.planes?.draw(this.context, this.colors);
    this.used = this.planes?.used ?? [];
    this.list();
    this.report();
    const field = document.querySelector('#drawing textarea, #drawing input');
    field.value = this.used.length ? NAME : '';
    field.dispatchEvent(new Event('input', {bubbles: true}));
    if (!this.planes || !(this.used.length || this.sent)) return;  // nothing was painted here
    this.unsent = this.sent = true;
    window.regionsSent = (window.regionsSent ?? Promise.resolve()).then(() => this.send());
  }

  async send() {
    if (!this.unsent || !this.planes) return;
    this.unsent = false;
    const form = new FormData();
    form.append('name', NAME);
    form.append('colors', this.parts?.colors ?? 0);
    if (this.used.length) form.append('file', await this.planes.file(), 'regions.png');
    const root = window.gradio_config?.root ?? '';
    await fetch(`${root}/regions`, {method: 'POST', body: form}).catch(() => {});  // page.js reports it
  }

  report() {
    const used = this.used ?? [];
    const count = used.length;
    write(this.state, this.sentence(used));
    write(document.querySelector('.regions-count'), count ? `${count} ${count === 1 ? 'region' : 'regions'}` : '');
    for (const [action, list] of [['undo', this.past], ['redo', this.future], ['clear', used]]) {
      this.root.querySelector(`[data-do=${action}]`).setAttribute('aria-disabled', !list.length);
    }
  }

  sentence(used) {
    const paintings = this.paintings.length;
    if (!this.planes) return 'Choose a photo first.';
    if (!used.length) return 'Nothing is painted here: the picture covers the whole photo.';
    if (this.parts) return 'Each region is painted like the colours above; the rest remains the photo.';
    if (used.length === 1) {
      const like = paintings > 1 ? ' like all paintings together' : '';
      return `The region is painted${like}; the rest remains the photo.`;
    }
    const missing = this.names.slice(0, paintings).filter((_, index) => !used.includes(index));
    if (missing.length) return `Each painting needs a region: ${missing.join(' and ')} is missing.`;
    if (used.length > paintings) return 'There are more regions than paintings: erase some, or add paintings.';
    return 'Each region is painted like its painting; the rest remains the photo.';
  }

  // The brush, from its last place to another one.
  paint(to, from = this.at) {
    const box = this.planes.stroke(this.erasing ? null : this.region, from, to, this.size.value / 2);
    this.planes.draw(this.context, this.colors, box);
    this.move(to);
  }

  move(to) {
    this.at = to;
    const share = 100 / this.planes.width;
    Object.assign(this.brush.style, {
      left: `${to[0] * share}%`, top: `${to[1] * 100 / this.planes.height}%`, width: `${this.size.value * share}%`});
  }

  erase(erasing = !this.erasing) {
    this.erasing = erasing;
    this.root.querySelector('[data-do=erase]').setAttribute('aria-pressed', erasing);
  }

  choose(index) {
    const choice = this.legend.querySelectorAll('input')[index];
    if (!choice) return;
    choice.checked = true;
    this.region = index;
    this.erase(false);
    write(this.moved, `Region ${choice.closest('label').textContent}`);
  }

  // Lower or raise the brush of the keyboard.
  lower(down) {
    if (this.down === down) return;
    this.down = down;
    if (down) {
      this.remember();
      this.paint(this.at);
    } else {
      this.changed();
    }
    write(this.moved, down ? 'The brush is down.' : 'The brush is up.');
  }

  listen() {
    const act = {
      erase: () => this.erase(), undo: () => this.step(this.past, this.future),
      redo: () => this.step(this.future, this.past), clear: () => this.clear(),
    };
    this.root.addEventListener('click', ({target}) => act[target.dataset.do]?.());
    this.legend.addEventListener('change', ({target}) => this.choose(Number(target.value)));
    this.size.addEventListener('input', () => { if (this.planes) this.move(this.at); });
    this.canvas.addEventListener('keydown', (key) => this.press(key, act));
    this.canvas.addEventListener('focus', () => { if (this.planes) this.move(this.at); });
    this.canvas.addEventListener('blur', () => this.lower(false));
    this.canvas.addEventListener('pointerdown', (finger) => {
      if (finger.button || this.finger !== undefined) return;
      this.lower(false);
      this.finger = finger.pointerId;
      this.canvas.setPointerCapture(finger.pointerId);
      this.remember();
      this.paint(this.place(finger), this.place(finger));
    });
    this.canvas.addEventListener('pointermove', (finger) => {
      if (finger.pointerId === this.finger) this.paint(this.place(finger));
      else if (this.finger === undefined && this.planes) this.move(this.place(finger));
    });
    for (const end of ['pointerup', 'pointercancel']) {
      this.canvas.addEventListener(end, ({pointerId}) => {
        if (pointerId !== this.finger) return;
        this.finger = undefined;
        this.changed();
      });
    }
  }

  press(key, act) {
    const step = key.shiftKey ? 1 : Math.max(1, this.size.value / 4);
    const by = (right, down) => () => {
      const [x, y] = this.at;
      const to = [Math.min(Math.max(x + right * step, 0), this.planes.width),
        Math.min(Math.max(y + down * step, 0), this.planes.height)];
      if (this.down) this.paint(to); else this.move(to);
    };
    const resize = (factor) => () => {
      this.size.value = Math.min(Math.max(this.size.value * factor, LEAST_BRUSH), MOST_BRUSH);
      this.move(this.at);
    };
    const keys = {
      ArrowLeft: by(-1, 0), ArrowRight: by(1, 0), ArrowUp: by(0, -1), ArrowDown: by(0, 1),
      ' ': () => this.lower(!this.down), e: act.erase, E: act.erase, '[': resize(0.8), ']': resize(1.25),
    };
    const withControl = {z: key.shiftKey ? act.redo : act.undo, y: act.redo, Z: act.redo};
    if (key.altKey) return;
    const action = key.ctrlKey || key.metaKey ? withControl[key.key] : keys[key.key] ??
      (/^[1-8]$/.test(key.key) ? () => this.choose(key.key - 1) : null);
    if (!action) return;
    key.preventDefault();
    if (action !== keys[' '] && (key.ctrlKey || key.metaKey)) this.lower(false);
    action();
  }

  place({clientX, clientY}) {
    const {left, top, width, height} = this.canvas.getBoundingClientRect();
    return [(clientX - left) * this.planes.width / width, (clientY - top) * this.planes.height / height];
  }
}

function write(place, words) {
  if (place && place.textContent !== words) place.textContent = words;
}

document.addEventListener('click', ({target}) => {
  if (!target.closest('[data-open-regions]')) return;
  document.querySelector('#regions-tab-button').click();
  document.querySelector('#made').scrollIntoView();
  document.querySelector('#regions canvas').focus({preventScroll: true});
});

let editor = null;
document.addEventListener('DOMContentLoaded', () => {
  new MutationObserver(() => {
    const root = document.querySelector('#regions:has(.regions)');
    if (!root || !document.querySelector('#drawing textarea, #drawing input')) return;
    if (editor?.root !== root || !root.contains(editor.canvas)) editor = new Regions(root);
    editor.follow();
  }).observe(document.body, {childList: true, subtree: true, attributes: true, attributeFilter: ['src']});
});
