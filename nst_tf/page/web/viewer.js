// The viewer: a picture at any zoom, and the photo in its place while a key or a button is held.

const MOST = 8;  // largest zoom
const STEP = 1.25;  // of the keys and buttons
const PAN = 80;  // pixels, of the arrow keys

class Viewer {
  constructor() {
    this.dialog = document.createElement('dialog');
    this.dialog.id = 'viewer';
    this.dialog.setAttribute('aria-label', 'The picture, enlarged');
    this.dialog.innerHTML = `
      <div class="pane"><div class="sheet"><img class="picture"><img class="photo" alt="the photo">
      </div></div>
      <div class="tools">
        <button type="button" data-do="out" aria-label="Smaller">−</button>
        <output aria-label="Zoom"></output>
        <button type="button" data-do="in" aria-label="Larger">+</button>
        <button type="button" data-do="fit">Fit</button>
        <button type="button" data-do="full">100 %</button>
        <button type="button" data-do="photo">Hold for the photo (B)</button>
        <button type="button" data-do="close">Close</button>
      </div>`;
    document.body.append(this.dialog);
    [this.pane, this.sheet, this.picture, this.photo, this.zoomed] =
      ['.pane', '.sheet', '.picture', '.photo', 'output'].map((one) => this.dialog.querySelector(one));
    this.fingers = new Map();
    this.listen();
  }

  async open(run, alt) {
    const root = window.gradio_config?.root ?? '';
    this.picture.alt = alt;
    this.picture.src = `${root}/pictures/${run}`;
    this.photo.src = `${root}/pictures/${run}/photo`;
    this.sheet.style.visibility = 'hidden';
    this.dialog.showModal();
    await this.picture.decode().catch(() => {});
    for (const image of [this.picture, this.photo]) {
      image.style.width = `${this.picture.naturalWidth}px`;
      image.style.height = `${this.picture.naturalHeight}px`;
    }
    this.sheet.style.visibility = '';
    this.fit();
  }

  get fitting() {
    const {clientWidth, clientHeight} = this.pane;
    const {naturalWidth, naturalHeight} = this.picture;
    return Math.min(clientWidth / naturalWidth, clientHeight / naturalHeight) || 1;
  }

  fit() { this.show(this.fitting); }

  // Show the picture at a zoom, with the same point of it at a point of the pane.
  show(zoom, x = this.pane.clientWidth / 2, y = this.pane.clientHeight / 2) {
    const least = Math.min(this.fitting, 1);
    const next = Math.min(Math.max(zoom, least), MOST);
    this.x = x - (x - (this.x ?? 0)) * next / (this.zoom ?? next);
    this.y = y - (y - (this.y ?? 0)) * next / (this.zoom ?? next);
    this.zoom = next;
    this.move(0, 0);
  }

  move(right, down) {
    const place = (at, room, size) =>  // in the middle if it is smaller, without a gap otherwise
      size <= room ? (room - size) / 2 : Math.min(0, Math.max(room - size, at));
    const {clientWidth, clientHeight} = this.pane;
    this.x = place(this.x + right, clientWidth, this.picture.naturalWidth * this.zoom);
    this.y = place(this.y + down, clientHeight, this.picture.naturalHeight * this.zoom);
    this.sheet.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.zoom})`;
    this.zoomed.value = `${Math.round(this.zoom * 100)} %`;
  }

  before(shown) { this.dialog.toggleAttribute('data-before', shown); }

  listen() {
    const act = {
      out: () => this.show(this.zoom / STEP), in: () => this.show(this.zoom * STEP),
      fit: () => this.fit(), full: () => this.show(1), close: () => this.dialog.close(),
    };
    const keys = {
      '-': act.out, '+': act.in, '=': act.in, '0': act.fit, '1': act.full,
      ArrowLeft: () => this.move(PAN, 0), ArrowRight: () => this.move(-PAN, 0),
      ArrowUp: () => this.move(0, PAN), ArrowDown: () => this.move(0, -PAN),
      b: () => this.before(true), B: () => this.before(true),
    };
    this.dialog.addEventListener('click', ({target}) => act[target.dataset.do]?.());
    this.dialog.addEventListener('keydown', (key) => {
      if (key.ctrlKey || key.metaKey || key.altKey) return;
      if (!keys[key.key]) return;
      key.preventDefault();
      keys[key.key]();
    });
    for (const end of ['keyup', 'pointerup', 'pointercancel', 'close']) {
      this.dialog.addEventListener(end, () => this.before(false));
    }
    const button = this.dialog.querySelector('[data-do="photo"]');
    button.addEventListener('pointerdown', () => this.before(true));
    button.addEventListener('keydown', ({key}) => { if (key === ' ' || key === 'Enter') this.before(true); });
    window.addEventListener('resize', () => { if (this.dialog.open) this.fit(); });
    this.pane.addEventListener('wheel', (wheel) => {
      wheel.preventDefault();
      this.show(this.zoom * STEP ** (-wheel.deltaY / 100), ...this.inPane(wheel));
    }, {passive: false});
    this.pane.addEventListener('pointerdown', (finger) => {
      this.pane.setPointerCapture(finger.pointerId);
      this.fingers.set(finger.pointerId, this.inPane(finger));
    });
    this.pane.addEventListener('pointermove', (finger) => this.drag(finger));
    for (const end of ['pointerup', 'pointercancel']) {
      this.pane.addEventListener(end, ({pointerId}) => this.fingers.delete(pointerId));
    }
  }

  inPane({clientX, clientY}) {
    const {left, top} = this.pane.getBoundingClientRect();
    return [clientX - left, clientY - top];
  }

  // One finger moves the picture; two fingers also zoom it, about the one that rests.
  drag(finger) {
    const from = this.fingers.get(finger.pointerId);
    if (!from) return;
    const to = this.inPane(finger);
    this.fingers.set(finger.pointerId, to);
    const other = [...this.fingers].find(([id]) => id !== finger.pointerId)?.[1];
    if (!other) {
      this.move(to[0] - from[0], to[1] - from[1]);
      return;
    }
    const apart = (point) => Math.hypot(point[0] - other[0], point[1] - other[1]) || 1;
    this.show(this.zoom * apart(to) / apart(from), ...other);
  }
}

let viewer = null;
document.addEventListener('click', ({target}) => {
  const zoomed = target.closest('[data-zoom]');
  if (!zoomed) return;
  viewer ??= new Viewer();
  viewer.open(zoomed.dataset.zoom, zoomed.closest('figure').querySelector('img').alt);
});
